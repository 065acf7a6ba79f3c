"""Compare what a student's code returned with what is right, whatever kind of value it is.

Numbers and arrays go to `helpers.diagnosis`, which names the mistake; containers are compared part
by part. Nothing of the student's is used for more than being compared.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from helpers.diagnosis import ATOL, RTOL, as_numbers, diagnose

LONGEST = 160  # characters of a value that is quoted
PARTS = 10_000  # of a container that are compared
DEEPEST = 8  # level of a value that is quoted
MOST_AXES = 4  # of an array whose elements are quoted, unless they are few
FEW = 60  # elements that are quoted one and all
DIGITS = (4, 8, 12, 16)  # behind the point


@dataclass(frozen=True)
class Tolerance:
    """How near a number must be: see `helpers.diagnosis.diagnose`.

    Attributes:
        kinds: whether integers, truth values and tuples must be what they are in the reference's
            answer.
        brief: whether it is enough to say that a number is not right.
    """

    rtol: float = RTOL
    atol: float = ATOL
    single: bool = False
    kinds: bool = False
    brief: bool = False


def difference(
    actual: Any, expected: Any, name: str, tolerance: Tolerance = Tolerance(), **hints: Any
) -> str:
    """Return what is wrong with a value as a sentence; nothing if it is right.

    Args:
        actual: the student's, any object at all.
        expected: the reference's.
        name: what to call it, such as "`sigmoid(x)`".
        tolerance: how near numbers must be.
        hints: more of `diagnose`'s arguments (batch, axes, inputs, error), for arrays.
    """
    match expected:
        case None:
            return "" if actual is None else f"{name} should be None."
        case bool() | np.bool_():
            return _flag(actual, bool(expected), name)
        case str():
            same = isinstance(actual, str) and actual == expected
            return "" if same else f"{name} is {show(actual)} instead of {show(expected)}."
        case Mapping():
            return _mapping(actual, expected, name, tolerance)
        case list() if isinstance(actual, np.ndarray) and _regular(expected):
            return _numbers(actual, expected, name, tolerance, hints)
        case tuple() | list():
            return _sequence(actual, expected, name, tolerance)
    return _numbers(actual, expected, name, tolerance, hints)


def _numbers(
    actual: Any, expected: Any, name: str, tolerance: Tolerance, hints: Mapping[str, Any]
) -> str:
    if _identical(actual, expected):
        return ""
    right = np.asarray(expected)
    found = diagnose(
        actual,
        right,
        name=name,
        rtol=tolerance.rtol,
        atol=tolerance.atol,
        single=tolerance.single,
        brief=tolerance.brief,
        **hints,
    )
    if found:
        return found.sentence
    if not tolerance.kinds:
        return ""
    kind = np.asarray(as_numbers(actual)).dtype.kind
    if right.dtype.kind in "iu" and kind not in "iu":
        return f"{name} holds {_KINDS.get(kind, kind)}, but integers are expected."
    if right.dtype.kind == "b" and kind != "b":
        return f"{name} holds {_KINDS.get(kind, kind)}, but True and False are expected."
    return ""


def _identical(actual: Any, expected: Any) -> bool:
    """Tell, for what is looked at most often, whether two values are one: of one kind too."""
    if type(actual) is not type(expected):
        return False
    if type(actual) is np.ndarray:
        alike = actual.dtype == expected.dtype and actual.shape == expected.shape
        return alike and bool((actual == expected).all())
    return type(actual) is float and actual == expected


_KINDS = {"f": "floats", "b": "True and False", "i": "integers", "u": "integers"}


def _flag(actual: Any, expected: bool, name: str) -> str:
    if isinstance(actual, np.ndarray | np.generic) and np.ndim(actual) == 0:
        actual = actual.item()
    if isinstance(actual, bool | int) and actual in (True, False):
        return "" if actual == expected else f"{name} is {bool(actual)} instead of {expected}."
    return f"{name} is {show(actual)}, but one True or False is expected."


def _mapping(actual: Any, expected: Mapping[Any, Any], name: str, tolerance: Tolerance) -> str:
    if not isinstance(actual, Mapping):
        return f"{name} is {_a(actual)}, but a dictionary is expected."
    keys = list(actual)[:PARTS]
    if missing := [key for key in expected if key not in keys]:
        return f"{name} has no key {show(missing[0])}; its keys are {show(keys)}."
    if more := [key for key in keys if key not in expected]:
        return f"{name} has a key {show(more[0])} that it should not have."
    for key, value in expected.items():
        if found := difference(actual[key], value, f"{name}[{show(key)}]", tolerance):
            return found
    return ""


def _sequence(actual: Any, expected: Sequence[Any], name: str, tolerance: Tolerance) -> str:
    word = type(expected).__name__
    if actual is None:
        return f"{name} is None: a `return` is missing."
    if isinstance(expected, tuple) and not tolerance.kinds and _rows(actual):
        actual = tuple(actual)  # whatever can be unpacked will do
    if (
        isinstance(actual, np.ndarray)
        or not isinstance(actual, Sequence)
        or isinstance(actual, str)
        or isinstance(expected, tuple) != isinstance(actual, tuple)
    ):
        return f"{name} is {_a(actual)}, but a {word} of {len(expected)} is expected."
    if len(actual) != len(expected):
        return f"{name} has {len(actual)} elements instead of {len(expected)}."
    for place, value in enumerate(expected):
        if found := difference(actual[place], value, f"{name}[{place}]", tolerance):
            return found
    return ""


def _rows(value: Any) -> bool:
    """Tell whether a value is a list or the like, or an array with axes."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str)


def _a(value: Any) -> str:
    """Return what kind of value something is, with its article."""
    match value:
        case None:
            return "None"
        case np.ndarray():
            return f"an array of shape {value.shape}"
        case bool() | int() | float() | np.generic():
            return "one number"
        case str():
            return "a text"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def show(value: Any, depth: int = 0) -> str:
    """Return a value in one short line, as a reader would type it."""
    if depth > DEEPEST:
        return "…"
    match value:
        case np.ndarray() | list() | tuple() if _regular(value):
            array = np.array(value) + 0 if _floats(value) else np.array(value)  # -0.0 is 0
            text = _form(array) or _numbers_of(array)
        case np.ndarray():
            array = np.array(value)
            text = _form(array) or repr(array)
        case dict():
            text = f"{{{_shown([f'{key!r}: ' for key in value], list(value.values()), depth)}}}"
        case list():
            text = f"[{_shown([''] * len(value), value, depth)}]"
        case tuple():
            text = f"({_shown([''] * len(value), value, depth)}{',' * (len(value) == 1)})"
        case float() | np.floating():
            text = f"{float(value) + 0.0:.6g}"  # -0.0 is 0
        case np.integer():
            text = str(int(value))
        case np.random.Generator():
            text = "a generator"
        case _ if callable(value):
            text = getattr(value, "__name__", "a function")
        case _:
            text = _ADDRESS.sub("", repr(value))
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _numbers_of(array: np.ndarray[Any, Any]) -> str:
    """Return an array's numbers, with so many digits that different ones look different."""
    text = ""
    several = array.dtype.kind == "f" and array.size <= FEW
    for digits in DIGITS if several else DIGITS[:1]:
        with np.printoptions(precision=digits, suppress=False, threshold=FEW, linewidth=10**6):
            text = np.array2string(array, separator=", ")
        if len(set(re.findall(r"[^][, \n]+", text))) >= len(np.unique(array)):
            break
    return text


def _form(array: np.ndarray[Any, Any]) -> str:
    """Return the shape of an array in words if it has many axes: shortened it would still be long.

    NumPy leaves out elements along long axes alone.
    """
    many = array.ndim > MOST_AXES and array.size > FEW
    return f"an array of shape {array.shape}" if many else ""


def _shown(labels: Sequence[str], values: Sequence[Any], depth: int) -> str:
    """Return the first values of a container, each behind its label, as far as they fit a line."""
    text = ""
    for label, value in zip(labels, values, strict=True):
        text += f"{', ' if text else ''}{label}{show(value, depth + 1)}"
        if len(text) > LONGEST:
            break
    return text


def _regular(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except (ValueError, TypeError):
        return False


def _floats(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f"


def same(one: Any, other: Any, tolerance: Tolerance = Tolerance()) -> bool:
    """Tell whether two values, nobody's in particular, are alike, NaN to NaN."""
    if isinstance(one, BaseException) or isinstance(other, BaseException):
        return type(one).__name__ == type(other).__name__
    try:
        return not difference(one, other, "", replace(tolerance, brief=True))
    except Exception:
        return False


def has_gaps(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether memory holds something else between any two of an array's elements."""
    steps = [abs(step) for step, n in zip(array.strides, array.shape, strict=True) if n > 1]
    return array.size > 0 and min(steps, default=0) > array.itemsize


def with_gaps(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a view of the same numbers: every second element of a longer array, along an axis.

    Args:
        array: of shape (..., n); one of shape () is returned as it is.
    """
    if array.ndim == 0:
        return array
    longer = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    longer[..., ::2] = array
    return longer[..., ::2]


def _copied_array(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    copy = np.array(array, order="K", copy=True)
    if has_gaps(array):
        copy = with_gaps(copy)
    copy.flags.writeable = array.flags.writeable
    return copy


def copied(value: Any) -> Any:
    """Return a copy of a value that shares no memory with it; functions stay what they are.

    Of an array it has the order of axes, gaps between elements, and whether it is read-only. What
    lives in another process is asked for its numbers, and all of them at once: each question takes
    longer than most answers.
    """
    if (fetch := getattr(type(value), "__fetch__", None)) is not None:
        try:
            return fetch(value)
        except (TypeError, ValueError):  # as a whole it can't travel
            pass
    match value:
        case np.ndarray():
            return _copied_array(value)
        case dict():
            return {key: copied(item) for key, item in value.items()}
        case list():
            return [copied(item) for item in value]
        case tuple():
            return tuple(copied(item) for item in value)
        case np.random.Generator():
            return copy.deepcopy(value)
    return value
