"""How the JSON of a session file is read, and where something in it is odd."""

from __future__ import annotations

import re
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from lensgui.state.sessions.bounds import Record, Stored

UNKNOWN = "Object contains unknown field"  # how msgspec begins to say so
PATTERN = "Expected `str` matching regex"  # likewise; the pattern helps nobody
_NO_SUCH = re.compile(r"""(?:Invalid enum value|There is no [a-z ]+) ['"](.{,40})""")


class UnknownNameError(ValueError):
    """A name where one of a few is expected, and it is none that this version knows."""


def decode_part(raw: bytes, kind: type[Stored], where: str) -> tuple[Stored, str]:
    """Return what JSON says, and the first place where it says what is not known; "" if all is.

    Args:
        raw: The JSON.
        kind: What it is to be.
        where: What that is called.

    Raises:
        ValueError: If it is something else; a phrase says what and where.
    """
    unknown = ""
    try:
        return msgspec.json.decode(raw, type=kind), ""
    except msgspec.ValidationError as error:
        if not str(error).startswith(UNKNOWN):
            raise placed(error, where) from error
        name = str(error).removeprefix(UNKNOWN).partition("`")[2].partition("`")[0]
        unknown = f"{_place(error, where)}.{name[:40]}"
    try:
        return msgspec.json.decode(raw, type=_lenient(kind)), unknown
    except msgspec.ValidationError as error:
        raise placed(error, where) from error


def placed(error: Exception, where: str) -> ValueError:
    """Return an error that says where it was found, and which name is not known if it is that."""
    place, (what, *_) = _place(error, where), str(error).split(" - at `$")
    if what.startswith(PATTERN):
        what = "a name of another form is expected"
    no_such = _NO_SUCH.match(what)
    is_unknown = isinstance(error, UnknownNameError) or (no_such is not None and place != "format")
    if no_such is not None:
        name = re.split(r"""['"](?:;|$)""", no_such[1])[0]
        what = f"‘{name}’"
    return (UnknownNameError if is_unknown else ValueError)(f"{place}: {what}" if place else what)


def _place(error: Exception, where: str) -> str:
    inner = str(error).rpartition(" - at `$")[2] if " - at `$" in str(error) else ""
    return f"{where}{inner.rstrip('`')}".lstrip(".")


@cache
def _lenient(kind: type[Record]) -> Any:
    """Return the same type but that it passes over fields that it does not have."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(kind):
        own = field.name, _lenient_within(field.type)
        fields.append(own if field.required else (*own, field.default))
    return msgspec.defstruct(kind.__name__, fields, frozen=True, gc=False)


def _lenient_within(kind: Any) -> Any:
    """Return a type with those types in it that pass over fields."""
    if isinstance(kind, type) and issubclass(kind, Record):
        return _lenient(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return Annotated[(_lenient_within(inner[0]), *inner[1:])]
    if origin not in (tuple, Union, UnionType):
        return kind
    parts = [of if of is ... else _lenient_within(of) for of in inner]
    whole: Any = tuple
    return whole[*parts] if origin is tuple else reduce(or_, parts)
