"""Which helpers hold answers to a notebook's exercises: student code may not have them meanwhile.

Fails closed: what lies in `helpers/answers/` is closed unless an earlier part lists it in its
assignment.toml; and any other helper is closed that defines what an exercise asks for.
"""

import ast
from functools import cache
from pathlib import Path

import helpers
from course.notebooks.assignment import read_assignments
from course.notebooks.source import SourceNotebook

FOLDER = "answers"  # within helpers/


def closed_helpers(source: SourceNotebook) -> list[str]:
    """Return the modules of `helpers` that student code may not import while this is graded.

    Args:
        source: the instructor's notebook. One that was made in memory comes before all others.

    Raises:
        AssignmentError: if an assignment.toml of the course can't be understood.
    """
    opened = _opened(source)
    asked = {exercise.id for exercise in source.exercises}
    return [
        module
        for module, defined in _modules().items()
        if module not in opened and (module.startswith(f"helpers.{FOLDER}.") or asked & defined)
    ]


def _opened(source: SourceNotebook) -> set[str]:
    """Return the modules that the parts before a notebook list as theirs."""
    found: set[str] = set()
    if source.path is None:
        return found
    for assignment in read_assignments(source.folder.parent):
        for part in assignment.parts:
            if (assignment.name, part.notebook) == (source.assignment, source.name):
                return found
            found |= {f"helpers.{FOLDER}.{module}" for module in part.answers}
    return set()


@cache
def _modules() -> dict[str, frozenset[str]]:
    """Return the modules of `helpers`, each with the names that it defines itself."""
    root = Path(helpers.__file__).parent
    found = {}
    for path in sorted(root.rglob("*.py")):
        if path.name != "__init__.py":
            module = ".".join(("helpers", *path.relative_to(root).with_suffix("").parts))
            found[module] = _definitions(path)
    return found


def _definitions(path: Path) -> frozenset[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return frozenset(node.name for node in body if isinstance(node, kinds))
