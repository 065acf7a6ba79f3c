"""What the student's code may not import while a chapter is graded: code that would answer it.

Runs in the student process before any student code. Confinement keeps the files unreadable; this
module says so in plain words instead of a permission error.
"""

import itertools
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

STAFF_ONLY = ("course",)
TEST_ONLY = ("helpers.checks", "helpers.diagnosis", "helpers.open_task")


class _Closed(MetaPathFinder):
    """Refuses to import some modules, with the reason."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Raise ImportError for a closed module; leave others to the next finder."""
        if any(name == module or name.startswith(f"{module}.") for module in self._modules):
            raise ImportError(
                f"{name} can't be imported while this chapter is graded: it holds what the chapter "
                "asks you to write",
                name=name,
            )
        return None


class _Inert(ModuleType):
    """Stands for `helpers.checks`, whose questions are asked elsewhere while work is graded."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _unavailable


def _unavailable(*_: Any, **__: Any) -> None:
    raise RuntimeError("while work is graded, checks run outside the notebook")


def close(modules: Sequence[str]) -> None:
    """Close modules of helpers, the staff's package and the checks to student code.

    Args:
        modules: such as "helpers.answers.layers"; see `course.notebooks.answers`.
    """
    closed = [*modules, *STAFF_ONLY]
    gone = {*closed, *TEST_ONLY}
    for name in list(sys.modules):
        if not gone.isdisjoint(itertools.accumulate(name.split("."), "{}.{}".format)):
            parent, _, child = name.rpartition(".")
            sys.modules.get(parent, ModuleType("")).__dict__.pop(child, None)
            del sys.modules[name]
    for name in TEST_ONLY:
        inert = _Inert(name)
        sys.modules[name] = inert
        setattr(sys.modules["helpers"], name.partition(".")[2], inert)
    sys.meta_path.insert(0, _Closed(closed))
