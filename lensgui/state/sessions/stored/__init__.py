"""Questions and answers, as a session file keeps them.

arrays: Answers that are pictures; their arrays are named by their hash.
fits: Whether answers about interventions, and texts that go on, fit their questions.
kinds: Which kinds of questions a session file keeps, with what answers them.
questions: The questions: which model they are about, is said elsewhere.
readings: Answers in words and single numbers.
views: How every pane is set.
"""
