"""`course grade`, disturbed at any moment and run again, leaves what an undisturbed run leaves.

The same at length, with clusters and databases, is `python -m benchmarks.disturbed`.
"""

import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.disturbed import different, ground, held, kill, trials
from course.grading.grade import grade_class
from course.judge.sandbox import missing
from tests.course.conftest import RIGHT, SQUARE, TWICE, HandIn

TIMES = 4
ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mkfs.ext4")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason="where nothing is confined, nothing is graded"),
]


@pytest.fixture
def base(released: Path, hand_in: HandIn) -> Path:
    """A course whose class was graded, and has handed in again."""
    hand_in(released, "ada", double=SQUARE, quadruple=TWICE, why_twice="So.")
    hand_in(released, "bob", double=SQUARE, quadruple=TWICE)
    grade_class(released, jobs=1)
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE, why_twice="So.")
    hand_in(released, "cat", double="def double(x):\n    return x", quadruple=TWICE)
    hand_in(released, "dan")
    return released


def faults(one, disturb, seed, times=TIMES):
    """Return what was not as it should be, and how often something was disturbed."""
    found = list(trials(one, times, random.Random(seed), disturb))
    assert len(one.wanted) > 30
    return [(word, wrong, said) for _, word, wrong, said in found if wrong]


@pytest.mark.parametrize("engine", ["1 process", "2 processes"])
def test_a_kill_at_any_moment_costs_nothing(base, tmp_path, engine):
    chance = random.Random(engine)
    with ground(tmp_path / "there", engine, "SQLite", "kills", base) as (one, _):
        assert faults(one, kill(chance), 6) == []


@pytest.mark.skipif(not ROOT_ON_LINUX, reason="needs root on Linux, to mount a disk")
@pytest.mark.parametrize("what", ["full", "power"])
def test_a_disk_that_is_full_or_loses_its_power_costs_nothing(base, tmp_path, what):
    with ground(tmp_path / "there", "1 process", "SQLite", what, base) as (one, disturb):
        assert faults(one, disturb, 7) == []


def test_a_difference_is_found(base, tmp_path):
    before = held(base)
    (base / "autograded" / "bob" / "01_doubling" / "more").mkdir()
    assert different(before, held(base)) == ["file autograded/bob/01_doubling/more is too much"]
