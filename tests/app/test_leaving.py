"""Whoever leaves loses no picture that is still being written."""

from __future__ import annotations

import time


def test_leaving_waits_for_what_is_being_written(parts, tmp_path):
    path = tmp_path / "picture.svg"
    parts.commands.exporting._write(path, lambda: time.sleep(0.3) or b"all of it")
    assert not path.exists()
    assert parts.commands.close()
    assert path.read_bytes() == b"all of it"


def test_leaving_makes_nothing_for_its_own_sake(parts):
    assert parts.commands.close()
    assert "exporting" not in vars(parts.commands)
