"""The whole bank of answers through the judge: its verdicts are those of the code run in process.

Each answer alone, all in one long notebook; and answers that act on other exercises, in whole
notebooks. The questions' random points are other ones, so messages are not compared.
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

from course.demo import Paper, is_foretold
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.layout import load_config
from course.notebooks.assignment import FILE
from course.notebooks.cells import grade_id, is_setup, is_solution, is_test, read
from course.notebooks.runner import run
from course.notebooks.source import source_notebook, source_notebooks
from course.verdict import read_verdict
from helpers.specification.promises import FOLDER

ROOT = Path(__file__).parents[3]
SOURCES = source_notebooks(ROOT / "source")
PAPERS = 12  # whole notebooks of a chapter: each is run twice
EXECUTE = '"course.grading.plugins.ExecuteShort",'
PATIENT = "\nc.Execute.timeout = c.Execute.iopub_timeout = 600\n"  # no answer's loop is endless


@pytest.fixture(scope="module")
def server():
    with WarmServer() as server:
        yield server


def judged(source, submitted, server):
    submission = Submission(source, submitted, None, b"a seed")
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
            if answer.exercise not in paper.answers and is_foretold(source, joined):
                papers[index] = joined
                break
        else:
            papers.append(Paper({answer.exercise: answer}))
    return papers


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_answers_act_on_each_other_as_they_do_in_process(source, server):
    answers = source.bank.answers
    papers = groups(source, random.Random(1).sample(answers, len(answers)))
    assert sum(len(paper.answers) for paper in papers) == len(answers)
    different = []
    for paper in random.Random(1).sample(papers, min(PAPERS, len(papers))):
        texts = {key: answer.source for key, answer in paper.answers.items()}
        cells = source.notebook.cells
        submitted = deepcopy(source.notebook)
        submitted.cells = [c for c in cells if is_setup(c) or is_solution(c) or is_test(c)]
        submitted.cells = deepcopy(submitted.cells)
        for cell in submitted.cells:
            cell.source = texts.get(grade_id(cell), cell.source)
        here, there = run(source, texts), judged(source, submitted, server)
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


def stacked(source):
    """Return a notebook that holds every answer, each followed by its exercise's test.

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
        mine = [answer.source for answer in source.bank.of(key)]
        for number, text in enumerate([*mine, cell.source]):
            solution, test = deepcopy(cell), deepcopy(tests[f"test_{key}"])
            name = f"{key}_{number}" if number < len(mine) else key
            for copy, prefix in ((solution, ""), (test, "test_")):
                copy["id"] = f"{prefix}{name}"[:64]
                copy.metadata.nbgrader.grade_id = f"{prefix}{name}"
            nb.cells += [solution, test]
            texts[grade_id(solution)] = text
    return nb, texts


def graded(root, path, execute):
    """Grade eve's work with nbgrader, and return her scores."""
    config = root / "nbgrader_config.py"
    text = (ROOT / config.name).read_text() + PATIENT
    config.write_text(text.replace("    Judge,", f"    {EXECUTE}", 1) if execute else text)
    loaded = load_config(root)
    api = NbGraderAPI(CourseDirectory(config=loaded), config=loaded)
    done = api.autograde(path.parent.name, "eve", force=True)
    assert done["success"], done
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook(path.stem, path.parent.name, "eve")
        return {grade.name: grade.auto_score for grade in notebook.grades}


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_judge_and_kernel_find_of_every_answer_what_is_found_in_process(source, course_root):
    nb, texts = stacked(source)
    folder = course_root / "source" / source.assignment
    folder.mkdir()
    path = folder / f"{source.name}.ipynb"
    nbformat.write(nb, path)
    if (source.folder / FOLDER).is_dir():
        shutil.copytree(source.folder / FOLDER, folder / FOLDER)
    for other in SOURCES:  # what comes before opens what this one imports
        (folder.parent / other.assignment).mkdir(exist_ok=True)
        shutil.copy(other.folder / FILE, folder.parent / other.assignment)
        if other is not source and other.path:
            shutil.copy(other.path, folder.parent / other.assignment)
    loaded = load_config(course_root)
    api = NbGraderAPI(CourseDirectory(config=loaded), config=loaded)
    assert api.generate_assignment(path.parent.name)["success"]
    work = course_root / "submitted" / "eve" / path.parent.name
    shutil.copytree(course_root / "release" / path.parent.name, work)
    submitted = read(work / path.name)
    for cell in submitted.cells:
        cell.source = texts.get(grade_id(cell), cell.source)
    nbformat.write(submitted, work / path.name)
    here = run(source_notebook(path), texts)
    expected = {f"test_{exercise.id}": exercise.score for exercise in here.exercises}
    assert graded(course_root, path, execute=True) == expected
    assert graded(course_root, path, execute=False) == expected
    verdict = course_root / "verdicts" / "eve" / path.parent.name / f"{path.stem}.json"
    there = read_verdict(verdict)
    assert outcome(there) == outcome(here)
    assert there.incidents == ()
