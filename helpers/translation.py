"""Python's and NumPy's commonest errors in a beginner's words.

What is added to a message, never put in its place. Knows no chapter and no notebook.
"""

import re
from collections.abc import Sequence

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
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")


def translate(error: BaseException) -> str:
    """Return what an error means, in a sentence; "" where Python's own words must do.

    Args:
        error: as it was raised, or as it came from another process: without its traceback.
    """
    text = _said(error)
    if isinstance(error, TypeError) and (found := _TOO_MANY.match(text)):
        qualified, taken, given = found.groups()
        one_more = int(given) == int(taken) + 1 and "." in qualified
        words = SELF if one_more and "<locals>" not in qualified.split(".")[-2:] else ARGUMENTS
        return words.format(name=qualified.rpartition(".")[2])
    if isinstance(error, TypeError) and (found := _ARGUMENTS.match(text)):
        return ARGUMENTS.format(name=found[1].rpartition(".")[2])
    for kind, pattern, words in _KNOWN:
        if isinstance(error, kind) and re.search(pattern, text):
            return words
    return _attribute_of_self(error)


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
