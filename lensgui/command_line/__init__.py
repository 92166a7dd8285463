"""What is typed after `lensgui`: options of the window, and the commands that need none.

doctor: `lensgui doctor`: versions, devices, models and files, and what is wrong with them.
doctor_files: What `lensgui doctor` says of files: models, what fetching left, settings,
    recovery, locks.
ending: How commands end: exit codes, and one sentence for what could not be done.
environment: What must be settled before torch, Qt or the hub's library is imported.
kind_names: Kinds of sweeps by the names that are typed, and the names of their files.
models: `lensgui models get NAME | check NAME | path NAME | import NAME`, and the way
    to the others.
models_here: `lensgui models list | info NAME | delete NAME`: what is here, what it needs, off the
    disk.
parser: What may be typed, and what `--help` says of it.
run: `lensgui run FILE.lens --export DIR`: a session's figures, without a window.
sweep: `lensgui sweep PAIRS.csv …`: activation patching of every pair of a table, without a
    window.
sweep_folder: The folder that the sweep command writes to: whole files or none, and what it goes
    on from.
sweep_table: A table of pairs as the sweep command takes it: checked, row by row, before
    anything runs.
"""
