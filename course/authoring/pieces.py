"""What a new exercise and a new chapter are made of: cells, a bank, specifications and so on.

Their words are in templates/, one file a piece, and are all that has to change when the course's
conventions do. Knows nothing of where a piece belongs; reads no file but the templates.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.notebooks.bank import RIGHT, WRONG
from course.notebooks.cells import SCHEMA, TEST_PREFIX
from course.notebooks.conventions import MANUAL_PREFIX

Words = Mapping[str, Any]  # what the templates ask for, by name

BY_HAND = 2  # points of a new chapter's question in words


def exercise_words(name: str, number: str, points: int, see: str) -> dict[str, Any]:
    """Return what the templates of an exercise ask for.

    Args:
        name: the function's.
        number: such as "9.1".
        points: full marks.
        see: the section that a failed check sends students back to; empty for none.
    """
    return {
        "name": name,
        "number": number,
        "points": points,
        "question": sentence(name),
        "see": see,
        "wrong": WRONG,
        "right": RIGHT,
    }


def chapter_words(
    number: int, title: str, order: int, notebook: str, exercise: str, points: int
) -> dict[str, Any]:
    """Return what the templates of a chapter and its first exercise ask for.

    Args:
        number: the chapter's.
        title: its title, and that of its first section.
        order: its place in the course.
        notebook: its notebook's name.
        exercise: the first exercise's name.
        points: full marks of that.
    """
    return exercise_words(exercise, f"{number}.1", points, f"{number}.1 {title}") | {
        "chapter": number,
        "title": title,
        "order": order,
        "notebook": notebook,
        "by_hand": BY_HAND,
    }


def sentence(name: str) -> str:
    """Return a name as the beginning of a sentence: "leaky_relu" is "Leaky relu"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def exercise_cells(words: Words) -> list[NotebookNode]:
    """Return an exercise's statement, solution and test."""
    name, test = words["name"], TEST_PREFIX + words["name"]
    graded = _marks(test, grade=True, points=words["points"])
    return [
        _markdown(f"ex_{name}", "exercise/statement.md", words),
        _code(name, "exercise/solution.py", words, _marks(name, solution=True)),
        _code(test, "exercise/test.py", words, graded),
    ]


def chapter_notebook(words: Words) -> NotebookNode:
    """Return a chapter's notebook with its first exercise."""
    notebook, why = words["notebook"], MANUAL_PREFIX + words["notebook"]
    graded = _marks(why, grade=True, solution=True, points=words["by_hand"])
    cells = [
        _markdown("title", "chapter/title.md", words),
        _markdown("how_it_works", "chapter/how_it_works.md", words),
        _code("setup", "chapter/setup.py", words, _marks("setup") | {"tags": ["setup"]}),
        _markdown("s1", "chapter/section.md", words),
        *exercise_cells(words),
        _code(f"plot_{notebook}", "chapter/plot.py", words),
        _markdown(f"fig_{notebook}", "chapter/figure.md", words),
        _markdown(f"{why}_question", "chapter/question.md", words),
        _markdown(why, "chapter/answer.md", words, graded),
        _markdown("recap", "chapter/recap.md", words),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return new_notebook(metadata=metadata, cells=cells)  # type: ignore[no-untyped-call, no-any-return]


def answers(words: Words) -> str:
    """Return the part of a bank that is an exercise's."""
    return _rendered("exercise/bank.toml", words)


def chapter_bank(words: Words) -> str:
    """Return a chapter's bank, with the answers to its first exercise."""
    return f"{_rendered('chapter/bank.toml', words)}\n{answers(words)}"


def specification(words: Words) -> str:
    """Return the part of a module of specifications that is an exercise's."""
    return _rendered("exercise/specification.py", words)


def specifications(words: Words) -> str:
    """Return a module of specifications, with that of its first exercise."""
    return f"{_rendered('chapter/specifications.py', words)}\n{specification(words)}"


def assignment_toml(words: Words) -> str:
    """Return a chapter's assignment.toml."""
    return _rendered("chapter/assignment.toml", words)


def _marks(grade_id: str, **marks: Any) -> dict[str, Any]:
    """Return nbgrader's metadata for a cell; locked unless it is an answer."""
    usual = {"grade": False, "grade_id": grade_id, "locked": not marks.get("solution")}
    rest = {"schema_version": SCHEMA, "solution": False, "task": False}
    return {"nbgrader": dict(sorted((usual | rest | marks).items()))}


def _markdown(
    cell_id: str, template: str, words: Words, metadata: dict[str, Any] | None = None
) -> NotebookNode:
    text = _rendered(template, words).rstrip("\n")
    return new_markdown_cell(text, id=cell_id, metadata=metadata or {})  # type: ignore[no-untyped-call, no-any-return]


def _code(
    cell_id: str, template: str, words: Words, metadata: dict[str, Any] | None = None
) -> NotebookNode:
    text = _rendered(template, words).rstrip("\n")
    return new_code_cell(text, id=cell_id, metadata=metadata or {})  # type: ignore[no-untyped-call, no-any-return]


def _rendered(template: str, words: Words) -> str:
    return _templates().get_template(f"{template}.jinja").render(words)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("course.authoring"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"python": _python, "toml": _toml}
    return environment


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _python(text: str) -> str:
    """Return a text as ruff writes it in Python: in the quotes that need fewer backslashes."""
    if '"' in text and "'" not in text:
        return "'" + _toml(text)[1:-1].replace('\\"', '"') + "'"
    return _toml(text)
