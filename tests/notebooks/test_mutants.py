"""Every mutant of a reference solution loses marks, or the bank says why it is as right.

Of an exercise with many mutants only some are run, to save time, always the same:
`make mutants` runs them all.
"""

import pytest

from course.authoring.mutation_testing import tallies

pytestmark = pytest.mark.slow

AT_MOST = 2  # mutants of an exercise, and as many entries of the bank's list of equivalents


@pytest.mark.one_in(3)
def test_every_mutant_is_killed_or_listed_as_equivalent(source):
    found = list(tallies(source, AT_MOST))
    assert [tally.exercise for tally in found if not tally.killed] == []
    assert [line for tally in found for line in tally.complaints()] == []
