"""The progress bar: every item, in order, and a line that tells how far it is."""

import pytest

from helpers.progress import track


def ticking(step):
    """Return a clock that goes on by so many seconds each time it is read."""
    now = -step

    def clock():
        nonlocal now
        now += step
        return now

    return clock


@pytest.fixture(autouse=True)
def full_pace(monkeypatch):
    monkeypatch.delenv("COURSE_PACE", raising=False)


def test_it_gives_every_item_in_order():
    assert list(track("abc", "letters")) == ["a", "b", "c"]


def test_it_says_how_far_it_is(capsys):
    list(track(range(4), "epochs", ticking(1.0)))
    first, *_, last = capsys.readouterr().out.split("\r")[1:]
    assert "1 of 4 epochs, 1 s, about 3 s left" in first
    assert first.count("█") == 7
    assert "4 of 4 epochs, 4 s " in last
    assert last.count("█") == 30
    assert last.endswith("\n")
    assert "left" not in last


def test_it_does_not_write_at_every_step(capsys):
    list(track(range(1000), "epochs", ticking(0.01)))
    assert 15 <= capsys.readouterr().out.count("\r") <= 21


def test_a_shorter_line_covers_a_longer_one(capsys):
    list(track(range(2), "epochs", ticking(1.0)))
    lengths = {len(line.rstrip("\n")) for line in capsys.readouterr().out.split("\r")[1:]}
    assert lengths == {80}


def test_nothing_to_do_is_no_error(capsys):
    assert list(track([], "epochs")) == []
    assert capsys.readouterr().out == ""


def test_it_is_silent_at_the_short_pace(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PACE", "short")
    assert list(track(range(3), "epochs", ticking(1.0))) == [0, 1, 2]
    assert capsys.readouterr().out == ""
