"""What a model does under interventions: their values, and runs under them.

changes: What each op does to an activation, as a function of it.
direction_files: Directions as files: control-vector GGUF, safetensors, and npz, each read and
    written.
directions: Directions of the stream, by the layer behind which they are added; how they are made.
doses: The stream where something is written, and its median norm.
edits: From interventions to edits of one prompt's activations.
listed: Interventions with the prompts that means are over, and the vectors that they name.
reference: The prompts that means are over: run in batches, of which only what means need is kept.
sets: What several do together, and which of them matter most among these.
strength: What an intervention does by how strong it is, beside what random directions do.
under: Runs of a pair of prompts under interventions, and a model that is under them for a while.
"""
