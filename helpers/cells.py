"""Cells that fail, in Jupyter: an exercise left out stops nothing, and an error is explained.

A cell that needs an exercise which isn't written yet says so in one line, and the notebook goes on.
Every other error stays an error, with a sentence below it where a beginner needs one. Test cells
are left alone: what they raise decides marks. Below the set-up cell stands how far the reader is.
Without IPython nothing here does anything.
"""

import builtins
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from helpers.panel import shows_html
from helpers.standing import opened
from helpers.translation import translate, undefined

WAITS = "This cell needs {exercise}, which isn't written yet. It was left out; the next ones run."
SETS_UP = "from helpers.checks import"  # stands in each notebook's first cell of code
UNWRITTEN = "{exercise} isn't written yet"
STOPPED = "the cell that defines it stopped with {error}; fix that cell first"
NOWHERE = (
    "No cell that has been run defines `{name}`: run the cells above first (menu Run, Run All "
    "Above Selected Cell), or look for a slip in the name."
)

#: Why a name is missing that a cell would have defined, as the end of a sentence.
missing: dict[str, str] = {}
#: The names of Python's own that cells have given to something else, and which cell has.
taken: dict[str, str] = {}

_DEFINES = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*=(?!=))",
    re.MULTILINE,
)

_CODE = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_REMOTE = re.compile(r'File "[^"]*ipykernel[^"]*", line \d+, in (\w+)')


def defined_in(source: str) -> set[str]:
    """Return the names that a cell defines, as far as lines show it: it need not be valid Python.

    Args:
        source: the cell's text; never run, nor parsed.
    """
    found = (one or several for one, several in _DEFINES.findall(source))
    return {name.strip() for names in found for name in names.split(",")}


def stopped(kind: str, message: str) -> str:
    """Return why a name is missing whose cell has raised an error, for `missing`.

    Args:
        kind: the exception's class.
        message: what it says; of a syntax error's place the line is kept, the file is not.
    """
    said = " ".join(re.sub(r"\([^()]*, line (\d+)\)", r"(line \1)", message).split())
    return STOPPED.format(error=f"{kind}: {said}" if said else kind)


def watch() -> None:
    """Watch the cells of this notebook from now on; once is enough, and more does no harm."""
    interactive = sys.modules.get("IPython.core.interactiveshell")
    if interactive is None or not interactive.InteractiveShell.initialized():
        return
    shell = interactive.InteractiveShell.instance()
    if NotImplementedError not in shell.custom_exceptions:
        watcher = _Watcher(shell)
        shell.set_custom_exc((NotImplementedError, NameError), watcher.show)
        shell.events.register("pre_run_cell", watcher.before)
        shell.events.register("post_run_cell", watcher.after)


class _Watcher:
    """What IPython calls before and after each cell, and when one has raised.

    Args:
        shell: IPython's, whose names are the notebook's.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cell = ""
        self._left_out: BaseException | None = None
        self._waiting: dict[str, str] = {}  # names of cells left out: the exercise each waits for

    def before(self, info: Any) -> None:
        """Note which cell is about to run."""
        self._cell, self._left_out = info.raw_cell or "", None

    def show(
        self,
        shell: Any,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType,
        tb_offset: int | None = None,
    ) -> None:
        """Show an error that may be an exercise left out; IPython hands it over."""
        exercise = self._unwritten(error)
        if exercise and ".score()" not in self._cell:
            self._left_out = error
            print(WAITS.format(exercise=exercise))
        else:
            shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    def after(self, result: Any) -> None:
        """Take an exercise left out for no error, and explain what is one."""
        error = result and (result.error_before_exec or result.error_in_exec)
        names = defined_in(self._cell)
        for name in names:
            missing.pop(name, None)
            self._waiting.pop(name, None)
            taken.pop(name, None)
            if hasattr(builtins, name) and name in self._shell.user_ns:
                taken[name] = f"the cell marked [{result.execution_count}]"
        if isinstance(error, Exception) and error is self._left_out:
            exercise = self._unwritten(error)
            self._waiting.update(dict.fromkeys(names, exercise))
            missing.update(dict.fromkeys(names, UNWRITTEN.format(exercise=exercise)))
            if not _CODE.search(self._cell):  # a solution keeps what it has defined
                self._forget(names)
            result.error_in_exec = None
        elif isinstance(error, Exception):
            if result.error_before_exec:  # nothing of it has run: an older version isn't this one
                self._forget(_CODE.findall(self._cell))
            missing.update(dict.fromkeys(names, stopped(type(error).__name__, str(error))))
            if words := _explanation(error):
                print(words)
        elif SETS_UP in _source(result) and shows_html() and (line := opened()):
            from IPython.display import display

            display(line)  # type: ignore[no-untyped-call]

    def _forget(self, names: Iterable[str]) -> None:
        """Take away what a cell has half made, or was to make anew."""
        for name in names:
            self._shell.user_ns.pop(name, None)

    def _unwritten(self, error: BaseException) -> str:
        """Return the exercise that an error waits for, in words; "" if it is another error."""
        if name := undefined(error):
            return self._waiting.get(name, "")
        last = error.__traceback__
        while last and last.tb_next:
            last = last.tb_next
        if last is None or not isinstance(error, NotImplementedError):
            return ""
        if elsewhere := _REMOTE.findall(str(error.__cause__ or "")):
            return _exercise(elsewhere[-1])  # where another process of the notebook's raised it
        code = last.tb_frame.f_code
        theirs = last.tb_frame.f_globals is self._shell.user_ns and code.co_name != "<module>"
        return _exercise(code.co_qualname) if theirs else ""


def _source(result: Any) -> str:
    """Return what was run; of the first cell, which began the watch, nothing was noted before."""
    return str(getattr(getattr(result, "info", None), "raw_cell", "") or "")


def _explanation(error: Exception) -> str:
    words, name = translate(error), undefined(error)
    if words or not name:
        return words
    known = name in missing
    return f"`{name}` is not defined: {missing[name]}." if known else NOWHERE.format(name=name)


def _exercise(qualified: str) -> str:
    """Return an exercise by its number, if the notebook's headings tell, and by its name."""
    names = qualified.replace(".<locals>", "").split(".")
    try:
        text = Path(os.environ["JPY_SESSION_NAME"]).read_text(encoding="utf-8")
        cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    except (OSError, ValueError, KeyError, TypeError):
        return f"`{qualified}`"
    for name in names:
        heading = re.compile(rf"^### (Exercise \S+): `{re.escape(name)}`", re.MULTILINE)
        for cell in cells:
            if found := heading.search(cell):
                return f"{found[1][0].lower()}{found[1][1:]} (`{qualified}`)"
    return f"`{qualified}`"
