"""A long loop is short only where a grader says so."""

import pytest

from helpers import pace


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
