"""Scenes: states of the window that a talk comes to, one after the other.

stage: Which scene is shown; adding, changing and stepping, and what is worked out ahead.
strip: The scenes as a row of small pictures.
"""
