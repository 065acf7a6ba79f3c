"""A class that was written in steps, each inheriting from the one before, shown as one class.

Knows nothing of the chapters. Nothing of the class is called.
"""

import inspect
from textwrap import indent

MARK = "### "  # begins the lines that mark a solution in an instructor's notebook


def as_one_class(kind: type) -> str:
    """Return the text of one class with all methods of a class and of those it inherits from.

    A method that is written more than once stands where it first appears, as it is used. Where a
    method's text can't be found, a comment says so.

    Args:
        kind: the last class of the chain; what is built into Python is left out.

    Raises:
        TypeError: if it is no class.
    """
    if not isinstance(kind, type):
        raise TypeError(f"as_one_class takes a class, not {type(kind).__name__}")
    methods: dict[str, object] = {}
    for one in reversed(kind.__mro__):
        methods |= {key: value for key, value in vars(one).items() if inspect.isfunction(value)}
    head = f"class {kind.__name__}:\n"
    if kind.__doc__:
        head += indent(f'"""{inspect.cleandoc(kind.__doc__)}"""\n', "    ")
    return head + "".join(f"\n{_text(name, method)}" for name, method in methods.items())


def _text(name: str, method: object) -> str:
    try:
        lines, _ = inspect.getsourcelines(method)  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return f"    # the text of `{name}` can't be found here\n"
    return "".join(line for line in lines if not line.strip().startswith(MARK))
