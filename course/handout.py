"""A class's copy of the course: a folder that holds what students need, and no solution.

Copies files; of the configuration it takes what students may know, and no more.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from traitlets.config import Config

from course.layout import CONFIG, CourseError, load_config
from course.notebooks.assignment import FILE, RELEASE, SOURCE, read_assignments

CHECKOUT = Path(__file__).parents[1]
# Of the checkout. The rest of it is for the staff: sources, tests, attacks, benchmarks.
HANDED_OUT = (
    "LICENSE",
    "Makefile",
    "course",
    "docs/exercises.md",
    "docs/glossary.md",
    "environment.yml",
    "helpers",
    "pyproject.toml",
    "requirements.lock",
    "tools/lab",
)
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info")
_SETTINGS = '''\
"""The course as its students' nbgrader sees it. Made by `course handout`."""

from helpers import validation

c = get_config()  # noqa: F821

c.Execute.on_notebook_start = validation.begin
c.Execute.on_cell_start = validation.end
c.Exchange.assignment_dir = "my_work"
'''


def make_handout(root: Path, folder: Path, names: Sequence[str] | None = None) -> list[str]:
    """Make a class's copy of the course, and return the names of its assignments.

    Args:
        root: the course's folder, where release/ is up to date.
        folder: where to make it; not there yet, or empty.
        names: assignments; all that are in release/ if none is named.

    Raises:
        CourseError: if the folder holds something, an assignment is not released, the course is
            not run from its checkout, or a file can't be written.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise CourseError(f"{folder} is there already: name a new folder, and nothing is mixed")
    if missing := [name for name in HANDED_OUT if not (CHECKOUT / name).exists()]:
        raise CourseError(f"{CHECKOUT} has no {missing[0]}: a copy is made of a checkout alone")
    released = [one.name for one in read_assignments(root / RELEASE)]
    if not released:
        raise CourseError(f"{root / RELEASE} is empty: run `course release` first")
    if unknown := sorted(set(names or ()) - set(released)):
        raise CourseError(f"{unknown[0]} is not released; released are: {', '.join(released)}")
    wanted = list(names or released)
    _must_be_complete(root, wanted)
    settings = _settings(load_config(root))
    try:
        for name in HANDED_OUT:
            _copy(CHECKOUT / name, folder / name)
        for name in wanted:
            _copy(root / RELEASE / name, folder / RELEASE / name)
            if (about := root / SOURCE / name / FILE).is_file():  # the order of its notebooks
                _copy(about, folder / RELEASE / name / FILE)
        (folder / CONFIG).write_text(settings, encoding="utf-8")
        readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
        (folder / "README.md").write_text(_for_students(readme), encoding="utf-8")
    except OSError as error:
        raise CourseError(f"{error.filename or folder}: {error.strerror}") from None
    return [one.name for one in read_assignments(folder / RELEASE)]


def _must_be_complete(root: Path, names: Sequence[str]) -> None:
    """Raise CourseError if a notebook of these assignments is not released."""
    for assignment in read_assignments(root / SOURCE):
        for part in assignment.parts if assignment.name in names else ():
            path = Path(RELEASE, assignment.name, f"{part.notebook}.ipynb")
            if not (root / path).is_file():
                raise CourseError(f"{path.parent} has no {path.name}: run `course release` first")


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, ignore=_LEFT_OUT)
    else:
        shutil.copyfile(path, to)


def _settings(config: Config) -> str:
    """Return the configuration of a class's copy: no database, no folder of the staff's."""
    return _SETTINGS + "".join(f"c.{key} = {value!r}\n" for key, value in _shared(config))


def _shared(config: Config) -> Iterator[tuple[str, str | bool]]:
    """Yield the settings that students' nbgrader must have as the instructor's has them."""
    known = [("CourseDirectory", "course_id"), ("Validator", "failed_warning")]
    known += [("Exchange", name) for name in sorted(config.Exchange)]
    for section, name in known:
        if isinstance(value := config[section].get(name), str | bool):
            yield f"{section}.{name}", value


def _for_students(readme: str) -> str:
    """Return the title of README and its section for students."""
    title = readme.partition("\n")[0]
    section = readme.partition("\n## Students\n")[2].partition("\n## ")[0]
    return f"{title}\n\n## Students\n{section}"
