"""An exercise builds on others by the names that it uses, also through what set-up cells define."""

from copy import deepcopy

import pytest

from course.notebooks.cells import is_setup
from course.notebooks.dependencies import beneath
from course.notebooks.source import SourceNotebook

SHARED = '''
class Twice:
    """Calls what an exercise defines, when it is used."""

    def twice(self, x):
        return double(x)
'''


@pytest.fixture
def with_a_class(source):
    """The course's two exercises; a set-up cell of its own defines a class that calls the first."""
    nb = deepcopy(source.notebook)
    setup = deepcopy(next(cell for cell in nb.cells if is_setup(cell)))
    setup.source = SHARED
    nb.cells.insert(0, setup)
    return SourceNotebook(source.name, source.assignment, nb)


def test_who_uses_a_name_builds_on_the_exercise_that_defines_it(source):
    double, quadruple = source.exercises
    assert beneath(source, quadruple, {}) == {"double"}
    assert beneath(source, double, {}) == set()
    assert beneath(source, quadruple, {"quadruple": "def quadruple(x):\n    return 4 * x"}) == set()


def test_who_uses_what_a_setup_cell_defines_builds_on_what_that_uses(with_a_class):
    double, quadruple = with_a_class.exercises
    through = {"quadruple": "def quadruple(x):\n    return 2 * Twice().twice(x)"}
    assert beneath(with_a_class, quadruple, through) == {"double"}
    assert beneath(with_a_class, double, {"double": "double = Twice().twice"}) == set()
    alone = {"quadruple": "def quadruple(x):\n    return 4 * x"}
    assert beneath(with_a_class, quadruple, alone) == set()


def test_who_uses_what_a_cell_of_their_own_defines_builds_on_what_that_uses(source):
    _, quadruple = source.exercises
    texts = {"quadruple": "def quadruple(x):\n    return 2 * mine(x)"}
    own = ["no Python", "import numpy as np\nmine = double", "again = quadruple"]
    assert beneath(source, quadruple, texts) == set()
    assert beneath(source, quadruple, texts, own) == {"double"}
    alone = {"quadruple": "def quadruple(x):\n    return 4 * np.asarray(x)"}
    assert beneath(source, quadruple, alone, own) == set()
