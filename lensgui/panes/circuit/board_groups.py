"""Named groups of nodes on the board: each is drawn as one node, its edges as those of its members.

What a group's edge is worth is the sum of its members' edges, which is right to first order; taken
out together they may matter more or less than that, so the sum of exact effects is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lensgui.panes.circuit.board_contents import BoardEdge, BoardNode, Contents
from lensgui.state.selection import Cursor
from lensgui.terms.circuits.nodes import node_of
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

Groups = tuple[tuple[str, tuple[str, ...]], ...]
LONGEST = 24  # letters of a name


def grouped(found: Contents, groups: Groups) -> Contents:
    """Return what is on the board with each group as one node, where any of it is there."""
    there = {node.name: node for node in found.nodes}
    into: dict[str, str] = {}
    made: dict[str, BoardNode] = {}
    for name, members in groups:
        inside = [there[member] for member in members if member in there]
        if inside:
            into |= {node.name: name for node in inside}
            made[name] = _node(name, inside)
    if not made:
        return found
    nodes, seen = list[BoardNode](), set[str]()
    for node in found.nodes:
        name = into.get(node.name, node.name)
        if name not in seen:
            seen.add(name)
            nodes.append(made.get(name, node))
    edges = sorted(_edges(found.edges, into), key=lambda edge: abs(edge.helps))
    return replace(found, nodes=tuple(nodes), edges=tuple(edges))


def _node(name: str, inside: list[BoardNode]) -> BoardNode:
    """Return the node that stands for several: where the first of them stands."""
    return replace(
        inside[0],
        called=name,
        members=tuple(node.node for node in inside),
        weaker=sum(node.weaker for node in inside),
        is_pinned=all(node.is_pinned for node in inside),
    )


def _edges(edges: Iterable[BoardEdge], into: dict[str, str]) -> Iterable[BoardEdge]:
    """Yield edges between groups and nodes, those inside a group left out."""
    sums: dict[tuple[str, str], BoardEdge] = {}
    for edge in edges:
        sent, read = into.get(edge.name[0], edge.name[0]), into.get(edge.into, edge.into)
        if sent == read:
            continue
        if edge.name[0] not in into and edge.into not in into:
            yield edge
            continue
        so_far = sums.get((sent, read))
        score = edge.score + (so_far.score if so_far else 0.0)
        count = 1 + (so_far.count if so_far else 0)
        sums[sent, read] = BoardEdge((sent, read), read, "", score, count=count)
    yield from sums.values()


def heads_in(groups: Groups, name: str) -> tuple[Head, ...]:
    """Return the heads of a group, in the order of the model."""
    members = [member for called, names in groups if called == name for member in names]
    places = (node_of(member).place for member in members)
    return tuple(sorted(place for place in places if place is not None))


def group_of(groups: Groups, heads: Iterable[Head]) -> str:
    """Return the name of the group whose heads some heads are; "" for none."""
    chosen = tuple(sorted(heads))
    return next((name for name, _ in groups if chosen and heads_in(groups, name) == chosen), "")


def unpinned(found: Contents) -> list[Cursor]:
    """Return the heads on the board that are not pinned, those of groups too."""
    nodes = [one for one in found.nodes if not one.is_pinned]
    return [Cursor(*head) for one in nodes for head in one.heads]


def toggled(groups: Groups, heads: Sequence[Head], wanted: str) -> Groups:
    """Return groups with some heads as one more, or less the one that they are."""
    name = group_of(groups, heads)
    return without_group(groups, name) if name else with_group(groups, wanted, heads)


def common_role(roles: Mapping[Head, Part], heads: Iterable[Head]) -> str:
    """Return what heads are called that all have one role; "" for others."""
    names = {roles[head].role.name if head in roles else "" for head in heads}
    return f"{names.pop()}s" if len(names) == 1 and "" not in names else ""


def with_group(groups: Groups, name: str, heads: Sequence[Head]) -> Groups:
    """Return groups with some heads as one more, which they leave others for."""
    labels = tuple(f"L{layer}H{head}" for layer, head in sorted(heads))
    rest = [
        (other, tuple(one for one in members if one not in labels)) for other, members in groups
    ]
    kept = [(other, members) for other, members in rest if len(members) > 1]
    return (*kept, (free_name(tuple(kept), name), labels))


def without_group(groups: Groups, name: str) -> Groups:
    """Return groups less one."""
    return tuple(one for one in groups if one[0] != name)


def renamed(groups: Groups, before: str, after: str) -> Groups:
    """Return groups of which one has another name."""
    new = free_name(without_group(groups, before), after)
    return tuple((new if name == before else name, members) for name, members in groups)


def free_name(groups: Groups, wanted: str) -> str:
    """Return a name that no group and no node has: the wanted one if it can be."""
    name = " ".join(wanted.split())[:LONGEST]
    taken = {one for one, _ in groups}
    try:
        node_of(name)
    except ValueError:
        if name and name not in taken:
            return name
    name = name or "group"
    count = next(at for at in range(1, len(groups) + 2) if f"{name} {at}" not in taken)
    return f"{name} {count}"
