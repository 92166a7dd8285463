"""What panes can ask for, a module a subject.

activation_requests: What can be asked about any activation of the model.
attribution_requests: What can be asked about what each part of the model adds to the metric
    directly.
circuit_requests: What can be asked about the edges of the model's graph.
generation_requests: What can be asked about how the model goes on behind a prompt.
intervention_requests: What can be asked about interventions, and the vectors that they name.
lens_requests: What can be asked of a run through a lens.
neuron_requests: What can be asked of the neurons of a layer.
"""
