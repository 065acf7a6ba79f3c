"""What a class gets: a page of feedback and the report, from work that was really graded."""

import shutil
from pathlib import Path

import nbformat
import pytest

from course.authoring.release import make_release
from course.grading.feedback import make_feedback
from course.grading.grade import grade_class
from course.grading.report import write_report
from course.grading.results import read_results
from course.notebooks.cells import grade_id, is_solution, read
from course.notebooks.conventions import unmarked
from course.notebooks.source import source_notebook

ROOT = Path(__file__).parents[2]
CHAPTER = "01_activations"
WRONG = {
    "sigmoid": "def sigmoid(x):\n    return 1 / (1 + np.exp(np.asarray(x)))",
    "why_saturation": "<script>document.title = 'stolen'</script> Flat: $\\sigma' \\to 0$.",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory, empty_gradebook):
    """A class of two, graded: the page of feedback of one, and the report."""
    root = tmp_path_factory.mktemp("class")
    shutil.copytree(ROOT / "source" / CHAPTER, root / "source" / CHAPTER)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copy(empty_gradebook, root)
    make_release(root)
    source = source_notebook(ROOT / "source" / CHAPTER / "activations.ipynb")
    right = {grade_id(c): unmarked(c.source) for c in source.notebook.cells if is_solution(c)}
    for student, answers in {"ada": right, "bob": right | WRONG}.items():
        folder = root / "submitted" / student / CHAPTER
        shutil.copytree(root / "release" / CHAPTER, folder)
        nb = read(folder / "activations.ipynb")
        for cell in nb.cells:
            cell.source = answers.get(grade_id(cell), cell.source)
        nbformat.write(nb, folder / "activations.ipynb")
    grade_class(root, jobs=1)
    pages = {item.student: item.pages[0] for item in make_feedback(root)}
    report = write_report(read_results(root), root / "report")
    return {"feedback": pages["bob"].as_uri(), "report": report.as_uri()}


def test_feedback_begins_with_what_went_wrong_and_leads_to_the_answer(browser, made):
    browser.open(made["feedback"])
    table = browser.find("table.overview")
    assert table.rect["y"] < 900  # on the first screen
    row = browser.find("table.overview tr.wrong, table.overview tr.partly", "sigmoid")
    assert "sign" in row.text
    link = row.find_element("css selector", "a")
    target = link.get_attribute("href").partition("#")[2]
    link.click()
    seen = browser.wait(
        lambda: browser.run(
            "const y = document.getElementsByName(arguments[0])[0].getBoundingClientRect().y;"
            "return scrollY > 0 && y > -5 && y < innerHeight",
            target,
        )
    )
    assert seen
    assert "np.exp(np.asarray(x))" in browser.run(
        "return document.querySelector('main, body').textContent"
    )
    assert browser.driver.title != "stolen"
    assert browser.all("math")
    assert {a for a in browser.requests() if not a.startswith(("file:", "data:"))} == set()


@pytest.mark.parametrize("page", ["feedback", "report"])
def test_a_page_fits_a_phone(browser, made, page):
    browser.size(390, 844)
    browser.open(made[page])
    assert browser.sideways() == 0


def test_the_report_shows_the_class(browser, made):
    browser.open(made["report"])
    assert browser.find("h1")
    assert browser.find("table", "bob")
    assert {a for a in browser.requests() if not a.startswith(("file:", "data:"))} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["feedback", "report"])
def test_axe_finds_nothing_serious(browser, made, axe, page, scheme):
    browser.prefer(scheme)
    browser.open(made[page])
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.findings(axe) == []
