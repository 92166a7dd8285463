"""The words that every layer shares, as frozen values: free of torch and of Qt.

errors: What can go wrong with a model or a file, said so that the user can act on it.
homes: The user's own folder, which not every user has: services, and numbers without a name.
interventions: What is changed in a model on its way: interventions, as values that say what, where
    and how.
kinds: What can be asked for: kinds of sweeps, directions, sides, measures of attention.
metric: What a metric is: a value that reads logits, says which positions and columns, and is
    declared.
metrics: Metrics as values: what each reads, and a table of what is known of each by its name.
model_key: Which model is meant, exactly.
recipes: What a vector of the stream is made of.
resources: What travels with lensgui: toy, examples, icons, fonts; whether it is whole; its own
    command.
roles: The parts that heads play, each proposed by a rule that can be read and whose numbers can
    change.
scores: What heads are scored and ranked by: each score's name, where it comes from, what it means.
transformer_lens: The words of TransformerLens: what they are called here, or the way to what they
    ask for.
vectors: The vectors that interventions name, by the hash of their content, for window and worker
    alike.
"""
