"""Which exercises an exercise builds on: by the names that its code, test and specification use.

Reads code and runs none.
"""

import ast
from collections.abc import Iterable, Mapping
from functools import lru_cache

from course.notebooks.cells import is_setup
from course.notebooks.exercises import Exercise
from course.notebooks.names import names
from course.notebooks.source import SourceNotebook


def used_by_test(source: SourceNotebook, exercise: Exercise) -> frozenset[str]:
    """Return the names that an exercise's test looks up, those of its specification included."""
    found = set(names(exercise.test).used) | {exercise.id}
    known = source.promises.specifications.get(exercise.id)
    if known:
        found |= {part.of for part in known.parts} | looked_up(source)
    return frozenset(found)


@lru_cache(maxsize=16)
def looked_up(source: SourceNotebook) -> frozenset[str]:
    """Return the other exercises' classes of which a notebook's specifications make objects."""
    calls = (
        node for node in ast.walk(ast.parse(source.promises.text)) if isinstance(node, ast.Call)
    )
    return frozenset(
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "make_of"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    )


def beneath(
    source: SourceNotebook,
    exercise: Exercise,
    texts: Mapping[str, str],
    more: Iterable[str] = (),
) -> frozenset[str]:
    """Return the exercises that one builds on, at any depth, itself left out.

    A set-up cell or a cell of the student's own may use what exercises define, such as a class
    whose methods call them: who uses what it defines builds on these, too.

    Args:
        source: the notebook.
        exercise: one of its exercises.
        texts: sources of solution cells that are not the reference's, by exercise.
        more: sources of cells of the student's own; one that is not Python is left out.

    Raises:
        SyntaxError: if one of `texts` that is looked at is not Python.
    """
    owner = _owners(source, exercise)
    by_id = {other.id: other for other in source.exercises}
    found: set[str] = set()
    wanted = set(used_by_test(source, exercise))
    wanted |= names(texts.get(exercise.id, exercise.solution)).used
    setup = [cell.source for cell in source.notebook.cells if is_setup(cell)]
    defined = {text: names(text).defined for text in setup}
    given = frozenset().union(*defined.values())  # imports are there without their cell
    defined |= {text: names(text).defined - given for text in more if _is_python(text)}
    while wanted:
        name = wanted.pop()
        key = owner.get(name)
        if key and key != exercise.id and key not in found:
            found.add(key)
            wanted |= names(texts.get(key, by_id[key].solution)).used
        for text in [text for text, those in defined.items() if name in those]:
            del defined[text]
            wanted |= names(text).used
    return frozenset(found)


def _is_python(text: str) -> bool:
    try:
        names(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _owners(source: SourceNotebook, exercise: Exercise) -> dict[str, str]:
    """Return which exercise defines a name, as an exercise finds it: the last one before it."""
    owner: dict[str, str] = {}
    for other in source.exercises:
        owner |= dict.fromkeys(names(other.solution).defined, other.id)
        if other.id == exercise.id:
            break
    return owner
