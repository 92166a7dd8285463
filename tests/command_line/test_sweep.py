"""The sweep command: its numbers are the library's, and bad input leaves nothing behind."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path

import numpy as np
import pytest

from lensgui.analysis.pairs.typed_pairs import sweep_pair
from lensgui.checkpoints import devices
from lensgui.checkpoints.loading import open_model
from lensgui.command_line.sweeps import sweep as command
from lensgui.command_line.sweeps.kind_names import OTHER_NAMES, file_name, kind_named, kinds_named
from lensgui.models import store
from lensgui.prompts.pair import PromptPair
from lensgui.terms.kinds import SWEEP_KINDS, SweepKind
from tests.command_line.conftest import HEAD, ROWS, files, sentence, written


def test_the_numbers_are_the_librarys(sweep, tmp_path, capsys):
    assert sweep("--direction", "noising", kind="resid_pre,z,z:position") == 0
    out = tmp_path / "out"
    assert capsys.readouterr().out == f"{out}\n"
    kinds = [SweepKind("resid_pre"), SweepKind("z", "all"), SweepKind("z")]
    names = [f"{file_name(kind)}{end}" for kind in kinds for end in (".csv", ".npz")]
    assert sorted([*names, "run.json"]) == sorted(path.name for path in out.iterdir())
    model = open_model("toy", folded=True, device="cpu")
    for kind in kinds:
        lines = lines_of(out / f"{file_name(kind)}.csv")
        for number, row in enumerate(ROWS, 1):
            *_, result = sweep_pair(model, PromptPair(*row), kind, "noising")
            mine = [line for line in lines if line["pair"] == str(number)]
            assert [float(line["change"]) for line in mine] == pytest.approx(
                result.values.flatten().tolist(), abs=1e-5
            )
            assert not result.refusal
            assert [float(line["value"]) for line in mine] == pytest.approx(
                result.normalised.flatten().tolist(), abs=1e-5
            )
            with np.load(out / f"{file_name(kind)}.npz") as arrays:
                check_arrays(arrays, number - 1, kind, mine, result)


def lines_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def check_arrays(arrays, at, kind, lines, result):
    assert arrays["axes"].tolist() == ["pair", *kind.axes]
    assert [len(arrays[axis]) for axis in arrays["axes"]] == list(arrays["change"].shape)
    change = arrays["change"][(at, *map(slice, result.values.shape))]
    assert change.flatten().tolist() == [float(line["change"]) for line in lines]
    assert np.isnan(arrays["change"][at]).sum() == arrays["change"][at].size - change.size
    assert (arrays["clean"][at], arrays["corrupted"][at]) == pytest.approx(result.ends, abs=1e-5)
    if "position" in kind.axes:
        tokens = [line["token"] for line in lines]
        assert set(tokens) == set(arrays["token"][at]) - {""}
        assert {axis: lines[-1][axis] for axis in kind.axes} == {
            axis: str(size - 1) for axis, size in zip(kind.axes, change.shape, strict=True)
        }


def test_run_json_says_what_the_numbers_depend_on(sweep, tmp_path, table):
    assert sweep("--raw", "--metric", "log-probability", "--memory", "64") == 0
    noted = json.loads((tmp_path / "out" / "run.json").read_text())
    assert noted["folded"] is False
    assert (noted["model"], noted["pairs"], noted["threads"]) == ("toy", 3, 1)
    assert (noted["metric"], noted["memory_mib"]) == ("log-probability", 64)
    assert len(noted["content_id"]) == len(noted["table_sha256"]) == 64
    assert str(tmp_path) not in json.dumps(noted)


def test_json_says_every_step(sweep, tmp_path, capsys):
    assert sweep("--json") == 0
    *steps, done = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [step["done"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert {step["event"] for step in steps} == {"progress"}
    assert done == {"event": "done", "path": str(tmp_path / "out"), "without_share": []}


def test_a_share_that_would_be_noise_is_left_empty(tmp_path, table, sweep, capsys):
    clean, corrupted, answer, distractor = ROWS[0]
    written(table, [ROWS[1], (corrupted, clean, answer, distractor)])
    assert sweep() == 0
    assert "1 pairs (2)" in sentence(capsys.readouterr().err)
    lines = lines_of(tmp_path / "out" / "z.csv")
    assert {line["value"] for line in lines if line["pair"] == "2"} == {""}
    assert all(line["change"] for line in lines)


def test_rows_that_are_left_out_keep_their_numbers(tmp_path, table, sweep):
    rows = [
        (*row, is_included) for row, is_included in zip(ROWS, ("no", "yes", "yes"), strict=True)
    ]
    written(table, rows, (*HEAD, "included"))
    assert sweep(kind="attn_out") == 0
    with np.load(tmp_path / "out" / "attn_out.npz") as arrays:
        assert arrays["pair"].tolist() == [2, 3]


def test_kinds_have_the_fields_names():
    assert kinds_named("resid_pre, head_out,z") == (SweepKind("resid_pre"), SweepKind("z", "all"))
    assert {kind_named(name).activation for name in OTHER_NAMES} == {"q", "k", "v", "z", "pattern"}
    assert {kind_named(f"{kind.activation}:{kind.extent}") for kind in SWEEP_KINDS} == {
        *SWEEP_KINDS
    }
    assert len({file_name(kind) for kind in SWEEP_KINDS}) == len(SWEEP_KINDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--kind", "nothing"), "There is no kind “nothing”"),
        (("--kind", "z,resid_pre:all"), "choose of resid_pre:position"),
        (("--metric", "nothing"), "There is no metric “nothing”; there are logit difference"),
        (("--model", "smollm2-135m"), "`lensgui models get smollm2-135m`"),
        (("--model", "somebody/model"), "get it with `lensgui models get somebody/model`, or add"),
        (("--model", "./nowhere"), "There is no folder nowhere"),
        (("--model", str(Path(__file__).parent)), "has no config.json"),
        (("--out", "/dev/null"), "is a file"),
        (("--out", "/dev/null/x"), "can't be written to"),
        (("--memory", "1", "--dtype", "float64", "--device", "mps"), "This machine has no mps"),
    ],
)
def test_what_can_not_be_done_is_one_sentence_and_nothing_written(
    words, said, sweep, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(devices, "devices", lambda: ("cpu",))
    assert sweep(*words) == 1
    assert said in sentence(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            ("king bird", "king", " rain", " wind"),
            "The clean prompt has 2 tokens and the corrupted",
        ),
        (
            ("king bird", "rain bird", " zebra", " wind"),
            "“ zebra” is not in the model's vocabulary",
        ),
        (("king bird", "rain bird", " rain", ""), "it has no distractor"),
        (("king bird", "", " rain", " wind"), "has no corrupted prompt"),
        (("king bird", "rain bird", " rain", " wind", "1", "2"), "has 6 columns"),
        (("king " * 2000, "bird " * 2000, " rain", " wind"), "this model takes"),
    ],
)
def test_a_bad_row_is_named_before_anything_is_computed(
    row, said, sweep, table, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(command, "sweep", None)
    written(table, [*ROWS, row])
    assert sweep() == 1
    line = sentence(capsys.readouterr().err)
    assert said in line
    assert "Pair 4 of pairs.csv" in line or "Line 5 of pairs.csv" in line
    assert not (tmp_path / "out").exists()


def test_a_table_that_is_none_is_one_sentence(sweep, table, tmp_path, capsys):
    table.write_text("clean,answer\nking, bird\n")
    assert sweep("--json") == 1
    assert "no column corrupted" in json.loads(capsys.readouterr().out)["message"]
    table.unlink()
    assert sweep() == 1
    assert "pairs.csv can't be read" in sentence(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_sentence_and_what_is_there_is_gone_on_with(
    sweep, tmp_path, capsys, monkeypatch
):
    def full(path, data, write=store.write_whole):
        if path.name == "00002-z.npz":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_whole", full)
        assert sweep() == 1
    said = sentence(capsys.readouterr().err)
    assert "is full: free some space there; --resume goes on then" in said
    assert sweep("--resume") == sweep(out="whole") == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_sweep_that_does_not_fit_says_so(sweep, capsys, monkeypatch):
    def refuse(*arguments, **named):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        yield

    monkeypatch.setattr(command, "sweep", refuse)
    assert sweep() == 1
    assert "Pair 1 of pairs.csv: memory ran out" in sentence(capsys.readouterr().err)
