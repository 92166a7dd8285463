"""`lensgui sweep`: every place of every pair of a table patched, whatever interrupts it.

folder: The folder that the sweep command writes to: whole files or none, and what it goes on from.
kind_names: Kinds of sweeps by the names that are typed, and the names of their files.
sweep: `lensgui sweep PAIRS.csv …`: activation patching of every pair of a table, without a
    window.
table: A table of pairs as the sweep command takes it: checked, row by row, before anything runs.
"""
