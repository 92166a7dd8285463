"""What the Linux package tells a desktop is what the program is: names, files, commands, icons."""

from __future__ import annotations

import configparser
import gzip
import importlib.util
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QImage

from lensgui._version import __version__
from lensgui.command_line.parser import COMMANDS, SUFFIX
from lensgui.state.sessions.container import MIMETYPE, pack
from tests.packaging.test_wheel import ROOT

MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"


@pytest.fixture(scope="module")
def package():
    """The script that makes the package."""
    script = ROOT / "packaging" / "linux" / "package.py"
    spec = importlib.util.spec_from_file_location("package", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(package):
    """What goes below /usr/share."""
    return package.shared_files()


def test_a_desktop_starts_the_program_and_opens_sessions_with_it(files):
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str
    entry.read_string(files["applications/lensgui.desktop"].decode())
    told = entry["Desktop Entry"]
    assert told["Exec"] == "lensgui %f"
    assert told["MimeType"] == MIMETYPE + ";"
    assert told["Icon"] == "lensgui"
    assert told["Terminal"] == "false"


def test_a_session_is_known_by_its_name_and_by_how_it_begins(files):
    (kind,) = ElementTree.fromstring(files["mime/packages/lensgui.xml"].decode())
    assert kind.get("type") == MIMETYPE
    assert kind.find(f"{MIME}glob").get("pattern") == f"*{SUFFIX}"
    session = pack({"session.json": b"{}"})
    outer = kind.find(f"{MIME}magic/{MIME}match")
    for match in (outer, outer.find(f"{MIME}match")):
        value = match.get("value").encode().decode("unicode_escape").encode("latin-1")
        assert session[int(match.get("offset")) :].startswith(value)


def test_software_centres_are_told_of_this_version_and_entry(files):
    about = ElementTree.fromstring(files["metainfo/lensgui.metainfo.xml"].decode())
    assert about.find("releases/release").get("version") == __version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", about.find("releases/release").get("date"))
    assert f"applications/{about.findtext('launchable')}" in files
    assert about.findtext("provides/mediatype") == MIMETYPE
    assert about.findtext("provides/binary") == "lensgui"


def test_the_manual_page_has_every_command_and_variable(files):
    page = gzip.decompress(files["man/man1/lensgui.1.gz"]).decode()
    for command in COMMANDS:
        assert f".TP\n.B {command}\n" in page
    told = set(re.findall(r"^\.B (LENSGUI_\w+)$", page, re.MULTILINE))
    read = {
        name
        for path in (ROOT / "lensgui").rglob("*.py")
        for name in re.findall(r'"(LENSGUI_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert told == read
    assert "@" not in page


def test_the_same_date_gives_the_same_files(package, files, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    once, again = package.shared_files(), package.shared_files()
    assert once == again
    assert b'date="2023-11-14"' in once["metainfo/lensgui.metainfo.xml"]
    assert once.keys() == files.keys()


def test_icons_of_all_sizes_are_drawn(package, tmp_path, qapp):
    package.draw_icons(tmp_path)
    for size in package.SIZES:
        image = QImage(str(tmp_path / f"{size}x{size}" / "apps" / "lensgui.png"))
        assert (image.width(), image.height()) == (size, size)
        assert image.pixelColor(0, 0).alpha() == 0
        assert image.pixelColor(size // 2, size // 2).alpha() == 255


def test_it_depends_on_the_packages_of_what_is_linked_and_not_held(package, tmp_path, monkeypatch):
    (tmp_path / "libheld.so.1").touch()
    linked = {tmp_path / "program": {"libGL.so.1", "libc.so.6", "libheld.so.1"}}
    libraries = package.needed(linked, tmp_path)
    assert libraries == {"libGL.so.1", "libc.so.6"}
    said = (
        "libgl1:amd64: /usr/lib/x86_64-linux-gnu/libGL.so.1\n"
        "libc6:amd64, libc6:i386: /lib/x86_64-linux-gnu/libc.so.6\n"
    )
    monkeypatch.setattr(package.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))
    first, *others = package.dependencies(libraries).split(", ")
    assert re.fullmatch(r"libc6 \(>= [\d.]+\)", first)
    assert others == ["libgl1", *package.BESIDE]
    with pytest.raises(SystemExit, match=r"No package here holds libx\.so\.2: install"):
        package.dependencies({*libraries, "libx.so.2"})


def test_what_only_left_out_plugins_link_is_left_out_too(package, tmp_path):
    inside = tmp_path / "plugins"
    linked = {
        tmp_path / "libused.so.1": {"libdeep.so.1"},
        tmp_path / "libdeep.so.1": set(),
        tmp_path / "libgtk.so.3": {"libgdk.so.3"},
        tmp_path / "libgdk.so.3": set(),
        tmp_path / "libpython3.11.so.1.0": set(),
        inside / "libqxcb.so": {"libused.so.1"},
    }
    gone = package.unlinked(linked, tmp_path)
    assert {path.name for path in gone} == {"libgtk.so.3", "libgdk.so.3"}


def test_rights_are_those_of_installed_files(package, tmp_path):
    (tmp_path / "folder").mkdir(mode=0o700)
    made = {
        "program": b"\x7fELF",
        "script": b"#!/bin/sh",
        "lib.so.1": b"\x7fELF",
        "LICENCE": b"text",
    }
    for name, begins in made.items():
        path = tmp_path / "folder" / name
        path.write_bytes(begins)
        path.chmod(0o777)
    package.make_readable(tmp_path)
    found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    running = {"folder": 0o755, "program": 0o755, "script": 0o755}
    assert found == {**running, "lib.so.1": 0o644, "LICENCE": 0o644}


@pytest.mark.parametrize(
    ("name", "holds"),
    [("LICENSE", True), ("COPYING.txt", True), ("copying.py", False), ("copying.pyc", False)],
)
def test_licences_are_known_by_their_names(package, name, holds):
    assert package.is_licence(name) == holds
