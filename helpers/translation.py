"""Python's and NumPy's commonest errors in a beginner's words, and what of their own is quoted.

A sentence is added to a message, never put in its place. Knows no chapter and no notebook.
"""

import re
from collections.abc import Collection, Sequence

import numpy as np

ONE_TRUTH = (
    "`if`, `and`, `or` and `not` need one True or False, and here they get an array of them: "
    "choose element by element with `np.where`, or with a mask such as `x[x > 0]`."
)
NOTHING = "Something here is None: a function without a `return` returns None."
SELF = "A method's first parameter is `self`: is it missing in `def {name}(...)`?"
ARGUMENTS = "Compare the call with the line `def {name}(...)`: they don't agree on the arguments."
WHOLE = (
    "An index or a number of things must be an integer, and `/` always gives a float: use `//`, or "
    "`int(...)`."
)
LIST = "A list is not an array: `np.asarray(x)` makes one of it, and then arithmetic works."
NUMBER = "A plain number has no methods of an array: `np.asarray(x)` makes one of it."
BRACKETS = (
    "Round brackets call a function: an array takes square brackets. Or has a variable taken a "
    "function's name?"
)
BROADCAST = (
    "NumPy compares shapes from the right: two lengths must be equal, or one of them must be 1."
)
PRODUCT = "In `A @ B` the last axis of A must be as long as the first axis of B."
LOCAL = "A name that a function assigns to is local to it, and has no value before that line."
ENDLESS = "A function calls itself without end."
MODULE = "The notebook needs no modules other than those that its first cells import."
TAKEN = (
    "`{name}` is not Python's own any more: {cell} gives that name to something else. Take another "
    "name there."
)
ATTRIBUTE_OF_SELF = "Inside a method, what belongs to the object is written `self.{name}`."

_KNOWN: Sequence[tuple[type[Exception], str, str]] = (
    (ModuleNotFoundError, r"", MODULE),
    (RecursionError, r"", ENDLESS),
    (UnboundLocalError, r"", LOCAL),
    (ValueError, r"truth value of an array", ONE_TRUTH),
    (ValueError, r"could not be broadcast together", BROADCAST),
    (ValueError, r"matmul: |shapes .* not aligned", PRODUCT),
    (TypeError, r"\bNoneType\b", NOTHING),
    (AttributeError, r"'NoneType' object", NOTHING),
    (TypeError, r"'(numpy\.)?(ndarray|float64|float|int64|int)' object is not callable", BRACKETS),
    (IndexError, r"only integers, slices", WHOLE),
    (TypeError, r"'(numpy\.)?float\d*' object cannot be interpreted as an integer", WHOLE),
    (TypeError, r"expected a sequence of integers or a single integer", WHOLE),
    (TypeError, r"slice indices must be integers|list indices must be integers.*float", WHOLE),
    (TypeError, r"can't multiply sequence by non-int", LIST),
    (TypeError, r"unsupported operand type.*'list'|bad operand type for unary.*'list'", LIST),
    (TypeError, r"'[<>]=?' not supported between .*'list'", LIST),
)
_TOO_MANY = re.compile(r"([\w.<>]+)\(\) takes (\d+) positional arguments? but (\d+) (?:was|were)")
_ARGUMENTS = re.compile(r"([\w.<>]+)\(\) (?:missing \d+ required|takes .* positional|got an unexp)")
_OF_ARRAYS = "|".join(sorted({*dir(np.ndarray)} - {*dir(list), *dir(float), *dir(int)}))
_NO_ARRAY = re.compile(
    rf"'(bool|int|float|complex|list|tuple)' object has no attribute '({_OF_ARRAYS})'"
)
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")

# Errors and warnings word for word. KIND stands for a type, NAME for a name in the code, UFUNC for
# a function of NumPy's; anything else that varies is left out.
_OWN: Sequence[str] = (
    r"unsupported operand type\(s\) for [-+*/@%&|^<>]{1,2}=?: 'KIND' and 'KIND'",
    r"bad operand type for unary [-+~]: 'KIND'",
    r"'[<>]=?' not supported between instances of 'KIND' and 'KIND'",
    r"can't multiply sequence by non-int of type 'KIND'",
    r"'KIND' object is not (?:callable|iterable|subscriptable|an iterator)",
    r"'KIND' object does not support item (?:assignment|deletion)",
    r"'KIND' object cannot be interpreted as an integer",
    r"object of type 'KIND' has no len\(\)",
    r"cannot unpack non-iterable KIND object",
    r"'KIND' object has no attribute 'NAME'",
    r"name 'NAME' is not defined",
    r"cannot access local variable 'NAME' where it is not associated with a value",
    r"(?:NAME\.)?NAME\(\) takes \d positional arguments? but \d (?:was|were) given",
    r"(?:NAME\.)?NAME\(\) missing \d required positional arguments?",
    r"(?:float |integer )?(?:floor )?(?:division|modulo) by zero",
    r"math (?:domain|range) error",
    r"(?:list|tuple|string)(?: assignment)? index out of range",
    r"(?:list|tuple|string) indices must be integers or slices, not KIND",
    r"only integers, slices \(`:`\), ellipsis \(`\.\.\.`\), numpy\.newaxis \(`None`\) and integer "
    r"or boolean arrays are valid indices",
    r"only (?:0-dimensional|length-1) arrays can be converted to Python scalars",
    r"operands could not be broadcast together",
    r"The truth value of an array with more than one element is ambiguous",
    r"setting an array element with a sequence",
    r"maximum recursion depth exceeded",
    r"(?:not enough|too many) values to unpack",
    r"assignment destination is read-only",
    r"Singular matrix",
    r"(?:overflow|underflow|invalid value|divide by zero) encountered in (?:scalar )?UFUNC",
    r"Mean of empty slice|Degrees of freedom <= 0 for slice",
)
_KINDS = frozenset(
    """
    NoneType bool bytes builtin_function_or_method complex dict ellipsis float float16 float32
    float64 function generator int int32 int64 list map method module ndarray numpy.float32
    numpy.float64 numpy.int64 numpy.ndarray range set slice str tuple type zip
    """.split()  # noqa: SIM905
)
_UFUNCS = frozenset(
    {"cast", "dot", "reduce", *(n for n in dir(np) if isinstance(getattr(np, n), np.ufunc))}
)
_SLOTS = {"KIND": r"[\w.]+", "NAME": r"\w+", "UFUNC": r"\w+"}
_WHOLE = [
    re.compile(re.sub("KIND|NAME|UFUNC", lambda slot: f"({_SLOTS[slot[0]]})", pattern))
    for pattern in _OWN
]


def own_words(text: str, names: Collection[str] = ()) -> str:
    """Return the part of a message that Python or NumPy chose; "" if anybody may have written it.

    What is quoted so says nothing of the numbers that the code was called with.

    Args:
        text: the message.
        names: those that stand in the code that it is about.
    """
    known = _KINDS | _UFUNCS | {*names}
    for pattern in _WHOLE:
        if (found := pattern.match(text)) and known.issuperset(filter(None, found.groups())):
            return found[0]
    return ""


def translate(error: BaseException, names: Collection[str] | None = None) -> str:
    """Return what an error means, in a sentence; "" where Python's own words must do.

    Args:
        error: as it was raised, or as it came from another process: without its traceback.
        names: those that the sentence may quote; None for any.
    """
    sentence, name = _translated(error)
    return sentence if names is None or not name or name in names else ""


def _translated(error: BaseException) -> tuple[str, str]:
    """Return the sentence, and the name in it that the message holds."""
    text = _said(error)
    if isinstance(error, TypeError) and (found := _TOO_MANY.match(text)):
        qualified, taken, given = found.groups()
        one_more = int(given) == int(taken) + 1 and "." in qualified
        words = SELF if one_more and "<locals>" not in qualified.split(".")[-2:] else ARGUMENTS
        name = qualified.rpartition(".")[2]
        return words.format(name=name), name
    if isinstance(error, TypeError) and (found := _ARGUMENTS.match(text)):
        name = found[1].rpartition(".")[2]
        return ARGUMENTS.format(name=name), name
    for kind, pattern, words in _KNOWN:
        if isinstance(error, kind) and re.search(pattern, text):
            return words, ""
    if isinstance(error, AttributeError) and (found := _NO_ARRAY.match(text)):
        return {"list": LIST, "tuple": LIST}.get(found[1], NUMBER), ""
    return _attribute_of_self(error), undefined(error)


def undefined(error: BaseException) -> str:
    """Return the name that was not defined; "" if the error is another one."""
    if not isinstance(error, NameError) or isinstance(error, UnboundLocalError):
        return ""
    found = _UNDEFINED.search(_said(error))
    return str(found[1]) if found else ""


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except (Exception, SystemExit):  # a student's own class may do anything
        return ""


def _attribute_of_self(error: BaseException) -> str:
    """Return a sentence for a method that names what its own object has, without `self`."""
    name, last = undefined(error), error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    if not name or last is None:
        return ""
    owner = last.tb_frame.f_locals.get("self")
    has = owner is not None and name in getattr(owner, "__dict__", {})
    return ATTRIBUTE_OF_SELF.format(name=name) if has else ""
