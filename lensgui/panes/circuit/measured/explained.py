"""What part each node of a circuit plays: its role's rule, what it reads and who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from lensgui.jobs.answers.circuits import EdgeTable
from lensgui.panes.figures.figure import Data, Sheet, numbered
from lensgui.panes.token_text import signed
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import EdgeName, graph_of
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

PARTS = "parts of its nodes"
NAMED = 4  # strongest edges that are named on either side
INDENT, AROUND, TALL = 12, 4, 10_000  # pixels
ATTENTION = "show its attention"
NO_RULE = "no role’s rule holds for it"
Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("node", "role", "reads", "is read by")


@dataclass(frozen=True, slots=True)
class Explained:
    """A node of a circuit in words.

    Attributes:
        node: The node.
        role: What its role is called; "" for none.
        rule: The rule that holds for it, as a sentence.
        reads: The strongest of what it reads, with what that is worth.
        read_by: The strongest of what reads it, likewise.
    """

    node: Node
    role: str
    rule: str
    reads: str
    read_by: str

    @property
    def lines(self) -> list[str]:
        """What is said below its name."""
        own = ATTENTION if self.node.kind == "head" else ""
        said = (self.rule, f"reads {self.reads}", f"is read by {self.read_by}", own)
        return list(filter(None, said))


@lru_cache(maxsize=2)
def explained(
    table: EdgeTable, edges: tuple[EdgeName, ...], parts: tuple[tuple[Head, Part], ...]
) -> tuple[Explained, ...]:
    """Return each node of a circuit in words, those nearest to the logits first.

    Args:
        table: What every edge is worth.
        edges: The circuit.
        parts: What part each head plays.

    Raises:
        ValueError: If the circuit is another model's.
    """
    circuit, roles = graph_of(edges, table.shape), dict(parts)
    scores = np.where(circuit.kept, table.scores, 0)
    return tuple(_of(node, circuit, scores, roles) for node in reversed(circuit.members))


def _of(node: Node, circuit: Graph, scores: np.ndarray, roles: Mapping[Head, Part]) -> Explained:
    row = circuit.rows[node]
    columns = np.flatnonzero((circuit.owners == row).any(axis=1))
    columns = columns[columns < len(circuit.receivers) - 1]
    into = [
        (float(scores[sender, column]), circuit.senders[sender], circuit.receivers[column])
        for column in columns.tolist()
        for sender in np.flatnonzero(circuit.kept[:, column]).tolist()
    ]
    reads = [(value, f"{sender}{_port(column)}") for value, sender, column in into]
    out = [
        (float(scores[row, column]), str(circuit.receivers[column]))
        for column in np.flatnonzero(circuit.kept[row]).tolist()
    ]
    part = roles.get(node.place) if node.place is not None else None
    name = part.role.name if part is not None else ""
    rule = part.rule if part is not None else NO_RULE if node.kind == "head" else ""
    return Explained(node, name, rule, _strongest(reads), _strongest(out))


def _port(receiver: Node) -> str:
    return f" → {receiver.kind}" if receiver.kind in ("q", "k", "v") else ""


def _strongest(listed: list[tuple[float, str]]) -> str:
    ordered = sorted(listed, key=lambda one: -abs(one[0]))
    named = [f"{name} {signed(value)}" for value, name in ordered[:NAMED]]
    more = len(ordered) - NAMED
    return ", ".join([*named, *([f"and {more} weaker"] if more > 0 else [])]) or "nothing"


class Wrapped(QStyledItemDelegate):
    """Gives each item the height of its whole text, as wide as the tree is."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of an item: trees by themselves expect a single line."""
        tree, hint = self.parent(), super().sizeHint(option, index)
        assert isinstance(tree, QTreeWidget)
        depth = 2 if index.parent().isValid() else 1
        room = tree.viewport().width() - depth * tree.indentation() - 2 * AROUND
        font = index.data(Qt.ItemDataRole.FontRole) or tree.font()
        flags = int(Qt.TextFlag.TextWordWrap)
        text = QFontMetrics(font).boundingRect(0, 0, max(1, room), TALL, flags, index.data())
        return QSize(max(1, room), max(hint.height(), text.height() + AROUND))


class ExplainedView(QTreeWidget):
    """Shows nodes in words; a click on one selects it, and its last line shows its attention.

    Attributes:
        picked: (fields,) the Cursor fields of a node that was chosen.
        evidence: (fields,) the same, and its attention is wanted.
    """

    picked = Signal(object)
    evidence = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: tuple[Explained, ...] = ()
        self.setAccessibleName("What part each node plays; numbers are estimates (EAP-IG)")
        self.setHeaderHidden(True)
        self.setWordWrap(True)
        self.setIndentation(INDENT)
        self.setItemDelegate(Wrapped(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemClicked.connect(self._follow)
        self.itemActivated.connect(self._follow)

    def show_nodes(self, nodes: tuple[Explained, ...]) -> None:
        """Show some nodes."""
        if nodes == self.shown:
            return
        self.shown = nodes
        where = self.verticalScrollBar().value()
        self.clear()
        for one in nodes:
            item = QTreeWidgetItem(self, [" · ".join(filter(None, (str(one.node), one.role)))])
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
            for line in one.lines:
                QTreeWidgetItem(item, [line])
        self.expandAll()
        self.verticalScrollBar().setValue(where)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap lines anew."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    @Slot(QTreeWidgetItem)
    def _follow(self, item: QTreeWidgetItem) -> None:
        node = item.parent() or item
        of = self.shown[self.indexOfTopLevelItem(node)].node
        fields = {"layer": of.layer, "head": of.head, "heads": ()}
        (self.evidence if item.text(0) == ATTENTION else self.picked).emit(fields)


def sheet(nodes: Sequence[Explained]) -> Sheet:
    """Return the same as rows to be taken home."""
    rows = [[str(one.node), one.role or "none", one.reads, one.read_by] for one in nodes]
    names = [row[0] for row in rows]
    words = {column: [row[at] for row in rows] for at, column in enumerate(COLUMNS) if at}
    return Sheet("", list(COLUMNS), rows, Data((numbered("node", names),), {}, words))
