"""Find out *how* an array is wrong, and say it in one sentence of the chapter's mathematics.

Given what a student's code returned and what it should have returned, `diagnose` tries the ways in
which people go wrong, the most specific first, and returns the first that explains every element.
Knows arrays only: nothing of checks, marks or notebooks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

RTOL = 1e-7
ATOL = 1e-9


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with an array.

    Attributes:
        cause: the kind of mistake, one word ("sign", "transposed", "not summed", ...).
        sentence: for the student: the mistake with its numbers, shapes and worst element.
    """

    cause: str
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """Everything that a search for the cause may look at. The two arrays are float64."""

    actual: Array
    expected: Array
    returned: Array  # as the student's code gave it, with its own dtype
    name: str
    rtol: float
    atol: float
    batch: int | None
    inputs: Mapping[str, Array]
    kinks: npt.NDArray[np.bool_] | None

    def same(self, a: Any, b: Any) -> bool:
        """Tell whether two arrays have one shape and agree to the tolerance."""
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        return a.shape == b.shape and bool(self.close(a, b).all())

    def close(self, a: Array, b: Array) -> npt.NDArray[np.bool_]:
        """Tell element by element whether a agrees with b, to rtol of b's largest element."""
        finite = np.isfinite(b)
        scale = float(np.max(np.abs(b), initial=0.0, where=finite))
        relative = np.isclose(a, b, rtol=self.rtol, atol=self.atol, equal_nan=True)
        return np.asarray(relative | (np.abs(a - b) <= 1e-3 * self.rtol * scale))


def diagnose(
    actual: Any,
    expected: npt.ArrayLike,
    *,
    name: str = "Your result",
    rtol: float = RTOL,
    atol: float = ATOL,
    batch: int | None = None,
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    mistakes: Mapping[str, npt.ArrayLike] | None = None,
    kinks: npt.ArrayLike | None = None,
) -> Diagnosis | None:
    """Compare an array with what it should be and name the mistake.

    Args:
        actual: whatever the student's code returned; any object at all.
        expected: the right values, any shape.
        name: what to call it in the sentence, as the chapter does: "dW", "`sigmoid(x)`".
        rtol: relative tolerance; a float32 or float16 result is allowed its own rounding.
        atol: absolute tolerance.
        batch: the batch size N, if a factor N or 1/N is a likely mistake.
        inputs: arrays of the result's shape whose element is quoted beside a wrong one.
        mistakes: known wrong values, each under the words that explain it to the student.
        kinks: True where the derivative does not exist; of the result's shape.

    Returns:
        None if `actual` is right, else the most specific diagnosis.
    """
    expected = np.asarray(expected, dtype=np.float64)
    returned = _as_array(actual)
    if isinstance(returned, str):
        return Diagnosis("type", f"{name} {returned}")
    single = returned.dtype in (np.float16, np.float32)
    rtol = max(rtol, 100 * float(np.finfo(returned.dtype).eps)) if single else rtol
    with np.errstate(all="ignore"):
        case = Comparison(
            actual=returned.astype(np.float64),
            expected=expected,
            returned=returned,
            name=name,
            rtol=rtol,
            atol=max(atol, 1e-6) if single else atol,
            batch=batch,
            inputs={key: np.asarray(value) for key, value in (inputs or {}).items()},
            kinks=None if kinks is None else np.asarray(kinks, dtype=bool),
        )
        if case.same(case.actual, expected):
            return None
        known = _named(case, mistakes or {})
        searches = _VALUE if case.actual.shape == expected.shape else _SHAPE
        found = known or next(filter(None, (search(case) for search in searches)))
    return Diagnosis(found.cause, f"{name} {found.sentence}")


def _as_array(value: Any) -> Array | str:
    """Return a plain array of numbers, or the end of a sentence: what is wrong with it."""
    if value is None:
        return "is None: a `return` is missing, or it returns nothing."
    if callable(value) and not hasattr(value, "__array__"):
        return "is a function, not numbers: call it, or return its result."
    if isinstance(value, str | bytes | dict | set):
        return f"is of type {type(value).__name__}, but numbers are wanted."
    try:
        array = np.array(value, subok=False)
    except (ValueError, TypeError) as error:
        return f"can't be read as an array of numbers: {error}."
    if array.dtype.kind == "c":
        return "is complex, but real numbers are wanted."
    if array.dtype.kind not in "biuf":
        return f"holds {array.dtype} values, but numbers are wanted."
    return array


def _named(case: Comparison, mistakes: Mapping[str, npt.ArrayLike]) -> Diagnosis | None:
    """Look for a mistake that the test's author foresaw."""
    for words, wrong in mistakes.items():
        wrong = np.asarray(wrong, dtype=float)
        if case.same(case.actual, wrong) and not case.same(case.expected, wrong):
            return Diagnosis("named", f"is wrong: {words}. {_worst(case)}".replace("..", "."))
    return None


# --- the shape is wrong ---------------------------------------------------------------------


def _shapes(case: Comparison) -> str:
    return f"shape {case.actual.shape} instead of {case.expected.shape}"


def _axes(array: Array) -> Iterator[int]:
    return iter(range(array.ndim))


def _extra_axis(case: Comparison) -> Diagnosis | None:
    if case.actual.size != case.expected.size:
        return None
    if tuple(n for n in case.actual.shape if n > 1) != tuple(
        n for n in case.expected.shape if n > 1
    ):
        return None
    if not case.same(case.actual.reshape(case.expected.shape), case.expected):
        return None
    return Diagnosis(
        "extra axis",
        f"has the right numbers, but {_shapes(case)}: an axis of length 1 is too many or missing "
        "(look at `keepdims` and at your reshapes).",
    )


def _transposed(case: Comparison) -> Diagnosis | None:
    if case.actual.ndim < 2 or not case.same(case.actual.T, case.expected):
        return None
    return Diagnosis("transposed", f"is transposed. {_worst(case)}")


def _transposed_shape(case: Comparison) -> Diagnosis | None:
    if case.actual.ndim < 2 or case.actual.T.shape != case.expected.shape:
        return None
    return Diagnosis("transposed", f"has the shape of the transpose: {_shapes(case)}.")


def _summed_over_all(case: Comparison) -> Diagnosis | None:
    if case.actual.size != 1 or case.expected.size < 2:
        return None
    value = case.actual.reshape(())
    for verb, total in (("summed", case.expected.sum()), ("averaged", case.expected.mean())):
        if case.same(value, total):
            return Diagnosis(
                f"{verb} over all",
                f"is one number, {float(value):.6g}, but {case.expected.shape} are wanted: "
                f"it was {verb} over everything. Name the axis.",
            )
    return None


def _summed_over_axis(case: Comparison) -> Diagnosis | None:
    for axis in _axes(case.expected):
        for verb, reduced in (
            ("summed", case.expected.sum(axis=axis)),
            ("averaged", case.expected.mean(axis=axis)),
        ):
            if case.actual.size == reduced.size and case.same(
                case.actual.reshape(reduced.shape), reduced
            ):
                return Diagnosis(
                    f"{verb} over an axis",
                    f"has {_shapes(case)}: it was {verb} over axis {axis}, which should stay.",
                )
    return None


def _not_summed(case: Comparison) -> Diagnosis | None:
    for axis in _axes(case.actual):
        for verb, reduced in (
            ("summed", case.actual.sum(axis=axis)),
            ("averaged", case.actual.mean(axis=axis)),
        ):
            if case.expected.size == reduced.size and case.same(
                reduced.reshape(case.expected.shape), case.expected
            ):
                return Diagnosis(
                    f"not {verb}",
                    f"has {_shapes(case)}: it has not been {verb} over axis {axis}.",
                )
    return _not_summed_over_all(case)


def _not_summed_over_all(case: Comparison) -> Diagnosis | None:
    if case.expected.size != 1:
        return None
    target = case.expected.reshape(())
    for verb, total in (("summed", case.actual.sum()), ("averaged", case.actual.mean())):
        if case.same(total, target):
            return Diagnosis(
                f"not {verb}",
                f"has shape {case.actual.shape}, but one number is wanted: "
                f"it has not been {verb} yet.",
            )
    return None


def _wrong_axis_summed(case: Comparison) -> Diagnosis | None:
    """Expected (m,) and got (n,): the totals agree, so another axis was summed."""
    if case.actual.ndim != case.expected.ndim or case.actual.size == case.expected.size:
        return None
    if not case.same(case.actual.sum(), case.expected.sum()):
        return None
    return Diagnosis(
        "wrong axis", f"has {_shapes(case)}, but the right total: the sum runs over the wrong axis."
    )


def _other_shape(case: Comparison) -> Diagnosis:
    return Diagnosis("shape", f"has {_shapes(case)}.")


# --- the shape is right, the values are not ---------------------------------------------------


def _not_finite(case: Comparison) -> Diagnosis | None:
    bad = ~np.isfinite(case.actual) & np.isfinite(case.expected)
    if not bad.any():
        return None
    index = _first(bad)
    word = "nan" if np.isnan(case.actual[index]) else "inf"
    return Diagnosis(
        word,
        f"is {case.actual[index]:g} {_at(index, case)} where {_number(case.expected[index])} is "
        f"right{_count(bad)}: something overflowed, or 0 was divided by 0.",
    )


def _all_zero(case: Comparison) -> Diagnosis | None:
    if case.actual.any() or not case.expected.any():
        return None
    return Diagnosis("zero", f"is zero everywhere. {_worst(case)}")


def _truncated(case: Comparison) -> Diagnosis | None:
    if case.returned.dtype.kind not in "iub":
        return None
    if not (
        case.same(case.actual, np.trunc(case.expected))
        or case.same(case.actual, np.floor(case.expected))
    ):
        return None
    return Diagnosis(
        "truncated",
        f"has dtype {case.returned.dtype}, which cuts the decimals off: {_worst(case)} "
        "Make the array one of floats first.",
    )


def _sign(case: Comparison) -> Diagnosis | None:
    if not case.same(-case.actual, case.expected):
        return None
    return Diagnosis("sign", f"has the wrong sign. {_worst(case)}")


def _batch_factor(case: Comparison) -> Diagnosis | None:
    if case.batch is None or case.batch < 2:
        return None
    n = case.batch
    for sign, minus in ((1, ""), (-1, ", and the sign is wrong")):
        if case.same(sign * case.actual / n, case.expected):
            return Diagnosis(
                "batch size",
                f"is {n} times too large{minus}: {n} is the batch size, and the mean over the "
                f"batch divides by it. {_worst(case)}",
            )
        if case.same(sign * case.actual * n, case.expected):
            return Diagnosis(
                "batch size",
                f"is {n} times too small{minus}: {n} is the batch size, so it was divided by it "
                f"once too often. {_worst(case)}",
            )
    return None


def _factor(case: Comparison) -> Diagnosis | None:
    telling = np.abs(case.expected) > 1e-3 * np.max(np.abs(case.expected), initial=0.0)
    if not telling.any():
        return None
    ratio = float(np.median(case.actual[telling] / case.expected[telling]))
    usual = any(np.isclose(abs(ratio), c, rtol=1e-6) for c in (2.0, 0.5))
    if telling.sum() < 3 and not usual:
        return None
    if ratio == 0 or not np.isfinite(ratio) or not case.same(case.actual / ratio, case.expected):
        return None
    return Diagnosis(
        "factor", f"is {ratio:.6g} times the right value, in every element. {_worst(case)}"
    )


def _offset(case: Comparison) -> Diagnosis | None:
    offset = float(np.median(case.actual - case.expected))
    if case.actual.size < 3 or not case.same(case.actual - offset, case.expected):
        return None
    return Diagnosis("offset", f"is off by the constant {offset:.6g} everywhere. {_worst(case)}")


def _other_order(case: Comparison) -> Diagnosis | None:
    if case.actual.size < 3:
        return None
    if not case.same(np.sort(case.actual, axis=None), np.sort(case.expected, axis=None)):
        return None
    return Diagnosis("order", f"holds the right numbers in another order. {_worst(case)}")


def _only_at_kinks(case: Comparison) -> Diagnosis | None:
    if case.kinks is None or case.kinks.shape != case.expected.shape:
        return None
    wrong = ~case.close(case.actual, case.expected)
    if (wrong & ~case.kinks).any():
        return None
    index = _first(wrong)
    return Diagnosis(
        "kink",
        f"is right except at the kink: {_number(case.actual[index])} {_at(index, case)}, where "
        f"{_number(case.expected[index])} is asked for.",
    )


def _some_elements(case: Comparison) -> Diagnosis | None:
    wrong = ~case.close(case.actual, case.expected)
    if wrong.sum() * 2 > wrong.size:
        return None
    right = wrong.size - int(wrong.sum())
    return Diagnosis("some elements", f"is right in {right} of {wrong.size} places. {_worst(case)}")


def _any_values(case: Comparison) -> Diagnosis:
    return Diagnosis("values", f"is not right. {_worst(case)}")


_SHAPE: tuple[Callable[[Comparison], Diagnosis | None], ...] = (
    _transposed,
    _extra_axis,
    _summed_over_all,
    _summed_over_axis,
    _not_summed,
    _wrong_axis_summed,
    _transposed_shape,
    _other_shape,
)
_VALUE: tuple[Callable[[Comparison], Diagnosis | None], ...] = (
    _not_finite,
    _only_at_kinks,
    _all_zero,
    _sign,
    _truncated,
    _transposed,
    _batch_factor,
    _factor,
    _offset,
    _other_order,
    _some_elements,
    _any_values,
)


# --- words --------------------------------------------------------------------------------------


def _first(mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _count(bad: npt.NDArray[np.bool_]) -> str:
    return "" if bad.sum() == 1 else f" (and in {int(bad.sum()) - 1} more places)"


def _number(value: Any) -> str:
    return f"{float(value):.6g}"


def _at(index: tuple[int, ...], case: Comparison) -> str:
    """Say where: the index, and the inputs that belong to it."""
    place = f"at [{', '.join(map(str, index))}]" if index else ""
    quoted = [
        f"{key} = {_number(values[index])}"
        for key, values in case.inputs.items()
        if values.shape == case.expected.shape
    ]
    return " ".join(filter(None, [place, f"(for {', '.join(quoted)})" if quoted else ""]))


def _worst(case: Comparison) -> str:
    """Quote the worst element: what it is, what it should be."""
    if case.actual.shape != case.expected.shape:
        return f"It has {_shapes(case)}."
    if case.expected.size == 0:
        return "It is empty."
    gap = np.nan_to_num(np.abs(case.actual - case.expected), nan=np.inf)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(gap)), gap.shape))
    place = _at(index, case)
    return (
        f"It is {_number(case.actual[index])}{' ' + place if place else ''}, "
        f"and {_number(case.expected[index])} is right."
    )
