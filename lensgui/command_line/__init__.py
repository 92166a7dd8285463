"""What is typed after `lensgui`: options of the window, and the commands that need none.

doctor: `lensgui doctor`: versions, devices, models and files, and what is wrong with them.
doctor_files: What `lensgui doctor` says of files: models, what fetching left, settings,
    recovery, locks.
ending: How commands end: exit codes, and one sentence for what could not be done.
environment: What must be settled before torch, Qt or the hub's library is imported.
lens: `lensgui lens list | import FILE | fit TEXT`: lenses as files, read, kept and fitted.
models: `lensgui models get NAME | check NAME | path NAME | import NAME`, and the way
    to the others.
models_here: `lensgui models list | info NAME | delete NAME`: what is here, what it needs, off the
    disk.
parser: What may be typed, and what `--help` says of it.
run: `lensgui run FILE.lens --export DIR`: a session's figures, without a window.
sweeps: `lensgui sweep`: every place of every pair of a table patched, whatever interrupts it.
"""
