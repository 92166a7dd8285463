"""Typed pairs as the analyses take them: answers, roles, rows of a table.

answers: A prompt pair as somebody typed it → token ids, and what its metric compares.
averages: A sweep over many prompt pairs: the mean, how sure it is, and which pairs the model gets
    wrong.
cases: A row of a table of prompt pairs → token ids, a metric, and where the named words stand.
head_roles: Which heads play which part in a pair's answer, by the rules of `terms.roles`.
lens_readings: What a lens reads of the prompts of many pairs, position by position or role by role.
roles: Where named words stand in prompts, by which positions of different prompts are matched.
score_table: All scores of all heads in one call: what the table of heads shows, as plain tensors.
typed_pairs: Analyses of prompt pairs as somebody typed them, in one call each, and a table to
    print.
under: What a pair is run under: its interventions, with the prompts that means are over.
"""
