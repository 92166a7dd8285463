"""What is asked about interventions, and runs under them.

answers: Answers about interventions, and the vectors that they name.
sets: What a set does together, and which of it matter most.
strength: What an intervention does by how strong it is, beside random directions and other tokens.
under: Runs of pairs under those of their interventions that can be done.
"""
