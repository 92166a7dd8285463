"""Any activation of a run, by the name of its hook point, and what each hook point holds.

formulas: What each hook point holds: its axes, and how it comes about, in the field's symbols.
hook_points: The hook points of a model in the order in which they are met, with their shapes.
reading: The activation of one hook point of a run; only its own layer is worked out again.
"""
