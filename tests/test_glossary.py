"""docs/glossary.md: every term is used in the notebook that it names, in order, with links."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
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
PLACE = r'(?:<a id="[\w-]+"></a>)?'  # of an entry, for links
ROW = re.compile(
    rf"^\| {PLACE}{CELL} \| {CELL} \| {CELL} \| \[(\w+)\]\(([^)]+)\) \|$", re.MULTILINE
)
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


@cache
def everything(path: Path) -> str:
    """A notebook's text and code."""
    return "\n".join(cell.source for cell in read(path).cells)


def chapter_of(path: Path) -> str:
    """A notebook's chapter and part as its title has them, such as 4A."""
    title = read(path).cells[0].source.splitlines()[0]
    number, part = re.fullmatch(r"# Chapter (\d+)(?:, part (\w))?\. .+", title).groups()
    return number + (part or "")


def source(link: str) -> Path:
    return (DOCS / link.replace("../release/", "../source/")).resolve()


def test_every_row_was_read():
    tables, _ = GLOSSARY.split("\n## Kept from the books\n")
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


def place(term):
    """What a link to an entry ends with."""
    return re.sub(r"[^\w-]", "", term.lower().replace(" ", "-"))


def test_an_entry_has_a_place_of_its_own_that_links_lead_to():
    places = [place(term) for term, *_ in ENTRIES]
    assert len({*places}) == len(places)
    assert places == re.findall(r'^\| <a id="([\w-]+)"></a>\*\*', TERMS, re.MULTILINE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_ends_with_links_to_the_words_that_it_introduces(path):
    (recap,) = [cell.source for cell in read(path).cells if cell.id == "recap"]
    linked = re.findall(r"\[([^\]]+)\]\(\.\./\.\./docs/glossary\.md#([\w-]+)\)", recap)
    introduced = [term for term, _, _, _, link in ENTRIES if source(link) == path]
    assert linked == [(term, place(term)) for term in introduced]


def test_terms_stand_once_in_alphabetical_order():
    terms = [re.sub(r"[^a-z0-9 ]", "", term.casefold().replace("-", " ")) for term, *_ in ENTRIES]
    assert terms == sorted(terms)
    assert [term for term, count in Counter(terms).items() if count > 1] == []


def test_a_notebook_that_gives_terms_is_named_as_its_title_says():
    named = {source(link): chapter for *_, chapter, link in ROW.findall(GLOSSARY)}
    assert named.keys() <= set(SOURCES)
    for path, chapter in named.items():
        assert chapter == chapter_of(path)


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
    assert not re.search(r"\$l\$ (is the number of layers|be the root)", text), "l is the loss"


KEPT = {
    "$m$ for": r"\$m\$ samples|\((?:n_x|features), m\)|\(m, features\)",
    "$y$, $Y$ for": r"\b[yY]: (?:labels|0 or 1|shape \(n_y, m\))",
    "$h$ for": r"\bh \\leftarrow",
}


@pytest.mark.parametrize("what", KEPT)
def test_a_symbol_is_kept_from_the_books_exactly_where_the_glossary_says(what):
    (where, why) = re.findall(
        rf"^\| {re.escape(what)} [^|]+ \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", GLOSSARY, re.MULTILINE
    )[0]
    found = [path for path in SOURCES if re.search(KEPT[what], everything(path))]
    assert ", ".join(map(chapter_of, found)) == where
    assert why.endswith(".")


def test_the_list_of_what_is_kept_is_whole():
    _, table = GLOSSARY.split("\n## Kept from the books\n")
    rows = re.findall(r"^\| (?!---|what stays )(.+)$", table.split("\n## ")[0], re.MULTILINE)
    assert len(rows) == len(KEPT)
    assert all(row.startswith(what) for row, what in zip(rows, KEPT, strict=True))


def test_what_predict_returns_is_told_by_the_table_of_names():
    head, row = re.findall(r"^\| (?:name|`predict`) \| (.+) \|$", GLOSSARY, re.MULTILINE)
    told = {
        chapter: word
        for heading, word in zip(head.split(" | "), row.split(" | "), strict=True)
        for chapter in re.findall(r"\d\w?", heading)
    }
    defined = r"def predict\(.*\):\n\s+\"\"\"(.+)"
    docstrings = {chapter_of(path): re.findall(defined, everything(path)) for path in SOURCES}
    assert {chapter for chapter, found in docstrings.items() if found} == told.keys()
    for chapter, word in told.items():
        assert all(word in line for line in docstrings[chapter]), chapter


def test_half_of_the_signal_is_left_behind_five_layers_of_tanh():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 100))
    spreads = []
    for _ in range(5):
        x = np.tanh(x @ rng.normal(0, np.sqrt(1 / 100), (100, 100)))
        spreads.append(x.std())
    assert 0.45 < spreads[-1] / spreads[0] < 0.6
    assert "keeps most of the signal's size behind tanh, about half of it after five" in GLOSSARY
