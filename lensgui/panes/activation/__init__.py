"""The activation pane: any hook point's array, picked on a map of the model.

activation: Activation: what any hook point of the model holds, two axes at a time.
model_map: The map: a box for each hook point, in the order in which a prompt meets them.
places: Sliders for the axes that are not on screen.
"""
