"""Courses to be measured: one in a temporary folder, graded by `nbgrader autograde` both ways.

"Stock" is nbgrader's own `Execute`, in a Jupyter kernel; "judge" is this course's configuration.
Everything else is the same: steps, notebooks, gradebook, machine.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib

ROOT = Path(__file__).parents[1]
SIDES = ("stock", "judge")
COURSE = [sys.executable, "-c", "from course.cli import app; app()"]  # its command
STOCK = """

from course.grading.plugins import ExecuteShort  # noqa: E402

c.Autograde.autograde_preprocessors = [
    ExecuteShort if step is Judge else step for step in c.Autograde.autograde_preprocessors
]
"""


def configure(course: Path, side: str) -> None:
    """Write a course's nbgrader_config.py, for one of SIDES."""
    course.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (course / "nbgrader_config.py").write_text(text + STOCK * (side == "stock"), encoding="utf-8")


def nbgrader(*arguments: str) -> list[str]:
    """Return the command that runs nbgrader in this environment."""
    return [sys.executable, "-m", "nbgrader", *arguments]


def environment(home: Path, *path: Path, **more: str) -> dict[str, str]:
    """Return variables for a command, with a home folder of its own.

    Args:
        home: that folder; temporary files go there too.
        path: where Python looks for packages first.
        more: other variables.
    """
    home.mkdir(parents=True, exist_ok=True)
    places = {name: str(home) for name in ("HOME", "TMPDIR")}
    places["MPLCONFIGDIR"] = matplotlib.get_cachedir()
    places["PYTHONPATH"] = os.pathsep.join(map(str, path))
    return {**os.environ, **places, **more}


def run(command: Sequence[str], course: Path, variables: dict[str, str]) -> None:
    """Run a command in a course; raise RuntimeError with its last words if it fails."""
    done = subprocess.run(command, cwd=course, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {done.stderr[-2000:]}")


def copy(course: Path, to: Path) -> None:
    """Copy a course, its gradebook and all."""
    shutil.copytree(course, to, ignore=shutil.ignore_patterns("__pycache__"))
