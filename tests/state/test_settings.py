"""The table of settings: what may stand in each, and what becomes of what may not."""

from __future__ import annotations

import os

import pytest

from lensgui.state import settings
from lensgui.state.settings import TABLE, Choice, Number, Settings
from lensgui.terms.resources import resource


def texts(values: Settings) -> dict[str, str]:
    return {name: settings.written(name, getattr(values, name)) for name in TABLE}


def others() -> dict[str, settings.Value]:
    """For each setting, a value that is not its default."""
    found: dict[str, settings.Value] = {}
    for name, one in TABLE.items():
        kind = one.kind
        if isinstance(kind, Choice):
            found[name] = kind.options[-1][0]
        elif isinstance(kind, Number):
            found[name] = kind.most
        elif isinstance(one.default, bool):
            found[name] = not one.default
        else:
            found[name] = "/some/where"
    return found


def test_every_value_is_read_as_it_was_written():
    for values in (Settings(), settings.having(Settings(), others())):
        assert settings.read(texts(values)) == (values, "")


def test_every_setting_has_words_a_default_that_may_stand_in_it_and_another_one():
    for name, one in TABLE.items():
        assert one.title, name
        assert one.sentence.endswith("."), name
        assert one.kind.read(settings.written(name, one.default)) == one.default
        assert others()[name] != one.default
        assert one.kind.words(one.default)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("zoom", "abc", "is no number: 100 % is used"),
        ("zoom", "nan", "is no number: 100 % is used"),
        ("zoom", "3", "is not from 75 % to 200 %: 100 % is used"),
        ("threads", "1.5", "is no whole number: as is sensible is used"),
        ("kept_bytes", "-5", "is not from 0 MiB to 65536 MiB: 256 MiB is used"),
        ("kept_bytes", "a lot", "is no number: 256 MiB is used"),
        ("look", "plaid", "is none of system, light, dark, high contrast: as the system is used"),
        ("motion", "perhaps", "is neither true nor false: true is used"),
        ("files_folder", "here", "is no whole path: none is used"),
    ],
)
def test_what_can_not_be_read_is_as_at_first_and_said(name, text, reason):
    found, sentence = settings.read({name: text, "dtype": "float64"})
    assert getattr(found, name) == TABLE[name].default
    assert found.dtype == "float64"
    assert sentence == f"settings.ini: {name} ‘{text}’ {reason}."


def test_several_are_said_in_one_sentence_and_long_ones_in_part():
    _, sentence = settings.read({"zoom": "x" * 500, "look": "plaid", "somebody_elses": "1"})
    assert sentence.count("is used") == 2
    assert len(sentence) < 250
    assert sentence.count(".") == 2  # of the file's name, and at the end


def test_numbers_are_brought_between_their_ends():
    cores = os.cpu_count() or 1
    found = settings.having(Settings(), {"zoom": 9.0, "threads": 10**6, "kept_bytes": 1000.4})
    assert (found.zoom, found.threads, found.kept_bytes) == (2.0, cores, 1000)
    assert isinstance(found.threads, int)


def test_the_guide_names_every_setting():
    guide = resource("guide", "settings.md").read_text(encoding="utf-8")
    assert [one.title for one in TABLE.values() if one.title not in guide] == []
