"""Make the reading site: every chapter as a page, from what students get, with solutions folded.

A page is the released notebook, made by the release's own steps; after each exercise stands its
solution, from the source notebook, without hidden tests and mark schemes. Nothing is run: figures
are those that the release shows folded. Sphinx makes HTML of the pages, as docs/site/conf.py says.
"""

import copy
import itertools
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from traitlets.config import Config

from course.authoring.release import leaks
from course.layout import CourseError, load_config
from course.notebooks.assignment import SOURCE, read_assignment
from course.notebooks.cells import (
    TEST_PREFIX,
    NotebookError,
    grade_id,
    is_manual,
    is_solution,
    is_test,
)
from course.notebooks.conventions import BEGIN_SCHEME, END_SCHEME, FIGURES, unmarked, without
from course.notebooks.execution import BEGIN_HIDDEN, END_HIDDEN
from course.notebooks.source import SourceNotebook, source_notebooks

SETTINGS = Path("docs", "site")  # within the course's folder
SITE = "_site"  # where the site is made, within the course's folder
MADE = ".buildinfo"  # Sphinx leaves it in a site

_SECTION = r"^## {title}\n(?P<text>.*?)(?=^## |\Z)"
_FOLDED = re.compile(
    r"<details><summary>(?P<summary>.*?)</summary>\n(?P<body>.*?)\n</details>", re.DOTALL
)
_GAP = re.compile(r"(?<=</details>)\n\n<br>(?=\n\n)")  # JupyterLab gives a fold no margin
_PICTURE = re.compile(rf"!\[[^\]]*\]\({FIGURES}/[^)]+\)")
_ENTRY = re.compile(r"\[(?P<text>[^\]]+)\]\(\.\./\.\./docs/glossary\.md#(?P<place>[\w-]+)\)")
_LINK = re.compile(r"(?<![!\\])\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^)\s]+)\)")


def make_site(root: Path, into: Path | None = None, *, solutions: bool = True) -> Path:
    """Make the site, and return its first page.

    Args:
        root: the course's folder.
        into: the folder of the site, which is made anew; `root/_site` if None.
        solutions: whether they stand folded after each exercise, or are left out.

    Raises:
        CourseError: if Sphinx isn't installed or finds fault with a page, if a page would give away
            what is left out, or if the folder holds something else than a site.
        NotebookError: if a notebook can't be read.
    """
    into = into or root / SITE
    if find_spec("sphinx") is None:
        raise CourseError("Sphinx is not installed: pip install -e '.[site]' brings what it needs")
    if into.exists() and any(into.iterdir()) and not (into / MADE).exists():
        raise CourseError(f"{into} holds something else than a site: choose another folder")
    with tempfile.TemporaryDirectory() as scratch:
        pages, html = Path(scratch, "pages"), Path(scratch, "html")
        write_pages(root, pages, solutions=solutions)
        command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
        command += ["--conf-dir", str(root / SETTINGS), "--doctree-dir", f"{scratch}/doctrees"]
        done = subprocess.run([*command, pages, html], capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.replace(f"{pages}/", "").strip()
            raise CourseError(f"Sphinx can't make the site:\n{said}")
        if into.exists():
            shutil.rmtree(into)
        shutil.move(html, into)
    return into / "index.html"


def write_pages(root: Path, folder: Path, *, solutions: bool = True) -> list[Path]:
    """Write what Sphinx makes the site of, and return the notebooks among it.

    Args:
        root: the course's folder.
        folder: where to; it is made.
        solutions: whether they stand folded after each exercise, or are left out.

    Raises:
        CourseError: if a page would give away what is left out.
        NotebookError: if a notebook can't be read.
    """
    config = load_config(root)
    sources = source_notebooks(root / SOURCE)
    made = []
    for source in sources:
        page = folder / source.assignment / f"{source.name}.ipynb"
        page.parent.mkdir(parents=True, exist_ok=True)
        chapter = chapter_page(source, config, solutions=solutions)
        text = str(nbformat.writes(chapter))  # type: ignore[no-untyped-call]
        if not solutions and (found := leaks(source.notebook, text)):
            raise CourseError(f"{source.assignment}/{page.name} would give away {found[0]!r}")
        page.write_text(text, encoding="utf-8")
        _copy_figures(source, page.parent)
        made.append(page)
    pages = {f"release/{page.relative_to(folder).as_posix()}" for page in made}
    places = {page: page.removeprefix("release/") for page in pages}
    places |= {"docs/exercises.md": "exercises.md", "docs/glossary.md": "glossary.md"}
    for name in ("exercises", "glossary"):
        text = (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
        (folder / f"{name}.md").write_text(with_links(text, "docs", places), encoding="utf-8")
    readme = (root / "README.md").read_text(encoding="utf-8")
    working = with_links(working_page(readme), "", places)
    (folder / "working.md").write_text(working, encoding="utf-8")
    index = (root / SETTINGS / "index.md").read_text(encoding="utf-8")
    chapters = "\n".join(page.relative_to(folder).as_posix() for page in made)
    (folder / "index.md").write_text(index.replace("CHAPTERS", chapters), encoding="utf-8")
    return made


def chapter_page(
    source: SourceNotebook, config: Config | None = None, *, solutions: bool = True
) -> NotebookNode:
    """Return a chapter's notebook as it is to be read.

    Args:
        source: the source notebook.
        config: the course's; it says what stands in place of a solution.
        solutions: whether they stand folded after each exercise, or are left out.
    """
    answers = {grade_id(cell): cell for cell in source.notebook.cells if is_solution(cell)}
    page = copy.deepcopy(source.released(config))
    cells: list[NotebookNode] = []
    for cell in page.cells:
        if is_test(cell):
            cells += [_folded("The test cell", cell)]
        elif cell.cell_type == "code":
            cells += [cell]
        elif not (solutions and is_manual(cell)):
            text = _figures_shown(_GAP.sub("", cell.source))
            text = _anchored(_glossary_linked(text))
            cell.source = _labelled(text, source.name, cell.id)
            cells += [cell]
        answered = grade_id(cell).removeprefix(TEST_PREFIX) if is_test(cell) else grade_id(cell)
        if solutions and (is_test(cell) or is_manual(cell)) and answered in answers:
            cells += [_folded_answer(answers[answered])]
    page.cells = cells
    return page


def _folded_answer(cell: NotebookNode) -> NotebookNode:
    """Return what an exercise's solution cell looks like on its page.

    Raises:
        NotebookError: if the marks in it don't match.
    """
    summary = "Solution" if cell.cell_type == "code" else "A good answer"
    answer = copy.deepcopy(cell)
    answer.source, answer.id = solution(cell), f"solution-{cell.id}"
    return _folded(summary, answer)


def _folded(summary: str, cell: NotebookNode) -> NotebookNode:
    """Return a cell as folded text."""
    fence = "`" * 8  # longer than any in a notebook
    body = f"{fence}python\n{cell.source}\n{fence}" if cell.cell_type == "code" else cell.source
    text = f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
    folded: NotebookNode = new_markdown_cell(text, id=cell.id)  # type: ignore[no-untyped-call]
    return folded


def solution(cell: NotebookNode) -> str:
    """Return what a reader may see of a source notebook's solution cell: no test, no mark scheme.

    Raises:
        NotebookError: if the marks in it don't match.
    """
    text: str | None = cell.source
    for begin, end in ((BEGIN_HIDDEN, END_HIDDEN), (BEGIN_SCHEME, END_SCHEME)):
        text = without(text or "", begin, end)
        if text is None:
            raise NotebookError(f"{cell.id}: {begin} and {end} don't match")
    return unmarked(text or "").strip()


def _fold(cell: NotebookNode, summary: str) -> None:
    """Have MyST-NB fold a code cell."""
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    cell.metadata["mystnb"] = {"code_prompt_show": summary, "code_prompt_hide": summary}


def _figures_shown(text: str) -> str:
    """Return Markdown in which figures that stood folded are to be seen.

    What stands beside a figure is unfolded with it, unless it is an answer.
    """

    def shown(match: re.Match[str]) -> str:
        body = match["body"].strip()
        if not _PICTURE.search(body):
            return match[0]
        if "answer" not in match["summary"]:
            return body
        pictures = "\n\n".join(_PICTURE.findall(body))
        rest = _PICTURE.sub("", body).strip()
        return f"{pictures}\n\n<details><summary>Answer</summary>\n\n{rest}\n\n</details>"

    return _FOLDED.sub(shown, text)


def _glossary_linked(text: str) -> str:
    """Return Markdown that links to entries of the site's glossary, which are no headings."""
    return _ENTRY.sub(r'<a href="../glossary.html#\g<place>">\g<text></a>', text)


def _anchored(text: str) -> str:
    """Return Markdown whose links into notebooks name a heading as Sphinx does, not as Jupyter."""

    def link(match: re.Match[str]) -> str:
        return f"{match['before']}#{_slug(unquote(match['anchor']))})"

    return re.sub(r"(?P<before>\]\((?!\w+:)[^)\s#]*)#(?P<anchor>[^)\s]+)\)", link, text)


def _labelled(text: str, notebook: str, cell: str) -> str:
    """Return Markdown whose headings are labelled by their cell's id: it stays, titles don't."""
    ends = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    return re.sub(
        r"^(?=##+ )", lambda _: f"({notebook}-{cell}{next(ends)})=\n", text, flags=re.MULTILINE
    )


def _copy_figures(source: SourceNotebook, folder: Path) -> None:
    """Copy the figures that students get of a chapter."""
    assignment = read_assignment(source.folder)
    for path in sorted((source.folder / FIGURES).glob("*")):
        relative = path.relative_to(source.folder)
        if assignment.lets_out(relative):
            (folder / relative).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / relative)


def working_page(readme: str) -> str:
    """Return the page on how to work with the notebooks: what README.md tells those who learn.

    Raises:
        CourseError: if README.md lacks one of these sections.
    """
    parts = ["# How to work with the notebooks\n"]
    for title in ("Quick start", "Self-learners", "Students"):
        found = re.search(_SECTION.format(title=title), readme, re.MULTILINE | re.DOTALL)
        if not found:
            raise CourseError(f"README.md has no section {title!r}, which the site shows")
        parts.append(f"## {title}\n{found['text'].rstrip()}\n")
    return "\n".join(parts)


def with_links(text: str, folder: str, places: Mapping[str, str]) -> str:
    """Return Markdown whose links lead to pages of the site; of others the text is left.

    Args:
        text: a page of the manual.
        folder: where it lies in the repository, such as "docs".
        places: the site's page for each file of the repository that has one.
    """

    def link(match: re.Match[str]) -> str:
        path, _, anchor = match["to"].partition("#")
        if ":" in path or (not path and f"#{anchor}" in _anchors(text)):
            return match[0]
        there = places.get(posixpath.normpath(posixpath.join(folder, path)))
        return f"[{match['text']}]({there})" if path and there else match["text"]

    return _LINK.sub(link, text)


def _anchors(text: str) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield f"#{_slug(heading)}"


def _slug(heading: str) -> str:
    """Return what a link to a heading says after `#`, as GitHub and MyST have it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
