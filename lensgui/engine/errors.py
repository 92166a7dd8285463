"""What can go wrong with a model, said so that the user can act on it."""

from __future__ import annotations


class ModelError(Exception):
    """A model can't be had or opened; the message is one sentence for the user."""
