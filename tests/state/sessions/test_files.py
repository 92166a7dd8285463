from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document, Note
from lensgui.state.selection import Cursor
from lensgui.state.sessions import sessions
from lensgui.state.sessions.container import Limits
from lensgui.state.sessions.saved import ModelReference
from lensgui.state.sessions.sessions import read, to_bytes, write
from lensgui.state.views import Range
from lensgui.terms.errors import SessionError
from tests.fakes import FakeAnswerer
from tests.state.sessions.strategies import MODEL, PNG, pictured
from tests.state.sessions.test_refusals import PAIR, SWEEP
from tests.state.sessions.test_round_trip import saved


def test_a_file_that_can_not_be_read_is_one_sentence(tmp_path):
    os.mkfifo(tmp_path / "pipe.lens")
    (tmp_path / "folder.lens").mkdir()
    (tmp_path / "round.lens").symlink_to("round.lens")
    names = [
        "pipe.lens",
        "folder.lens",
        "round.lens",
        "none.lens",
        "a" * 300,
        "nul\0",
        "pipe.lens/x",
    ]
    for name in names:
        with pytest.raises(SessionError) as caught:
            read(tmp_path / name)
        assert str(caught.value).endswith(".")
        assert str(caught.value).isprintable()
        assert name.rpartition("/")[2].rstrip("\0") in str(caught.value)


@pytest.mark.parametrize(
    ("error", "what"),
    [(PermissionError(13, "Permission denied"), "may not be read"), (OSError(5, "I/O"), "I/O"),
     (MemoryError(), "fit into memory")],
)  # fmt: skip
def test_errors_while_reading_are_one_sentence(tmp_path, monkeypatch, error, what):
    write(tmp_path / "mine.lens", saved())

    def fail(*_):
        raise error

    monkeypatch.setattr("builtins.open", fail)
    with pytest.raises(SessionError, match=f"^mine.lens .*{what}.*\\.$"):
        read(tmp_path / "mine.lens")


@pytest.mark.parametrize(
    ("number", "what"),
    [(28, "is full"), (13, "another name"), (30, "another name"), (5, "elsewhere")],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_what_was_there_and_nothing_else(
    tmp_path, monkeypatch, number, what, call
):
    path = tmp_path / "mine.lens"
    write(path, saved())
    before = path.read_bytes()

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(SessionError, match=f"^mine.lens .*{what}.*\\.$"):
        write(path, saved(pictured(PNG)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_nothing_is(tmp_path):
    (tmp_path / "folder.lens").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe.lens")
    before = sorted(tmp_path.rglob("*"))
    for name in ("folder.lens", "file/x.lens", "none/x.lens", "pipe.lens", "a" * 300, "nul\0"):
        with pytest.raises(SessionError) as caught:
            write(tmp_path / name, saved())
        assert str(caught.value).endswith(".")
        assert str(caught.value).isprintable()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_keeps_its_permissions_and_a_link_stays_one(tmp_path):
    path, link = tmp_path / "mine.lens", tmp_path / "link.lens"
    write(path, saved())
    assert not stat.S_IMODE(path.stat().st_mode) & 0o111
    path.chmod(0o640)
    link.symlink_to(path)
    write(link, saved(pictured(PNG)))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read(path).document == pictured(PNG)


@pytest.mark.parametrize(
    ("document", "what"),
    [(Document(MODEL, PromptPair("a\ud800")), r"document: .*U\+D800"),
     (Document(MODEL, PromptPair("a" * 1_000_001)), r"document.pair.clean: "),
     (Document(MODEL, PAIR, notes=(Note(Cursor(-1), ""),)), r"document.notes.*place.layer"),
     (Document(MODEL, PAIR, (PairRow(PAIR),) * 100_001), "document.table"),
     (Document(MODEL, PAIR, (PairRow(PromptPair("a" * 9_000)),) * 2_000), "fewer rows")],
    ids=range(5),
)  # fmt: skip
def test_what_could_not_be_read_again_is_not_written(tmp_path, document, what):
    with pytest.raises(SessionError, match=f"^mine.lens can't be saved.*{what}.*\\.$"):
        write(tmp_path / "mine.lens", saved(document))
    assert not list(tmp_path.iterdir())


def test_other_odd_values_are_not_written_either():
    infinite = Document(MODEL, PAIR)
    views = replace(infinite.views.patching, range=Range(float("nan"), "logits"))
    for odd in (
        saved(infinite.having(patching=views)),
        replace(saved(), changed=datetime.min.replace(tzinfo=UTC), model=ModelReference("/etc")),
        replace(saved(), model=ModelReference("a", dtype="int3")),
    ):
        with pytest.raises(SessionError, match="can't be saved"):
            to_bytes(odd)


def test_too_much_of_answers_is_not_written(monkeypatch):
    monkeypatch.setattr(sessions, "USUAL", Limits(total=(1 << 20) + 1_000))
    with pytest.raises(SessionError, match="save it without them"):
        to_bytes(saved(answers=((SWEEP, list(FakeAnswerer().answer(SWEEP))[-1]),)))
