"""The neurons pane: a layer's neurons ranked, and all that is known of one of them.

neuron_card: What is known of one neuron: over the prompt, in words, and where it is on most.
neuron_code: The lines that compute what the pane shows.
neuron_controls: What is ranked, of which layer and prompt, and where strongest places are sought.
neuron_histogram: How often a neuron is how far on, as bars.
neuron_panels: What the pane shows as figures.
neuron_places: Rows of the strongest places, each with the tokens around it.
neuron_rows: The ranked neurons, a row each.
neuron_seen: What the pane shows at the moment, of which everything that is drawn or said is made.
neuron_text: The prompt, coloured by how far a neuron is on.
neurons: Neurons: those of a layer, ranked, and the selected one.
text_choice: The text file that strongest places are sought in: chosen, or dropped.
"""
