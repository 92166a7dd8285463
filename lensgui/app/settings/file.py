"""The file that settings are kept in: what it says, and what becomes of one that says nothing."""

from __future__ import annotations

from configparser import Error, RawConfigParser
from io import StringIO
from pathlib import Path

from lensgui.models import store
from lensgui.state.settings import FILE
from lensgui.terms.errors import ModelError

SECTION = "General"  # as Qt calls it, which wrote the file before
ASIDE = f"{FILE}.bad"


class SettingsFile:
    """Reads and writes texts by name, and leaves alone what else the file says.

    Attributes:
        path: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._is_ours = True  # whether it may be written

    def read(self) -> tuple[dict[str, str], str]:
        """Return what the file says, and one sentence if that can't be read, else "".

        A file that is no list of settings is set aside under another name, with all that it says.
        One that can't be opened stays as it is, and nothing is written.
        """
        try:
            return self.said(), ""
        except OSError as error:
            self._is_ours = False
            why = error.strerror or type(error).__name__
            return {}, (
                f"{self.path} can't be read ({why}): settings are as at first, and changes last "
                "until the window is closed."
            )
        except (Error, UnicodeDecodeError):
            return {}, self._set_aside()

    def said(self) -> dict[str, str]:
        """Return what the file says, by name, and leave it as it is.

        Raises:
            OSError: If it can't be opened.
            configparser.Error: If it is no list of settings.
            UnicodeDecodeError: If it is no text.
        """
        return dict(self._parsed().items(SECTION))

    def write(self, said: dict[str, str]) -> None:
        """Keep texts by their names.

        Raises:
            ModelError: If they can't be written; the message is a sentence.
        """
        if not self._is_ours:
            return
        try:
            parser = self._parsed()
        except (OSError, Error, UnicodeDecodeError) as error:  # since it was read
            raise ModelError(
                f"{self.path} can't be read any more, so the change is not kept: move that file "
                "away and change it again."
            ) from error
        for name, text in said.items():
            parser.set(SECTION, name, text)
        lines = StringIO()
        parser.write(lines, space_around_delimiters=False)
        store.write_text(self.path, lines.getvalue())

    def _parsed(self) -> RawConfigParser:
        parser = RawConfigParser(delimiters=("=",), strict=False)
        parser.optionxform = str  # type: ignore[assignment]
        if self.path.exists():
            parser.read_string(self.path.read_text(encoding="utf-8-sig"))
        if not parser.has_section(SECTION):
            parser.add_section(SECTION)
        return parser

    def _set_aside(self) -> str:
        """Give the file another name, one that nothing has yet; return the sentence that says so.

        Where that can't be done, it stays, and nothing is written.
        """
        number, aside = 1, self.path.with_name(ASIDE)
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{ASIDE}.{number}")
        try:
            self.path.rename(aside)
        except OSError:
            self._is_ours = False
            return f"{self.path} is no list of settings: they are as at first, and none is kept."
        return f"{FILE} is no list of settings: they are as at first, and it is now {aside}."
