"""What a vector of the stream is made of.

A recipe is a value, so that who asks for a vector needs no model; where it is made of prompts, it
is of the pair, or of the pairs, that are asked about with it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OfToken:
    """What raises a token's logit over those of all others.

    Attributes:
        token: Its id.
    """

    token: int


@dataclass(frozen=True, slots=True)
class OfPairs:
    """The mean of clean − corrupted in the stream behind a layer: a difference of means.

    Attributes:
        layer: The layer; the stream is read as it leaves it, at "resid_post".
        position: Where.
    """

    layer: int
    position: int


@dataclass(frozen=True, slots=True)
class OfHead:
    """What a head writes to the stream at a position of the clean prompt.

    Attributes:
        layer: Its layer.
        head: Its number in it.
        position: Where.
    """

    layer: int
    head: int
    position: int


@dataclass(frozen=True, slots=True)
class OfFile:
    """What a file holds: one vector for each layer of its.

    Attributes:
        path: The file: .gguf, .safetensors or .npz.
    """

    path: str


Recipe = OfToken | OfPairs | OfHead | OfFile
