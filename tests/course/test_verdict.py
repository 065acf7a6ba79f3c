"""Verdicts and their JSON: what was written is read again, and nothing else passes for one."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_notebook

from course.verdict import (
    FORMAT,
    METADATA,
    CheckVerdict,
    ExerciseVerdict,
    Verdict,
    VerdictError,
    find_verdict,
    put_verdict,
    read_verdict,
    write_verdict,
)
from helpers.checks import Outcome, Question, UndecidedError

# A file of verdicts/ as it was written when the JSON had its first format.
FIRST_FORMAT = """{
 "notebook": "doubling",
 "score": 0,
 "max_score": 4,
 "exercises": [
  {"id": "double", "score": 0, "max_score": 3,
   "checks": [
    {"name": "gives the known values", "passed": false, "hidden": false,
     "message": "`double` is not defined: run the cell that defines it, or give it that name."},
    {"name": "is right anywhere", "passed": false, "hidden": true,
     "message": "`double` is not defined: run the cell that defines it, or give it that name."}]},
  {"id": "quadruple", "score": 0, "max_score": 1,
   "checks": [
    {"name": "is four times as much", "passed": false, "hidden": false,
     "message": "not attempted yet"}]}
 ],
 "repairs": ["The cell of `quadruple` was missing and counts as not answered."],
 "incidents": ["double: Your code ended its own process."],
 "seconds": 0.875,
 "seed": "aaa7e37fe88c0e75195da1f360adbeedf3c3afec9522d69ddc837070279aafd4"
}
"""
# An exercise in that format, in which one check could not decide.
FIRST_UNDECIDED = {
    "id": "kink",
    "score": 1,
    "max_score": 2,
    "checks": [
        {
            "name": "agrees with numerical differentiation",
            "passed": True,
            "hidden": False,
            "message": "No point was found where the derivative exists; it costs no marks.",
        },
        {
            "name": "runs",
            "passed": False,
            "hidden": True,
            "message": "This can't be checked: ValueError: so.",
        },
    ],
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
points = st.integers(0, 1000) | st.floats(0, 1000)
checks = st.builds(
    CheckVerdict,
    name=texts,
    outcome=st.sampled_from(Outcome),
    message=texts | st.just("not attempted yet"),
    hidden=st.booleans(),
    points=st.none() | points,
    essential=st.none() | st.booleans(),
)


def tuples(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


verdicts = st.builds(
    Verdict,
    notebook=texts,
    exercises=tuples(
        st.builds(ExerciseVerdict, id=texts, score=points, max_score=points, checks=tuples(checks))
    ),
    repairs=tuples(texts),
    incidents=tuples(texts),
    seconds=points,
    seed=st.binary(max_size=40),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


def example():
    passed = CheckVerdict("gives the known values", Outcome.PASSED, "", False, 1, False)
    failed = CheckVerdict("is right anywhere", Outcome.FAILED, "It is the square.", True, 2, True)
    exercise = ExerciseVerdict("double", 1, 3, (passed, failed))
    blank = CheckVerdict("is four times", Outcome.NOT_ATTEMPTED, "not attempted yet", False, 1)
    incidents = ("double: Your code ended its own process.",)
    return Verdict(
        "doubling",
        (exercise, ExerciseVerdict("quadruple", 0, 1, (blank,))),
        ("The file was damaged.",),
        incidents,
        2.5,
        b"a seed",
    )


# --- there and back -------------------------------------------------------------------------------


@given(verdicts)
def test_what_was_written_is_read_again(verdict):
    told = json.loads(json.dumps(verdict.to_json()))
    assert Verdict.from_json(told) == verdict
    assert Verdict.from_json(told).seconds == round(verdict.seconds, 3)
    for exercise in verdict.exercises:
        assert ExerciseVerdict.from_json(exercise.to_json()) == exercise


@given(verdicts)
def test_a_notebook_s_metadata_hold_it_too(verdict):
    nb = new_notebook()
    put_verdict(nb.metadata, verdict)
    again = nbformat.reads(nbformat.writes(nb), as_version=4)
    assert find_verdict(again.metadata) == find_verdict(nb.metadata) == verdict


def test_a_file_holds_it_with_the_number_of_its_format(tmp_path):
    path = tmp_path / "eve" / "doubling.json"
    write_verdict(path, example())
    assert read_verdict(path) == example()
    assert json.loads(path.read_text())["format"] == FORMAT
    assert [other.name for other in path.parent.iterdir()] == ["doubling.json"]


def test_a_file_stays_as_it_was_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "doubling.json"
    write_verdict(path, example())
    with pytest.raises(UnicodeEncodeError):
        write_verdict(path, replace(example(), repairs=("half a character: \ud800",)))
    assert read_verdict(path) == example()


def test_it_holds_what_each_check_found_and_what_that_is_worth():
    question = Question("Kink", points=6)
    with question.check("passes", points=2):
        pass
    with question.check("fails", points=1, essential=True):
        raise AssertionError("It is wrong.")
    with question.check("waits"):
        raise NotImplementedError
    with question.check("can't tell", points=2):
        raise UndecidedError("Every point is a kink.")
    told = [CheckVerdict.of(one, hidden=one.name == "fails") for one in question.results]
    assert told == [
        CheckVerdict("passes", Outcome.PASSED, "", False, 2, False),
        CheckVerdict("fails", Outcome.FAILED, "It is wrong.", True, 1, True),
        CheckVerdict("waits", Outcome.NOT_ATTEMPTED, "not attempted yet", False, 1, False),
        CheckVerdict("can't tell", Outcome.UNDECIDED, "Every point is a kink.", False, 2, False),
    ]
    assert [check.passed for check in told] == [one.passed for one in question.results]
    assert told[1].to_json() == {
        "name": "fails",
        "outcome": "failed",
        "points": 1,
        "essential": True,
        "passed": False,
        "hidden": True,
        "message": "It is wrong.",
    }


def test_an_exercise_is_blank_if_nothing_of_it_was_attempted():
    blank, partly = (
        ExerciseVerdict("x", 0, 2, tuple(CheckVerdict("y", outcome) for outcome in outcomes))
        for outcomes in ([Outcome.NOT_ATTEMPTED] * 2, [Outcome.NOT_ATTEMPTED, Outcome.FAILED])
    )
    assert blank.blank
    assert not partly.blank
    assert not ExerciseVerdict("x", 0, 2).blank


def test_a_seed_is_written_where_there_is_one_and_never_shown():
    assert example().to_json()["seed"] == b"a seed".hex()
    assert "seed" not in replace(example(), seed=b"").to_json()
    assert "a seed" not in repr(example())


# --- the first format -----------------------------------------------------------------------------


def test_a_verdict_of_the_first_format_is_read():
    verdict = Verdict.from_json(json.loads(FIRST_FORMAT))
    undefined = "`double` is not defined: run the cell that defines it, or give it that name."
    assert verdict == Verdict(
        "doubling",
        (
            ExerciseVerdict(
                "double",
                0,
                3,
                (
                    CheckVerdict("gives the known values", Outcome.FAILED, undefined),
                    CheckVerdict("is right anywhere", Outcome.FAILED, undefined, hidden=True),
                ),
            ),
            ExerciseVerdict(
                "quadruple",
                0,
                1,
                (
                    CheckVerdict(
                        "is four times as much", Outcome.NOT_ATTEMPTED, "not attempted yet"
                    ),
                ),
            ),
        ),
        ("The cell of `quadruple` was missing and counts as not answered.",),
        ("double: Your code ended its own process.",),
        seed=bytes.fromhex("aaa7e37fe88c0e75195da1f360adbeedf3c3afec9522d69ddc837070279aafd4"),
    )
    assert verdict.seconds == 0.875
    assert [exercise.blank for exercise in verdict.exercises] == [False, True]


def test_a_check_of_the_first_format_that_passed_with_a_message_could_not_decide():
    verdict = ExerciseVerdict.from_json(FIRST_UNDECIDED, form=1)
    assert [check.outcome for check in verdict.checks] == [Outcome.UNDECIDED, Outcome.FAILED]
    right = json.loads(json.dumps(FIRST_UNDECIDED).replace(verdict.checks[0].message, ""))
    assert ExerciseVerdict.from_json(right, form=1).checks[0].outcome is Outcome.PASSED


def test_what_the_first_format_did_not_know_stays_unknown_when_it_is_written_again():
    verdict = Verdict.from_json(json.loads(FIRST_FORMAT))
    again = verdict.to_json()
    assert again["format"] == FORMAT
    assert again["exercises"][0]["checks"][0]["points"] is None
    assert Verdict.from_json(again) == verdict


def test_only_the_first_format_tells_a_blank_by_its_message():
    told = example().to_json()
    check = told["exercises"][1]["checks"][0]
    check["message"] = "left out, as you wished"
    assert Verdict.from_json(told)["quadruple"].blank
    del check["outcome"]
    with pytest.raises(VerdictError):
        Verdict.from_json(told)


# --- what is none ---------------------------------------------------------------------------------


def places(value, path=()):
    """Yield the way to every value in JSON, that to the whole first."""
    yield path
    if not isinstance(value, dict | list):
        return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from places(part, (*path, key))


def spoiled(value, path, what):
    if not path:
        return what
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = what
    return value


TOLD = [example().to_json(), json.loads(FIRST_FORMAT)]


@given(st.data(), st.sampled_from(TOLD), anything)
def test_whatever_stands_in_it_is_read_soundly_or_not_at_all(data, told, what):
    path = data.draw(st.sampled_from(list(places(told))))
    value = spoiled(told, path, what)
    nb = new_notebook()
    nb.metadata[METADATA] = value
    try:
        verdict = Verdict.from_json(value)
    except VerdictError:
        assert find_verdict(nb.metadata) is None
        return
    assert find_verdict(nb.metadata) == verdict
    json.dumps(verdict.to_json(), allow_nan=False, ensure_ascii=False).encode()
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert math.isfinite(float(f"{verdict.score:g}"))


@pytest.mark.parametrize(
    ("path", "what", "words"),
    [
        ((), None, "it is not an object"),
        ((), [], "it is not an object"),
        (("format",), 3, "format 3 is not known here"),
        (("format",), 1.5, "format 1.5 is not known here"),
        (("format",), True, "in “format”, it is not a number"),
        (("exercises",), "all", "in “exercises”, it is not a list"),
        (("exercises", 0), "one", "in “exercises”, it is not an object"),
        (("exercises", 0, "score"), "3", "in “score”, it is not a number"),
        (("exercises", 0, "score"), True, "in “score”, it is not a number"),
        (("exercises", 0, "score"), -1, "in “score”, it is not a number from 0"),
        (("exercises", 0, "score"), math.nan, "in “score”, it is not a number"),
        (("exercises", 0, "score"), 10**400, "in “score”, it is not a number"),
        (("exercises", 0, "checks", 0, "outcome"), "perfect", "in “outcome”, it is no outcome"),
        (("exercises", 0, "checks", 0, "outcome"), [], "in “outcome”, it is no outcome"),
        (("exercises", 0, "checks", 0, "hidden"), 1, "in “hidden”, it is neither true nor false"),
        (("exercises", 0, "checks", 0, "message"), "\ud800", "in “message”, it is not text"),
        (("incidents",), [{}], "in “incidents”, it is not text"),
        (("seed",), "not hexadecimal", "in “seed”, it is not a hexadecimal number"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_one_line(tmp_path, path, what, words):
    value = spoiled(example().to_json(), path, what)
    with pytest.raises(VerdictError) as error:
        Verdict.from_json(value)
    assert words in str(error.value)
    file = tmp_path / "doubling.json"
    file.write_text(json.dumps(value))
    with pytest.raises(VerdictError) as error:
        read_verdict(file)
    assert str(error.value).startswith(f"{file} is no verdict that can be read: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["notebook", "exercises", "repairs", "incidents", "seconds"])
def test_nothing_may_be_missing(key):
    told = example().to_json()
    del told[key]
    with pytest.raises(VerdictError, match=f"in “{key}”"):
        Verdict.from_json(told)


def folder(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    pass


def write(data: bytes):
    return lambda path: path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nothing, "no such file"),
        (folder, "is a directory"),
        (write(b""), "it is not JSON"),
        (write(FIRST_FORMAT.encode()[:300]), "it is not JSON"),
        (write(b"\xff\x00" * 50), "it is not JSON"),
        (write(b"[" * 100_000), "it is not JSON"),
        (write(b"9" * 10_000), "it is not JSON"),
        (write(b"NaN"), "it is not an object"),
    ],
)
def test_a_file_that_holds_none_is_named_in_one_line(tmp_path, make, words):
    path = tmp_path / "doubling.json"
    make(path)
    with pytest.raises(VerdictError) as error:
        read_verdict(path)
    assert str(error.value).startswith(f"{path} is no verdict that can be read: {words}")
    assert "\n" not in str(error.value)
