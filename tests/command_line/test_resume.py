"""A sweep that ends anywhere is gone on with, to the same bytes; what is there is never lost."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import pytest

from lensgui.command_line.sweeps import folder as sweep_folder
from lensgui.command_line.sweeps import sweep as command
from lensgui.models import store
from lensgui.state.locks import Lock
from tests.command_line.conftest import ROWS, files, sentence, written


class Killed(BaseException):
    """Nobody catches it, as nobody catches the end of a process."""


def test_a_killed_sweep_goes_on_to_the_same_bytes(sweep, table, tmp_path):
    written(table, ROWS * 8)
    out = tmp_path / "out"
    words = ("--model", "toy", "--threads", "1", "--device", "cpu", "--json")
    where = (str(table), "--kind", "resid_pre,z", "--out", str(out))
    line = [sys.executable, "-m", "lensgui", "sweep", *where, *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(8):
            assert '"progress"' in child.stdout.readline()
        child.kill()
    assert not (out / "run.json").exists()
    assert 8 <= len(list((out / "parts").glob("*.npz"))) < 48
    assert sweep("--resume") == sweep(out="whole") == 0
    assert files(out) == files(tmp_path / "whole")


def test_wherever_it_ends_it_goes_on_to_the_same_bytes(table, sweep, tmp_path, monkeypatch):
    written(table, ROWS[:2])
    sweep = partial(sweep, kind="z")
    assert sweep(out="whole") == 0
    whole = files(tmp_path / "whole")
    moves, at = [], None

    def dying(function):
        def count(*arguments):
            moves.append(arguments)
            if len(moves) == at:
                raise Killed
            function(*arguments)

        return count

    monkeypatch.setattr(store, "write_whole", dying(store.write_whole))
    monkeypatch.setattr(sweep_folder.os, "replace", dying(os.replace))
    assert sweep(out="counted") == 0
    assert files(tmp_path / "counted") == whole
    for at in range(1, len(moves) + 1):
        moves.clear()
        with pytest.raises(Killed):
            sweep(out=f"{at}")
        moves.clear()
        moves += [()] * 1000  # dies no more
        assert sweep("--resume", out=f"{at}") == 0
        assert files(tmp_path / f"{at}") == whole
        assert not (tmp_path / f"{at}" / "parts").exists()


def test_a_part_that_is_broken_is_computed_again(sweep, tmp_path, stop_after):
    stop_after(4)
    assert sweep() == 130
    (tmp_path / "out" / "parts" / "00001-z.npz").write_bytes(b"PK\x03\x04 nothing")
    stop_after(None)
    assert sweep("--resume") == sweep(out="whole") == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


@pytest.fixture
def stop_after(monkeypatch):
    """Say after how many sweeps the user presses Ctrl-C; None for never."""
    limit, done = [], []

    def swept(*arguments, run=command.sweep, **named):
        if len(done) == limit[-1]:
            raise KeyboardInterrupt
        done.append(1)
        yield from run(*arguments, **named)

    monkeypatch.setattr(command, "sweep", swept)
    return limit.append


def test_ctrl_c_says_how_to_go_on(sweep, tmp_path, capsys, stop_after):
    stop_after(2)
    assert sweep() == 130
    assert "--resume goes on" in sentence(capsys.readouterr().err)
    stop_after(None)
    assert sweep() == 1
    assert "or go on with that run by --resume" in sentence(capsys.readouterr().err)
    assert sweep("--resume") == 0


def test_ctrl_c_before_anything_is_there_says_so(sweep, tmp_path, capsys, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "open_model", interrupt)
    assert sweep() == 130
    assert sentence(capsys.readouterr().err) == "Stopped before anything was written."
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--metric", "probability"), "metric was logit difference and not probability"),
        (("--direction", "noising"), "direction was denoising and not noising"),
        (("--threads", "2"), "threads was 1 and not 2"),
        (("--memory", "100"), "memory_mib was 1024 and not 100"),
        (("--raw",), "folded was True and not False"),
        (("--kind", "z"), "kinds was"),
    ],
)
def test_another_run_is_not_gone_on_with(words, what, sweep, tmp_path, capsys, stop_after):
    stop_after(2)
    assert sweep() == 130
    before = files(tmp_path / "out")
    capsys.readouterr()
    assert sweep("--resume", *words) == 1
    assert what in sentence(capsys.readouterr().err)
    assert files(tmp_path / "out") == before


def test_another_table_is_refused_and_so_is_a_finished_folder(sweep, table, tmp_path, capsys):
    assert sweep() == 0
    before = files(tmp_path / "out")
    assert sweep("--resume") == 0  # nothing is left to do
    capsys.readouterr()
    assert sweep() == 1
    assert "which stay as they are" in sentence(capsys.readouterr().err)
    written(table, ROWS[:2])
    assert sweep("--resume") == 1
    assert "table_sha256 was" in sentence(capsys.readouterr().err)
    (tmp_path / "out" / "run.json").unlink()
    assert sweep("--resume") == 1
    assert "not what says how it was made" in sentence(capsys.readouterr().err)
    del before["run.json"]
    assert files(tmp_path / "out") == before


def test_two_do_not_write_to_one_folder(sweep, tmp_path, capsys):
    parts = tmp_path / "out" / "parts"
    parts.mkdir(parents=True)
    lock = Lock(parts / sweep_folder.LOCK)
    assert lock.take()
    try:
        assert sweep("--resume") == 1
    finally:
        lock.release()
    assert "wait until it is done" in sentence(capsys.readouterr().err)
    assert sweep("--resume") == 0


def test_threads_are_taken_from_the_run_that_is_gone_on_with(table, tmp_path, stop_after, sweep):
    stop_after(2)
    assert sweep() == 130
    stop_after(None)
    words = ["--model", "toy", "--device", "cpu", "--kind", "resid_pre,z", "--resume"]
    assert command_line("sweep", str(table), *words, "--out", str(tmp_path / "out")) == 0


def command_line(*words):
    from lensgui.__main__ import main

    return main(words)
