"""What the user has set once for every window: kept in a file, changed in one dialog, applied.

appearance: Light, dark or as the system says, how large, in which letters and colours: all of the
    window.
applied: From a changed setting to what it is about, beside how the window looks.
controls: What each kind of setting is set with: each shows a value, and says what the user chose.
dialog: The dialog of all settings, which are found by their words and applied at once.
file: The file that settings are kept in: what it says, and what becomes of one that says nothing.
preferences: The settings as they are now, for all who use them.
"""
