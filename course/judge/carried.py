"""Error carried forward: what fails because an earlier exercise is wrong is judged once more.

The second time, in a process of its own, the reference stands for the earlier exercise. Of that
process nothing is shown: it has the reference's code, and could say it. An exercise's own reference
comes into it only when the exercise has been judged. Decides what is run again and what that is
worth; runs nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from course.judge.judging import CodeCell
from course.judge.outputs import Output, result, stream
from course.notebooks.cells import TEST_PREFIX
from course.notebooks.dependencies import beneath
from course.notebooks.exercises import Exercise
from course.notebooks.names import names
from course.notebooks.source import SourceNotebook
from course.verdict import ExerciseVerdict, Verdict
from helpers.panel import said_once


def wronged(
    source: SourceNotebook, cells: Sequence[CodeCell], verdict: Verdict
) -> dict[str, list[str]]:
    """Return the exercises to be judged once more, each with the wrong ones that it builds on.

    Args:
        source: the instructor's notebook.
        cells: the submission's.
        verdict: the first one.
    """
    texts = {cell.key: cell.source for cell in cells if cell.kind == "plain"}
    lost = {one.id for one in verdict.exercises if one.score < one.max_score}
    known = {exercise.id for exercise in source.exercises}
    more = [text for key, text in texts.items() if key not in known]
    found = {}
    for exercise in source.exercises:
        if exercise.own or exercise.id not in lost or verdict[exercise.id].blank:
            continue
        try:
            under = beneath(source, exercise, texts, more)
        except SyntaxError:
            continue
        if wrong := [other.id for other in source.exercises if other.id in under & lost]:
            found[exercise.id] = wrong
    return found


def cells_again(
    source: SourceNotebook,
    cells: Sequence[CodeCell],
    verdict: Verdict,
    again: Collection[str],
) -> list[CodeCell]:
    """Return what is run to judge exercises once more.

    Set-up cells and right answers as they are; for a wrong one the reference; each exercise that
    is judged once more with its test, and then its reference for those after it.
    """
    solutions = {exercise.id: exercise.solution for exercise in source.exercises}
    lost = {one.id for one in verdict.exercises if one.score < one.max_score}
    needed = _names_used(cell.source for cell in cells if cell.key in solutions)
    found: list[CodeCell] = []
    for cell in cells:
        if cell.kind == "setup":
            found.append(cell)
        elif cell.kind == "test":
            exercise = cell.key.removeprefix(TEST_PREFIX)
            if exercise in again:
                found += [cell, _reference(cell, exercise, solutions)]
        elif cell.key not in solutions:
            if needed & _names_defined(cell.source):
                found.append(cell)
        elif cell.key in lost and cell.key not in again:
            found.append(_reference(cell, cell.key, solutions))
        else:
            found.append(cell)
    return [replace(cell, index=place) for place, cell in enumerate(found)]


def told(
    outputs: Sequence[Output], before: ExerciseVerdict, verdict: ExerciseVerdict
) -> list[Output]:
    """Return a test cell's outputs with what has been carried, and with the new score."""
    lines = []
    for check, again in said_once(one for one in verdict.checks if one not in before.checks):
        lines.append(f"  {'✓' if check.passed else '✗'} {check.name}")
        lines += [f"      {words}" for words in (check.message, again) if words]
    lines.append(f"{verdict.score:g} of {verdict.max_score:g} points.\n")
    kept = [output for output in outputs if output["output_type"] != "execute_result"]
    return [*kept, *stream("\n".join(["Judged once more:", *lines])), result(verdict.score)]


def _reference(cell: CodeCell, exercise: str, solutions: Mapping[str, str]) -> CodeCell:
    """Return an exercise's reference for the place of its cell, or to follow its test."""
    key = f"{exercise} (reference)"
    return CodeCell(0, key, "plain", solutions[exercise], cell.apart)


def _names_used(texts: Iterator[str]) -> set[str]:
    found: set[str] = set()
    for text in texts:
        try:
            found |= names(text).used
        except SyntaxError:
            continue
    return found


def _names_defined(text: str) -> frozenset[str]:
    try:
        return names(text).defined
    except SyntaxError:
        return frozenset()


def with_what_is_carried(
    exercise: Exercise, first: ExerciseVerdict, second: ExerciseVerdict, wrong: Sequence[str]
) -> ExerciseVerdict:
    """Return the better of an exercise's two verdicts, in the words of the first one.

    Never the best of both: code that can tell in which of them it is judged could answer one half
    of the checks in the first, and the other half in the second.

    Args:
        exercise: which.
        first: as it was judged with the student's earlier exercises.
        second: with the reference in place of those in `wrong`.
        wrong: these.
    """
    if second.score <= first.score:
        return first
    stood = " and ".join(f"`{one}`" for one in wrong)
    words = {
        True: f"Right with the course's own {stood} in place of yours, so it counts.",
        False: f"Not right with the course's own {stood} in place of yours, which earns more.",
    }
    before = {check.name: check for check in first.checks}
    checks = tuple(
        before[check.name]
        if check.name in before and before[check.name].passed == check.passed
        else replace(check, message=words[check.passed])  # its own could tell of the reference
        for check in second.checks
    )
    return replace(first, score=second.score, checks=checks)
