"""What the tests of all notebooks share: the source notebooks and their banks, read once."""

import re
from pathlib import Path

import pytest

from course.notebooks.bank import BankError
from course.notebooks.source import source_notebooks

ROOT = Path(__file__).parents[2]
SOURCES = source_notebooks(ROOT / "source")
WRONG_IN, RIGHT_IN = 144, 36  # one answer of the bank in so many is tried; all with --thorough
OWN = re.compile(r"test_\d\d_")  # modules of one chapter's numbers
READ_ALONE = ("test_conventions", "test_expectations")  # what runs no notebook


def unless_it_lacks(source, module, *values):
    """Return a case; one that would run a notebook whose packages aren't there is skipped."""
    runs = source.lacks and not module.__name__.endswith(READ_ALONE)
    marks = [pytest.mark.skip(reason=f"{source} {source.lacks}")] if runs else []
    return pytest.param(*values, marks=marks)


def answers(source):
    """Return the notebook's bank; none if it can't be read, which a test of its own tells."""
    try:
        return source.bank.answers
    except BankError:
        return []


def sample(of_bank, every):
    """Return one in so many of each exercise's answers, from another one on in each exercise."""
    by_exercise = {}
    for answer in of_bank:
        by_exercise.setdefault(answer.exercise, []).append(answer)
    return [x for n, own in enumerate(by_exercise.values()) for x in own[n % every :: every]]


def pytest_ignore_collect(collection_path, config):
    """Read no tests of a chapter's own numbers where those of one notebook are asked for."""
    return True if config.getoption("notebook") and OWN.match(collection_path.name) else None


def pytest_collection_modifyitems(config, items):
    """Keep the tests that are given a notebook where one is asked for."""
    if config.getoption("notebook"):
        items[:] = [item for item in items if "source" in item.fixturenames]


def pytest_generate_tests(metafunc):
    """Give tests each notebook, and each exercise, wrong or right answer in it."""
    wanted = metafunc.config.getoption("notebook")
    sources = [source for source in SOURCES if wanted in (None, source.name)]
    thorough = metafunc.config.getoption("thorough")
    wrong_in, right_in = (1, 1) if thorough else (WRONG_IN, RIGHT_IN)
    items = {
        "exercise": lambda source: {x.id: x for x in source.exercises},
        "wrong": lambda source: {
            f"{x.exercise}: {x.name}": x
            for x in sample([one for one in answers(source) if one.fails], wrong_in)
        },
        "right": lambda source: {
            f"{x.exercise}: {x.name}": x
            for x in sample([one for one in answers(source) if one.right], right_in)
        },
    }
    for name, of in items.items():
        if name in metafunc.fixturenames:
            cases = {
                f"{source}-{key}": unless_it_lacks(source, metafunc.module, source, item)
                for source in sources
                for key, item in of(source).items()
            }
            metafunc.parametrize(("source", name), cases.values(), ids=cases)
            return
    if "source" in metafunc.fixturenames:
        every = [unless_it_lacks(source, metafunc.module, source) for source in sources]
        metafunc.parametrize("source", every, ids=map(str, sources))
