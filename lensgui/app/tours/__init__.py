"""Tours: an example shown step by step, pointing at the real window.

coach: What a step says, and the ring around what is to be clicked.
places: Where in the window the things are that tours point at.
touring: Which step of which tour is shown, and what has to be so for the next.
"""
