"""The bank of answers through the judge: its verdicts are those of the code run in process.

Each answer alone, in one long notebook; and answers that act on other exercises, in whole
notebooks. A run takes a sample of either, and all with `--thorough`. Messages are not compared:
objects look different from afar.
"""

import random
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from course.demo import Paper, is_predicted
from course.judge import preprocessor
from course.judge.supervise import Submission, grade_notebook
from course.layout import load_config
from course.notebooks.assignment import FILE
from course.notebooks.cells import grade_id, is_setup, is_solution, is_test, read
from course.notebooks.runner import run
from course.notebooks.source import source_notebook, source_notebooks
from course.verdict import read_verdict
from helpers.checks import PUBLIC_SEED
from helpers.specification.promises import FOLDER, HIDDEN

ROOT = Path(__file__).parents[3]
SOURCES = source_notebooks(ROOT / "source")
CASES = [
    pytest.param(one, id=str(one), marks=pytest.mark.skipif(bool(one.lacks), reason=one.lacks))
    for one in SOURCES
]
PAPERS = 1  # whole notebooks of a chapter: each is run twice
JUDGED, EXECUTED = 48, 96  # one answer in so many is tried
EXECUTE = '"course.grading.plugins.ExecuteShort",'
PATIENT = "\nc.Execute.timeout = c.Execute.iopub_timeout = 600\n"  # no answer's loop is endless


def judged(source, submitted):
    server = preprocessor.warm_server(preprocessor.preload(source))
    handed_in = source.handed_in(source.folder)
    submission = Submission(source, submitted, None, PUBLIC_SEED, handed_in)
    verdict, _ = grade_notebook(submission, server, carry=False)
    return verdict


def outcome(verdict):
    """What must be equal: scores and failed checks by exercise."""
    return {exercise.id: (exercise.score, exercise.failed) for exercise in verdict.exercises}


def groups(source, answers):
    """Put the answers together in papers, such that none acts on another one."""
    papers = []
    for answer in answers:
        for index, paper in enumerate(papers):
            joined = replace(paper, answers={**paper.answers, answer.exercise: answer})
            if answer.exercise not in paper.answers and is_predicted(source, joined):
                papers[index] = joined
                break
        else:
            papers.append(Paper({answer.exercise: answer}))
    return papers


@pytest.mark.slow
@pytest.mark.one_in(4)
@pytest.mark.parametrize("source", CASES)
def test_answers_act_on_each_other_as_they_do_in_process(source, thorough):
    answers = source.bank.answers
    papers = groups(source, random.Random(1).sample(answers, len(answers)))
    assert sum(len(paper.answers) for paper in papers) == len(answers)
    different = []
    count = len(papers) if thorough else min(PAPERS, len(papers))
    for paper in random.Random(1).sample(papers, count):
        texts = {key: answer.source for key, answer in paper.answers.items()}
        cells = source.notebook.cells
        submitted = deepcopy(source.notebook)
        submitted.cells = [c for c in cells if is_setup(c) or is_solution(c) or is_test(c)]
        submitted.cells = deepcopy(submitted.cells)
        for cell in submitted.cells:
            cell.source = texts.get(grade_id(cell), cell.source)
        here, there = run(source, texts), judged(source, submitted)
        if outcome(here) != outcome(there) or there.incidents:
            names = [f"{answer.exercise}: {answer.name}" for answer in paper.answers.values()]
            changed = {
                key: (value, outcome(there)[key])
                for key, value in outcome(here).items()
                if outcome(there)[key] != value
            }
            different.append((names, changed, there.incidents))
    assert different == []


# --- with a Jupyter kernel in the judge's place ---------------------------------------------------


def stacked(source, every):
    """Return a notebook that holds every answer, or one in so many, each followed by its test.

    After an exercise's answers comes the reference, for the exercises that build on it; it alone
    keeps the exercise's name, by which its specification is found.
    """
    nb, texts = deepcopy(source.notebook), {}
    nb.cells = []
    tests = {grade_id(cell): cell for cell in source.notebook.cells if is_test(cell)}
    for cell in source.notebook.cells:
        key = grade_id(cell)
        if is_setup(cell):
            nb.cells.append(deepcopy(cell))
        if f"test_{key}" not in tests:
            continue
        mine = [answer.source for answer in source.bank.of(key)][len(texts) % every :: every]
        for number, text in enumerate([*mine, cell.source]):
            solution, test = deepcopy(cell), deepcopy(tests[f"test_{key}"])
            name = f"{key}_{number}" if number < len(mine) else key
            for copy, prefix in ((solution, ""), (test, "test_")):
                copy["id"] = f"{prefix}{name}"[:64]
                copy.metadata.nbgrader.grade_id = f"{prefix}{name}"
            nb.cells += [solution, test]
            texts[grade_id(solution)] = text
    return nb, texts


def graded(root, source, execute, every):
    """Hand in every answer, or one in so many; grade them with nbgrader, and run them here.

    Args:
        root: a course.
        source: the notebook of which the answers are.
        execute: whether a kernel grades, in the judge's place.
        every: take one answer in so many.

    Returns:
        eve's scores by test, and the verdict of the same answers in this process.
    """
    nb, texts = stacked(source, every)
    folder = root / "source" / source.assignment
    folder.mkdir()
    path = folder / f"{source.name}.ipynb"
    nbformat.write(nb, path)
    for name in (FOLDER, HIDDEN):
        if (source.folder / name).is_dir():
            shutil.copytree(source.folder / name, folder / name)
    for other in SOURCES:  # what comes before opens what this one imports
        (folder.parent / other.assignment).mkdir(exist_ok=True)
        shutil.copy(other.folder / FILE, folder.parent / other.assignment)
        if other is not source and other.path:
            shutil.copy(other.path, folder.parent / other.assignment)
    config = root / "nbgrader_config.py"
    text = (ROOT / config.name).read_text() + PATIENT
    config.write_text(text.replace("    Judge,", f"    {EXECUTE}", 1) if execute else text)
    loaded = load_config(root)
    api = NbGraderAPI(CourseDirectory(config=loaded), config=loaded)
    assert api.generate_assignment(path.parent.name)["success"]
    work = root / "submitted" / "eve" / path.parent.name
    shutil.copytree(root / "release" / path.parent.name, work)
    for name in source.hand_in:
        shutil.copy(source.folder / name, work)
        shutil.copy(source.folder / name, folder)
    submitted = read(work / path.name)
    for cell in submitted.cells:
        cell.source = texts.get(grade_id(cell), cell.source)
    nbformat.write(submitted, work / path.name)
    done = api.autograde(path.parent.name, "eve", force=True)
    assert done["success"], done
    here = run(source_notebook(path), texts)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook(path.stem, path.parent.name, "eve")
        return {grade.name: grade.auto_score for grade in notebook.grades}, here


def scores(verdict):
    return {f"test_{exercise.id}": exercise.score for exercise in verdict.exercises}


@pytest.mark.slow
@pytest.mark.one_in(4)
@pytest.mark.parametrize("source", CASES)
def test_the_judge_finds_of_each_answer_what_is_found_in_process(
    source, course_root, monkeypatch, thorough
):
    monkeypatch.setattr(preprocessor, "hand_in_seed", lambda *_: PUBLIC_SEED)
    found, here = graded(course_root, source, execute=False, every=1 if thorough else JUDGED)
    assert found == scores(here)
    verdict = course_root / "verdicts" / "eve" / source.assignment / f"{source.name}.json"
    there = read_verdict(verdict)
    assert outcome(there) == outcome(here)
    assert there.incidents == ()


@pytest.mark.slow
@pytest.mark.one_in(4)
@pytest.mark.parametrize("source", CASES)
def test_a_kernel_gives_the_scores_that_are_given_in_process(source, course_root, thorough):
    found, here = graded(course_root, source, execute=True, every=1 if thorough else EXECUTED)
    assert found == scores(here)
