from __future__ import annotations

import json
import zipfile
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import PairRow, PromptPair, Role
from lensgui.prompts.pair_files import MOST_ROWS
from lensgui.state.document import Document, Note
from lensgui.state.layout import Layout
from lensgui.state.selection import Cursor
from lensgui.state.sessions import conversion
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.state.sessions.sessions import from_bytes, read, to_bytes, write
from lensgui.state.sessions.stored.kinds import KINDS
from lensgui.state.views import Range
from lensgui.terms.model_key import ModelKey
from tests.state.sessions import strategies
from tests.state.sessions.strategies import MODEL, PNG, documents, drawn, pictured

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, UTC)
MOST = settings(max_examples=60, deadline=None)


def saved(document=None, **more):
    document = document or Document(MODEL, PromptPair("clean", "corrupted"))
    return Saved(document, ModelReference.to(document.model), NOW, **more)


def again(session):
    return from_bytes(to_bytes(session))


def same(one, other):
    """Whether two values are equal in type and in every part, arrays and NaN too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(
            one, other, equal_nan=one.dtype.kind == "f"
        )
    if is_dataclass(one):
        return all(
            same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    return one == other or (one != one and other != other)


@given(documents(), drawn(Cursor), strategies.layouts)
@MOST
def test_every_field_of_a_document_is_read_as_it_was_written(document, cursor, layout):
    found = again(saved(document, cursor=cursor, layout=layout))
    assert same((found.document, found.cursor, found.layout), (document, cursor, layout))
    assert (found.is_lossy, found.remark) == (False, "")


@given(drawn(ModelReference), st.datetimes(timezones=st.just(UTC)))
@MOST
def test_the_model_and_the_time_are_read_as_they_were_written(model, changed):
    found = again(replace(saved(), model=model, changed=changed))
    assert (found.model, found.changed) == (model, changed)
    assert found.document.model == ModelKey(model.name, model.folded, dtype=model.dtype)


@pytest.mark.parametrize("name", KINDS)
def test_every_field_of_a_question_and_its_answer_is_read_as_it_was_written(name):
    kind = KINDS[name]

    @given(drawn(kind.request), drawn(kind.answer, is_of_answer=True))
    @settings(max_examples=25, deadline=None)
    def check(request, answer):
        with patch.object(conversion, "check_fit"):  # which is tested by itself
            ((request_again, answer_again),) = again(saved(answers=((request, answer),))).answers
        assert same((request_again, answer_again), (request, answer))

    check()


TEXTS = [
    "", "\0", "\n\r\t", "\U0001d4b3 — \u202eü", "\uffff", '"\\/', "</script>", "\x7f\x85",
    "a" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts_are_kept_to_the_letter(text):
    pair = PromptPair(text, text, text, text, bos=text[:1_000])
    document = Document(MODEL, pair, notes=(Note(Cursor(0), text),))
    assert again(saved(document)).document == document


@pytest.mark.parametrize("end", [5e-324, -0.0, 1.7976931348623157e308, 0.1 + 0.2, None])
def test_numbers_are_kept_to_the_last_bit(end):
    document = saved().document
    reach = None if end is None else Range(end, "logits")
    document = document.having(patching=replace(document.views.patching, range=reach))
    found = again(saved(document)).document
    assert repr(found.views.patching.range) == repr(reach)


def test_a_table_of_as_many_rows_as_can_be_read_is_kept():
    rows = tuple(
        PairRow(
            PromptPair(f"When Mary and John went {at}", f"When {at}"), (Role("S", 4),), at % 2 > 0
        )
        for at in range(MOST_ROWS)
    )
    document = Document(MODEL, PromptPair("a"), rows, is_average=True)
    assert again(saved(document)).document == document


def test_equal_sessions_are_equal_bytes_but_for_when_they_changed():
    one = saved(pictured(PNG), unknown=(("more", b'{"a": 1}'),))
    assert to_bytes(one) == to_bytes(replace(one))
    assert to_bytes(one) != to_bytes(replace(one, changed=NOW + timedelta(seconds=1)))
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    assert to_bytes(one) == to_bytes(replace(one, changed=elsewhere))
    assert to_bytes(again(one)) == to_bytes(one)


def test_small_pictures_keep_their_order():
    thumbs = tuple(PNG + bytes([at]) for at in range(12))
    document = pictured(*thumbs, thumbs[3])
    assert again(saved(document)).document == document
    names = zipfile.ZipFile(BytesIO(to_bytes(saved(document)))).namelist()
    assert len([name for name in names if name.startswith("thumbs/")]) == 12


def test_the_file_begins_with_what_it_is():
    data = to_bytes(saved())
    assert data[38:].startswith(b"application/vnd.lensgui.session+zip")
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["mimetype", "manifest.json"]
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["format"], manifest["major"]) == ("lensgui-session", 0)


@pytest.mark.parametrize(
    ("source", "name"),
    [("toy", "toy"), ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"), ("memory:mine", "mine"),
     ("/home/somebody/models/mine", "mine"), ("~/mine", "mine"), ("./mine/", "mine"),
     (r"C:\Users\somebody\mine", "mine"), ("models/of/mine", "mine"), ("/", "a folder"),
     ("/home/somebody/.hidden", ".hidden"), ("/a/~b", "a folder"), ("../..", "a folder")],
)  # fmt: skip
def test_where_a_model_lies_is_not_written(source, name):
    kept = Patching(ModelKey("/home/somebody/other"), PromptPair("a", "b"))
    document = Document(ModelKey(source, device="cpu"), PromptPair("a"), kept=kept)
    data = to_bytes(saved(document))
    found = from_bytes(data)
    assert (found.model.name, found.document.model) == (name, ModelKey(name))
    assert found.document.kept.model == ModelKey("other")
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert b"somebody" not in archive.read("manifest.json")


def test_a_folder_beside_is_named_like_one_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert ModelReference.to(ModelKey("models/mine")).name == "mine"


def test_once_the_model_is_found_all_of_the_session_is_about_it():
    found, other = ModelKey("/here/toy", device="cpu"), ModelKey("other")
    pair = PromptPair("a", "b")
    own = saved(Document(MODEL, pair, kept=Patching(MODEL, pair)))
    about = replace(own, answers=((Patching(MODEL, pair), None),)).about(found)
    assert about.document == Document(found, pair, kept=Patching(found, pair))
    assert about.answers == ((Patching(found, pair), None),)
    of_other = saved(Document(MODEL, pair, kept=Patching(other, pair))).about(found)
    assert of_other.document.kept.model == other


def test_a_file_is_written_whole_and_read(tmp_path):
    path = tmp_path / "session ü.lens"
    write(path, saved(layout=Layout(solo="Prompt")))
    assert read(path).layout == Layout(solo="Prompt")
    assert list(tmp_path.iterdir()) == [path]
