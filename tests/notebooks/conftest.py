"""What the tests of all notebooks share: the source notebooks and their banks, read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from course.bank import Answer, BankError, few, load
from course.notebook import Exercise, exercises, read

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """A source notebook with its exercises and its bank of answers."""

    path: Path

    def __str__(self) -> str:
        return self.path.stem

    @property
    def assignment(self) -> str:
        return self.path.parent.name

    @property
    def bank(self) -> Path:
        return ROOT / "course" / "answers" / self.assignment / f"{self.path.stem}.toml"

    @property
    def release(self) -> Path:
        return ROOT / "release" / self.assignment / self.path.name

    @cached_property
    def notebook(self) -> NotebookNode:
        return read(self.path)

    @cached_property
    def exercises(self) -> list[Exercise]:
        return exercises(self.notebook)

    @cached_property
    def answers(self) -> list[Answer]:
        return load(self.bank, self.exercises)

    @cached_property
    def few(self) -> dict[str, str]:
        return few(self.bank, self.exercises)


SOURCES = [Source(path) for path in sorted((ROOT / "source").glob("*/*.ipynb"))]


def answers(source: Source) -> list[Answer]:
    """Return the notebook's bank; none if it can't be read, which a test of its own tells."""
    try:
        return source.answers
    except BankError:
        return []


def pytest_generate_tests(metafunc):
    """Give tests each notebook, and each exercise, wrong or right answer in it."""
    items = {
        "exercise": lambda source: {x.id: x for x in source.exercises},
        "wrong": lambda source: {f"{x.exercise}: {x.name}": x for x in answers(source) if x.fails},
        "right": lambda source: {f"{x.exercise}: {x.name}": x for x in answers(source) if x.right},
    }
    for name, of in items.items():
        if name in metafunc.fixturenames:
            cases = {
                f"{source}-{key}": (source, item)
                for source in SOURCES
                for key, item in of(source).items()
            }
            metafunc.parametrize(("source", name), cases.values(), ids=cases)
            return
    if "source" in metafunc.fixturenames:
        metafunc.parametrize("source", SOURCES, ids=str)
