"""The search for a counterexample, what makes it smaller, and the known mistakes that name it."""

import json
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest

from helpers.checks import Outcome, Question, seeded
from helpers.specification import (
    arrays,
    described,
    function,
    integer_arrays,
    interaction,
    lists,
    numbers,
    part,
)
from helpers.specification.domains import Domain
from helpers.specification.mistakes import Mistake, cause
from helpers.specification.promises import (
    Promise,
    PromiseError,
    Promises,
    promise,
    promised,
    read_promises,
)
from helpers.specification.specifications import (
    CALLS,
    LONG,
    SIZES,
    WATCHED,
    Subject,
    search,
    smaller,
    trials,
)
from helpers.specification.verdicts import CounterexampleError, hold

REFERENCE = "def double(x):\n    return np.asarray(x) * 2"
SPECIFICATIONS = """
from helpers.specification import arrays, function, lists, part

double = function(
    part("arrays", points=2, essential=True, x=arrays("*any")),
    part("lists", x=lists("n")),
)
"""
SQUARE = Mistake("it is the square", "def double(x):\n    return np.asarray(x) ** 2")
ENDLESS = Mistake("it never ends", "def double(x):\n    while True:\n        pass")
STUBBORN = Mistake(
    "it never ends, and swallows what would end it once",
    """
def double(x):
    try:
        while True:
            pass
    except BaseException:
        while True:
            pass
""",
)
BROKEN = Mistake("it is no Python", "def double(")
SETUP = "import numpy as np"


def double(x):
    return np.asarray(x) * 2


def subject_of(student):
    return Subject("double", lambda name: student, {"double": double})


def spec_of(**inputs):
    return function(part("all", **inputs))


def found(student, seed=b"seed", **inputs):
    spec = spec_of(**inputs)
    subject = subject_of(student)
    finding, done = search(spec, spec.parts[0], subject, seed)
    return finding, done, subject


def test_a_right_answer_is_tried_often_and_at_all_sizes():
    sizes = []

    def student(x):
        sizes.append(np.size(x))
        return double(x)

    finding, done, _ = found(student, x=arrays("n"))
    assert finding is None
    assert len(done) == CALLS
    assert len(sizes) == CALLS + 4 * CALLS // WATCHED  # one that is watched has five calls
    assert (sizes[0], *sorted({*sizes})[-2:]) == (1, SIZES, LONG)


def test_arrays_with_gaps_are_tried_and_told():
    def student(x):
        if x.ndim and not x.flags.c_contiguous:
            raise ValueError("not in a row")
        return double(x)

    finding, _, _ = found(student, x=arrays("2 3"))
    assert finding.event.step.endswith("(every second number of a longer array))")
    assert "not in a row" in finding.event.problem
    assert found(student, x=arrays("1"))[0] is None  # one element has no neighbours


def test_one_trial_is_long():
    def student(x):
        return double(x) if len(x) < 64 else x

    assert found(student, x=arrays("n m"))[0].event.inputs["x"].shape == (LONG, LONG)
    spec = function(part("few", x=arrays("n"), axes={"n": (1, 3)}))
    assert search(spec, spec.parts[0], subject_of(student), b"seed")[0] is None


def test_an_input_that_is_made_read_only_is_changed():
    def student(x):
        x = np.asarray(x)
        x.flags.writeable = False
        return double(x)

    assert "makes its input read-only" in found(student, x=arrays("n"))[0].event.problem


def test_results_of_equal_inputs_are_arrays_of_their_own():
    known = {}

    def student(x):
        return known.setdefault(x.tobytes(), double(x))

    assert "return one and the same array" in found(student, x=arrays("n"))[0].event.problem
    known.clear()
    assert found(lambda x: student(x).copy(), x=arrays("n"))[0] is None


def test_an_input_is_handed_on_as_read_only_as_it_is():
    writeable = []

    def student(x):
        writeable.append(x.flags.writeable)
        return double(x)

    spec = function(part("all", at=[{"x": np.broadcast_to(1.5, (2, 2))}, {"x": np.ones(2)}]))
    assert search(spec, spec.parts[0], subject_of(student), b"")[0] is None
    assert writeable == [False, True]


@pytest.mark.parametrize("key", [id, np.shape], ids=["of this object", "of this shape"])
def test_an_answer_that_is_remembered_by_less_than_its_input_is_found(key):
    known, alive = {}, []

    def remembers(x):
        alive.append(x)  # so that its id is no other's
        return known.setdefault(key(x), double(x)).copy()

    subject = subject_of(remembers)
    spec = spec_of(x=arrays("4 n"))
    own = Promise(spec, double, {"double": double}, {}, [])
    with pytest.raises(CounterexampleError, match="answer to an earlier call again"):
        hold(own, spec.parts[0], subject, b"seed")


@pytest.mark.parametrize("pack", [tuple, list, lambda pair: {"a": pair[0], "b": pair[1]}])
def test_an_answer_of_several_arrays_that_is_remembered_is_found(pack):
    known = {}

    def both(x):
        return pack((x + 1, x / 3))

    def remembers(x):
        return known.setdefault(np.shape(x), both(x))

    subject = Subject("both", lambda name: remembers, {"both": both})
    spec = function(part("all", laws=False, x=arrays("4 n")))
    own = Promise(spec, both, {"both": both}, {}, [])
    with pytest.raises(CounterexampleError, match="answer to an earlier call again"):
        hold(own, spec.parts[0], subject, b"seed")


def test_what_is_kept_from_call_to_call_is_told():
    calls = []

    def counts(x):
        calls.append(x)
        return x * len(calls)

    def thrice(x):
        return 3 * x

    spec = spec_of(x=arrays("n"))
    told = {}
    for name, student in (("counts", counts), ("thrice", thrice)):
        own = Promise(spec, double, {"double": double}, {}, [])
        with pytest.raises(CounterexampleError) as caught:
            hold(own, spec.parts[0], subject_of(student), b"seed")
        told[name] = "something is kept from call to call" in str(caught.value)
    assert told == {"counts": True, "thrice": False}


def test_one_number_that_was_right_before_is_a_coincidence():
    def thirds(x):
        return x / 3

    def careless(x):
        return thirds(x or 1)

    given = [{"x": value} for value in (1, 2, 0)]
    own = Promise(function(part("all", at=given, x=numbers(4, 9))), thirds, {}, {}, [])
    with pytest.raises(CounterexampleError) as caught:
        hold(
            own,
            own.specification.parts[0],
            Subject("thirds", lambda name: careless, {"thirds": thirds}),
            b"seed",
        )
    assert "earlier call" not in str(caught.value)


def test_an_answer_that_another_oracle_rejects_is_no_answer_to_an_earlier_call():
    def strict(t):
        t.call(t.draw(arrays("4 n")))
        t.holds(t.first is not None, "It is not as exact as it should be.")

    own = Promise(interaction(part("all", steps=strict)), double, {"double": double}, {}, [])
    with pytest.raises(CounterexampleError, match=r"^It is not as exact"):
        hold(own, own.specification.parts[0], subject_of(double), b"seed")


def test_a_right_answer_that_comes_again_is_not_what_is_wrong():
    calls = []

    def careless(x):
        calls.append(double(x))
        x[0] += len(calls) - 1  # not at the first call
        return calls[-1]

    def twice(t):
        for _ in range(2):
            t.call(np.array([1.25]))

    own = Promise(interaction(part("all", steps=twice)), double, {"double": double}, {}, [])
    with pytest.raises(CounterexampleError, match=r"^Your code changes its input"):
        hold(own, own.specification.parts[0], subject_of(careless), b"seed")


def test_the_objects_of_a_dictionary_are_changed_in_place_too():
    known = {}

    def total(net):
        return sum(float(np.sum(value)) for value in net.values())

    def remembers(net):
        if id(net) not in known:
            known[id(net)] = net, total(net)  # the object lives on, so that its id is no other's
        return known[id(net)][1]

    def tried(student):
        spec = function(part("all", net=Domain(lambda draw, _: {"W": draw.array((2, 3), -1, 1)})))
        subject = Subject("total", lambda name: student, {"total": total})
        return search(spec, spec.parts[0], subject, b"seed")[0]

    assert tried(total) is None
    assert tried(remembers) is not None


def test_the_same_seed_tries_the_same_and_another_one_others():
    def steps(seed):
        return [trial.events[0].step for trial in found(double, seed, x=arrays("n"))[1]]

    assert steps(b"one") == steps(b"one")
    assert steps(b"one") != steps(b"two")


def test_a_trial_can_be_run_again_with_other_code():
    spec = spec_of(x=arrays("n"))
    run = trials(spec, spec.parts[0], b"seed")[50]
    first, again = (run(subject_of(f)) for f in (double, np.square))
    assert first.events[0].step == again.events[0].step
    assert (first.first, bool(again.first)) == (None, True)


def test_fixed_inputs_are_tried_first():
    finding, _, subject = found(np.square, at=[{"x": np.array([0.0, 2.0, 3.0])}], x=arrays("n"))
    assert finding.event.step == "double(x = [0., 2., 3.])"
    assert smaller(finding, subject).event.step == "double(x = [3.])"


def test_steps_are_tried_after_fixed_inputs():
    def steps(trial):
        trial.call(trial.source.integer(4, 9))

    def student(x):
        return double(x) if x < 4 else x

    finding, _, _ = found(student, at=[{"x": 2}], steps=steps)
    assert finding is not None
    assert finding.number > 0


def test_fixed_inputs_that_must_fit_together_stay_as_they_are():
    def times(x, w):
        return np.asarray(x) @ w

    given = {"x": np.array([1.0, 2.0]), "w": np.eye(2)}
    spec = function(part("all", at=[given]))
    subject = Subject("times", lambda name: lambda x, w: x @ w + 1, {"times": times})
    finding, _ = search(spec, spec.parts[0], subject, b"seed")
    assert finding is not None
    assert smaller(finding, subject) is finding


def test_making_it_smaller_does_not_write_down_what_a_trial_knows():
    class Unspeakable:
        def __repr__(self):
            raise RuntimeError

    names = {"double": double, "other": Unspeakable()}
    spec = spec_of(x=arrays("n m"))
    subject = Subject("double", lambda name: np.square, names)
    finding, _ = search(spec, spec.parts[0], subject, b"seed")
    assert finding is not None
    assert smaller(finding, subject) is not finding


def test_a_counterexample_is_made_smaller():
    def only_small(x):
        return np.where(np.abs(x) > 1, 0, 2 * x)

    finding, _, subject = found(only_small, x=arrays("n m", -50, 50))
    assert finding is not None
    small = smaller(finding, subject).event
    assert np.shape(small.inputs["x"]) == (1, 1)
    assert 1 < abs(small.inputs["x"].item()) <= 2


def test_what_is_not_the_mathematics_costs_no_essential_part():
    def spoils(x):
        y = 2 * x
        x[...] = 0
        return y

    spec = function(part("a", essential=True, x=arrays("n")), part("b", x=arrays("n")))
    subject = subject_of(spoils)
    assert search(spec, spec.parts[0], subject, b"")[0] is None
    assert search(spec, spec.parts[1], subject, b"")[0] is not None


def test_what_students_read_is_made_from_the_parts():
    spec = interaction(
        part("arrays", 2, essential=True, steps=print), part("lists", x=lists("n")), part("one", 1)
    )
    assert list(described(spec)) == [
        "arrays (2 points, without which there are none)",
        "lists (1 point)",
        "one (1 point)",
    ]


# --- causes ---------------------------------------------------------------------------------------


def told(student, mistakes, **inputs):
    spec = spec_of(**inputs or {"x": numbers(-5, 5)})
    subject = subject_of(student)
    _, done = search(spec, spec.parts[0], subject, b"seed")
    runs = list(zip(trials(spec, spec.parts[0], b"seed"), done, strict=False))
    known = cause(mistakes, {"np": np}, runs, subject)
    return known and known.words


@pytest.mark.parametrize(
    ("student", "words"),
    [
        (lambda x: np.float32(x) ** 2, "it is the square"),
        (lambda x: np.abs(x) ** 2 * np.sign(x), None),  # the square of positive numbers alone
        (lambda x: 3 * x, None),
    ],
)
def test_the_mistake_that_does_the_same_everywhere_names_the_cause(student, words):
    assert told(student, [BROKEN, SQUARE]) == words


def test_what_else_is_wrong_with_a_right_answer_must_be_the_same_too():
    def spoils(x):
        y = 2 * x
        x[...] = 0
        return y

    floats = Mistake("it holds floats", "def double(x):\n    return 2.0 * x")
    own = Mistake("it spoils x", "def double(x):\n    y = 2 * x\n    x[...] = 0\n    return y")
    whole = {"x": integer_arrays("n", 1, 9), "kinds": True}
    assert told(spoils, [floats, own], **whole) == "it spoils x"
    assert told(spoils, [floats], **whole) is None
    assert told(lambda x: 2.0 * x, [own, floats], **whole) == "it holds floats"


def test_a_mistake_that_is_refused_for_another_reason_is_not_the_cause():
    def listed(found):
        assert isinstance(found, np.ndarray), f"It is a {type(found).__name__}."
        return found

    def steps(t):
        t.both("double", lambda x: listed(t.student(x)), t.reference, (t.draw(arrays("n")),))

    spec = interaction(part("all", steps=steps))
    a_tuple = Mistake("it is a tuple", "def double(x):\n    return tuple(2 * x)")
    own = Promise(spec, double, {"double": double}, {}, [a_tuple])
    for student, told in ((lambda x: list(2 * x), False), (lambda x: tuple(2 * x), True)):
        with pytest.raises(CounterexampleError) as raised:
            hold(own, spec.parts[0], subject_of(student), b"seed")
        assert ("The mistake: it is a tuple" in str(raised.value)) is told


def test_a_mistake_that_breaks_a_condition_in_another_way_is_not_the_cause():
    def steps(t):
        t.call(t.draw(arrays("n", 1, 2)))
        gap = np.sum(t.answer - t.events[-1].expected)
        t.holds(gap == 0, f"It is a little {'more' if gap > 0 else 'less'}.")

    spec = interaction(part("all", steps=steps))
    more = Mistake("it is a little more", "def double(x):\n    return 2 * x + 1e-12")
    own = Promise(spec, double, {"double": double}, {}, [more])
    for student, told in ((lambda x: 2 * x - 1e-12, False), (lambda x: 2 * x + 1e-12, True)):
        with pytest.raises(CounterexampleError) as raised:
            hold(own, spec.parts[0], subject_of(student), b"seed")
        assert ("The mistake: it is a little more" in str(raised.value)) is told


def test_a_right_answer_of_many_calls_is_no_answer_to_an_earlier_call():
    def sign(x):
        return float(np.sign(x)) / 3

    given = [{"x": value} for value in (1.0, 2.0, -1.0, -2.0, 0.5, 0.0)]
    spec = function(part("all", at=given, x=numbers(1, 9)))
    own = Promise(spec, sign, {}, {}, [])
    subject = Subject("sign", lambda name: lambda x: sign(x or 1), {"sign": sign})
    with pytest.raises(CounterexampleError) as caught:
        hold(own, spec.parts[0], subject, b"seed")
    assert "earlier call" not in str(caught.value)


def test_a_counterexample_that_can_be_shown_in_full_is_preferred():
    def steps(t):
        t.call(np.linspace(1.0, 2.0, 400))
        t.apart()
        t.call(t.draw(arrays("n", 1, 2)))

    spec = interaction(part("all", steps=steps))
    own = Promise(spec, double, {"double": double}, {}, [])
    with pytest.raises(CounterexampleError) as caught:
        hold(own, spec.parts[0], subject_of(lambda x: x), b"seed")
    assert ", ...," not in str(caught.value)
    with pytest.raises(CounterexampleError) as caught:
        hold(own, spec.parts[0], subject_of(lambda x: x if len(x) > 9 else double(x)), b"seed")
    assert ", ...," in str(caught.value)


@pytest.mark.parametrize("endless", [ENDLESS, STUBBORN])
def test_a_known_mistake_that_never_ends_is_left_out(endless, monkeypatch):
    monkeypatch.setattr("helpers.specification.mistakes.SECONDS", 0.2)
    assert told(lambda x: x * x, [endless, SQUARE]) == "it is the square"


def test_all_known_mistakes_together_have_a_time_of_their_own(monkeypatch):
    tried = []
    monkeypatch.setattr("helpers.specification.mistakes.SECONDS", 0.1)
    monkeypatch.setattr("helpers.specification.mistakes.ALL_SECONDS", 0.5)
    monkeypatch.setattr(
        "helpers.specification.mistakes.Subject", lambda *of: tried.append(of) or Subject(*of)
    )
    assert told(lambda x: x * x, [ENDLESS] * 50 + [SQUARE]) != "it is the square"
    assert 1 < len(tried) < 50


# --- a question -----------------------------------------------------------------------------------


def promises(mistakes=(SQUARE,), text=SPECIFICATIONS):
    return Promises(text, [SETUP], {"double": REFERENCE}, {"double": list(mistakes)})


def asked(source, known=None, seed=b"seed"):
    """Ask the question in a notebook that holds this answer."""
    names = {"np": np, "Question": Question}
    exec(compile(source, "<answer>", "exec"), names)
    with promised(known or promises()), seeded(seed):
        exec('q = Question("Double", points=3)\nq.compare("double")', names)
    return names["q"]


def test_a_question_has_a_check_for_each_part():
    q = asked(REFERENCE)
    assert [(r.name, r.points, r.essential) for r in q.results] == [
        ("arrays", 2, True),
        ("lists", 1, False),
    ]
    assert (q.earned, [r.message for r in q.results]) == (3, ["", ""])


def test_a_wrong_answer_is_told_its_mistake_and_where_it_shows():
    q = asked("def double(x):\n    return np.asarray(x) * x")
    assert q.earned == 0
    message = q.results[0].message
    assert message.startswith("The mistake: it is the square. For double(x = ")
    assert message.endswith(" is right.")


def test_an_error_is_told_with_its_place_and_the_call():
    q = asked("def double(x):\n    return x + x.shape[0] - x.shape[0]")
    assert "IndexError" in q.results[0].message
    assert "(in `double`)" in q.results[0].message
    assert "It is called as double(x = " in q.results[0].message


@pytest.mark.parametrize(
    ("source", "outcome", "words"),
    [
        ("def double(x):\n    raise NotImplementedError", Outcome.NOT_ATTEMPTED, "not attempted"),
        ("", Outcome.FAILED, "`double` is not defined"),
        ("double = 3", Outcome.FAILED, "not callable"),
    ],
)
def test_what_was_not_written_is_told_so(source, outcome, words):
    q = asked(source)
    assert {r.outcome for r in q.results} == {outcome}
    assert words in q.results[0].message


def test_an_exercise_without_a_specification_is_the_staffs_mistake():
    for known in (promises(text=""), promises(text="quadruple = 1")):
        with pytest.raises(PromiseError, match="double has no specification"):
            asked(REFERENCE, known)
    with pytest.raises(PromiseError, match="SyntaxError"):
        asked(REFERENCE, promises(text="double ="))


def test_promises_cross_as_plain_values():
    again = Promises.from_json(json.loads(json.dumps(promises().to_json())))
    assert again == promises()
    assert asked("def double(x):\n    return np.asarray(x) * x", again).earned == 0


# --- where they are found -------------------------------------------------------------------------


@pytest.fixture
def beside(course_root: Path) -> Path:
    """A source notebook with specifications and a bank beside it."""
    folder = course_root / "source" / "01_doubling"
    for name, text in (
        ("specifications/doubling.py", SPECIFICATIONS),
        ("bank/doubling.toml", BANK),
    ):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    return folder / "doubling.ipynb"


BANK = """
[[wrong]]
exercise = "double"
name = "squares"
tells = "it is the square"
edits = [{ old = "np.asarray(x) * 2", new = "np.asarray(x) ** 2" }]

[[wrong]]
exercise = "double"
name = "zero"
code = "def double(x): return 0"
"""


def test_they_are_read_beside_a_source_notebook(beside):
    known = read_promises(beside)
    assert set(known.specifications) == {"double"}
    assert list(known.solutions) == ["double", "quadruple"]
    assert [mistake.words for mistake in known.mistakes["double"]] == ["zero", "it is the square"]
    assert "** 2" in known.mistakes["double"][1].source
    assert known.of("double").reference(3) == 6


@pytest.mark.parametrize("told", [True, False])
def test_a_kernel_finds_them_where_it_is_told_or_where_it_runs(beside, monkeypatch, told):
    if told:
        monkeypatch.setenv("COURSE_SOURCE_NOTEBOOK", str(beside))
    else:
        monkeypatch.delenv("COURSE_SOURCE_NOTEBOOK", raising=False)
        monkeypatch.chdir(beside.parent)
    with promised(None):
        assert promise("double").specification.points == 3


def test_what_one_notebook_is_held_against_does_not_stick_to_the_next(beside, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(beside.parent, other)
    for path in (other / beside.name, other / "specifications" / f"{beside.stem}.py"):
        path.write_text(path.read_text().replace("double", "triple"))
    with promised(None), pytest.MonkeyPatch.context() as patch:
        patch.delenv("COURSE_SOURCE_NOTEBOOK", raising=False)
        patch.chdir(beside.parent)
        promise("double")
        patch.chdir(other)
        assert promise("triple").specification.points == 3


def test_without_them_a_question_says_so(tmp_path, monkeypatch):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "released.ipynb")
    monkeypatch.chdir(tmp_path)
    with promised(None), pytest.raises(PromiseError, match="double has no specification here"):
        promise("double")


def test_a_file_that_cannot_be_read_is_refused(beside):
    (beside.parent / "bank" / "doubling.toml").write_text("[")
    with pytest.raises(PromiseError, match=r"doubling\.ipynb: TOMLDecodeError"):
        read_promises(beside)


def test_a_global_seed_is_found():
    def seeds(x):
        np.random.seed(0)
        return double(x)

    def draws(x):
        np.random.normal()
        return double(x)

    assert "seeds the global" in found(seeds, x=arrays("n"))[0].event.problem
    assert found(draws, x=arrays("n"))[0] is None


def scaled(x, by=2):
    return np.asarray(x) * by


def test_options_are_given_by_name_too_and_what_has_no_default_never():
    spec = function(part("all", x=arrays("n"), by=numbers()))

    def holds(student):
        subject = Subject("scaled", lambda name: student, {"scaled": scaled})
        return search(spec, spec.parts[0], subject, b"seed")[0] is None

    assert holds(lambda values, by: np.asarray(values) * by)
    assert not holds(lambda x, times: np.asarray(x) * times)


def test_code_that_fails_now_and_then_keeps_its_counterexample():
    calls = iter(range(10**6))

    def now_and_then(x):
        return 2 * np.asarray(x) + (next(calls) % 3 == 2)

    finding, _, subject = found(now_and_then, x=arrays("n"))
    assert smaller(finding, subject).event.problem
