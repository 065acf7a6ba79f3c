"""The progress bar: every item, in order, and a line that tells how far it is."""

import re

import pytest

from helpers import progress
from helpers.progress import track


@pytest.fixture(autouse=True)
def full_pace(monkeypatch):
    monkeypatch.delenv("COURSE_PACE", raising=False)


def test_it_gives_every_item_in_order(capsys):
    assert list(track("abc", "letters")) == ["a", "b", "c"]


def test_it_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0)
    list(track(range(4), "epochs"))
    out, err = capsys.readouterr()
    assert err == ""
    states = [line.rstrip() for line in out.split("\r") if line.strip()]
    assert states[0].startswith("0 of 4 epochs")
    assert re.fullmatch("1 of 4 epochs █{7}.? +00:00, about 00:00 left", states[1])
    assert re.fullmatch("4 of 4 epochs █{30} 00:00, about 00:00 left", states[-1])
    assert out.endswith("\n")


def test_it_does_not_write_at_every_step(capsys):
    list(track(range(10_000), "epochs"))
    assert capsys.readouterr().out.count("\r") < 100


def test_nothing_to_do_is_no_error(capsys):
    assert list(track([], "epochs")) == []


def interrupted(items):
    for item in items:
        if item == 2:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_the_last_state_and_a_new_line(capsys):
    with pytest.raises(KeyboardInterrupt):
        interrupted(track(range(4), "trials"))
    last = capsys.readouterr().out.split("\r")[-1]
    assert last.startswith("2 of 4 trials ")
    assert last.endswith("\n")


def test_it_is_silent_at_the_short_pace(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PACE", "short")
    assert list(track(range(3), "epochs")) == [0, 1, 2]
    assert capsys.readouterr().out == ""
