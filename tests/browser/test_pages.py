"""What a class gets: a page of feedback and the report, from work that was really graded."""

import pytest

from course.grading.feedback import make_feedback
from course.grading.report import write_report
from course.grading.results import read_results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(graded):
    """The page of feedback of one of the class, and the report."""
    pages = {item.student: item.pages[0] for item in make_feedback(graded)}
    report = write_report(read_results(graded), graded / "report")
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


def test_on_a_phone_an_exercise_has_its_color_all_along_and_no_empty_lines(browser, made):
    browser.size(390, 844)
    browser.open(made["feedback"])
    row = browser.find("table.overview tr.right")
    assert browser.run("return getComputedStyle(arguments[0]).borderLeftWidth", row) == "5px"
    shown = "return [...arguments[0].cells].filter(c => c.checkVisibility()).map(c => c.innerText)"
    assert all(text.strip() for text in browser.run(shown, row))


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
