"""The guide hangs together: every page is reached from the index, every link and pane is there."""

import re
from pathlib import Path

import pytest

from lensgui.app.window.layout import PANES

GUIDE = Path(__file__).resolve().parents[2] / "resources" / "guide"
PAGES = sorted(path.name for path in GUIDE.glob("*.md"))
INDEX = "index.md"
WIDEST = 140  # letters of a line; a row of a table can't be broken
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)]+)\)")
PICTURE = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")
MOST_BYTES = 150_000  # of a picture
TAG = re.compile(r"</?[A-Za-z!][^>]*>")
FOOTNOTE = re.compile(r"\[\^[^\]]+\]")
PAGE_OF = {kind.title: kind.guide for kind in PANES}


def prose(page: str) -> str:
    """Return a page without its code."""
    return CODE.sub("", (GUIDE / page).read_text(encoding="utf-8"))


def links(page: str) -> list[str]:
    """Return where a page's links lead, without places on a page."""
    return [target.partition("#")[0] for target in LINK.findall(prose(page))]


def test_every_page_is_linked_from_the_index_once() -> None:
    assert sorted([INDEX, *links(INDEX)]) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_page(page: str) -> None:
    assert set(links(page)) <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_plain_markdown(page: str) -> None:
    assert TAG.findall(prose(page)) == []
    assert FOOTNOTE.findall(prose(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title_and_no_wide_lines(page: str) -> None:
    lines = (GUIDE / page).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in prose(page).splitlines()[1:] if line.startswith("# ")] == []
    assert [line for line in lines if len(line) > WIDEST and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES)
def test_rows_of_a_table_have_as_many_cells(page: str) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", (GUIDE / page).read_text("utf-8"), re.MULTILINE):
        rows = [re.sub(r"\\\|", "", row) for row in table.splitlines()]
        assert len({row.count("|") for row in rows}) == 1, rows


def test_every_pane_has_a_page_that_bears_its_name() -> None:
    assert {pane.title for pane in PANES} == set(PAGE_OF)
    for title, page in PAGE_OF.items():
        assert prose(page).splitlines()[0] == f"# {title}"


@pytest.mark.parametrize("page", [INDEX, *PAGE_OF.values()])
def test_a_pane_is_shown_on_its_page(page: str) -> None:
    (picture,) = PICTURE.findall(prose(page))
    data = (GUIDE / picture).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) <= MOST_BYTES


@pytest.mark.demo
def test_the_page_of_generation_writes_before_and_after(
    demo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (GUIDE / "generation.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert lines[0].startswith(" Mary 0.9")
    assert lines[:8] != lines[8:]
