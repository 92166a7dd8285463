"""Numbers, words and lists of a session file, each with its bounds."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from lensgui.models import lenses
from lensgui.terms.circuits.kept import MOST_KEPT

MANY = 100_000

Number = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # no NaN
Score = Annotated[float, Meta(ge=0, le=1_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Index = Annotated[int, Meta(ge=0, le=10_000_000)]
Text = Annotated[str, Meta(max_length=1_000_000)]
Name = Annotated[str, Meta(max_length=1_000)]
MOST_FOLLOWED, MOST_AXES = 100, 16
MOST_WRITTEN = 1_000  # tokens behind a prompt
MOST_EDGES = 200  # of a picture
WrittenCount = Annotated[int, Meta(ge=1, le=MOST_WRITTEN)]
Temperature = Annotated[float, Meta(ge=0, le=10)]
TopShare = Annotated[float, Meta(gt=0, le=1)]
Band = Annotated[float, Meta(gt=0, lt=1)]
EdgeCount = Annotated[int, Meta(ge=1, le=MOST_EDGES)]
_NODE = r"L\d{1,4}H\d{1,4}(\.[qkv])?|MLP \d{1,4}|embed|logits"
NodeName = Annotated[str, Meta(pattern=rf"^({_NODE})\Z")]
EdgeNames = Annotated[tuple[tuple[NodeName, NodeName], ...], Meta(max_length=MOST_KEPT)]
HookName = Annotated[str, Meta(pattern=r"^[a-z0-9_.]{1,200}\Z")]
AxisName = Annotated[str, Meta(max_length=100)]
Followed = Annotated[tuple[Name, ...], Meta(max_length=MOST_FOLLOWED)]
LensFile = Annotated[str, Meta(pattern=rf"^({lenses.NAME})?\Z")]
Names = Annotated[tuple[Name, ...], Meta(max_length=1_000)]
NodeSets = Annotated[
    tuple[tuple[Name, Annotated[tuple[NodeName, ...], Meta(max_length=1_000)]], ...],
    Meta(max_length=1_000),
]
Head = tuple[Index, Index]
Heads = Annotated[tuple[Head, ...], Meta(max_length=MANY)]
SomeHeads = Annotated[tuple[Head, ...], Meta(min_length=1, max_length=MANY)]
Moment = Annotated[datetime, Meta(tz=True)]
NumberFormat = Literal["float32", "bfloat16", "float16", "float64"]


class Record(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A part of a session file."""


Stored = TypeVar("Stored", bound=Record)


class Cursor(Record, frozen=True):
    """As the app's `Cursor`."""

    layer: Index | None = None
    head: Index | None = None
    position: Index | None = None
    source: Index | None = None
    heads: Heads = ()
    neuron: Index | None = None
    token: Index | None = None
