"""The bank's TOML: what is read from it, and what is refused with a clear line."""

import pytest

from course.notebooks.bank import Bank, BankError, load, predicted
from course.notebooks.exercises import exercises

WRONG = """
[[wrong]]
exercise = "double"
name = "it is the square"
edits = [{ old = "* 2", new = "** 2" }]
fails = ["gives the known values", "is right anywhere"]
says = ["it is the square"]
[wrong.knock_on]
quadruple = ["is four times as much"]
"""
RIGHT = """
[[right]]
exercise = "double"
name = "a sum"
code = '''
def double(x):
    return np.add(x, x)
'''
"""

EQUIVALENT = """
[[equivalent]]
exercise = "double"
edits = [{ old = "x * 2", new = "2 * x" }, { old = "2", new = "2.0" }]
reason = "it is the same"
[[equivalent]]
exercise = "quadruple"
lines = ["return double("]
reason = "whatever"
"""


@pytest.fixture
def bank(tmp_path, notebook):
    def read(text):
        path = tmp_path / "doubling.toml"
        path.write_text(text)
        return load(path, exercises(notebook))

    return read


def test_answers_are_read(bank):
    wrong, right = bank(WRONG + RIGHT).answers
    assert not wrong.right
    assert "twice_as_much = np.asarray(x) ** 2" in wrong.source
    assert wrong.fails == {"gives the known values", "is right anywhere"}
    assert wrong.knock_on == {"quadruple": {"is four times as much"}}
    assert right.right
    assert right.source == "def double(x):\n    return np.add(x, x)"


def test_an_empty_bank(bank):
    assert bank("") == Bank([], [], {}, {})


REFUSED = {
    "no TOML": ("[[wrong]", r"doubling.toml: "),
    "no name": (WRONG.replace("name =", "title ="), "an answer needs 'name'"),
    "no exercise": (WRONG.replace('"double"', '"treble"'), "no exercise treble"),
    "no check": (WRONG.replace("is right anywhere", "is green"), r"double has no check \['is gr"),
    "no such knock-on": (WRONG.replace("quadruple =", "treble ="), "no exercise treble"),
    "no check knocked on": (WRONG.replace("is four", "is five"), "quadruple has no check"),
    "nothing to edit": (WRONG.replace("* 2", "* 3"), r"'\* 3' stands 0 times"),
    "an edit that fits twice": (WRONG.replace('old = "* 2"', 'old = "x"'), "stands 3 times"),
    "neither code nor edits": (WRONG.replace("edits", "changes"), "either `code` or `edits`"),
    "both": (WRONG.replace("fails =", "code = 'x'\nfails ="), "either `code` or `edits`"),
    "wrong without fails": (WRONG.replace("fails", "loses"), "needs `fails` and `says`"),
    "wrong without says": (WRONG.replace("says", "tells"), "needs `fails` and `says`"),
    "right that fails": (
        RIGHT.replace("name", 'fails = ["is right anywhere"]\nname'),
        "must not fail",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_faulty_bank_is_refused(bank, name):
    text, message = REFUSED[name]
    with pytest.raises(BankError, match=message):
        bank(text)


def test_a_missing_bank_is_empty(tmp_path):
    assert load(tmp_path / "none.toml", []) == Bank()


def test_reasons_for_few_wrong_answers(bank):
    assert bank('[few]\ndouble = "easy"').few == {"double": "easy"}
    assert bank(WRONG).few == {}


@pytest.mark.parametrize("text", ['[few]\ntreble = "easy"', '[few]\ndouble = " "'])
def test_few_needs_an_exercise_and_a_reason(bank, text):
    with pytest.raises(BankError, match="needs an exercise and a reason"):
        bank(text)


ARRAYS = """
[takes_no_arrays.double]
reason = "takes a number"
fails = ["is right anywhere"]
"""


def test_exercises_that_take_no_arrays(bank):
    assert bank(ARRAYS).takes_no_arrays == {"double": {"is right anywhere"}}
    assert bank('[takes_no_arrays.double]\nreason = "none"').takes_no_arrays == {"double": set()}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("double", "treble", "an exercise and a reason, not treble"),
        ("takes a number", " ", "an exercise and a reason, not double"),
        ("anywhere", "nowhere", r"double has no check \['is right nowhere'\]"),
    ],
)
def test_a_faulty_list_of_them_is_refused(bank, old, new, message):
    with pytest.raises(BankError, match=message):
        bank(ARRAYS.replace(old, new))


def test_predicted_scores(bank, notebook):
    wrong, right = bank(WRONG + RIGHT).answers
    known = exercises(notebook)
    assert predicted(known, []) == {"double": 3, "quadruple": 1}
    assert predicted(known, [right]) == {"double": 3, "quadruple": 1}
    assert predicted(known, [wrong]) == {"double": 0, "quadruple": 0}
    assert predicted(known, [], blank=frozenset({"double"})) == {"double": 0, "quadruple": 1}


def test_equivalent_mutants(bank):
    swapped, decimal, line = bank(EQUIVALENT).equivalents
    assert swapped.exercise == decimal.exercise == "double"
    assert swapped.reason == decimal.reason == "it is the same"
    assert swapped.covers("y = x * 2", "y = 2 * x")
    assert not swapped.covers("y = x * 2", "y = 2 * x + 1")
    assert decimal.covers("y = 2 * (x - 2)", "y = 2 * (x - 2.0)")
    assert not decimal.covers("y = 2 * (x - 2)", "y = 2.0 * (x - 2.0)")
    assert line.covers("return double(x)", "pass")
    assert not line.covers("y = return double(x)", "pass")
    assert bank(RIGHT).equivalents == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"double"', '"treble"', "an exercise and a reason, not treble"),
        ('"it is the same"', '" "', "an exercise and a reason, not double"),
        ("reason", "cause", "an exercise and a reason, not double"),
        ("lines", "line", "either `lines` or `edits`: whatever"),
        ("lines", "edits = []\nlines", "either `lines` or `edits`: whatever"),
        ("new", "now", "an edit of `equivalent` needs 'new'"),
    ],
)
def test_a_faulty_list_of_equivalent_mutants_is_refused(bank, old, new, message):
    with pytest.raises(BankError, match=message):
        bank(EQUIVALENT.replace(old, new))
