"""docs/glossary.md: every term is used in the notebook that it names, in order, with links."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from course.notebooks.cells import read

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
SOURCES = sorted(
    (ROOT / "source").glob("*/*.ipynb"), key=lambda path: (path.parent, read(path).cells[0].source)
)
TERMS, SYMBOLS = GLOSSARY.split("\n## Symbols\n")
CELL = r"((?:\\\||[^|\n])*)"  # of a table
ROW = re.compile(rf"^\| {CELL} \| {CELL} \| {CELL} \| \[(\w+)\]\(([^)]+)\) \|$", re.MULTILINE)
ENTRIES = [(term.strip("*"), *rest) for term, *rest in ROW.findall(TERMS)]


@cache
def words(path: Path) -> str:
    """A notebook's text and code in small letters, without marks of emphasis."""
    text = "\n".join(cell.source for cell in read(path).cells)
    return " ".join(re.sub(r"[*`$]", "", text).casefold().split())


@cache
def bold(path: Path) -> str:
    """What a notebook's text prints bold, as it does a term that it introduces."""
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    return "\n".join(
        found.casefold() for text in cells for found in re.findall(r"\*\*.+?\*\*", text)
    )


def source(link: str) -> Path:
    return (DOCS / link.replace("../release/", "../source/")).resolve()


def test_every_row_was_read():
    tables, _ = GLOSSARY.split("\n## Names\n")
    rows = re.findall(r"^\| (?!---|term |symbol ).+$", tables, re.MULTILINE)
    assert len(rows) == len(ENTRIES) + len(ROW.findall(SYMBOLS)) > 80


@pytest.mark.parametrize(("term", "symbol", "text", "chapter", "link"), ENTRIES)
def test_a_term_is_used_where_it_says_and_introduced_no_earlier(term, symbol, text, chapter, link):
    home = source(link)
    assert term.casefold() in words(home)
    for path in SOURCES[: SOURCES.index(home)]:
        assert not re.search(rf"\*\*{re.escape(term.casefold())}s?\*\*", bold(path)), path.name
    sentences = re.sub(r"`[^`]*`|\$[^$]*\$", "", text)
    assert re.fullmatch(r"\S[^.]*\.", sentences), "one sentence"


def test_terms_stand_once_in_alphabetical_order():
    terms = [re.sub(r"[^a-z0-9 ]", "", term.casefold().replace("-", " ")) for term, *_ in ENTRIES]
    assert terms == sorted(terms)
    assert [term for term, count in Counter(terms).items() if count > 1] == []


def test_a_notebook_that_gives_terms_is_named_as_its_title_says():
    named = {source(link): chapter for *_, chapter, link in ROW.findall(GLOSSARY)}
    assert named.keys() <= set(SOURCES)
    for path, chapter in named.items():
        title = read(path).cells[0].source.splitlines()[0]
        number, part = re.fullmatch(r"# Chapter (\d+)(?:, part (\w))?\. .+", title).groups()
        assert chapter == number + (part or "")


def test_links_resolve():
    links = re.findall(r"\]\(([^)]+)\)", GLOSSARY)
    assert "exercises.md" in links
    for link in links:
        assert link == "#symbols" or (DOCS / link).resolve().is_file(), link


def test_the_readme_names_both_pages():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/glossary.md)" in readme
    assert "(docs/exercises.md)" in readme


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.parent.name < "07"], ids=lambda path: path.stem
)
def test_a_notebook_keeps_to_the_symbols(path):
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    text = " ".join("\n".join(cells).casefold().split())
    assert "\\ln" not in text, "the logarithm is written log"
    assert not re.search(r"(?<!standard )\bdeviation", text), "a standard deviation is called that"
    assert not re.search(r"\bh\([az]", text), "h is a step, f an activation function"
