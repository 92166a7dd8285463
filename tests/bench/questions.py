"""Questions for the window, each asked once: what was answered before is kept."""

from __future__ import annotations

NAMES = (
    *("Mary", "Paul", "James", "Peter", "Tom", "David", "Anna", "Mark", "Sarah", "George"),
    *("Robert", "Michael", "Alice", "Bob", "Emma", "Lisa", "Kate", "Daniel", "Adam", "Maria"),
)
CORRUPTED = tuple(f"When John and Mary went to the store, {name} gave a drink to" for name in NAMES)
