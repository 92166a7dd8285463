"""What is published: the same bytes twice, nothing of this machine, and what is inside."""

from __future__ import annotations

import hashlib
import importlib
import sys
import tarfile
import zipfile

import pytest

from lensgui._version import __version__
from tests.packaging.test_wheel import ROOT


@pytest.fixture(scope="module")
def release():
    """The script that makes a release."""
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        yield importlib.import_module("release")
    finally:
        sys.path.remove(str(ROOT / "packaging"))


def test_wheel_and_sdist_are_the_same_bytes_twice_and_say_nothing_of_where_they_were_made(
    release, tmp_path
):
    made = {path.suffix: path for path in release.built_twice(tmp_path)}
    assert made.keys() == {".whl", ".gz"}
    for path in made.values():
        assert __version__ in path.name
        assert release.holding(path, str(ROOT).encode()) == []
    with zipfile.ZipFile(made[".whl"]) as wheel:
        held = wheel.namelist()
    assert release.holding(made[".whl"], b"Apache-2.0")
    with tarfile.open(made[".gz"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"Makefile", "packaging/setup.sh", "lensgui/__init__.py", "tests/conftest.py"} < names
    assert {name.removeprefix("lensgui/") for name in held if "/resources/" in name} <= names
    assert release.holding(made[".gz"], b"packaging/setup.sh")


def test_what_differs_is_refused(release, tmp_path, monkeypatch):
    moments = iter(["1700000000", "1800000000"])
    run = release.subprocess.run

    def at_another_time(words, **named):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", next(moments))
        return run([*words, "-t", "wheel"], **named)

    monkeypatch.setattr(release.subprocess, "run", at_another_time)
    with pytest.raises(SystemExit, match="is not the same when it is built again"):
        list(release.built_twice(tmp_path))


def test_the_version_stands_in_one_place(release):
    assert release.this_version() == __version__
    holding = [
        path.relative_to(ROOT).as_posix()
        for folder in ("lensgui", "packaging", "resources")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".toml", ".sh", ".xml", ".desktop", ".1", ".spec")
        and f'"{__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert holding == ["lensgui/_version.py"]


@pytest.mark.parametrize(
    ("heading", "is_dated"),
    [
        ("## 1.2.0 (2026-11-29)", True),
        ("## 1.2.0 (not released yet)", False),
        ("## 1.2.0", False),
        ("## 1x2.0 (2026-11-29)", False),
        ("## 1.2.0.1 (2026-11-29)", False),
    ],
)
def test_a_release_is_one_when_its_changes_are_dated(release, heading, is_dated):
    assert release.is_dated(f"# Changes\n\n{heading}\n\n- More.\n", "1.2.0") is is_dated


def test_sums_are_those_of_all_files_beside_them(release, tmp_path):
    for name in ("b", "a", release.SUMS):
        (tmp_path / name).write_text(name)
    expected = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}" for name in "ab"]
    assert release.sums(tmp_path).splitlines() == expected


def test_contents_are_what_is_bundled_and_neither_tools_nor_what_hangs_on_them(
    release, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(ROOT / "packaging" / "linux"))
    dependencies = importlib.import_module("dependencies")
    monkeypatch.setattr(dependencies, "bundled_libraries", lambda bundle: {"libc6": "2.36-9"})
    names = ("torch==2", "pip==24", "PyInstaller==6")
    listed = {
        "metadata": {"component": {"bom-ref": "root", "name": "lensgui"}},
        "components": [{"bom-ref": name, "name": name.partition("==")[0]} for name in names],
        "dependencies": [{"ref": "root", "dependsOn": list(names)}, {"ref": "pip==24"}],
    }
    found = release.contents_of(listed, "1.2", tmp_path)
    assert found["metadata"]["component"]["version"] == "1.2"
    assert [one["name"] for one in found["components"]] == ["torch", "libc6"]
    assert found["components"][1]["purl"] == "pkg:deb/debian/libc6@2.36-9"
    assert found["dependencies"] == [{"ref": "root", "dependsOn": ["torch==2"]}]
