"""Every mutant of a reference solution loses marks, or the bank says why it is as right.

Of an exercise with many mutants only some are run, to save time, always the same:
`make mutants` runs them all.
"""

from functools import cache

import pytest

from course.authoring.mutation_testing import tallies

pytestmark = pytest.mark.slow

AT_MOST = 80  # mutants of an exercise, on top of those that the bank lists


@cache
def tallies_of(source):
    return {tally.exercise: tally for tally in tallies(source, AT_MOST)}


def test_every_mutant_is_killed_or_listed_as_equivalent(source, exercise):
    tally = tallies_of(source)[exercise.id]
    assert tally.killed > 0
    assert list(tally.complaints()) == []
