"""Sessions as files: opened, saved, found again after a crash, and shown without their model.

absent: The line that says which model a session needs that is not here, and the ways out.
attaching: Giving a window its session files: what it is asked to open, what is dropped, what it
    lacks.
autosaving: Keeping what is there every few seconds, and offering it after a crash.
choosing: How a file is chosen without a dialog: one of the last, or one that is dropped.
closing: What is asked before something that is not saved goes away.
host: The parts of a window that a session is of.
open_file: The file that a window has open: its lock, and whether somebody else has changed it.
placement: Where the panes stand, as a value that a session file can hold, and back.
sample: A few numbers of a file, worked out again on this machine and compared.
sessions: New, open, save, save as; what is modified, and what may be closed.
"""
