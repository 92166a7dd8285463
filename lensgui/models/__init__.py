"""What can be known of models without opening them: free of torch and of Qt.

aliases: What users call models → how the hub calls them.
attribution_graphs: Attribution graphs of circuit-tracer and Neuronpedia: read from JSON.
circuit_files: Circuits as the EAP-IG package writes them: read and written as JSON.
folded: Copies of folded weights under the home: which there are, how much they may take, and away
    again.
known_models: The models that lensgui knows by name: what they honestly are, and where they lie.
lenses: Fitted lenses that were imported or fitted here: where they lie, and which there are.
library: The models that are on this machine: which, how large, used when; and taken off it again.
model_files: Models of the catalogue that came as a file: where one is looked for, and what to do
    without.
recognised: Models that were open on this machine before, found again by what they are.
speeds: How long sweeps took on this machine, and how long one is likely to take.
store: Where lensgui keeps what it fetched and measured; it writes whole files or none.
"""
