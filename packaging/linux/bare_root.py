"""A bare Debian to install packages in, and a screen in it that is worked by keys.

It needs root, mmdebstrap and nothing of Python's but its own library.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

USER = "somebody"
TOOLS = (
    "xvfb", "xauth", "xdotool", "libglib2.0-bin", "desktop-file-utils", "shared-mime-info",
    "xz-utils",
)  # fmt: skip
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
POLL = 0.02  # seconds
# What is not a package's own: what apt, dpkg and caches of shared data write, and the user's.
NOT_COUNTED = ("proc", "home", "tmp", "var/lib/dpkg", "var/lib/apt", "var/cache", "var/log")


class Root:
    """A Debian in a folder.

    Attributes:
        folder: Where it lies.
        home: The home of its only user.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home" / USER

    def run(self, *words: str, user: bool = False, fails: bool = False, **environment: str) -> str:
        """Run a command in it and return what it prints, errors included.

        Args:
            words: The command.
            user: Whether the user runs it, in their home.
            fails: Whether it is expected to.
            environment: More of its environment.

        Raises:
            SystemExit: If it fails, or does not though it should.
        """
        done = subprocess.run(
            self.command(*words, user=user, **environment),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            errors="replace",
        )  # fmt: skip
        if bool(done.returncode) != fails:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def command(self, *words: str, user: bool = False, **environment: str) -> list[str]:
        """Return the command that runs another in it."""
        home = f"/home/{USER}" if user else "/root"
        given = {
            "PATH": PATH,
            "LC_ALL": "C.UTF-8",
            "HOME": home,
            "DEBIAN_FRONTEND": "noninteractive",
        }
        told = [f"{name}={text}" for name, text in (given | environment).items()]
        switch = [f"--userspec={USER}"] if user else []
        into = ["env", "-i", "-C", home, *told] if user else ["env", "-i", *told]
        return ["chroot", *switch, str(self.folder), *into, *words]

    def install(self, *packages: str) -> None:
        """Install packages, by name or by their files in it, with what they depend on."""
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        self.run(*words, DEBIAN_FRONTEND="noninteractive")

    def files(self) -> set[str]:
        """Return the paths of everything that is counted."""
        pruned = [word for place in NOT_COUNTED for word in ("-path", f"./{place}", "-o")][:-1]
        find = ["find", ".", "-xdev", "(", *pruned, ")", "-prune", "-o", "-print"]
        return set(subprocess.check_output(find, cwd=self.folder, text=True).splitlines())

    def written_by_user(self) -> set[str]:
        """Return the paths of what belongs to the user outside their home."""
        places = [
            "find",
            ".",
            "-xdev",
            "-path",
            "./proc",
            "-prune",
            "-o",
            "-user",
            "1000",
            "-print",
        ]
        found = subprocess.check_output(places, cwd=self.folder, text=True).splitlines()
        return {name for name in found if not name.startswith((f"./home/{USER}", "./tmp/.X"))}


@contextlib.contextmanager
def bare_root(release: str) -> Iterator[Root]:
    """Make a bare root and yield it; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="root-"))
    try:
        make = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"]
        subprocess.run([*make, f"--include={','.join(TOOLS)}", release, folder], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", folder / "proc"], check=True)
        shutil.copy("/etc/resolv.conf", folder / "etc")
        shutil.copytree("/etc/apt/apt.conf.d", folder / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        root = Root(folder)
        root.run("useradd", "-m", "-u", "1000", USER)
        root.run("apt-get", "update", "-qq")
        yield root
    finally:
        subprocess.run(["umount", "--lazy", folder / "proc"], stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


class Desktop:
    """A screen in a root, without a window manager, and a user who starts things there.

    Whatever the menu or the file manager starts as `lensgui` notes how it ends.
    """

    def __init__(self, root: Root, display: str) -> None:
        self._root = root
        self._environment = {"DISPLAY": display, "PATH": f"/home/{USER}/bin:{PATH}"}
        self._ended, self._said = root.home / "ended", root.home / "said"
        starter = root.home / "bin" / "lensgui"
        starter.parent.mkdir(exist_ok=True)
        starter.write_text('#!/bin/sh\n/usr/bin/lensgui "$@" >~/said 2>&1\necho $? >~/ended\n')
        starter.chmod(0o755)

    def run(self, *words: str, fails: bool = False, **environment: str) -> str:
        """Run a command on it, as `Root.run` does."""
        return self._root.run(*words, user=True, fails=fails, **self._environment | environment)

    def start(self, *words: str, title: str) -> float:
        """Start lensgui by some command, and return after how many seconds its window is there."""
        self._ended.unlink(missing_ok=True)
        begun = time.monotonic()
        command = self._root.command(*words, user=True, **self._environment)
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        self.window(title)
        return time.monotonic() - begun

    def window(self, title: str, seconds: float = 60) -> str:
        """Wait for a window of a title, a regular expression, and return which it is."""
        words = ["xdotool", "search", "--onlyvisible", "--name", title]
        command = self._root.command(*words, user=True, **self._environment)

        def found() -> str:
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            return (said.stdout.decode().split() or [""])[0]

        return self.until(found, f"no window is called {title}", seconds)

    def press(self, title: str, *keys: str) -> None:
        """Press keys, or type what is no key's name, in a window of a title."""
        self.run("xdotool", "windowfocus", "--sync", self.window(title))
        for key in keys:
            is_key = re.fullmatch(r"(ctrl\+|shift\+)*(Return|Escape|[a-z])", key)
            self.run("xdotool", *(["key", key] if is_key else ["type", "--delay", "20", key]))
            time.sleep(0.3)

    def rest(self, seconds: float = 120) -> None:
        """Wait until lensgui has nothing to do: one process, which does not compute for 2 s."""

        def is_still() -> bool:
            before = self._running()
            time.sleep(2)
            after = self._running()
            return len(after) == 1 and before.keys() == after.keys() and _grown(before, after) < 6

        self.until(is_still, "lensgui does not come to rest", seconds)

    def gone(self) -> None:
        """Wait until nothing is running that is called lensgui."""
        self.until(lambda: not self._running(), "lensgui does not end", 20)

    def _running(self) -> dict[str, int]:
        """Return how many hundredths of a second each process called lensgui has computed."""
        found = {}
        for path in (self._root.folder / "proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                program = (path / "cmdline").read_bytes().partition(b"\0")[0]
                numbers = (path / "stat").read_text().rpartition(")")[2].split()
                if program.endswith(b"lensgui"):
                    found[path.name] = sum(map(int, numbers[11:13]))
        return found

    def end(self, title: str) -> None:
        """Quit, and see that it ends as it should."""
        self.press(title, "ctrl+q")
        self.until(self._ended.exists, "lensgui does not end", 20)
        status, said = self._ended.read_text().strip(), self._said.read_text()
        if status != "0" or "Traceback" in said:
            raise SystemExit(f"lensgui ended with {status}:\n{said}")

    def until(self, holds: Callable[[], Any], why_not: str, seconds: float) -> Any:
        """Wait until something is true and return it.

        Raises:
            SystemExit: If that takes too long.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := holds():
                return found
            time.sleep(POLL)
        raise SystemExit(f"{why_not} after {seconds:.0f} s:\n{self._said.read_text()}")


def _grown(before: dict[str, int], after: dict[str, int]) -> int:
    return sum(after.values()) - sum(before.values())


@contextlib.contextmanager
def desktop(root: Root, size: str = "1440x900x24", more: Sequence[str] = ()) -> Iterator[Desktop]:
    """Start a screen in a root and yield it; with more words for Xvfb."""
    words = ["Xvfb", "-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp", "-ac", "-noreset"]
    words += more
    command = root.command(*words, user=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield Desktop(root, f":{server.stdout.readline().decode().strip()}")
        finally:
            server.terminate()
