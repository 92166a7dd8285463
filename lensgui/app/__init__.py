"""The application: how it starts, what runs beside the window, and how it ends.

fetching: Bringing a model in the background while another is open.
notebook: The window beside a script or a notebook that goes on.
runtime: What runs beside the window: errors nobody caught, garbage collection, imports put off.
smoke: The smoke test: does a window on the toy model come to rest with every picture drawn?
start: Putting the application together, running it, and leaving it in time.
"""
