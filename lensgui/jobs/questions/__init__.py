"""What panes can ask for, a module a subject.

neuron_requests: What can be asked of the neurons of a layer.
"""
