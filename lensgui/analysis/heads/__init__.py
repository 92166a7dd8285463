"""What heads attend to, write, and are needed for.

attention: What a head takes from each source: attention, its scores, and attention weighed by
    content.
copied: How often each head copies: for how many tokens it raises, or lowers, that very token most.
copying: How far each head copies: whether it raises the very tokens that it looks at.
direct: What something written into the residual stream does to the logits directly.
evidence: What a run says about the part each head plays in an answer: where it looks, what it
    writes.
necessity: Every head taken out, and every head read off directly: what tells movers from the
    rest.
readout: What one head, one edge or one MLP does at one place, by what it writes and what it looks
    for.
repeated: Heads scored on random tokens that are said twice, where nothing but the repetition can
    help.
scores: What kind of head a pattern belongs to: scores on the prompt at hand, and the field's
    detectors.
"""
