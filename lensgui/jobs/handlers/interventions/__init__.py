"""What is asked about interventions, and runs under them.

answers: Answers about interventions, and the vectors that they name.
under: Runs of pairs under those of their interventions that can be done.
"""
