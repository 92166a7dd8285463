"""How each request is answered; the only part of `jobs` that sees torch.

attention: Attention as the window shows it: whose it is, every head's at a glance, one head's
    exactly.
circuits: What edges of the model's graph are worth.
dispatch: An answer to every request: which function answers which, about the model that is
    loaded.
formats: Number formats side by side: what each gives on a pair of prompts, and what it costs.
heads: Answers about heads, edges, MLPs and positions: one of them, or all heads measured.
in_words: What torch computed → what the window may hold: float32 copies in host memory, and
    words.
interventions: What is asked about interventions, and runs under them.
loaded: What handlers share: one model at a time, and what it has worked out for earlier
    questions.
one_pair: A sweep of one pair: estimates, exact cells until it has settled or all are, and a check.
pairs: Answers about prompt pairs: their tokens and metrics, tables of them, and words that fit.
reading: What is read of a run: lenses.
sweep_arrays: Sweeps as the window draws them: numbers, what is known of them, and what they
    count.
sweeps: Answers about patching: the mean over pairs, one pair, and single cells the slow way.
"""
