"""A student's code and the reference, side by side: nothing of the student's is expected."""

import copy
import warnings

import numpy as np
import pytest

from helpers.specification.draws import RandomDraw
from helpers.specification.homes import Here
from helpers.specification.specifications import Finding, part
from helpers.specification.trials import SpecificationError, Trial
from helpers.specification.values import Tolerance, difference, same, show
from helpers.specification.verdicts import sentence


def double(x):
    return np.asarray(x) * 2


def trial(student, reference=double, **more):
    return Trial(student, reference, RandomDraw(np.random.default_rng(0), 3), **more)


def problem(t):
    return t.first.problem if t.first else ""


def test_a_right_answer_has_no_problem_and_the_reference_answers():
    t = trial(lambda x: x + x)
    assert t.call(np.array([1.0, 2.0])).tolist() == [2, 4]
    assert (problem(t), len(t.events)) == ("", 1)
    assert t.events[0].step == "double(x = [1., 2.])"


def test_a_wrong_answer_is_a_problem_and_the_trial_goes_on():
    t = trial(lambda x: x + 1)
    assert t.call(np.array([3.0])).tolist() == [6]
    t.call(np.array([1.0]))
    assert "double" in problem(t)
    assert [bool(event.problem) for event in t.events] == [True, False]


def test_what_it_does_to_its_inputs_changes_no_expectation():
    def spoils(x):
        x *= 0
        return x

    given = np.array([1.0, 2.0])
    t = trial(spoils)
    assert t.call(given).tolist() == [2, 4]
    assert given.tolist() == [1, 2]
    assert problem(t)


@pytest.mark.parametrize("laws", [True, False])
def test_a_wrong_answer_whose_input_was_written_into_is_told_so(laws):
    def spoils(x):
        x *= 3
        return x

    t = trial(spoils, laws=laws)
    t.call(np.array([1.0, 2.0]))
    assert "1.5 times the right value" in problem(t)
    assert problem(t).endswith("It writes into its input `x`, too: work on a copy.")
    t = trial(lambda x: 3 * x, laws=laws)
    t.call(np.array([1.0, 2.0]))
    assert "writes into" not in problem(t)


def test_no_more_is_said_of_a_changed_input():
    def spoils(x):
        right = 2 * x + 1e-12
        x *= 0
        return right

    t = trial(spoils)
    t.call(np.array([1.0, 2.0]))
    t.say("Look at the other end.")
    assert problem(t) == "Your code changes its input `x`: work on a copy."


@pytest.mark.parametrize("value", [np.array([2.0, 1.0]), [2, 1], {"a": [2, 1]}])
def test_a_changed_input_is_a_problem_unless_the_laws_are_off(value):
    def sorts(x):
        items = x["a"] if isinstance(x, dict) else x
        items.sort()
        return 1

    words = "Your code changes its input `x`: work on a copy."
    for laws in (True, False):
        t = trial(sorts, lambda x: 1, laws=laws)
        t.call(value)
        assert problem(t) == (words if laws else "")


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_an_array_of_another_kind_in_place_of_an_input_is_a_change(kind):
    def narrows(network):
        network["layers"][0] = network["layers"][0].astype(kind)
        return 1

    for student in (narrows, lambda network: 1):
        t = trial(student, lambda network: 1)
        t.call({"layers": [np.array([1.0, 2.0]), np.array([3.0])]})
        assert bool(problem(t)) is (student is narrows)


def test_an_input_that_must_be_changed_is_compared():
    def step(params):
        params["W"] -= 1

    for student, right in ((step, True), (lambda params: None, False)):
        t = trial(student, step, changes=frozenset({"params"}))
        t.call({"W": np.ones(2)})
        assert bool(problem(t)) is not right


def test_what_the_student_keeps_cannot_change_what_comes_later():
    kept = []

    def meddles(x):
        kept.append(x)
        for old in kept[:-1]:
            old *= 0
        return x * 2

    t = trial(meddles)
    first = np.ones(2)
    t.call(first)
    t.call(first)
    assert (problem(t), first.tolist()) == ("", [1, 1])


def test_an_error_is_kept_and_a_warning_is_a_problem():
    t = trial(lambda x: 1 / 0)
    t.call(1)
    assert isinstance(t.events[0].error, ZeroDivisionError)

    def warns(x):
        warnings.warn(x, RuntimeWarning, stacklevel=1)
        return x

    t = trial(warns, lambda x: x)
    t.call("overflow encountered in exp")
    t.call("the input is 0.3745")
    said = [event.problem for event in t.events]
    assert said == [
        f"Python warns: {why}." for why in ("overflow encountered in exp", "RuntimeWarning")
    ]


def test_what_is_not_attempted_ends_the_trial():
    def stub(x):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        trial(stub).call(1)


def test_a_reference_that_fails_is_the_staffs_mistake():
    with pytest.raises(SpecificationError, match="the reference fails at <lambda>"):
        trial(double, lambda x: 1 / 0).call("a")


class Counter:
    """Counts what it is given, in an array of its own."""

    def __init__(self, start):
        self.total = np.array(start, dtype=float)
        self.parts = {"last": np.zeros(1)}

    def add(self, x):
        self.total += x
        self.parts["last"][...] = x
        return self.total.copy()


class Shared(Counter):
    """Keeps its total on the class."""

    total = np.zeros(1)

    def __init__(self, start):
        Shared.total[...] = start
        self.parts = {"last": np.zeros(1)}


def steps(t):
    one, other = t.make([1.0]), t.make([5.0])
    one.add(2.0)
    other.add(1.0)
    one.read("total", "parts.last")
    one.write("total", np.array([7.0]))
    one.add(1.0)


def test_objects_are_treated_alike_step_by_step():
    t = trial(Counter, Counter)
    steps(t)
    assert problem(t) == ""
    assert [event.step for event in t.events][2:6] == [
        "add(x = 2)", "the second one's add(x = 1)", ".total", ".parts.last",
    ]  # fmt: skip


def test_state_on_the_class_is_found_by_a_second_instance():
    t = trial(Shared, Counter)
    steps(t)
    assert t.first is not None
    assert t.first.step == "add(x = 2)"


def test_an_object_that_could_not_be_made_fails_each_step():
    t = trial(lambda start: None, Counter)
    t.make([1.0]).add(1.0)
    assert t.events[-1].problem


def test_a_slope_is_held_against_numerical_differentiation():
    for student, right in ((lambda x: 2 * x, True), (lambda x: 3 * x, False)):
        t = trial(student, student)  # the reference errs with the student
        x = np.array([1.0, -2.0])
        t.call(x)
        t.slope(np.square, x, elementwise=True)
        assert bool(problem(t)) is not right


RIGHT = {f"is right number {n}": abs for n in range(4)}
WRONG = {f"is wrong number {n}": (lambda x: -abs(x)) for n in range(4)}


def checks(f):
    return bool(f(-3) == 3)


@pytest.mark.parametrize(
    ("student", "words"),
    [
        (checks, ""),
        (lambda f: True, "lets a wrong version pass"),
        (lambda f: False, "rejects a right version"),
        (lambda f: 1 / 0, "ZeroDivisionError"),
        (lambda f: None, "True or False is expected"),
    ],
)
def test_a_check_that_a_student_wrote_sorts_versions(student, words):
    t = trial(student, checks)
    t.sort(RIGHT, WRONG)
    assert words in problem(t)
    assert bool(words) == bool(problem(t))
    assert len(t.events) == 8


def abs_too(x):
    return abs(x)


@pytest.mark.parametrize(
    ("student", "right", "wrong"),
    [
        (lambda f: False, "rejects all other right versions, too", ""),
        (lambda f: True, "", "lets all other wrong versions pass, too"),
        (lambda f: f is not abs_too, "", "lets all other wrong versions pass, too"),
    ],
)
def test_a_check_that_errs_about_all_versions_of_a_kind_is_told_so(student, right, wrong):
    t = trial(student, lambda f: f(-3) == 3)
    t.sort({"is first": abs_too, **RIGHT}, WRONG)
    problems = {event.step: event.problem for event in t.events if event.problem}
    for words, problem in problems.items():
        assert (right if "right" in words or "first" in words else wrong) in problem
    told = [" too." in problem for problem in problems.values()]
    assert sum(told) == len(RIGHT) * bool(right) + len(WRONG) * bool(wrong) + bool(right)


def test_what_is_told_of_a_check_is_the_version_that_it_stumbles_over():
    t = trial(lambda f: f(-3) == 3 or 1 / 0, checks)
    t.sort(RIGHT, WRONG)
    (step,) = [event.step for event in t.story(t.first)]
    assert step.startswith("check(the version that is wrong number ")


def test_the_order_of_versions_is_drawn_and_the_one_that_is_told_is_the_first_written():
    orders, told = set(), set()
    for seed in range(8):
        asked = []

        def remembers(f, asked=asked):
            asked.append(f(1) == 1)
            return False

        t = Trial(remembers, checks, RandomDraw(np.random.default_rng(seed), 1))
        t.sort(RIGHT, WRONG)
        orders.add(tuple(asked))
        told.add(t.first.step)
    assert len(orders) > 4
    assert told == {"check(the version that is right number 0)"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([[0, 1]], dtype=np.uint8), "np.uint8([[0, 1]])"),
        (np.array([0.5], dtype=np.float32), "np.float32([0.5])"),
        (np.array([0, 1]), "[0, 1]"),
        (np.array([-0.0, 1.0]), "[0., 1.]"),
        (-0.0, "0"),
    ],
)
def test_an_input_is_told_with_its_type_where_that_is_not_to_be_seen(value, words):
    t = trial(lambda x: 1, lambda x: 0)
    t.call(value)
    assert t.first.step == f"<lambda>(x = {words})"


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (np.ones(2), [1.0, 1.0], ""),
        ([1, 2], (1, 2), ""),
        (np.ones((2, 3)), (np.ones(3), np.ones(3)), ""),
        (np.float64(1), (1, 2), "a tuple of 2 is expected"),
        ((1, 2), [1, 2], "a list of 2 is expected"),
        (None, (1, 2), "a `return` is missing"),
        ((1, 2, 3), (1, 2), "3 elements instead of 2"),
        ({"a": 1}, {"a": 1.0}, ""),
        ({"b": 1}, {"a": 1.0}, "has no key 'a'"),
        ({"a": 1, "b": 2}, {"a": 1.0}, "has a key 'b' that it should not have"),
        ({"a": np.zeros(2)}, {"a": np.ones(2)}, "['a'] is zero"),
        (1, True, ""),
        (np.True_, True, ""),
        (2, True, "one True or False is expected"),
        (None, None, ""),
        (0, None, "should be None"),
        ("relu", "relu", ""),
        ("Relu", "relu", "'Relu' instead of 'relu'"),
        (np.nan, 1.0, "nan"),
        ([[1], [2, 3]], np.ones(2), "can't be read"),
    ],
)
def test_any_kind_of_value_is_compared(actual, expected, words):
    found = difference(actual, expected, "It")
    assert words in found
    assert bool(words) == bool(found)


def test_a_tuple_can_be_asked_for():
    assert "a tuple of 2 is expected" in difference([1, 2], (1, 2), "It", Tolerance(kinds=True))


def test_values_that_are_alike():
    assert same(np.array([1.0, np.nan]), [1.0, np.nan])
    assert same(ValueError("a"), ValueError("b"))
    assert not same(ValueError("a"), 1)
    assert not same({"a": 1}, {"a": 2})


def test_a_value_is_shown_in_one_short_line():
    assert show(np.array([[0.0, 1.5]])) == "[[0. , 1.5]]"
    assert (show(0.1 + 0.2), show(np.float64(2)), show([1, [2]])) == ("0.3", "2", "[1, [2]]")
    assert show(double) == "double"
    assert show({"W1": np.eye(2), "b1": (np.zeros(2), [])}) == (
        "{'W1': [[1., 0.], [0., 1.]], 'b1': ([0., 0.], [])}"
    )
    assert show(n for n in ()).endswith("<genexpr>>")
    endless = []
    endless.append(endless)
    assert show(endless) == "[[[[[[[[[…]]]]]]]]]"
    assert len(show(list(range(500)))) < 200


# --- what both sides hold, and what only shows in memory ------------------------------------------


class Cell:
    """A layer that holds its caller's array."""

    def __init__(self, w):
        self.w = w

    def times(self, x):
        return self.w * x


def apply(cell, x):
    return cell.times(x) + 1


def test_an_object_reaches_each_side_as_its_own():
    class Wrong(Cell):
        def times(self, x):
            return self.w + x

    t = trial(apply, apply, names={"Cell": Cell}, find={"Cell": Wrong}.__getitem__)
    cell = t.make_of("Cell", np.array([3.0]))
    assert t.call(cell, np.array([5.0])).tolist() == [16]
    assert t.first.actual.tolist() == [9]
    assert t.first.step == "apply(cell = a Cell, x = [5.])"


def total(values):
    return sum(values)


def total_again(values):
    return sum(values) + sum(values)


def test_a_generator_can_be_gone_through_once():
    t = trial(total_again, total)
    assert t.call(t.once(1.0, 2.0)) == 3
    assert problem(t) == ""
    assert t.events[0].step == "total(values = a generator of [1., 2.])"
    t = trial(lambda values: total(values[:]), total)
    t.call(t.once(1.0, 2.0))
    assert "TypeError" in problem(t)


@pytest.mark.parametrize("copies", [False, True])
def test_what_is_kept_is_held_by_both(copies):
    class Student(Cell):
        def __init__(self, w):
            self.w = w.copy() if copies else w

    t = trial(Student, Cell)
    w = t.keep(np.array([1.0, 2.0]))
    cell = t.make(w)
    w.write([5.0, 6.0])
    assert cell.times(2.0).tolist() == [10, 12]
    assert bool(t.first) is copies


def test_what_is_kept_may_change_only_as_it_does_in_the_references_hands():
    def step(params):
        params["w"] -= 1.0

    def forgets(params):
        params["w"] = params["w"] - 1.0

    for student, fails in ((step, False), (forgets, False), (lambda params: None, True)):
        t = trial(student, step)
        t.call(t.keep({"w": np.array([2.0])}))
        assert bool(t.first) is fails


def test_what_is_kept_may_change_in_a_step_of_no_call_too():
    def fill(params):
        params["w"][...] = 3.0

    w = {"w": np.array([2.0])}
    for student, fails in ((fill, False), (lambda params: None, True)):
        t = trial(student, fill, changes=frozenset({"params"}))
        t.both("a loop", student, fill, (t.keep(w),), assigned=str)
        assert bool(t.first) is fails
    assert problem(t) == "`params['w']` is as it was before: this call should change it."


def watched(student, reference=double):
    t = trial(student, reference, watched=True)
    t.call(np.array([1.0, 2.0]))
    t.call(np.array([3.0, 4.0]))
    t.settle()
    return problem(t)


BUFFER = np.zeros(2)


def keeps_a_buffer(x):
    BUFFER[...] = 2 * x
    return BUFFER


def test_a_result_that_a_later_call_changes_is_a_problem():
    assert "changes with a later one" in watched(keeps_a_buffer)
    assert watched(double) == watched(keeps_a_buffer, keeps_a_buffer) == ""


def test_whether_a_kept_input_or_a_later_call_changes_a_result_is_told():
    def wrote(student, reference, *between):
        t = trial(student, reference, watched=True)
        x = t.keep(np.array([1.0, 2.0]))
        t.call(x)
        for other in between:
            t.call(other)
        x.write([3.0, 4.0])
        t.call(x)
        t.settle()
        return problem(t)

    assert "changes with a later one" in wrote(keeps_a_buffer, double)
    assert "changes with a later one" in wrote(keeps_a_buffer, double, np.array([5.0, 6.0]))
    assert "shares its memory with the input `x`" in wrote(lambda x: x, lambda x: x.copy())
    assert wrote(double, double) == wrote(lambda x: x, lambda x: x) == ""


def test_a_list_is_a_problem_where_an_array_is_asked_for():
    def listed(x):
        return double(x).tolist()

    for x, wrong in ((np.array([1.0]), True), ([1.0], False), (np.array(1.0), False)):
        t = trial(listed, arrays=True)
        t.call(x)
        assert ("is a list, but an array is expected" in problem(t)) is wrong
        t = trial(listed)
        t.call(x)
        assert problem(t) == ""


def test_a_result_that_shares_memory_with_an_input_is_a_problem():
    def same_numbers(x):
        return x.copy()

    assert "shares its memory with the input `x`" in watched(lambda x: x[:], same_numbers)
    assert watched(same_numbers, same_numbers) == watched(lambda x: x, lambda x: x[:]) == ""


def test_a_result_that_shares_the_arrays_of_a_dictionary_or_a_list_is_a_problem():
    def shares(student, reference, held):
        t = trial(student, reference, watched=True)
        t.call(held)
        t.settle()
        return problem(t)

    for held in ({"W": np.ones(2), "b": np.zeros(1)}, [np.ones(2), {"b": np.zeros(1)}]):
        assert "shares its memory with the input" in shares(copy.copy, copy.deepcopy, held)
        assert (
            shares(copy.deepcopy, copy.deepcopy, held) == shares(copy.copy, copy.copy, held) == ""
        )


def test_what_has_been_taken_out_of_a_dictionary_is_not_written_over():
    def takes_out(held):
        return held.pop("W") * 2

    t = trial(takes_out, lambda held: held["W"] * 2, watched=True, laws=False)
    t.call({"W": np.ones(2), "b": np.zeros(1)})
    t.settle()
    assert problem(t) == ""


def test_what_stands_in_the_place_of_a_dictionary_is_not_written_over():
    def puts(held):
        result, held["in"] = held["in"]["W"] * 2, None
        return result

    t = trial(puts, lambda held: held["in"]["W"] * 2, watched=True, laws=False)
    t.call({"in": {"W": np.ones(2)}})
    t.settle()
    assert problem(t) == ""


def test_where_more_than_one_answer_is_right_a_relation_judges():
    def wrong(found):
        return "" if sorted(found) == [1, 2, 3] else "Numbers are missing."

    def turned(x):
        return x[::-1]

    given = [1, 2, 3]
    t = trial(sorted, turned)
    assert t.relate(wrong, given) == [3, 2, 1]
    assert (problem(t), t.events[0].free) == ("", True)
    t = trial(lambda x: x[1:], turned)
    t.relate(wrong, x=given)
    assert problem(t) == "Numbers are missing."
    t = trial(lambda x: 1 / 0, turned)
    t.relate(wrong, given)
    assert "ZeroDivisionError" in problem(t)
    with pytest.raises(SpecificationError, match="the reference errs"):
        trial(sorted, lambda x: x[1:]).relate(wrong, given)


# --- the sentence ---------------------------------------------------------------------------------


class Forgetful(Counter):
    """Counts each number once only."""

    def add(self, x):
        total = super().add(x if self.parts["last"][0] != x else 0.0)
        self.parts["last"][...] = x
        return total


def test_a_step_that_is_done_twice_is_told_twice():
    t = trial(Forgetful, Counter)
    counter = t.make([0.0])
    counter.add(1.0)
    counter.add(1.0)
    told = sentence(Finding(part("all"), t, 0), None)
    assert "Counter(start = [0.]), then add(x = 1), then add(x = 1) it gives" in told


def test_a_message_tells_the_steps_since_those_that_stand_apart():
    t = trial(lambda x: x)
    t.call(1)
    t.apart()
    t.call(2)
    t.call(3)
    t.apart()
    t.call(4)
    assert [event.step for event in t.story(t.events[2])] == ["double(x = 2)", "double(x = 3)"]
    assert [event.step for event in t.story(t.events[0])] == ["double(x = 1)"]


class TwoFaces:
    """Gives other numbers each time that it is asked."""

    def __init__(self):
        self.asked = 0

    def __array__(self, dtype=None, copy=None):
        self.asked += 1
        return np.full(2, float(self.asked))


def test_what_a_relation_judges_is_what_later_steps_go_on_from():
    t = trial(lambda x: {"w": TwoFaces()}, lambda x: {"w": np.zeros(2)})
    judged = []
    t.relate(lambda found: judged.append(found["w"]) or "", 1.0)
    assert isinstance(t.answer["w"], np.ndarray)
    np.testing.assert_array_equal(t.answer["w"], judged[-1])


def test_an_answer_that_cannot_be_kept_is_told_as_its_error():
    class Refuses(dict):
        def items(self):
            raise ValueError("no items")

    t = trial(lambda x: Refuses(), lambda x: {})
    t.relate(lambda found: "", 1.0)
    assert problem(t) == "ValueError: no items"


def test_an_array_of_many_axes_is_shown_by_its_shape():
    assert show(np.zeros((3,) * 9)) == f"an array of shape {(3,) * 9}"
    assert show(np.zeros((3,) * 5) + 1j) == f"an array of shape {(3,) * 5}"
    assert show(np.zeros((1,) * 5)) == "[[[[[0.]]]]]"


def test_what_stands_twice_in_an_input_is_one_thing_for_both_sides():
    def twice(layers):
        return [float(one is layers[0]) for one in layers]

    layer = (np.ones(2), np.zeros(2))
    t = trial(twice, twice)
    assert t.call([layer, layer, (np.ones(2), np.zeros(2))]) == [1, 1, 0]
    assert problem(t) == ""
    t = trial(lambda layers: [1.0 for _ in layers], twice)
    t.call([layer, (np.ones(2), np.zeros(2))])
    assert problem(t)


# --- what set-up cells define ---------------------------------------------------------------------


class Box:
    def __init__(self, value):
        self.value = value


class Elsewhere(Here):
    """Where `Box` is a class of its own."""

    class Box(Box):
        pass

    def given(self, name, here):
        return getattr(self, name)


def test_an_object_is_built_for_each_side_with_what_is_there():
    sides = []
    t = trial(
        lambda box: sides.append(type(box)) or box.value + 1,
        lambda box: sides.append(type(box)) or box.value,
        names={"Box": Box},
        home=Elsewhere(),
    )
    box = t.build("box = Box(3)", lambda kind: kind(3), "Box")
    t.call(box)
    assert sides == [Box, Elsewhere.Box]
    built, asked = t.events
    assert (built.step, built.problem) == ("box = Box(3)", "")
    assert asked.problem


def test_what_cannot_be_built_on_the_students_side_is_theirs_alone():
    class Broken(Here):
        def given(self, name, here):
            raise NameError("name 'Box' is not defined")

    t = trial(lambda box: 3, lambda box: 3, names={"Box": Box}, home=Broken())
    t.build("box = Box(3)", lambda kind: kind(3), "Box")
    assert problem(t) == "NameError: name 'Box' is not defined"


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.float32(0.25), "np.float32(0.25)"), (np.int64(2), "np.int64(2)"), (np.float64(2), "2")],
)
def test_a_number_of_numpys_own_is_shown_with_its_type_where_it_goes_in(value, words):
    t = trial(lambda x: x + 1)
    t.call(value)
    assert t.events[0].step == f"double(x = {words})"


def test_numbers_that_differ_look_different():
    assert show(np.array([1.0, 1.0])) == "[1., 1.]"
    assert show(np.array([0.5, 1 / 3])) == "[0.5 , 0.3333]"
    assert show(1 + 1e-10 * np.array([0.0, 3.0])) == "[1. , 1.0000000003]"
    assert show(np.array([0.12345, 0.12346, np.nan])) == "[0.12345, 0.12346, nan]"
