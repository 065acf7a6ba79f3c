"""How grading uses the gradebook: few transactions, and queries that are made once."""

from contextlib import contextmanager

import pytest
from nbgrader import api
from nbgrader.api import Gradebook
from sqlalchemy import event
from sqlalchemy.engine import Engine

from course.directory import queries_kept
from course.grading.plugins import SaveGrades
from course.notebooks.cells import grade_id, read

DOUBLING = "01_doubling"


@contextmanager
def counted(name):
    """Count what all engines do within the block."""
    found = []

    def note(*what):
        found.append(what)

    event.listen(Engine, name, note)
    try:
        yield found
    finally:
        event.remove(Engine, name, note)


@pytest.fixture
def graded_notebook(graded):
    return graded, read(graded / "autograded" / "ada" / DOUBLING / "doubling.ipynb")


def save(root, nb):
    marks = {
        "notebook": "doubling",
        "assignment": DOUBLING,
        "student": "ada",
        "db_url": f"sqlite:///{root / 'gradebook.db'}",
    }
    with counted("commit") as commits:
        SaveGrades().preprocess(nb, {"nbgrader": marks})
    return len(commits)


def test_the_scores_of_a_notebook_are_saved_at_once(graded_notebook):
    root, nb = graded_notebook
    (test,) = [cell for cell in nb.cells if grade_id(cell) == "test_double"]
    url = f"sqlite:///{root / 'gradebook.db'}"
    for score in ("1", "2"):
        for output in test.outputs:
            if output.output_type == "execute_result":
                output.data["text/plain"] = score
        several = save(root, nb)
        with Gradebook(url) as book:
            found = book.find_grade("test_double", "doubling", DOUBLING, "ada").auto_score
        assert found == float(score)
    nb.cells = nb.cells[:1]
    assert several <= save(root, nb) + 1


def test_a_gradebook_that_is_opened_again_keeps_its_queries_within_the_block(tmp_path):
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    before = api.create_engine
    with queries_kept():
        with Gradebook(url) as one, Gradebook(url) as other:
            assert one.engine is other.engine
        with Gradebook(url) as again:
            assert again.engine is one.engine
            assert again.assignments == []
    assert api.create_engine is before
    with Gradebook(url) as after:
        assert after.engine is not one.engine


def test_tables_are_made_in_each_gradebook_and_looked_for_once(tmp_path, monkeypatch):
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("one", "other")]
    made = []
    monkeypatch.setattr(
        api.Base.metadata,
        "create_all",
        lambda bind, make=api.Base.metadata.create_all: made.append(bind) or make(bind=bind),
    )
    with queries_kept():
        for url in urls * 2:
            with Gradebook(url) as gradebook:
                assert gradebook.assignments == []
    assert len(made) == 2
    with Gradebook(urls[0]):
        assert len(made) == 3
