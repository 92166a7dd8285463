"""What is asked before something that is not saved goes away."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from PySide6.QtWidgets import QDialogButtonBox, QWidget

from lensgui.app.question import ask
from lensgui.state.document import Document


class Leave(Enum):
    """What is to become of what is not saved."""

    SAVE = auto()
    DROP = auto()
    STAY = auto()


ROLE = QDialogButtonBox.ButtonRole
CHOICES = (
    (Leave.STAY, "Stay", ROLE.RejectRole, "Leave everything as it is."),
    (Leave.SAVE, "Save", ROLE.AcceptRole, "Save the session to its file, or to one you choose."),
    (Leave.DROP, "Don’t save", ROLE.DestructiveRole, "Lose what was changed since it was saved."),
)
REPLACE = (
    (False, "Cancel", ROLE.RejectRole, "Leave the file as it is; Save as writes another."),
    (True, "Replace", ROLE.DestructiveRole, "Write this session over what the file has now."),
)

REPLACE_ANY = (
    (False, "Cancel", ROLE.RejectRole, "Leave what is there as it is."),
    (True, "Replace", ROLE.DestructiveRole, "Write over what is there now."),
)


def counted(document: Document) -> str:
    """Return what there is in a document that takes work to make: 2 pins and 1 note."""
    kinds = (
        ("pin", document.pins),
        ("note", document.notes),
        ("role", document.roles),
        ("prompt pair", document.table),
        ("scene", document.scenes),
    )
    parts = [f"{len(some):,} {name}{'s' * (len(some) != 1)}" for name, some in kinds if some]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def is_worth_asking(document: Document, path: Path | None) -> bool:
    """Whether one is asked before a modified document goes: it is of a file, or took work.

    What was only typed is kept as the last session without a question.
    """
    return path is not None or bool(counted(document))


def ask_saving(document: Document, name: str, parent: QWidget) -> Leave:
    """Ask what is to become of a modified document."""
    held = counted(document)
    holds = f"It holds {held}." if held else "It is changed since it was saved."
    return ask(f"Save “{name}” first?", holds, CHOICES, parent)


def ask_overwriting(path: Path, parent: QWidget) -> bool:
    """Ask whether to write over a file that somebody else has changed."""
    said = f"{path.name} was changed by another program since it was opened or saved here."
    return ask("Replace the file?", said, REPLACE, parent)


def ask_replacing(path: Path, parent: QWidget) -> bool:
    """Ask whether to write over a file that has the name to which our ending was added."""
    return ask("Replace the file?", f"{path.name} is there already.", REPLACE, parent)


def ask_writing_over(paths: Sequence[Path], parent: QWidget) -> bool:
    """Ask whether to write over files whose names nobody was asked about; not if there are none."""
    if not paths:
        return True
    name, more = paths[0].name, len(paths) - 1
    said = f"{name} and {more} more are there already." if more else f"{name} is there already."
    return ask(f"Replace the file{'s' * (more > 0)}?", said, REPLACE_ANY, parent)
