"""Words that prompts are made of: names, places, facts. Free of torch."""

from __future__ import annotations

from lensgui.prompts.ioi import NAMES, OBJECTS, PLACES

CAPITALS = {
    "Tokyo": "Japan", "Berlin": "Germany", "Paris": "France", "Rome": "Italy", "Madrid": "Spain",
    "London": "England", "Moscow": "Russia", "Beijing": "China", "Cairo": "Egypt",
    "Athens": "Greece", "Vienna": "Austria", "Dublin": "Ireland", "Stockholm": "Sweden",
    "Warsaw": "Poland", "Lisbon": "Portugal", "Oslo": "Norway", "Toronto": "Canada",
    "Sydney": "Australia", "Mumbai": "India",
    "Istanbul": "Turkey", "Munich": "Germany", "Milan": "Italy",
    "Barcelona": "Spain", "Shanghai": "China",
    "Delhi": "India", "Baghdad": "Iraq", "Geneva": "Switzerland",
}  # fmt: skip
LANDMARKS = (  # of two and of three tokens in SmolLM2's vocabulary
    {
        "Louvre": "Paris", "Pantheon": "Rome", "Kremlin": "Moscow", "Acropolis": "Athens",
        "Big Ben": "London", "Buckingham Palace": "London", "British Museum": "London",
        "Notre Dame": "Paris", "Red Square": "Moscow",
    },
    {
        "Eiffel Tower": "Paris", "Colosseum": "Rome", "Parthenon": "Athens",
        "Brandenburg Gate": "Berlin", "Forbidden City": "Beijing", "Hagia Sophia": "Istanbul",
        "Prado Museum": "Madrid", "Trevi Fountain": "Rome",
    },
)  # fmt: skip
MEN = (
    "Dave", "John", "Tom", "James", "Mark", "Paul", "Peter", "David", "Jack", "Michael", "Robert",
    "William", "Richard", "Charles", "George",
)  # fmt: skip
WOMEN = (
    "Mary", "Anna", "Jane", "Sarah", "Emma", "Lisa", "Laura", "Susan", "Karen", "Elizabeth",
    "Margaret", "Kate", "Alice", "Helen", "Julia",
)  # fmt: skip
TRAITS = ("great", "good", "kind", "funny", "smart", "nice")
THINGS = {
    "key": "keys", "book": "books", "tree": "trees", "dog": "dogs", "car": "cars", "bird": "birds",
    "child": "children", "flower": "flowers", "house": "houses", "cat": "cats", "box": "boxes",
    "door": "doors",
}  # fmt: skip
SPOTS = ("garden", "kitchen", "street", "room", "park", "yard")
EVENTS = ("war", "siege", "journey", "project", "conflict", "reign")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ARGUMENTS = (
    "load", "size", "files", "model", "path", "name", "data", "key", "index", "value", "time",
    "color", "state", "order", "image", "text",
)  # fmt: skip
NOUNS = (
    "king", "bread", "water", "tree", "table", "green", "seven", "music", "apple", "stone", "house",
    "river", "paper", "horse", "silver", "garden", "window", "winter", "letter", "mountain",
)  # fmt: skip
LISTS: tuple[tuple[str, ...], ...] = (
    NAMES, PLACES, OBJECTS, tuple(CAPITALS), tuple(CAPITALS.values()), *map(tuple, LANDMARKS), MEN,
    WOMEN, TRAITS, tuple(THINGS), tuple(THINGS.values()), SPOTS,
    EVENTS, DAYS, ARGUMENTS, NOUNS,
)  # fmt: skip
