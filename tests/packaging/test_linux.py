"""What the Linux package tells a desktop is what the program is: names, files, commands, icons."""

from __future__ import annotations

import configparser
import gzip
import importlib
import re
import subprocess
import sys
from fnmatch import fnmatch
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QImage

from lensgui._version import __version__
from lensgui.command_line.parser import COMMANDS, SUFFIX
from lensgui.models.known_models import DEMO
from lensgui.state.sessions.container import MIMETYPE, pack
from tests.packaging.test_wheel import ROOT

MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"


@pytest.fixture(scope="module")
def tools():
    """The modules that make packages, by name."""
    folder = str(ROOT / "packaging" / "linux")
    names = ("package", "bundled", "dependencies", "demo_model", "archive")
    before = set(sys.modules)
    sys.path.insert(0, folder)
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.path.remove(folder)
        for name in names:
            if name not in before:
                del sys.modules[name]


@pytest.fixture(scope="module")
def package(tools):
    """The script that makes the package."""
    return tools.package


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


def test_it_depends_on_the_packages_of_what_is_linked_and_not_held(tools, tmp_path, monkeypatch):
    dependencies = tools.dependencies
    (tmp_path / "libheld.so.1").touch()
    linked = {tmp_path / "program": {"libGL.so.1", "libc.so.6", "libheld.so.1", "libX11.so.6"}}
    assert dependencies.needed(linked, tmp_path) == {"libGL.so.1", "libc.so.6", "libX11.so.6"}
    said = {
        "dpkg": "libgl1:amd64: /usr/lib/x86_64-linux-gnu/libGL.so.1\n"
        "libc6:amd64, libc6:i386: /lib/x86_64-linux-gnu/libc.so.6\n"
        "libx11-6:amd64: /usr/lib/x86_64-linux-gnu/libX11.so.6\n",
        "dpkg-shlibdeps": "shlibs:Depends=libc6 (>= 2.3), libheld1 (>= 2), libx11-6 (>= 2:1.6)\n",
    }

    def run(words, **named):
        return SimpleNamespace(stdout=said[words[0]], stderr="", returncode=0)

    monkeypatch.setattr(dependencies.subprocess, "run", run)
    first, *others = dependencies.dependencies(linked, tmp_path).split(", ")
    assert re.fullmatch(r"libc6 \(>= [\d.]+\)", first)
    assert first != "libc6 (>= 2.3)"
    assert others == ["libgl1", "libx11-6 (>= 2:1.6)", *dependencies.BESIDE]
    linked[tmp_path / "more"] = {"libx.so.2"}
    with pytest.raises(SystemExit, match=r"No package here holds libx\.so\.2: install"):
        dependencies.dependencies(linked, tmp_path)


def test_the_demo_model_is_recommended_and_a_package_of_its_own(tools):
    told = tools.package.CONTROL + tools.demo_model.CONTROL
    assert "\nRecommends: {recommends}\n" in told
    assert f"\nVersion: {DEMO.source.split()[-1]}\n" in told
    assert fnmatch(f"{tools.demo_model.NAME}_1_all.deb", DEMO.files[-1])
    files = tools.demo_model.files("Somebody <a@b>")
    assert files == tools.demo_model.files("Somebody <a@b>")
    for folder in files:
        assert tools.demo_model.NAME in folder.split("/")


def test_a_bundle_lists_its_files_and_is_searched_for_paths_of_this_machine(tools, tmp_path):
    (tmp_path / "lensgui").mkdir()
    (tmp_path / "lensgui" / "a").write_text("text")
    (tmp_path / "b").write_text("")
    assert tools.bundled.listing(tmp_path) == {"b": 0, "lensgui/a": 4}
    assert str(ROOT) in tools.bundled.own_places()
    assert not {"/usr", "/root"} & tools.bundled.own_places()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a script for Linux")
def test_the_archive_enters_itself_in_a_menu_and_leaves_it_again(tools, files, tmp_path):
    bundle, model = tmp_path / "bundle", tmp_path / "model.gguf"
    (bundle / "_internal").mkdir(parents=True)
    (bundle / "lensgui").write_text("#!/bin/sh\n")
    (bundle / "lensgui").chmod(0o755)
    model.write_text("GGUF")
    for name, text in files.items():
        path = tmp_path / "share" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    folder = tools.archive.laid_out(tmp_path / "un packed", bundle, model, tmp_path / "share")
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"lensgui", "install.sh", "README.txt", "models/model.gguf"} < held
    assert not [name for name in held if "lintian" in name]
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}

    def install(*words):
        done = subprocess.run(
            [folder / "install.sh", *words], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return {path for path in home.rglob("*lensgui*") if not path.is_dir()}

    entered = install()
    entry = home / ".local/share/applications/lensgui.desktop"
    assert entry in entered
    assert f'Exec="{folder}/lensgui" %f' in entry.read_text()
    assert (home / ".local/bin/lensgui").resolve() == folder / "lensgui"
    assert home / ".local/share/icons/hicolor/scalable/apps/lensgui.svg" in entered
    assert install("--remove") == set()


def test_what_only_left_out_plugins_link_is_left_out_too(tools, tmp_path):
    inside = tmp_path / "plugins"
    linked = {
        tmp_path / "libused.so.1": {"libdeep.so.1"},
        tmp_path / "libdeep.so.1": set(),
        tmp_path / "libgtk.so.3": {"libgdk.so.3"},
        tmp_path / "libgdk.so.3": set(),
        tmp_path / "libpython3.11.so.1.0": set(),
        inside / "libqxcb.so": {"libused.so.1"},
    }
    gone = tools.dependencies.unlinked(linked, tmp_path)
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
