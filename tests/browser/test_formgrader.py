"""Answers in words: read and marked in formgrader, then found in the student's feedback."""

import pytest

from course.grading.feedback import make_feedback
from tests.browser.conftest import CHAPTER, TOKEN, jupyter

COMMENT = "Flat, yes: but by how much?"
SAVED = "return document.readyState == 'complete' && window.jQuery && jQuery.active == 0"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def formgrader(copied, tmp_path_factory):
    """Jupyter's server in the folder of a graded class."""
    with jupyter(copied, tmp_path_factory.mktemp("formgrader")) as server:
        yield server


def page_of(root, student):
    return {item.student: item.pages[0] for item in make_feedback(root)}[student]


def test_an_answer_in_words_is_marked_and_the_student_reads_it(browser, formgrader, copied):
    browser.open(page_of(copied, "bob").as_uri())
    row = browser.find("table.overview tr", "saturated")
    assert "to be read" in row.text

    address = browser.wait(formgrader.address)
    browser.open(f"{address}login?token={TOKEN}&next=/formgrader/gradebook/{CHAPTER}/activations")
    browser.find("td a", "Submission #1")  # the table is there
    browser.click("button", "Show All Names")
    browser.click("td a", "bob")

    field = browser.find("input.score#why_saturation")  # the first answer to be read
    browser.wait(lambda: on_screen(browser, field))
    answer = browser.find(".nbgrader_cell", "Flat:")
    beside = browser.run(
        "return arguments[0].closest('.cell').nextElementSibling.innerText", answer
    )
    assert "What earns the marks" in beside
    assert "A model answer" in beside
    assert "1 point" in beside

    browser.wait(lambda: browser.run(SAVED))
    field.send_keys("2")
    browser.find("textarea#why_saturation-comment").send_keys(COMMENT)
    browser.click("a", "Next answer to be read")
    browser.wait(lambda: on_screen(browser, browser.find("input.score#why_relu")))
    browser.wait(lambda: browser.run(SAVED))
    browser.open(browser.driver.current_url.partition("?")[0])
    browser.wait(lambda: on_screen(browser, browser.find("input.score#why_relu")))
    assert browser.all("math")

    browser.open(page_of(copied, "bob").as_uri())
    row = browser.find("table.overview tr", "saturated")
    assert "to be read" not in row.text
    assert "2 of 3" in row.text or "2 / 3" in row.text
    assert COMMENT in browser.run("return document.body.innerText")
    assert "to be read" in browser.find("table.overview tr", "ReLU").text


def on_screen(browser, element):
    """Tell whether an element is to be seen without scrolling."""
    return browser.run(
        "const y = arguments[0].getBoundingClientRect().y; return y > 0 && y < innerHeight", element
    )
