"""Run source in a namespace so that tracebacks can quote its lines.

The judge process is forked for each submission and imports this: it knows the standard library
alone, so that nothing slow comes along.
"""

import linecache
from typing import Any


def execute(source: str, filename: str, namespace: dict[str, Any]) -> None:
    """Run source in a namespace, under a file name that tracebacks can quote lines from."""
    show_lines(source, filename)
    exec(compile(source, filename, "exec"), namespace)


def show_lines(source: str, filename: str) -> None:
    """Let tracebacks quote lines of source that is known under a file name."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
