"""A source notebook as the tests of its numbers see it: its text, its cells, its reference."""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from nbformat import NotebookNode

from course.notebooks.execution import execute
from course.notebooks.runner import reference
from course.notebooks.source import source_notebook

ROOT = Path(__file__).parents[2]


class Chapter:
    """A notebook of the course: `Chapter("02_softmax", "softmax")`."""

    def __init__(self, assignment: str, name: str) -> None:
        self.source = source_notebook(ROOT / "source" / assignment / f"{name}.ipynb")

    @property
    def notebook(self) -> NotebookNode:
        """The notebook."""
        return self.source.notebook

    @property
    def text(self) -> str:
        """All of its Markdown, with single blanks between words."""
        return self.source.text

    def reference(self) -> dict[str, Any]:
        """Return the names that its set-up cells and reference solutions define."""
        return reference(self.source)

    def cell(self, cell_id: str) -> str:
        """Return a cell's source."""
        return str(self.source.cell(cell_id).source)

    def run(self, cell_id: str, names: dict[str, Any]) -> None:
        """Run one cell with these names."""
        execute(self.cell(cell_id), f"<{self.source}:{cell_id}>", names)

    def compared(self, cell_id: str, names: dict[str, Any]) -> dict[str, Any]:
        """Run a cell with these names; return what it compares each prediction with."""
        found: dict[str, Any] = {}

        class Kept:
            def compare(self, what: str, actual: Any, **_: Any) -> None:
                found[what] = actual

        self.run(cell_id, names | {"predictions": Kept()})
        return found

    def quiz(self) -> list[tuple[str, str, str]]:
        """Return of each question of the quiz its options, the right ones and the explained ones.

        Each as letters: a question with three options of which the second is right, and of which
        the others are explained, gives ("abc", "b", "ac").
        """
        _, *questions = re.split(r"^\*\*\d+\.\*\* ", self.cell("quiz"), flags=re.MULTILINE)
        found = []
        for question in questions:
            asked, answer = question.split("<details>")
            options = re.findall(r"^- \*\*\((\w)\)\*\* \S", asked, re.MULTILINE)
            right = re.findall(r"\*\*\((\w)\)\*\*", answer)
            explained = re.findall(r"(?<!\*)\((\w)\) \w", answer)
            found.append(("".join(options), "".join(right), "".join(sorted(explained))))
        return found

    def before(self, cell_id: str) -> str:
        """Return what a reader has read before this cell: its text and code."""
        ids = [cell.id for cell in self.notebook.cells]
        return "\n".join(cell.source for cell in self.notebook.cells[: ids.index(cell_id)])

    def says(self, sentence: str) -> None:
        """Hold the text against a sentence that the test next to it proves."""
        assert sentence in self.text, f"the text no longer says “{sentence}”"


def draws_wherever_its_sliders_are(chapter: Chapter, names: dict[str, Any]) -> None:
    """Draw every figure with sliders at the ends of each: no error, and no warning."""
    drawn = 0

    def explore(draw: Any, name: str, alt: str, **ranges: tuple[float, float, float]) -> None:
        nonlocal drawn
        for ends in itertools.product(*(limits[:2] for limits in ranges.values())):
            plt.close(draw(**dict(zip(ranges, ends, strict=True))))
            drawn += 1

    for cell in chapter.notebook.cells:
        if "sliders.explore(" in cell.source:
            chapter.run(cell.id, names | {"sliders": SimpleNamespace(explore=explore)})
    assert drawn


def sittings_add_up(chapter: Chapter) -> None:
    """Hold the times of the title cell: a whole of two sittings, the second of several parts."""
    row = re.search(r"\*\*Time\*\* \| (.+) \|", chapter.cell("title"))
    assert row
    minutes = []
    found = re.findall(r"(half an|an|\d+) (hour|minute)s?( and a half)?", row[1])
    for count, unit, half in found:
        number = {"half an": 0.5, "an": 1.0}.get(count) or float(count)
        minutes.append((number + bool(half) / 2) * (60 if unit == "hour" else 1))
    whole, first, second, *parts = minutes
    assert whole == first + second
    assert second == sum(parts)
    assert max(first, second) <= 180


def holds_a_quiz_of_ten(chapter: Chapter) -> None:
    """Hold a quiz to its form: one option of three or four is right, each other one explained."""
    assert len(chapter.quiz()) == 10
    for options, right, explained in chapter.quiz():
        assert options in ("abc", "abcd")
        assert len(right) == 1
        assert "".join(sorted(right + explained)) == options
    assert len({right for _, right, _ in chapter.quiz()}) == 3, "the right one is in turns"


def gives_no_bug_away(chapter: Chapter, first: str, guess: str, telling: list[str]) -> None:
    """Hold what is read of an exhibit before the guess against words that tell its bug.

    That is the text and the docstrings from the cell `first` up to the guess.
    """
    ids = [cell.id for cell in chapter.notebook.cells]
    shown = chapter.notebook.cells[ids.index(first) : ids.index(guess)]
    read = [
        text
        for cell in shown
        for text in (
            [cell.source] if cell.cell_type == "markdown" else cell.source.split('"""')[1::2]
        )
    ]
    assert len(read) >= 2, "a symptom and a program"
    assert [word for word in telling for text in read if word in text.casefold()] == []


def around_the_test_images(chapter: Chapter) -> tuple[str, str]:
    """Return the code of `training` before and after the one place that opens the test images."""
    used = [cell for cell in chapter.notebook.cells if "x_test" in cell.source]
    assert [cell.id for cell in used if "setup" not in cell.metadata.get("tags", [])] == [
        "training"
    ]
    assert chapter.cell("training").count("x_test") == 1
    before, after = chapter.cell("training").split("final_test = ")
    return before, after


def close(actual: Any, expected: Any, digits: int) -> None:
    """Hold numbers against what the text quotes of them, rounded to so many decimals."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=0.51 * 10.0**-digits)
