"""From the app's values to what a session file holds, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document, Scene
from lensgui.state.sessions import manifest
from lensgui.state.sessions.array_files import ArrayReader, ArrayWriter
from lensgui.state.sessions.bounds import Record, Stored
from lensgui.state.sessions.decoding import UnknownNameError, decode_part, placed
from lensgui.state.sessions.fitting import UNSAID, agreed, check_fit, model_shape
from lensgui.state.sessions.saved import ModelReference
from lensgui.state.sessions.stored import kinds as stored
from lensgui.state.sessions.stored.fits import check
from lensgui.state.sessions.stored.questions import TABLES
from lensgui.state.views import UNSCORED
from lensgui.terms import vectors
from lensgui.terms.model_key import ModelKey
from lensgui.terms.scores import SCORES

MOST_THUMBS = 500  # different ones; scenes beyond go without
Pairs = tuple[tuple[Request, Answer], ...]
Rows = tuple[PairRow, ...]
Value = TypeVar("Value")
_NAMES: dict[type, str] = {kind.request: name for name, kind in stored.KINDS.items()}
_SCORES = frozenset(score.key for score in SCORES)


def to_record(value: object, kind: type[Stored], **more: object) -> Stored:
    """Return what a file says of a value.

    Args:
        value: The app's value.
        kind: What a file says of such values.
        more: Fields that are said in another way.

    Raises:
        msgspec.ValidationError: If something is beyond the file's bounds; it says where.
    """
    names = [name for name in kind.__struct_fields__ if name not in more]
    given = {name: getattr(value, name) for name in names}
    return msgspec.convert(given | more, kind, from_attributes=True)


def to_value(record: msgspec.Struct, kind: type[Value], where: str, **more: object) -> Value:
    """Return the app's value that a file says.

    Args:
        record: What the file says.
        kind: The value's type.
        where: What that part of the file is called.
        more: Fields that stand elsewhere, or are said in another way.

    Raises:
        ValueError: If there is no such value; a phrase says where.
    """
    given = {name: getattr(record, name) for name in record.__struct_fields__}
    try:
        return msgspec.convert(given | more, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise placed(error, where) from error


def document_record(document: Document) -> manifest.Document:
    """Return what a file says of a document, but for its model.

    The prompts that its pair's means are over are those of its table.

    Raises:
        msgspec.ValidationError: If something is beyond the file's bounds.
    """
    numbers = {thumb: number for number, thumb in enumerate(thumbs_of(document))}
    scenes = []
    for scene in document.scenes:
        parts = {"document": _worked(scene.document, manifest.Worked)}
        thumb = numbers.get(scene.thumb)
        scenes.append(to_record(scene, manifest.Scene, **parts, thumb=thumb))
    return _worked(document, manifest.Document, scenes=tuple(scenes))


def thumbs_of(document: Document) -> tuple[bytes, ...]:
    """Return the small pictures of a document's scenes, each once, as many as a file keeps."""
    thumbs = dict.fromkeys(scene.thumb for scene in document.scenes if scene.thumb)
    return tuple(thumbs)[:MOST_THUMBS]


def _worked(document: Document, kind: type[Stored], **more: object) -> Stored:
    """Return what a file says of what is worked on; arguments as of `to_record`."""
    document = document.having(reference=(), word_roles=())
    kept, model = document.kept, None
    if kept is None:
        return to_record(document, kind, **more)
    if kept.model != document.model:
        model = to_record(ModelReference.to(kept.model), manifest.Model)
    stored = to_record(kept, manifest.Patching, model=model, rows=_records(kept.rows))
    return to_record(document, kind, kept=stored, **more)


def document_of(
    record: manifest.Document, model: ModelKey, thumbs: Mapping[int, bytes]
) -> Document:
    """Return the document that a file says.

    Args:
        record: What the file says.
        model: The model that it is about.
        thumbs: The file's small pictures by number.

    Raises:
        ValueError: If it says what no document can.
    """
    scenes = []
    for at, scene in enumerate(record.scenes):
        where = f"document.scenes[{at}]"
        own = _worked_of(scene.document, model, f"{where}.document")
        check(
            scene.thumb is None or scene.thumb in thumbs, f"{where}: its small picture is missing"
        )
        thumb = b"" if scene.thumb is None else thumbs[scene.thumb]
        scenes.append(to_value(scene, Scene, where, document=own, thumb=thumb))
    return _worked_of(record, model, "document", scenes=tuple(scenes))


def _worked_of(record: manifest.Worked, model: ModelKey, where: str, **more: object) -> Document:
    """Return a document that a file says; arguments as of `document_of` and `to_value`."""
    views = record.views
    named = {
        "attention.score": (views.attention.score,),
        "heads.columns": views.heads.columns,
        "heads.sort": (views.heads.sort,) if views.heads.sort not in UNSCORED else (),
    }
    for view, scores in named.items():
        for score in scores:
            if score not in _SCORES:
                raise UnknownNameError(f"{where}.views.{view}: ‘{score[:40]}’")
    kept = record.kept
    if kept is None:
        return to_value(record, Document, where, model=model, **more)
    inside = f"{where}.kept"
    of = model if kept.model is None else to_value(kept.model, ModelReference, inside).key
    sweep = to_value(kept, Patching, inside, model=of, rows=_rows_of(kept.rows))
    return to_value(record, Document, where, model=model, kept=sweep, **more)


def vectors_record(document: Document) -> tuple[manifest.Vectors, dict[str, bytes]]:
    """Return what a file says of the vectors that a document names, and their bytes by name.

    One that was never kept is left out: its intervention says that it is not there.
    """
    worked = [document, *(scene.document for scene in document.scenes)]
    pairs = [one.pair for one in worked] + [one.kept.pair for one in worked if one.kept is not None]
    named = [
        vector.content
        for pair in pairs
        for one in pair.interventions
        for vector in (one.vector, one.target)
        if vector is not None
    ]
    arrays, found = ArrayWriter(), list[manifest.KeptVector]()
    for content in dict.fromkeys(named):
        numbers = vectors.kept(content)
        if numbers is not None:
            found.append(manifest.KeptVector(content, arrays.keep(numbers)))
    return manifest.Vectors(tuple(found)), arrays.files


def keep_vectors(record: manifest.Vectors, arrays: ArrayReader) -> None:
    """Keep the vectors that a file holds, for interventions to name.

    Raises:
        ValueError: If one is not there, or not what its name says; a phrase says which.
    """
    for number, one in enumerate(record.kept):
        numbers = arrays.find(NDArray[np.float32], one.array)
        if vectors.keep(f"{number}", numbers) != one.content:
            raise ValueError(f"vectors.kept[{number}]: it is not what its name says")


def answers_record(answers: Pairs, model: ModelKey) -> tuple[stored.Answers, dict[str, bytes]]:
    """Return what a file says of answers, and the bytes of their arrays by name.

    Those about another model, those that no file keeps, and those that are not whole are left out:
    they can be worked out again.
    """
    kept, tables, files = list[stored.Kept](), list[Rows](), dict[str, bytes]()
    found = [one for one in answers if getattr(one[0], "model", None) == model]
    shape = UNSAID
    for request, answer in found[: stored.MOST_ANSWERS]:
        arrays = ArrayWriter()
        try:
            one = _kept(request, answer, tables, arrays)
            shape = agreed(shape, answer)
        except (ValueError, TypeError, LookupError):
            continue
        kept.append(one)
        files |= arrays.files
    rows = tuple(_records(table) for table in tables)
    return stored.Answers(rows, tuple(kept)), files


def _records(table: Rows) -> manifest.Records:
    """Return what a file says of rows, the prompts that means are over once where they are alike.

    Raises:
        msgspec.ValidationError: If something is beyond the file's bounds.
    """
    found: manifest.Records = msgspec.convert(table, manifest.Rows, from_attributes=True)
    pairs = [row.pair for row in found]
    same = [
        bool(pair.reference) and pair.reference == before.reference
        for before, pair in pairwise(pairs)
    ]
    return tuple(
        structs.replace(row, pair=structs.replace(row.pair, reference=None)) if is_same else row
        for row, is_same in zip(found, [False, *same], strict=False)
    )


def _rows_of(table: manifest.Records) -> Rows:
    """Return the rows that a file says.

    Raises:
        ValueError: If it says what no rows can.
    """
    found, reference = list[PairRow](), tuple[manifest.Prompt, ...]()
    for row in table:
        reference = reference if row.pair.reference is None else row.pair.reference
        whole = structs.replace(row, pair=structs.replace(row.pair, reference=reference))
        found.append(msgspec.convert(whole, PairRow, from_attributes=True))
    return tuple(found)


def _kept(request: Request, answer: Answer, tables: list[Rows], arrays: ArrayWriter) -> stored.Kept:
    """Return what a file says of a question and its answer.

    Args:
        request: The question.
        answer: Its answer.
        tables: The tables so far, to which its own are added.
        arrays: Where its arrays go.

    Raises:
        LookupError: If no file keeps such answers.
        TypeError: If it holds arrays that no file holds.
        ValueError: If it does not fit, or is beyond the file's bounds.
    """
    name = _NAMES[type(request)]
    kind = stored.KINDS[name]
    check_fit(request, answer)
    plain = _with_words(msgspec.to_builtins(answer, enc_hook=arrays.keep))
    answered = msgspec.convert(plain, kind.answered)
    numbers: dict[str, object] = {}
    for field in set(TABLES) & set(kind.asked.__struct_fields__):
        numbers[field] = _number(_rows(getattr(request, field)), tables)
    asked = to_record(request, kind.asked, **numbers)
    return stored.Kept(name, *(msgspec.Raw(msgspec.json.encode(of)) for of in (asked, answered)))


def _number(rows: Rows, tables: list[Rows]) -> int:
    """Return the number of some rows among the tables, which they join if they are new there.

    Raises:
        ValueError: If they are beyond the file's bounds.
    """
    if rows and rows not in tables:  # mostly the very same pairs, which are compared in no time
        _records(rows)
        tables.append(rows)
    return tables.index(rows) + 1 if rows else 0


def _rows(table: tuple[PairRow | PromptPair, ...]) -> Rows:
    return tuple(of if isinstance(of, PairRow) else PairRow(of) for of in table)


def _with_words(part: Any) -> Any:
    """Return plain values in which numbers that are not finite are words, as JSON has none."""
    if isinstance(part, float) and not math.isfinite(part):
        return "NaN" if part != part else "Infinity" if part > 0 else "-Infinity"
    if isinstance(part, dict):
        return {name: _with_words(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return tuple(map(_with_words, part))
    return part


def answers_of(record: stored.Answers, model: ModelKey, arrays: ArrayReader) -> tuple[Pairs, str]:
    """Return the questions and answers that a file keeps, and a place that is not known in them.

    Args:
        record: What the file says.
        model: The model that they are about.
        arrays: The file's arrays.

    Raises:
        ValueError: If something is odd, or an answer does not fit.
    """
    tables: list[Rows] = [(), *map(_rows_of, record.tables)]
    found, unknown = list[tuple[Request, Answer]](), list[str]()
    for at, kept in enumerate(record.kept):
        where, kind = f"answers.kept[{at}]", stored.KINDS.get(kept.question)
        if kind is None:
            unknown.append(f"{where}.{kept.question[:40]}")
            continue
        asked, of_asked = decode_part(kept.asked, kind.asked, f"{where}.asked")
        answered, of_answer = decode_part(kept.answer, kind.answered, f"{where}.answer")
        unknown += of_asked, of_answer
        try:
            request = _request(asked, kind.request, model, tables)
            answer = msgspec.convert(
                answered, kind.answer, strict=False, from_attributes=True, dec_hook=arrays.find
            )
            check_fit(request, answer)
        except ValueError as error:
            raise placed(error, where) from error
        found.append((request, answer))
    model_shape(found)
    return tuple(found), next(filter(None, unknown), "")


def _request(asked: Record, kind: type[Request], model: ModelKey, tables: list[Rows]) -> Request:
    """Return a question, with the tables whose numbers a file says."""
    named: dict[str, Any] = {}
    for field in set(TABLES) & set(asked.__struct_fields__):
        number: int = getattr(asked, field)
        if number >= len(tables):
            raise ValueError("a question is about rows that are not there")
        rows = tables[number]
        named[field] = tuple(row.pair for row in rows) if field == "pairs" else rows
    request = to_value(asked, kind, "asked", model=model, **dict.fromkeys(named, ()))
    changed: Any = request
    return replace(changed, **named) if named else request
