from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest

from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.selection import Cursor
from lensgui.state.sessions.container import pack
from lensgui.state.sessions.sessions import from_bytes, to_bytes
from lensgui.terms.errors import SessionError
from tests.fakes import FakeAnswerer
from tests.state.sessions.strategies import MODEL, PNG, pictured
from tests.state.sessions.test_round_trip import saved

PAIR = PromptPair("one two", "one six", " a", " b")
SWEEP = Patching(MODEL, PAIR)


def members(answers=(), thumbs=()):
    """Return the members of a session by name."""
    document = replace(pictured(*thumbs), pair=PAIR, table=(PairRow(PAIR),))
    data = to_bytes(saved(document, answers=answers))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()[1:]}


def with_answers():
    return members(answers=((SWEEP, list(FakeAnswerer().answer(SWEEP))[-1]),), thumbs=(PNG,))


def changed(change, whole=None):
    """Return a session whose manifest was changed."""
    whole = whole or members()
    manifest = json.loads(whole["manifest.json"])
    change(manifest)
    return pack(whole | {"manifest.json": json.dumps(manifest).encode()})


def setting(path, value):
    def change(manifest):
        *outer, last = path.split(".")
        at = manifest
        for key in outer:
            at = at[int(key) if key.isdigit() else key]
        at[int(last) if last.isdigit() else last] = value

    return change


def sentence(data, **limits):
    with pytest.raises(SessionError) as caught:
        from_bytes(data, "mine.lens", **limits)
    said = str(caught.value)
    assert said.startswith("mine.lens ")
    assert said.endswith(".")
    assert said.isprintable()
    return said


def test_a_section_that_is_not_known_is_written_back_byte_for_byte():
    more = b'{ "b":1e400,"a" : [1,\n2.50, "\\u00e9"] }'
    text = members()["manifest.json"][:-1] + b',"more" : ' + more + b"}"
    found = from_bytes(pack({"manifest.json": text}))
    assert (found.unknown, found.is_lossy) == ((("more", more),), False)
    assert from_bytes(to_bytes(found)).unknown == found.unknown


@pytest.mark.parametrize(
    "path",
    ["document.foo", "document.pair.foo", "document.table.0.pair.foo", "cursor.foo", "model.foo",
     "document.views.attention.foo", "layout.foo", "answers.kept.0.foo", "answers.foo",
     "answers.kept.0.asked.pair.foo", "answers.kept.0.answer.axes.1.foo"],
)  # fmt: skip
@pytest.mark.parametrize("minor", [1, 99])
def test_a_field_that_is_not_known_opens_with_a_remark(path, minor):
    whole = with_answers()

    def change(manifest):
        manifest["minor"] = minor
        setting(path, {"of": ["a", "newer", "kind"]})(manifest)

    found = from_bytes(changed(change, whole), "mine.lens")
    assert found.is_lossy
    assert found.remark.startswith("mine.lens holds something that this version")
    assert path.split(".")[0] in found.remark
    assert ".foo)" in found.remark
    before = from_bytes(pack(whole))
    assert (found.document, found.cursor) == (before.document, before.cursor)
    assert len(found.answers) == 1
    assert not from_bytes(to_bytes(found)).is_lossy


def test_an_answer_to_an_unknown_question_is_passed_over():
    found = from_bytes(changed(setting("answers.kept.0.question", "lens of 2030"), with_answers()))
    assert found.answers == ()
    assert found.is_lossy
    assert "lens of 2030" in found.remark


def test_sections_may_be_missing_but_not_all():
    def without(*names):
        return changed(lambda manifest: [manifest.pop(name) for name in names])

    found = from_bytes(without("cursor", "layout", "minor", "lensgui"))
    assert (found.cursor, found.document.pair) == (Cursor(), PAIR)
    for name in ("format", "major", "changed", "model", "document"):
        assert name in sentence(without(name))


def test_a_newer_major_version_is_refused_whatever_else_it_says():
    data = changed(lambda manifest: manifest.update(major=1, lensgui="2.5", document=7))
    assert "newer lensgui (2.5): update" in sentence(data)


ODD = {
    "format": "another", "major": -1, "minor": 10**30, "lensgui": 7, "changed": "yesterday",
    "model": None, "model.name": "", "model.content_id": 7, "model.dtype": "int3",
    "model.folded": 1, "document": [], "document.pair": {}, "document.pair.clean": None,
    "document.pair.bos": 7, "document.pair.metric": "best", "document.kind": {},
    "document.kind.activation": "x", "document.kind.extent": "edge", "document.direction": "up",
    "document.table": {}, "document.table.0": 1, "document.table.0.roles": [{"name": "S"}],
    "document.table.0.is_included": "yes", "document.pins": [{"layer": -1}],
    "document.notes": [{"place": {}, "text": 1}], "document.kept": {"pair": {}},
    "document.roles": [{"layer": 0, "head": 0, "name": "king"}],
    "document.bounds.attention": 1.5, "document.bounds.pairs": "NaN",
    "document.views.heads.sort": "zzz", "document.views.heads.columns": ["zzz"],
    "document.views.attention.score": "zzz", "document.views.attention.least_line": None,
    "document.views.patching.side": "C", "document.views.all_kinds.enlarged": 10**6,
    "document.views.feeders.before": [{"heads": [], "input": "q"}],
    "cursor.layer": 1.5, "cursor.heads": [[1]], "cursor.position": 10**12, "layout.areas": [{}],
    "layout.solo": ["x"], "layout.hidden": "x",
}  # fmt: skip


@pytest.mark.parametrize("path", ODD)
def test_what_is_odd_is_refused_and_its_place_is_named(path):
    said = sentence(changed(setting(path, ODD[path])))
    assert path.split(".")[0] in said or path in ("format", "major")
    assert said.endswith(("): open another copy of it.", ", or open another copy of it."))


UNKNOWN = (
    "model.dtype", "document.pair.metric", "document.kind.activation", "document.kind.extent",
    "document.direction", "document.roles.0.name", "document.views.attention.score",
    "document.views.patching.side", "document.views.heads.sort", "answers.kept.0.asked.direction",
    "answers.kept.0.asked.kind.activation",
)  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN)
def test_a_name_that_is_not_known_may_be_of_a_newer_version(path):
    roles = [{"layer": 0, "head": 0, "name": "induction"}]

    def change(manifest):
        manifest["document"]["roles"] = roles
        setting(path, "of 2030")(manifest)

    said = sentence(changed(change, with_answers()))
    assert "was made by a newer lensgui, or says something that this one does not know (" in said
    assert "‘of 2030’): update lensgui" in said


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "~/x", "..", "../x", "C:\\x", "C:/x", "\\\\host\\share", "a/b/c", "a\nb"],
)
def test_the_name_of_a_model_is_never_a_place_on_disk(name):
    assert "model.name" in sentence(changed(setting("model.name", name)))
    kept = {"pair": {"clean": ""}, "kind": {"activation": "z"}, "direction": "noising"}
    kept["model"] = {"name": name}
    assert "document.kept.model.name" in sentence(changed(setting("document.kept", kept)))


@pytest.mark.parametrize(
    ("path", "value"),
    [("rows", 2), ("rows", -1), ("kind.extent", "edge"), ("layer", 1), ("pair.clean", 7)],
)
def test_an_odd_question_is_refused(path, value):
    assert "mine.lens" in sentence(
        changed(setting(f"answers.kept.0.asked.{path}", value), with_answers())
    )


def test_arrays_that_are_swapped_changed_or_missing_are_refused():
    whole = with_answers()
    one, other, *_ = (name for name in whole if name.startswith("arrays/"))
    swapped = whole | {one: whole[other], other: whole[one]}
    assert "not what was written" in sentence(pack(swapped))
    turned = whole | {one: whole[one][:-1] + bytes([whole[one][-1] ^ 1])}
    assert "not what was written" in sentence(pack(turned))
    assert "missing" in sentence(pack({name: of for name, of in whole.items() if name != one}))


def test_text_that_is_no_json_is_refused():
    for text in (b"", b"{", b"[]", b"null", b'"', b"\xff\xfe", b"{}" + b" x", b"[" * 10**6):
        sentence(pack({"manifest.json": text}))
    deep = members()["manifest.json"][:-1] + b',"x":' + b"[" * 10**6 + b"]" * 10**6 + b"}"
    assert "nested" in sentence(pack({"manifest.json": deep}))


def test_a_picture_that_is_none_is_refused():
    assert "picture" in sentence(pack(members() | {"thumbs/0.png": b"GIF89a"}))
    assert "too large" in sentence(pack(members() | {"thumbs/0.png": PNG + bytes(5 << 20)}))
    with pytest.raises(SessionError, match="picture"):
        to_bytes(saved(pictured(b"GIF89a")))


def test_a_scene_whose_picture_is_missing_is_refused():
    whole = members(thumbs=(PNG,))
    del whole["thumbs/0.png"]
    assert "document.scenes[0]: its small picture is missing" in sentence(pack(whole))


def test_other_members_are_passed_over_even_with_odd_names():
    odd = dict.fromkeys(["../../evil", "/etc/passwd", "a\\b", "thumbs/00.png", "arrays/x"], b"evil")
    assert from_bytes(pack(members() | odd)).document.pair == PAIR
