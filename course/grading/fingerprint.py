"""What decides a grade: what was handed in, and everything that it is judged by.

Where all of it is as it was, a submission is not graded again; where not, this says what has
changed. Knows nothing of how a submission is graded.
"""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from modulefinder import ModuleFinder
from pathlib import Path

from nbgrader.api import Gradebook, SubmittedAssignment
from sqlalchemy.exc import SQLAlchemyError

import helpers
from course.authoring.unchanged import source_digest
from course.directory import Course, problem
from course.files import walk
from course.layout import CONFIG, CourseError
from course.repair.folder import MAX_BYTES, beyond

HAND_IN = "what was handed in"
SOURCE = "its folder in source/"
CODE = "the course's own code"
LETTERS = 16  # of each digest
PACKAGES = ("numpy", "nbgrader")  # those that a grade hangs on, besides Python
OWN_LINES = (
    "\n# --- of a trial alone ---\n"  # what follows in a configuration says where the trial is
)
PASSED_OVER = (".ipynb_checkpoints", "__pycache__")  # as nbgrader_config.py has it


def deciding(course: Course, assignment: str) -> dict[str, str]:
    """Return a digest of each thing that decides an assignment's grades, by what it is called.

    That is all but the hand-in: source notebooks with their specifications and answers, the code of
    judge and checks, the configuration and the modules beside it that it imports, the versions of
    Python and of the packages that a grade hangs on, the due date.
    """
    root = Path(course.folders.root)
    return {
        SOURCE: source_digest(course.path("source", ".", assignment))[:LETTERS],
        CODE: code_digest(),
        CONFIG: _short(_configuration(root / CONFIG)),
        **{path.relative_to(root).as_posix(): _digest([path]) for path in _imported(root)},
        **{f"the version of {name}": version(name) for name in PACKAGES},
        "the version of Python": platform.python_version(),
        "its due date": _short(str(course.due_date(assignment)).encode()),
    }


def code_digest() -> str:
    """Return a digest of the course's own code, as it stands on this machine."""
    return _digest([Path(__file__).parents[1], Path(helpers.__file__ or "").parent])


def extensions(course: Course) -> dict[tuple[str, str], dict[str, str]]:
    """Return what else decides a submission's grade, by (student, assignment): an extension.

    Raises:
        CourseError: if the gradebook can't be read.
    """
    try:
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            return {
                (one.student_id, one.assignment.name): {"an extension": str(one.extension)}
                for one in gradebook.db.query(SubmittedAssignment)
                if one.extension
            }
    except SQLAlchemyError as error:
        raise CourseError(problem(course.db_url, error)) from error


def fingerprint(folder: Path, decides: Mapping[str, str]) -> str:
    """Return the fingerprint of a hand-in that is graded so.

    Args:
        folder: what was handed in; links are not followed.
        decides: what `deciding` returns.
    """
    return "; ".join(f"{name}={value}" for name, value in _parts(folder, decides).items())


def changes(before: str, now: str) -> list[str]:
    """Return what has changed between two fingerprints, by what it is called.

    Nothing is known of a fingerprint of an earlier version of the course, nor of none.
    """
    earlier, later = (dict(_pairs(text)) for text in (before, now))
    if HAND_IN not in earlier:
        return []
    names = dict.fromkeys([*later, *earlier])
    return [name for name in names if earlier.get(name) != later.get(name)]


def _configuration(path: Path) -> bytes:
    return path.read_text(encoding="utf-8").partition(OWN_LINES)[0].encode()


def _imported(root: Path) -> list[Path]:
    """Return the files beside the configuration that it imports, and those that they import."""
    finder = ModuleFinder([str(root)], excludes=["course", "helpers"])  # these are the code
    finder.run_script(str(root / CONFIG))
    files = [getattr(module, "__file__", None) for module in finder.modules.values()]
    found = {Path(file) for file in files if file}
    return sorted(found - {root / CONFIG})


def _parts(folder: Path, decides: Mapping[str, str]) -> dict[str, str]:
    return {HAND_IN: _digest([folder], unread=beyond(folder)), **decides}


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split("; "):
        name, equals, value = part.partition("=")
        if equals:
            yield name, value


def _digest(places: Iterable[Path], unread: Iterable[Path] = ()) -> str:
    """Return a digest of files and of what is in folders.

    Args:
        places: the files and folders.
        unread: of which the name alone counts: they are not graded.
    """
    whole, names_only = hashlib.sha256(), {*unread}
    for place in places:
        for path in walk(place) if place.is_dir() else [place]:
            name = path.relative_to(place)
            if not any(part in PASSED_OVER for part in name.parts):
                whole.update(f"{name}\0".encode(errors="surrogateescape"))
                whole.update(b"" if path in names_only else _content(path))
    return whole.hexdigest()[:LETTERS]


def _content(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        return b""
    try:
        if (size := path.stat().st_size) > MAX_BYTES:  # such a file is not graded
            return str(size).encode()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:LETTERS]
