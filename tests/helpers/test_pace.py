"""A long loop is short only where a grader says so; small products stay on one core."""

import os
import subprocess
import sys

import pytest

from helpers import pace

COUNT = """
import numpy
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_info
from helpers import pace

def threads():
    import numpy
    return {pool["num_threads"] for pool in threadpool_info()}

print(threads() == {1})
pace.one_thread()
print(threads(), *Parallel(n_jobs=2)([delayed(threads)()]))
"""


@pytest.mark.parametrize(
    ("value", "short"), [(None, False), ("", False), ("full", False), ("short", True)]
)
def test_the_pace_is_the_graders_word(value, short, monkeypatch):
    monkeypatch.delenv("COURSE_PACE", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_PACE", value)
    assert pace.is_short() is short
    assert pace.steps(10_000, 50) == (50 if short else 10_000)
    assert pace.steps(7, 7) == 7
    assert pace.steps(7, short=1) == (1 if short else 7)


@pytest.mark.parametrize("short", [0, -1, 11])
def test_short_must_be_a_part_of_full(short):
    with pytest.raises(ValueError, match=f"between 1 and full = 10, but it is {short}"):
        pace.steps(10, short)


def test_one_thread_holds_here_and_in_processes_started_from_here():
    several = dict.fromkeys(pace.THREADS, "3")
    command = [sys.executable, "-c", COUNT]
    found = subprocess.run(
        command, env=os.environ | several, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["False", "{1} {1}"]
