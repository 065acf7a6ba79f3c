"""What a student is told of the grading: plain words, nothing secret, nothing that runs."""

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_notebook

from course.grading.plugins import HideTests
from course.grading.remarks import LONGEST, MOST, remarks, told, without_secrets
from course.verdict import METADATA, TEST_FAILED, Verdict, find_verdict

SECRET = f"test_relu: {TEST_FAILED}: KeyError: 'expected_values'\nand more"


def happened(*incidents):
    """Return the metadata of a graded notebook in which this happened."""
    return {METADATA: Verdict("relu", (), incidents=incidents).to_json()}


def items(metadata):
    soup = BeautifulSoup(remarks(metadata), "html.parser")
    return [item.get_text() for item in soup.find_all("li")]


@pytest.mark.parametrize(
    ("incident", "words"),
    [
        ("test_relu: Your code ended: so.", "Question `relu`: Your code ended: so."),
        ("relu: Your code ended.", "Cell `relu`: Your code ended."),
        ("the figure `relu`: Your code ended.", "The figure `relu`: Your code ended."),
        ("a cell at the top: Your code ended.", "A cell at the top: Your code ended."),
        (
            "a cell below `relu`, run again: Your code ended.",
            "A cell below `relu`, run again: Your code ended.",
        ),
        ("The notebook took longer than 2 seconds: nothing from relu on was run.",) * 2,
        (
            SECRET,
            "Question `relu`: Its test could not be run to its end; your instructor can see why.",
        ),
    ],
)
def test_an_incident_names_the_question_or_cell(incident, words):
    assert told(incident) == words
    assert told(without_secrets(incident)) == words


def test_what_a_failed_test_said_stays_with_the_staff():
    nb = new_notebook(metadata=happened(SECRET, "relu: Your code ended."))
    assert "expected_values" not in remarks(nb.metadata)
    hidden, _ = HideTests().preprocess(nb, {})
    assert find_verdict(hidden.metadata).incidents == (
        f"test_relu: {TEST_FAILED}.",
        "relu: Your code ended.",
    )


@pytest.mark.parametrize(
    "forged",
    [7, "all points", [SECRET], {"incidents": [SECRET]}, {"exercises": [], "incidents": SECRET}],
)
def test_what_is_no_verdict_is_neither_told_nor_kept(forged):
    nb = new_notebook(metadata={METADATA: forged, "repairs": ["The file was empty."]})
    assert items(nb.metadata) == ["The file was empty."]
    hidden, _ = HideTests().preprocess(nb, {})
    assert METADATA not in hidden.metadata


def test_of_some_notebooks_nothing_is_to_be_told():
    for metadata in ({}, {"repairs": []}, happened()):
        assert remarks(metadata) == ""


def test_html_is_shown_as_it_was_written_and_ends_no_block():
    harm = "<script>alert(1)</script>\n\n</div><img src=x onerror=alert(1)> & `a<b`"
    text = remarks({"repairs": [harm], **happened(f"relu: {harm}")})
    assert "\n\n" not in text
    soup = BeautifulSoup(text, "html.parser")
    assert {tag.name for tag in soup.find_all()} == {"div", "h4", "ul", "li", "p", "code"}
    assert [div.find("h4").text[:4] for div in soup.find_all("div")] == ["Your", "What"]
    assert items({"repairs": [harm]}) == [" ".join(harm.replace("`", "").split())]


def test_floods_are_cut():
    assert [len(item) for item in items({"repairs": ["x" * 10_000]})] == [LONGEST + 1]
    told_of = items(happened(*(f"relu_{n}: Gone." for n in range(1000))))
    assert len(told_of) == MOST + 1
    assert told_of[-1] == f"{1000 - MOST} more of the kind."
