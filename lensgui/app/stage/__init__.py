"""Scenes: states of the window that a talk comes to, one after the other.

audience: What an audience sees: one or two pictures, the prompt above them, what is said below.
awake: Keeps the screen on while something is presented.
canvas: One picture for an audience: the drawing that is exported too, as large as there is room.
pictures: Which pictures of the panes are on stage: in the window, and where there is none.
present: Presenting: an audience's window is filled from the panes, and kept on a screen.
speaker: What a speaker sees beside the window: the next scene, and notes for this one.
stage: Which scene is shown; adding, changing and stepping, and what is worked out ahead.
strip: The scenes as a row of small pictures.
"""
