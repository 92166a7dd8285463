"""Activation patching under notebooks' own names and arguments.

generic: Any activation patched at any index, for any metric: the engine's way where there is one.
maps: Activation patching as notebooks write it: cache, tokens and metric in, a map of numbers out.
setters: Setters, which say where an activation is patched, and the kinds of sweeps that they make.
"""
