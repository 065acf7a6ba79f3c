"""The progress bar: every item, in order, and a line that tells how far it is."""

import re

import pytest

from helpers.progress import track


@pytest.fixture(autouse=True)
def full_pace(monkeypatch):
    monkeypatch.delenv("COURSE_PACE", raising=False)


@pytest.fixture
def pass_time(monkeypatch):
    """Let a function pass the time that the bar sees, in seconds."""
    seconds = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: seconds[0])

    def wait(more):
        seconds[0] += more

    return wait


def test_it_gives_every_item_in_order(capsys):
    assert list(track("abc", "letters")) == ["a", "b", "c"]


def test_it_says_how_far_it_is(capsys, pass_time):
    for _ in track(range(4), "epochs"):
        pass_time(10)
    out, err = capsys.readouterr()
    assert err == ""
    states = [line.rstrip() for line in out.split("\r") if line.strip()]
    assert states[0].startswith("0 of 4 epochs")
    assert re.fullmatch("1 of 4 epochs █{7}.? +00:10, about 00:30 left", states[1])
    assert re.fullmatch("4 of 4 epochs █{30} 00:40, about 00:00 left", states[-1])
    assert out.endswith("\n")


def test_it_writes_no_more_than_twice_a_second(capsys, pass_time):
    for _ in track(range(10_000), "epochs"):
        pass_time(0.001)
    assert 10 < capsys.readouterr().out.count("\r") < 25


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
