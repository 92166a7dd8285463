"""The check of the layout finds what it is for, in a package made to have each fault."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "house.py"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The script, looking at an empty package; `make lint` has it look at the real one."""
    spec = importlib.util.spec_from_file_location("house", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    write(tmp_path, "__init__", "")
    return module


def write(root, name, text):
    path = root.joinpath("lensgui", *name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def room(root, name, modules, text="x = 1\n"):
    """Write a folder and its map."""
    write(
        root, f"{name}.__init__", '"""A room.\n\n' + "".join(f"{m}: m.\n" for m in modules) + '"""'
    )
    for module in modules:
        write(root, f"{name}.{module}", text)


def test_a_folder_may_hold_so_many_modules(house, tmp_path):
    names = [f"m{at}" for at in range(12)]
    room(tmp_path, "terms", names)
    assert house.complaints() == []
    room(tmp_path, "terms", [*names, "more"])
    room(tmp_path, "analysis.run", names[:10])
    write(tmp_path, "analysis.__init__", '"""A room."""')
    crowded = [said for said in house.complaints() if "part it" in said]
    assert [said.split()[0] for said in crowded] == ["lensgui.analysis.run", "lensgui.terms"]


def test_a_map_says_what_every_module_is(house, tmp_path):
    room(tmp_path, "terms", ["run"])
    write(tmp_path, "terms.__init__", '"""A room in which things run."""')
    assert house.complaints() == ["lensgui/terms/__init__.py does not say what run is."]


def test_a_circle_of_imports_is_found_inside_functions_too(house, tmp_path):
    room(tmp_path, "terms", ["one", "two"], "\n" * 70)
    write(tmp_path, "terms.one", "from lensgui.terms import two\n" + "\n" * 70)
    write(tmp_path, "terms.two", "def f():\n    from lensgui.terms.one import g\n" + "\n" * 70)
    assert house.complaints() == [
        "Circle of imports: lensgui.terms.one → lensgui.terms.two → lensgui.terms.one."
    ]


def test_a_fragment_is_one_modules_own(house, tmp_path):
    room(tmp_path, "terms", ["one", "two", "small"], "from lensgui.terms.small import x\n" * 70)
    write(tmp_path, "terms.small", "x = 1\n")
    assert house.complaints() == []
    write(tmp_path, "terms.two", "x = 1\n" * 70)
    (said,) = house.complaints()
    assert said.startswith("lensgui.terms.small has 1 lines and is imported by lensgui.terms.one")


def test_qt_guesses_nothing(house, tmp_path):
    write(tmp_path, "tips", TIPS)
    label = "make labels with lensgui.panes.controls.controls's functions."
    assert house.complaints() == [
        *(f"lensgui.tips, line {line}: {label}" for line in (1, 3)),
        *(
            f"lensgui.tips, line {line}: give {call} a constant or plain_tip(…)."
            for line, call in ((4, "setToolTip"), (5, "showText"), (6, "setWhatsThis"))
        ),
    ]


TIPS = """class Label(QtWidgets.QLabel):
    def show(self, words):
        QLabel(words)
        self.setToolTip(words)
        QToolTip.showText(here, words or self.toolTip(), self)
        self.setWhatsThis(f"{words}")
        self.setToolTip("Constant.")
        QToolTip.showText(here, plain_tip(words) or self.toolTip(), self)
"""
