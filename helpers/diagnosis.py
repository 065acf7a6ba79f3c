"""Find out *how* an array is wrong, and say it in one sentence of the chapter's mathematics.

Given what a student's code returned and what it should have returned, `diagnose` tries the ways in
which people go wrong, the most specific first, and returns the first that explains every element.
Knows arrays only: nothing of checks, marks or notebooks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

RTOL = 1e-7
ATOL = 1e-9
FLOOR = 1e-3  # how much of rtol is granted relative to the largest element
NEARLY = 1e-3  # a result this near is called imprecise, not wrong
MOST_AXES = 8  # that are summed over in every way: each more doubles the ways
VERBS: Mapping[str, Callable[..., Any]] = {"summed": np.sum, "averaged": np.mean}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with an array.

    Attributes:
        cause: the kind of mistake, in a word or two ("sign", "transposed", "not summed", ...).
        sentence: for the student: the mistake with its numbers, shapes and worst element.
    """

    cause: str
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """Everything that a search for the cause may look at. Actual and expected are float64."""

    actual: Array
    expected: Array
    returned: Array  # as the student's code gave it, with its own dtype
    rtol: float
    atol: float
    floor: float  # relative to the largest element: what cancellation leaves of the small ones
    error: Array  # of the expected values themselves; inf where nothing is known
    batch: int | None
    axes: Sequence[str]
    inputs: Mapping[str, Array]
    kinks: Mask | None

    def same(self, a: Any, b: Any) -> bool:
        """Tell whether two arrays have one shape and agree to the tolerance."""
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        return a.shape == b.shape and bool(self.close(a, b).all())

    def close(self, a: Array, b: Array) -> Mask:
        """Tell element by element whether a agrees with the right or possible value b."""
        finite = np.isfinite(b)
        scale = np.max(np.abs(b), initial=0.0, where=finite)
        if b.shape == self.error.shape:
            slack = self.error
        else:
            slack = np.where(np.isinf(self.error), np.nan, self.error).sum()
        allowed = self.atol + np.maximum(self.rtol * np.abs(b), self.floor * scale) + slack
        near = finite & (np.abs(a - b) <= allowed)
        both_nan = np.isnan(a) & np.isnan(b)
        return np.asarray(near | (a == b) | both_nan | np.isinf(slack))

    def wrong(self) -> Mask:
        """Tell which elements are wrong, if the shape is right."""
        return ~self.close(self.actual, self.expected)

    def axis(self, axes: tuple[int, ...]) -> str:
        """Name axes of the expected array."""
        if self.axes:
            return " and ".join(f"the {self.axes[axis]}" for axis in axes)
        return _axes(axes)


def diagnose(
    actual: Any,
    expected: npt.ArrayLike,
    *,
    name: str = "Your result",
    rtol: float = RTOL,
    atol: float = ATOL,
    error: npt.ArrayLike = 0.0,
    batch: int | None = None,
    axes: Sequence[str] = (),
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    mistakes: Mapping[str, npt.ArrayLike] | None = None,
    kinks: npt.ArrayLike | None = None,
    single: bool = False,
    brief: bool = False,
) -> Diagnosis | None:
    """Compare an array with what it should be and name the mistake.

    An element is right if it is off by no more than `atol`, `rtol` of itself or `rtol` / 1000 of
    the largest element, which is what cancellation may leave of a small one. A float32 result is
    allowed float32's rounding: 1e-5 of the largest element, and an `atol` of 1e-6 unless it is 0.
    float16 is allowed nothing: it can't hold a gradient.

    Args:
        actual: whatever the student's code returned; any object at all.
        expected: the right values, any shape.
        name: what to call it in the sentence, as the chapter does: "dW", "`sigmoid(x)`".
        rtol: relative tolerance.
        atol: absolute tolerance.
        error: uncertainty of the expected values themselves, of their shape; inf: not compared.
        batch: the batch size N, if a factor N or 1/N is a likely mistake.
        axes: what the axes of the right result run over, in the plural: ("samples", "units").
        inputs: arrays of the result's shape whose element is quoted beside a wrong one.
        mistakes: known wrong values, each under the words that explain it to the student.
        kinks: True where the derivative does not exist; of the result's shape.
        single: allow float32's rounding whatever dtype comes back: for results that pass through
            other functions of the student's, which may have answered in float32.
        brief: don't look for the cause.

    Returns:
        None if `actual` is right, else the most specific diagnosis.
    """
    returned = as_numbers(actual)
    if isinstance(returned, str):
        return Diagnosis("type", f"{name} {returned}")
    expected = np.asarray(expected, dtype=np.float64)
    if np.array_equal(returned, expected):  # the usual case, without a look at tolerances
        return None
    single = single or returned.dtype == np.float32
    rtol = max(rtol, 100 * float(np.finfo(np.float32).eps)) if single else rtol
    with np.errstate(all="ignore"):
        case = Comparison(
            actual=returned.astype(np.float64),
            expected=expected,
            returned=returned,
            rtol=rtol,
            atol=max(atol, 1e-6) if single and atol else atol,
            floor=rtol if single else FLOOR * rtol,
            error=np.broadcast_to(np.asarray(error, dtype=float), expected.shape),
            batch=batch,
            axes=axes,
            inputs={key: np.asarray(value) for key, value in (inputs or {}).items()},
            kinks=None if kinks is None else np.asarray(kinks, dtype=bool),
        )
        if case.same(case.actual, expected):
            return None
        if brief:
            return Diagnosis("value", f"{name} is not right.")
        known = _named(case, mistakes or {})
        searches = _VALUE if case.actual.shape == expected.shape else _SHAPE
        found = known or next(filter(None, (search(case) for search in searches)))
    return Diagnosis(found.cause, f"{name} {found.sentence}")


def as_numbers(value: Any) -> Array | str:
    """Return a plain array of real numbers, or the end of a sentence: what is wrong with it."""
    if value is None:
        return "is None: a `return` is missing, or it returns nothing."
    if callable(value) and not hasattr(value, "__array__"):
        return "is a function, not numbers: call it, or return its result."
    try:
        array = np.array(in_arrays(value), subok=False)
        masked = isinstance(value, np.ma.MaskedArray) and bool(np.ma.getmaskarray(value).any())
    except Exception:
        return (
            "can't be read as an array of numbers: its rows differ in length, or it holds "
            "something else."
        )
    if masked:
        return "has masked elements, but a plain array is expected."
    if array.dtype.kind == "c":
        return "is complex, but real numbers are expected."
    if array.dtype.kind in "biuf":
        return array
    if array.ndim == 0 or isinstance(value, str | bytes):
        return f"is of type {type(value).__name__}, but numbers are expected."
    held = {"O": "objects", "U": "text", "S": "bytes"}.get(array.dtype.kind, f"{array.dtype}")
    return f"holds {held}, but numbers are expected."


def in_arrays(value: Any) -> Any:
    """Return a value in which arrays stand for objects that give numbers, such as tensors."""
    match value:
        case dict():
            return {key: in_arrays(item) for key, item in value.items()}
        case list():
            return [in_arrays(item) for item in value]
        case tuple():
            return tuple(in_arrays(item) for item in value)
    plain = isinstance(value, np.ndarray | np.generic | type)
    if plain or not hasattr(type(value), "__array__"):
        return value
    array = np.asarray(value)
    return array if array.dtype.kind in "biufc" else value


def shape_sentence(actual: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return the end of a sentence: which shape it has, and which it should have."""
    if not actual:
        return f"is one number instead of an array of shape {expected}"
    if not expected:
        return f"has shape {actual}, but one number is expected"
    return f"has shape {actual} instead of {expected}"


def _named(case: Comparison, mistakes: Mapping[str, npt.ArrayLike]) -> Diagnosis | None:
    """Look for a mistake that the test's author foresaw; of several that fit, take the nearest."""
    fitting = []
    for words, value in mistakes.items():
        wrong = np.asarray(value, dtype=float)
        if case.same(case.actual, wrong) and not case.same(case.expected, wrong):
            gap = np.nan_to_num(np.abs(case.actual - wrong), nan=0.0)
            fitting.append((float(np.max(gap, initial=0.0)), words.rstrip(".")))
    if not fitting:
        return None
    _, words = min(fitting, key=lambda fit: fit[0])
    return Diagnosis("named", f"is wrong: {words}. {_worst(case)}")


# --- the shape is wrong ---------------------------------------------------------------------


def _shapes(case: Comparison) -> str:
    return shape_sentence(case.actual.shape, case.expected.shape)


def _reductions(array: Array) -> Iterator[tuple[str, tuple[int, ...], Array]]:
    """Sum and average an array over each choice of axes, few first; skip what leaves nothing.

    An axis of length 1 doesn't count, and a sum that cancels (softmax's gradients do) proves
    nothing. With more than `MOST_AXES` axes nothing is tried.
    """
    long = [axis for axis, length in enumerate(array.shape) if length > 1]
    if len(long) > MOST_AXES:
        return
    largest = np.max(np.abs(array), initial=0.0)
    for count in range(1, len(long) + 1):
        for axes in combinations(long, count):
            for verb, reduce in VERBS.items():
                reduced = np.asarray(reduce(array, axis=axes))
                if np.max(np.abs(reduced), initial=0.0) > 1e-6 * largest:
                    yield verb, axes, reduced


def _same_numbers(case: Comparison, a: Array, b: Array) -> bool:
    """Tell whether two arrays agree when axes of length 1 are left out."""
    return case.same(np.squeeze(a), np.squeeze(b))


def _transposed(case: Comparison) -> Diagnosis | None:
    if sorted(case.actual.shape) != sorted(case.expected.shape):
        return None  # and no order is tried: of 16 axes there are too many
    for order in permutations(range(case.actual.ndim)):
        if order == tuple(sorted(order)):
            continue
        if case.same(case.actual.transpose(order), case.expected):
            what = "is transposed" if len(order) == 2 else "has its axes in another order"
            return Diagnosis("transposed", f"{what}. {_worst(case)}")
    return None


def _extra_axis(case: Comparison) -> Diagnosis | None:
    if not _same_numbers(case, case.actual, case.expected):
        return None
    if case.actual.ndim == 0:
        return Diagnosis(
            "extra axis",
            f"is one number where an array of shape {case.expected.shape} is needed: was "
            "everything summed, or squeezed? Keep the axis.",
        )
    return Diagnosis(
        "extra axis",
        f"has the right numbers, but {_shapes(case)}: an axis of length 1 is too many or missing "
        "(look at `keepdims` and at your reshapes).",
    )


def _reshaped(case: Comparison) -> Diagnosis | None:
    if not case.same(case.actual.ravel(), case.expected.ravel()):
        return None
    return Diagnosis("reshaped", f"has the right numbers, but {_shapes(case)}.")


def _cut_short(case: Comparison) -> Diagnosis | None:
    """The last rows are missing: a loop over batches that leaves the last one out."""
    got, wanted = case.actual, case.expected
    if got.ndim == 0 or got.ndim != wanted.ndim or not 0 < len(got) < len(wanted):
        return None
    if not case.same(got, wanted[: len(got)]):
        return None
    missing = len(wanted) - len(got)
    what = "element" if got.ndim == 1 else "row"
    last = f"the last {what} is" if missing == 1 else f"the last {missing} {what}s are"
    return Diagnosis("cut short", f"{_shapes(case)}: what is there is right, but {last} missing.")


def _summed(case: Comparison) -> Diagnosis | None:
    for verb, axes, reduced in _reductions(case.expected):
        if not _same_numbers(case, case.actual, reduced):
            continue
        if reduced.size > 1:
            return Diagnosis(
                f"{verb} over an axis",
                f"{_shapes(case)}: it was {verb} over {case.axis(axes)}, which should stay.",
            )
        everything = f"{case.axis(axes)} too" if case.axes else "everything. Name the axis"
        return Diagnosis(
            f"{verb} over all",
            f"is one number, {_number(case.actual.reshape(()))}, instead of an array of shape "
            f"{case.expected.shape}: it was {verb} over {everything}.",
        )
    return None


def _not_summed(case: Comparison) -> Diagnosis | None:
    for verb, axes, reduced in _reductions(case.actual):
        if _same_numbers(case, reduced, case.expected):
            where = "" if reduced.ndim == 0 else f" over {_axes(axes)}"
            return Diagnosis(f"not {verb}", f"{_shapes(case)}: it has not been {verb}{where} yet.")
    return None


def _wrong_axis_summed(case: Comparison) -> Diagnosis | None:
    """Expected (m,) and got (n,): the totals (or means) agree, so another axis was summed.

    Where one of several axes alone differs, rows are missing or too many.
    """
    pairs = list(zip(case.actual.shape, case.expected.shape, strict=False))
    if case.actual.ndim != case.expected.ndim or case.actual.size == case.expected.size:
        return None
    if len(pairs) > 1 and sum(got != right for got, right in pairs) == 1:
        return None
    for verb, reduce in VERBS.items():
        total = reduce(case.expected)
        if np.abs(total) > 1e-6 * np.max(np.abs(case.expected), initial=0.0) and case.same(
            reduce(case.actual), total
        ):
            what = "total" if verb == "summed" else "mean"
            return Diagnosis(
                "wrong axis",
                f"{_shapes(case)}, but the right {what}: it was {verb} over the wrong axis.",
            )
    return None


def _broadcast(case: Comparison) -> Diagnosis | None:
    n = case.expected.size
    if n < 2 or case.actual.shape != (n, n) or n not in case.expected.shape:
        return None
    return Diagnosis(
        "broadcast",
        f"{_shapes(case)}: a column met a row, and broadcasting made a table of them.",
    )


def _transposed_shape(case: Comparison) -> Diagnosis | None:
    if case.actual.ndim < 2 or case.actual.T.shape != case.expected.shape:
        return None
    return Diagnosis("transposed", f"{_shapes(case)}: that is the shape of the transpose.")


def _other_shape(case: Comparison) -> Diagnosis:
    return Diagnosis("shape", f"{_shapes(case)}.")


# --- the shape is right, the values are not ---------------------------------------------------


def _not_finite(case: Comparison) -> Diagnosis | None:
    bad = ~np.isfinite(case.actual) & np.isfinite(case.expected) & case.wrong()
    if not bad.any():
        return None
    index = _first(bad)
    value = case.actual[index]
    more = int(bad.sum()) - 1
    places = f" (and in {more} more place{'s' if more > 1 else ''})" if more else ""
    return Diagnosis(
        "nan" if np.isnan(value) else "inf",
        f"is {value:g}{_at(index, case)} where {_number(case.expected[index])} is right{places}: "
        "something overflowed, or was divided by 0.",
    )


def _only_at_kinks(case: Comparison) -> Diagnosis | None:
    if case.kinks is None or case.kinks.shape != case.expected.shape:
        return None
    wrong = case.wrong()
    if (wrong & ~case.kinks).any():
        return None
    return Diagnosis("kink", f"is right except at the kink. {_worst(case)}")


def _all_zero(case: Comparison) -> Diagnosis | None:
    if case.actual.any() or not case.expected.any():
        return None
    whole = case.returned.ndim > 0 and case.returned.dtype.kind in "iu"
    if whole and case.same(case.actual, np.trunc(case.expected)):  # see `_cut_by_dtype`
        return None
    return Diagnosis("zero", f"is zero{'' if _one(case) else ' everywhere'}. {_worst(case)}")


def _sign(case: Comparison) -> Diagnosis | None:
    if case.same(-case.actual, case.expected):
        return Diagnosis("sign", f"has the wrong sign. {_worst(case)}")
    if not case.same(np.abs(case.actual), np.abs(case.expected)):
        return None
    return Diagnosis(
        "some signs",
        f"has the wrong sign in {_share(case)}, and is right but for the signs. {_worst(case)}",
    )


def _cut_by_dtype(case: Comparison) -> Diagnosis | None:
    """Integers and booleans can't hold what was put into them."""
    dtype = case.returned.dtype
    if dtype.kind == "b" and case.same(case.actual, case.expected != 0):
        return Diagnosis("truncated", f"has dtype bool, which holds only 0 and 1. {_worst(case)}")
    if dtype.kind in "iu" and dtype.itemsize < 8:
        wrapped = np.trunc(case.expected).astype(np.int64).astype(dtype)
        if case.same(case.actual, wrapped) and not case.same(wrapped, np.trunc(case.expected)):
            return Diagnosis(
                "wrapped",
                f"has dtype {dtype}, which can't hold numbers this large or below 0. "
                f"{_worst(case)} Make the array one of floats first.",
            )
    for cut in (np.trunc, np.floor, np.rint):
        if dtype.kind in "iu" and case.same(case.actual, cut(case.expected)):
            return Diagnosis(
                "truncated",
                f"has dtype {dtype}, which cuts the decimals off. {_worst(case)} "
                "Make the array one of floats first.",
            )
    return None


def _rounded(case: Comparison) -> Diagnosis | None:
    """The decimals were cut or rounded away, though the array is one of floats.

    That one number alone is a round one may be chance, unless three of its digits are right.
    """
    whole = np.trunc(case.expected)
    if (
        case.same(case.actual, whole)
        and bool(((whole != 0) & (whole != case.expected)).any())
        and _no_chance(case, whole)
    ):
        return Diagnosis("truncated", f"has its decimals cut off. {_worst(case)}")
    for decimals in range(7):
        rounded = np.round(case.expected, decimals)
        if (
            rounded.any()  # what is 0 can be so for any reason
            and case.same(case.actual, rounded)
            and np.allclose(case.actual, rounded, rtol=1e-6, atol=0, equal_nan=True)
            and _no_chance(case, rounded * 10.0**decimals, decimals)
        ):
            to = f"{decimals} decimal{'' if decimals == 1 else 's'}" if decimals else "integers"
            return Diagnosis("rounded", f"is rounded to {to}. {_worst(case)}")
    return None


def _no_chance(case: Comparison, digits: Array, decimals: int = 0) -> bool:
    """Tell whether it proves something to have these digits right, written as whole numbers.

    Zeros at the end of the decimals are none: 0.990 has two digits.
    """
    for _ in range(decimals if np.isfinite(digits).all() else 0):
        digits = digits if (np.round(digits) % 10).any() else digits / 10
    return np.unique(case.expected).size > 1 or bool(np.max(np.abs(digits)) >= 100)


def _reduced_everywhere(case: Comparison) -> Diagnosis | None:
    """Every element is the sum or mean of several that should stay apart."""
    for verb, axes, reduced in _reductions(case.expected):
        spread = np.broadcast_to(np.expand_dims(reduced, axes), case.expected.shape)
        if case.same(case.actual, spread):
            whole = reduced.size == 1
            over = "everything" if whole and not case.axes else case.axis(axes)
            return Diagnosis(
                f"{verb} over {'all' if whole else 'an axis'}",
                f"was {verb} over {over}, and so has equal elements. {_worst(case)}",
            )
    return None


def _batch_factor(case: Comparison) -> Diagnosis | None:
    if case.batch is None or case.batch < 2:
        return None
    n = case.batch
    for power, factor, again in ((1, n, "once"), (2, n * n, "twice")):
        what = "the batch size" if power == 1 else f"the batch size {n} squared"
        for sign, minus in ((1, ""), (-1, ", and has the wrong sign")):
            if case.same(sign * case.actual / factor, case.expected):
                return Diagnosis(
                    "batch size",
                    f"is {factor} times too large{minus}: {factor} is {what}, and it has not been "
                    f"divided by it{' ' + again if power > 1 else ''}. {_worst(case)}",
                )
            if case.same(sign * case.actual * factor, case.expected):
                return Diagnosis(
                    "batch size",
                    f"is {factor} times too small{minus}: {factor} is {what}, so it was divided "
                    f"by it {again} too often. {_worst(case)}",
                )
    return None


def _factor(case: Comparison) -> Diagnosis | None:
    telling = np.abs(case.expected) > 1e-3 * np.max(np.abs(case.expected), initial=0.0)
    if not telling.any():
        return None
    ratio = float(np.median(case.actual[telling] / case.expected[telling]))
    if not np.isfinite(ratio) or ratio == 0:
        return None
    times = max(abs(ratio), 1 / abs(ratio))
    if abs(times - 1) < NEARLY or not case.same(case.actual / ratio, case.expected):
        return None
    if not _varied(case.expected[telling]) and not np.isclose(times, 2, rtol=1e-6):
        return None
    part = f"1/{times:.6g} of" if abs(ratio) < 1 else f"{times:.6g} times"
    minus = "minus " if ratio < 0 else ""
    return Diagnosis("factor", f"is {minus}{part} the right value. {_worst(case)}")


def _offset(case: Comparison) -> Diagnosis | None:
    offset = float(np.median(case.actual - case.expected))
    if not _varied(case.expected) or not case.same(case.actual - offset, case.expected):
        return None
    size = "large" if offset > 0 else "small"
    return Diagnosis(
        "offset", f"is too {size} by the same {abs(offset):.6g} everywhere. {_worst(case)}"
    )


def _other_order(case: Comparison) -> Diagnosis | None:
    if np.unique(case.expected).size < max(3, case.expected.size // 2):
        return None
    if not case.same(np.sort(case.actual, axis=None), np.sort(case.expected, axis=None)):
        return None
    return Diagnosis("order", f"holds the right numbers in another order. {_worst(case)}")


def _imprecise(case: Comparison) -> Diagnosis | None:
    gap = np.abs(case.actual - case.expected)[case.wrong()]
    size = np.abs(case.expected)[case.wrong()]
    if not (gap <= NEARLY * size).all():
        return None
    if case.returned.dtype == np.float16:
        why = "has dtype float16, which keeps 3 digits only: compute in float64"
    else:
        digits = int(-np.log10(np.max(gap / size)))
        why = f"is nearly right, but only to about {digits} digits"
    return Diagnosis("precision", f"{why}. {_worst(case)}")


def _some_elements(case: Comparison) -> Diagnosis | None:
    wrong = case.wrong()
    if wrong.sum() * 2 > wrong.size:
        return None
    right = wrong.size - int(wrong.sum())
    return Diagnosis("some elements", f"is right in {right} of {wrong.size} places. {_worst(case)}")


def _any_values(case: Comparison) -> Diagnosis:
    return Diagnosis("values", f"is not right. {_worst(case)}")


_SHAPE: tuple[Callable[[Comparison], Diagnosis | None], ...] = (
    _transposed,
    _extra_axis,
    _reshaped,
    _cut_short,
    _summed,
    _not_summed,
    _wrong_axis_summed,
    _broadcast,
    _transposed_shape,
    _other_shape,
)
_VALUE: tuple[Callable[[Comparison], Diagnosis | None], ...] = (
    _not_finite,
    _only_at_kinks,
    _all_zero,
    _sign,
    _cut_by_dtype,
    _rounded,
    _transposed,
    _reduced_everywhere,
    _batch_factor,
    _factor,
    _offset,
    _other_order,
    _imprecise,
    _some_elements,
    _any_values,
)


# --- words --------------------------------------------------------------------------------------


def _one(case: Comparison) -> bool:
    return case.expected.size == 1


def _varied(values: Array) -> bool:
    """Tell whether values differ enough for one factor or offset between them to be no accident."""
    return values.size > 1 and bool(np.ptp(values) > 1e-3 * np.max(np.abs(values)))


def _first(mask: Mask) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _share(case: Comparison) -> str:
    return f"{int(case.wrong().sum())} of {case.expected.size} places"


def _axes(axes: tuple[int, ...]) -> str:
    return f"ax{'i' if len(axes) == 1 else 'e'}s {' and '.join(map(str, axes))}"


def _number(value: Any, other: Any = None) -> str:
    """Write a number: a whole one in full, else six digits, or what tells it from the other."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e12:
        return str(int(value))
    for digits in range(6, 17):
        text = f"{value:.{digits}g}"
        if other is None or text != f"{float(other):.{digits}g}":
            break
    return text


def _at(index: tuple[int, ...], case: Comparison) -> str:
    """Say where: the index, and the inputs that belong to it."""
    place = f" at [{', '.join(map(str, index))}]" if index else ""
    quoted = [
        f"{key} = {_number(values[index])}"
        for key, values in case.inputs.items()
        if values.shape == case.expected.shape
    ]
    return place + (f" (for {', '.join(quoted)})" if quoted else "")


def _worst(case: Comparison) -> str:
    """Quote the worst element, the first of equals: what it is, what it should be."""
    if case.actual.shape != case.expected.shape:
        return f"It {_shapes(case)}."
    gap = np.nan_to_num(np.abs(case.actual - case.expected), nan=np.inf, posinf=np.inf)
    gap = np.where(case.wrong(), gap, -1.0)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(gap)), gap.shape))
    got, right = case.actual[index], case.expected[index]
    return f"It is {_number(got, right)}{_at(index, case)}, and {_number(right, got)} is right."
