"""Installs a package in a bare Debian root, uses it there as a user, and removes it again.

    .venv/bin/python packaging/linux/try_in_root.py build/dist [--release NAME]

Exit status 0: an older version gave way to it; the window came up by the menu's entry, swept, saved
a session, showed the lens, and opened the session as a file manager does; the command line swept;
what goes wrong was said in a sentence; and after removing nothing was left but what is in the
user's folders.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bare_root import Desktop, Root, bare_root, desktop

from lensgui.jobs.answers.arrays import Sweep
from lensgui.state.sessions.sessions import read

ENTRY = "/usr/share/applications/lensgui.desktop"
PROGRAM = "usr/lib/lensgui"
TITLE = "lensgui"
WORKS = "/usr/bin/lensgui", "--smoke-test"
MODEL = "lensgui-model-smollm2-135m"
DAMAGE = {  # by name, whether nothing works without it
    "lensgui/resources/icons/lensgui.svg": False,
    "lensgui/resources/examples/examples.json": True,
    "torch/lib/libtorch_cpu.so": True,
    "PySide6/Qt/lib/libQt6Core.so.6": True,
}
PAIRS = """clean,corrupted,answer,distractor
 table green seven music apple house river table green seven music,\
 table green seven music stone house river table green seven music, apple, stone
"""


def main() -> int:
    """Try a package; see the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="what was made: packages and archive")
    parser.add_argument("--release", default=this_release())
    parser.add_argument("--screen", action="append", default=[], help="more words for Xvfb")
    given = parser.parse_args()
    (package,) = given.folder.glob("lensgui_*.deb")
    (model,) = given.folder.glob("lensgui-model-*.deb")
    (packed,) = given.folder.glob("lensgui-*.tar.xz")
    with bare_root(given.release) as root:
        for path in (package, model):
            shutil.copy(path, root.folder / "tmp")
        before = install(root, package, model)
        with desktop(root, more=given.screen) as screen:
            use(root, screen)
            go_wrong(root, screen)
            damage(root, screen)
        sweep(root)
        remove(root, before)
        with desktop(root) as screen:
            use_unpacked(root, screen, packed)
    return 0


def say(sentence: str) -> None:
    """Print what has been seen."""
    print(f"in the bare root: {sentence}", flush=True)


def this_release() -> str:
    """Return the name of the release that this machine runs."""
    said = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=(\w+)$", said, re.MULTILINE)
    return found[1] if found else "stable"


def install(root: Root, package: Path, model: Path) -> set[str]:
    """Install an older version and then this one; return which files there were before."""
    depends = subprocess.check_output(["dpkg-deb", "-f", package, "Depends"], text=True)
    root.install(*re.sub(r"\([^)]*\)|,", " ", depends).split())
    before = root.files()
    older(package, root.folder / "tmp" / "old.deb")
    root.install("/tmp/old.deb")
    assert (root.folder / PROGRAM / "only-in-the-older-one").exists()
    root.install(f"/tmp/{package.name}", f"/tmp/{model.name}")
    if (root.folder / PROGRAM / "only-in-the-older-one").exists():
        raise SystemExit("A file of the older version is still there.")
    version = root.run("lensgui", "--version", user=True).strip()
    size = root.run("du", "-sm", f"/{PROGRAM}").split()[0]
    say(f"an older version gave way to {version}, which takes {size} MB")
    return before


def older(package: Path, target: Path) -> None:
    """Make of a package an older one that has a file more."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-R", package, folder], check=True)
        control = Path(folder) / "DEBIAN" / "control"
        text = re.sub(r"^Version: .*", "Version: 0~older", control.read_text(), flags=re.MULTILINE)
        control.write_text(text)
        (Path(folder) / PROGRAM / "only-in-the-older-one").touch()
        subprocess.run(["dpkg-deb", "-Znone", "-b", folder, target], check=True, stdout=-3)


def use(root: Root, screen: Desktop) -> None:
    """Work in the window: see the example, save it with its sweep, and open that again."""
    seconds = screen.start("gio", "launch", ENTRY, title=TITLE)
    say(f"the first start, by the menu's entry: a window after {seconds:.2f} s")
    screen.rest()
    screen.press(TITLE, "ctrl+k")
    screen.press(TITLE, "With answers", "Return", "ctrl+s")
    screen.press("Save the session", "ctrl+a", f"/home/{root.home.name}/work.lens", "Return")
    saved = root.home / "work.lens"
    screen.until(saved.exists, "no session was saved", 20)
    screen.rest()
    say(f"a session was saved: {swept(saved)}")
    show_lens(screen)
    screen.end(TITLE)
    for turn in ("the second start", "the third"):
        seconds = screen.start("gio", "launch", ENTRY, title=TITLE)
        say(f"{turn}: a window after {seconds:.2f} s")
        screen.end(TITLE)
    kind = screen.run("gio", "info", "-a", "standard::content-type", "work.lens")
    if "application/vnd.lensgui.session+zip" not in kind:
        raise SystemExit(f"Sessions are not known: {kind}")
    seconds = screen.start("gio", "open", "work.lens", title="^work ")
    screen.rest()
    screen.press("^work ", "ctrl+shift+s")
    screen.press("Save the session", "ctrl+a", f"/home/{root.home.name}/again.lens", "Return")
    again = root.home / "again.lens"
    screen.until(again.exists, "the session was not saved again", 20)
    screen.rest()
    screen.end("^again ")
    if read(saved).document != read(again).document:
        raise SystemExit("The session that was opened is not the one that was saved.")
    say(f"opened as a file manager does, and saved again: {swept(again)}")


def show_lens(screen: Desktop) -> None:
    """Bring the lens to the front, and wait until all of it is read."""
    screen.press(TITLE, "ctrl+k")
    screen.press(TITLE, "Show Lens", "Return")
    screen.rest()
    say("the lens was shown")


def swept(path: Path) -> str:
    """Say which sweep a session holds.

    Raises:
        SystemExit: If it holds none, or not all of one.
    """
    session = read(path)
    sweeps = [answer for _, answer in session.answers if isinstance(answer, Sweep)]
    if not sweeps or not all(sweep.done == sweep.total for sweep in sweeps):
        raise SystemExit(f"{path.name} holds {len(sweeps)} sweeps, and not all of them whole.")
    cells = ", ".join(str(sweep.total) for sweep in sweeps)
    return f"{session.model.name}, a sweep of {cells} cells"


def sweep(root: Root) -> None:
    """Sweep from the command line."""
    (root.home / "pairs.csv").write_text(PAIRS)
    words = "lensgui sweep pairs.csv --model toy --kind resid_pre --out swept"
    root.run(*words.split(), user=True)
    if not (root.home / "swept" / "resid_pre.csv").stat().st_size:
        raise SystemExit("The command line wrote no sweep.")
    say("swept from the command line")


def go_wrong(root: Root, screen: Desktop) -> None:
    """See that what can go wrong is said in one sentence, and that the rest still works."""
    for environment in ({}, {"DISPLAY": ":987"}):
        said = root.run("lensgui", user=True, fails=True, **environment)
        if " display " not in said or said.count("\n") != 1:
            raise SystemExit(f"Without a display it says: {said}")
    say("no display: one sentence")
    for home in ("/nonexistent", ""):
        screen.run(*WORKS, HOME=home)
    say("no home folder: the window works")
    root.home.chmod(0o555)
    screen.run(*WORKS)
    root.home.chmod(0o755)
    say("a home folder that can't be written to: the window works")
    full = root.folder / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=777", "none", full], check=True)
    screen.run(*WORKS, HOME="/full")
    subprocess.run(["umount", full], check=True)
    full.rmdir()
    say("a full disk at the first start: the window works")
    screen.start("gio", "launch", ENTRY, title=TITLE)
    screen.run(*WORKS)
    screen.end(TITLE)
    say("a second one beside the first: both work")


def damage(root: Root, screen: Desktop) -> None:
    """Take files of the program away, one at a time, and see that it says so."""
    for name, is_fatal in DAMAGE.items():
        path = root.folder / PROGRAM / "_internal" / name
        path.rename(root.folder / "away")
        said = screen.run(*WORKS, fails=is_fatal)
        (root.folder / "away").rename(path)
        sentences = [line for line in said.splitlines() if line.startswith("lensgui is damaged")]
        if len(sentences) != 1 or "Traceback" in said:
            raise SystemExit(f"Without {name} it says: {said}")
        say(f"without {name}: {sentences[0]}")


def remove(root: Root, before: set[str]) -> None:
    """Remove the packages, and look for what is there that was not, or the other way round."""
    root.run("dpkg", "--purge", "lensgui", MODEL)
    if changed := sorted(before ^ root.files()):
        raise SystemExit(f"These files are there, or gone, and were not before: {changed}")
    if stray := sorted(root.written_by_user()):
        raise SystemExit(f"The user's files lie outside their home: {stray}")
    say("removed: nothing of it is left outside the user's folders")


def use_unpacked(root: Root, screen: Desktop, packed: Path) -> None:
    """Unpack the archive as a user, enter it in the menu, and take it out again."""
    shutil.rmtree(root.home / ".cache")
    with packed.open("rb") as file:
        unpack = root.command("tar", "-xJf", "-", user=True)
        subprocess.run(unpack, stdin=file, check=True)
    (folder,) = root.home.glob("lensgui-*")
    install = f"./{folder.name}/install.sh"
    screen.run(install)
    program = f"/home/{root.home.name}/.local/bin/lensgui"
    screen.run(program, "models", "get", "smollm2-135m")
    seconds = screen.start("gio", "open", "work.lens", title="^work ")
    screen.rest()
    screen.press("^work ", "ctrl+q")
    screen.gone()
    say(f"unpacked and entered in the menu: a session opens after {seconds:.2f} s")
    screen.run(install, "--remove")
    if left := list((root.home / ".local").rglob("*lensgui*")):
        raise SystemExit(f"These files are left in the user's folders: {left}")
    say("taken out of the menu: nothing of it is left there")


if __name__ == "__main__":
    sys.exit(main())
