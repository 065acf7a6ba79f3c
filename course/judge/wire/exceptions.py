"""Exceptions and warnings as they cross the wire: by the names of builtin classes.

An exception arrives as the nearest builtin one, with its arguments where they are plain. Used at
both ends.
"""

import builtins
from collections.abc import Iterable, Sequence
from typing import Any


def builtin_names(kind: type[BaseException]) -> tuple[str, ...]:
    """Return the names of the builtin classes that an exception belongs to, the nearest first."""
    return tuple(base.__name__ for base in kind.__mro__ if base.__module__ == "builtins")


def builtin_exception(names: Iterable[Any], arguments: Sequence[Any], text: str) -> Exception:
    """Build the nearest builtin exception.

    What ends a program, such as SystemExit, arrives as an Exception that says so; what would end
    a loop of the caller's as if all were well, as a RuntimeError.

    Args:
        names: of builtin classes, the nearest first; anything else is passed over.
        arguments: plain values.
        text: what the exception says of itself.
    """
    for name in names:
        kind = _builtin(name, BaseException)
        if kind is None:
            continue
        if not issubclass(kind, Exception):
            return Exception(f"{name}: {text}")
        if issubclass(kind, StopIteration | StopAsyncIteration):
            return RuntimeError(f"{name}: {text}")
        for given in (arguments, (text,)):
            try:
                return _checked(kind(*given), text)
            except (TypeError, ValueError):  # ExceptionGroup and the like want their own
                continue
        return Exception(f"{name}: {text}")
    return Exception(text)


def builtin_warning(names: Iterable[Any]) -> type[Warning]:
    """Return the nearest builtin warning class."""
    found = (_builtin(name, Warning) for name in names)
    return next((kind for kind in found if kind), Warning)


def _builtin(name: Any, base: type[Any]) -> type[Any] | None:
    kind = getattr(builtins, name, None) if isinstance(name, str) else None
    return kind if isinstance(kind, type) and issubclass(kind, base) else None


def _checked(error: Exception, text: str) -> Exception:
    if str(error) != text and not isinstance(error, KeyError):
        raise ValueError
    return error
