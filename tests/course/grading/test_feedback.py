"""Feedback: what a student gets back, and what it never holds."""

import html
import re
import shutil
from copy import deepcopy

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers
from typer.testing import CliRunner

from course.authoring.release import make_release
from course.cli import app
from course.grading.feedback import feedback_of, make_feedback
from course.grading.grade import grade_class
from course.grading.overview import rows
from course.grading.results import read_results
from course.grading.sanitize import CUT, MOST_TAGS
from course.layout import CourseError, load_config
from course.notebooks.cells import grade_id, is_manual, model_answer, read

DOUBLING = "01_doubling"
FIGURE = "figures/doubling.png"  # the release's own
RIGHT = "def double(x):\n    return np.asarray(x) * 2"


def text(page):
    """What a reader sees: highlighted code stands in a span a word."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.fixture
def pages(graded):
    """Every page's text, by student and notebook."""
    made = make_feedback(graded)
    assert [item.problem for item in made] == [""] * len(made)
    return {(item.student, p.stem): p.read_text() for item in made for p in item.pages}


def test_all_that_was_graded_gets_a_page_with_its_checks_and_no_more(pages):
    assert sorted(pages) == [
        ("ada", "doubling"),
        ("bob", "doubling"),
        ("bob", "first"),
        ("bob", "second"),
        ("cat", "doubling"),
        ("dan", "doubling"),
        ("hal", "doubling"),
    ]
    page = pages["bob", "doubling"]
    assert "is right anywhere" in page
    assert "it is the square" in page


@pytest.mark.parametrize("secret", ["q.rng.normal", "BEGIN HIDDEN", "twice_as_much", "x**2"])
def test_no_page_holds_a_hidden_test_or_a_solution(pages, secret):
    assert [key for key, page in pages.items() if secret in text(page)] == []
    assert any("q.check" in text(page) for page in pages.values())


def test_what_a_student_wrote_is_shown_but_never_run(pages):
    page = pages["ada", "doubling"]
    assert "Because" in page
    assert "<b>bold</b>" in page
    assert "<script>alert" not in page
    assert "alert(" in page  # in their own code, which is quoted


def remarks_on(page):
    """What stands above the notebook: each heading, sentence and item of a list."""
    soup = BeautifulSoup(page, "html.parser")
    return [part.get_text() for part in soup.select(".alert h4, .alert li, .alert p")]


def test_what_was_repaired_stands_at_the_top_in_plain_words(pages):
    assert remarks_on(pages["dan", "doubling"]) == [
        "Your notebook had to be repaired before it could be graded",
        "The file was damaged; the cells that could still be read were recovered.",
        "The cells of double, quadruple and why_twice were missing and count as not answered.",
        "The tests of double and quadruple were missing and put back.",
        "A repair costs no points; what could not be found earns none.",
    ]
    page = pages["dan", "doubling"]
    assert page.index("had to be repaired") < page.index("Your notebook, as it was graded")


def test_what_happened_while_the_code_ran_stands_there_too(pages):
    assert remarks_on(pages["hal", "doubling"]) == [
        "What happened while your code was run",
        "Cell double: Your code ended its own process.",
        "This costs no more than what it stopped: all else was graded.",
    ]


def test_where_nothing_was_repaired_and_nothing_happened_there_are_no_remarks(pages):
    assert remarks_on(pages["ada", "doubling"]) == remarks_on(pages["cat", "doubling"]) == []


def overview(page):
    """The table on top: each row's exercise, points and lines."""
    soup = BeautifulSoup(page, "html.parser")
    rows = soup.select("table.overview tbody tr")
    return {
        row.select_one("th").get_text(): (
            row["class"],
            row.select_one(".points").get_text(),
            row.get_text(" "),
        )
        for row in rows
    }


def test_on_top_stands_what_went_wrong_by_exercise(pages):
    rows = overview(pages["bob", "doubling"])
    assert list(rows) == ["double", "quadruple", "why_twice"]
    state, points, words = rows["double"]
    assert (state, points) == (["wrong"], "0 of 3")
    assert "is right anywhere : Your result is wrong: it is the square." in words
    soup = BeautifulSoup(pages["bob", "doubling"], "html.parser")
    targets = {tag.get("name") or tag.get("id") for tag in soup.find_all(["a", "h1"])}
    assert {a["href"][1:] for a in soup.select("table.overview a")} <= targets
    first = soup.select("table.overview a")[0]["href"]
    (answer,) = soup.select(f'a[name="{first[1:]}"] + .panel-heading')
    assert "Your answer" in answer.get_text()
    folded = soup.select("details.panel-body")
    assert len(folded) == 2
    assert all("Question(" in fold.get_text() for fold in folded)


def test_below_the_table_failures_are_in_color_and_said_by_a_sign(pages):
    soup = BeautifulSoup(pages["bob", "doubling"], "html.parser")
    failed = [tag.get_text() for tag in soup.select("#notebook .output_stdout span.failed")]
    names = ("gives the known values", "is right anywhere", "is four times as much")
    assert failed == [f"  ✗ {name}" for name in names]
    assert ".output_stdout .failed { color: #c62828; font-weight: bold; }" in str(soup)
    (carried,) = soup.select("#notebook span.passed")
    assert carried.get_text() == "  ✓ is four times as much"
    (heading,) = soup.select(".nbgrader_cell.wrong > a[name=test_double] + .panel-heading")
    assert "0 of 3" in heading.get_text()
    ada = BeautifulSoup(pages["ada", "doubling"], "html.parser")
    assert not ada.select("#notebook span.failed")
    assert len(ada.select("#notebook span.passed")) == 3


def marks_below(root):
    """What stands as points above ada's answer in words, in the notebook below the table."""
    (item,) = [item for item in make_feedback(root, [DOUBLING]) if item.student == "ada"]
    soup = BeautifulSoup(item.pages[0].read_text(), "html.parser")
    assert "Score:" not in soup.get_text()
    (heading,) = soup.select("#notebook a[name=why_twice] + .panel-heading .pull-right")
    return heading.get_text()


def unread(root):
    """What stands in place of points on ada's page, and its first heading."""
    (item,) = [item for item in make_feedback(root, [DOUBLING]) if item.student == "ada"]
    soup = BeautifulSoup(item.pages[0].read_text(), "html.parser")
    waits = [row.select_one(".points").get_text() for row in soup.select("tr.unread")]
    return waits, soup.select("h1")[0].get_text()


def why(gradebook):
    """Return ada's answer in words."""
    return gradebook.find_grade("why_twice", "doubling", DOUBLING, "ada")


def test_an_answer_that_nobody_has_read_is_no_zero(graded):
    url = f"sqlite:///{graded / 'gradebook.db'}"
    waits, heading = unread(graded)
    assert waits == ["to be read"]
    assert marks_below(graded) == "to be read (Top)"
    assert "so far; 1 answer still to be read" in heading
    with Gradebook(url) as gradebook:
        why(gradebook).manual_score = 1
        why(gradebook).needs_manual_grade = False
        gradebook.db.commit()
    waits, heading = unread(graded)
    assert waits == []
    assert marks_below(graded) == "1 of 2 (Top)"
    assert "still to be read" not in heading
    with Gradebook(url) as gradebook:
        why(gradebook).needs_manual_grade = True  # it has changed since it was read
        gradebook.db.commit()
    assert unread(graded)[0] == ["to be read"]


def test_who_makes_feedback_is_told_how_many_answers_wait(graded, monkeypatch):
    monkeypatch.chdir(graded)
    told = CliRunner().invoke(app, ["feedback", DOUBLING])
    assert told.exit_code == 0
    works = read_results(graded, [DOUBLING]).works.values()
    assert [column.id for work in works for column in work.waiting] == ["why_twice"]
    assert "! 1 answer in words waits to be read" in told.output


def test_a_page_needs_no_network_and_fits_a_phone(pages):
    for page in pages.values():
        soup = BeautifulSoup(page, "html.parser")
        assert soup.select("html")[0]["lang"] == "en"
        assert soup.find("meta", attrs={"name": "viewport"})
        assert not soup.find_all("script")
        loaded = [tag.get("src") or tag.get("href") for tag in soup.find_all(["img", "link"])]
        beside = ("data:", "figures/")
        assert [address for address in loaded if not address.startswith(beside)] == []
        assert "@import" not in page


def test_pictures_fit_the_page(pages):
    assert "img, svg { max-width: 100%; height: auto; }" in pages["ada", "doubling"]


def test_remarks_quote_what_a_student_wrote_and_run_nothing(released, hand_in):
    harm = "<img src=x onerror=alert(1)>"
    mark = "</li></ul></div><script>alert(2)</script>"
    path = hand_in(released, "eve", double=f"open('/x/{harm}$x$')") / "doubling.ipynb"
    nb = read(path)
    nb.cells[0].metadata.nbgrader = {"grade_id": mark, "schema_version": 3}
    path.write_text(nbformat.writes(nb))
    grade_class(released, jobs=1)
    (page,) = feedback_of(released, "eve", DOUBLING).pages
    soup = BeautifulSoup(page.read_text(), "html.parser")
    assert not soup.find("script", string=re.compile("alert"))
    assert not soup.find(onerror=True)
    told = remarks_on(page.read_text())
    assert any("has the mark" in line for line in told)
    assert any("a file outside the assignment's folder" in line for line in told)


# What a student writes in a text cell, and what it must not become, as a CSS selector.
PAGES_OWN = {
    "![gone](attachment:gone.png)": ".nothing",
    '<img src="https://x.test/1.png">': 'img[src^="http"]',
    "![seen](https://x.test/2.png)": 'img[src^="http"]',
    "![seen](//x.test/3.png)": 'img[src^="//"]',
    "![me](attachment:me.png)": 'img[src*="text/html"]',
    '<p style="color:white">white</p>': '[style*="white"]',
    '<div style="position:fixed;inset:0">sheet</div>': '[style*="fixed"]',
    '<div class="modal-backdrop in">sheet</div>': ".modal-backdrop",
    '<span id="toc">toc</span>': "span#toc",
    '<a name="test_double">x</a>': 'span > a[name="test_double"]',
    '<div class="panel panel-primary nbgrader_cell">a cell</div>': ".rendered_html .panel",
    '<div class="alert alert-warning">Full marks</div>': ".rendered_html .alert",
    '<form action="https://x.test"><input name="a"></form>': '[action^="http"]',
    "<svg><image href='https://x.test/4.png'></image></svg>": '[href$=".png"]',
    "<style>* { display: none }</style>": ".rendered_html style",
    "<link rel='stylesheet' href='https://x.test/a.css'>": 'link[href^="https://x.test"]',
    "```python\nx = 1\n```": ".nothing",
    "<b>bold</b>": ".nothing",
}
SHOWS = """\
from IPython.display import HTML, SVG, Latex, display

display(HTML('<img src="https://x.test/5.png"><div class="modal-backdrop">a</div><b>shown</b>'))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg"><image href="https://x.test/6.png"/></svg>'))
display(Latex(r"$\\style{position: fixed}{x}$"))
print("\\x1b[38;2;255;255;255mwhite")
"""


def formgraders_page(root, notebook, submission="1"):
    """The page by which formgrader shows a graded notebook, whose id in the gradebook this is."""
    config = load_config(root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission_notebook("doubling", DOUBLING, "eve").id
    return HTMLExporter(config=config).from_filename(
        str(notebook),
        resources={
            "submission_id": submission, "index": 0, "total": 1, "notebook_id": "doubling",
            "base_url": "", "mathjax_url": "", "assignment_id": DOUBLING, "last_name": "",
            "first_name": "", "notebook_path": "", "student_id": "eve", "keyword_index": 0,
            "keyword": "", "prev": None, "next": None, "filename": "",
        },
    )[0]  # fmt: skip


def test_formgrader_shows_whoever_marks_the_rubric_and_feedback_does_not(released, hand_in):
    hand_in(released, "eve", double=RIGHT, why_twice="Because.")
    grade_class(released, jobs=1)
    graded = released / "autograded" / "eve" / DOUBLING / "doubling.ipynb"
    soup = BeautifulSoup(formgraders_page(released, graded), "html.parser")
    folds = {fold.summary.get_text(): fold.get_text(" ") for fold in soup.select("details[open]")}
    source = read(released / "source" / DOUBLING / "doubling.ipynb")
    (cell,) = [cell for cell in source.cells if grade_id(cell) == "why_twice"]
    answer, scheme = model_answer(cell.source)
    assert answer
    assert scheme
    assert scheme in folds["What earns the marks"]
    assert answer in folds["A model answer"]
    (page,) = feedback_of(released, "eve", DOUBLING).pages
    assert scheme not in BeautifulSoup(page.read_text(), "html.parser").get_text(" ")


def links_of(soup):
    """Formgrader's links to answers: on top, and below each answer."""
    places = [cell for cell in soup.select(".text_cell") if cell.select('a[href^="#why"]')]
    return [[(a.get_text(), a["href"]) for a in cell.select("a")] for cell in places]


def test_formgrader_begins_at_what_is_to_be_read_and_leads_from_one_to_the_next(course_root):
    path = course_root / "source" / DOUBLING / "doubling.ipynb"
    nb = read(path)
    for name in ("why_more", "why_less", "why_last"):
        cell = deepcopy(nb.cells[-1])
        cell.id = cell.metadata.nbgrader.grade_id = name
        nb.cells.append(cell)
    nbformat.write(nb, path)
    make_release(course_root)
    folder = course_root / "submitted" / "eve" / DOUBLING
    shutil.copytree(course_root / "release" / DOUBLING, folder)
    nb = read(folder / "doubling.ipynb")
    for cell in nb.cells:
        if is_manual(cell):
            cell.source = "Because."
    nbformat.write(nb, folder / "doubling.ipynb")
    grade_class(course_root, jobs=1)
    with Gradebook(f"sqlite:///{course_root / 'gradebook.db'}") as gradebook:
        for name in ("why_twice", "why_less"):
            grade = gradebook.find_grade(name, "doubling", DOUBLING, "eve")
            grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()
    graded = course_root / "autograded" / "eve" / DOUBLING / "doubling.ipynb"
    page = formgraders_page(course_root, graded)
    back, on = "Previous answer to be read", "Next answer to be read"
    assert links_of(BeautifulSoup(page, "html.parser")) == [
        [("why_more", "#why_more"), ("why_last", "#why_last")],
        [(on, "#why_more")],
        [(on, "#why_last")],
        [(back, "#why_more"), (on, "#why_last")],
        [(back, "#why_more")],
    ]
    assert 'document.getElementById("why_more")' in page


def test_formgrader_says_beside_an_answer_that_it_has_changed_since_it_was_marked(
    released, hand_in
):
    def mark(points):
        with Gradebook(f"sqlite:///{released / 'gradebook.db'}") as gradebook:
            grade = gradebook.find_grade("why_twice", "doubling", DOUBLING, "eve")
            grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.db.commit()
            return grade.notebook.id

    def page(submission):
        graded = released / "autograded" / "eve" / DOUBLING / "doubling.ipynb"
        html = formgraders_page(released, graded, submission)
        return BeautifulSoup(html, "html.parser").get_text(" ")

    words = "To be read again: this answer has changed since it was marked; it had 1.5 points."
    hand_in(released, "eve", double=RIGHT, why_twice="Because.")
    grade_class(released, jobs=1)
    submission = mark(1.5)
    assert "To be read again" not in page(submission)
    hand_in(released, "eve", double=RIGHT, why_twice="Because it is x + x.")
    grade_class(released, jobs=1)
    assert words in " ".join(page(submission).replace(" :", ":").split())
    mark(2)  # somebody has read it
    assert "To be read again" not in page(submission)
    (feedback,) = feedback_of(released, "eve", DOUBLING).pages
    assert "To be read again" not in feedback.read_text()


def test_nothing_that_a_student_wrote_passes_for_the_page_or_loads_anything(released, hand_in):
    path = hand_in(released, "eve", double=f"{RIGHT}\n{SHOWS}") / "doubling.ipynb"
    nb = read(path)
    nb.cells += [
        new_markdown_cell(f"{source}\n\nend of {number}") for number, source in enumerate(PAGES_OWN)
    ]
    nb.cells[-14].attachments = {"me.png": {"text/html": "PGI+"}}
    for cell in nb.cells:
        cell.metadata.tags = ["x modal-backdrop"]
    path.write_text(nbformat.writes(nb))
    grade_class(released, jobs=1)
    (page,) = feedback_of(released, "eve", DOUBLING).pages
    graded = released / "autograded" / "eve" / DOUBLING / "doubling.ipynb"
    for html_page in (page.read_text(), formgraders_page(released, graded)):
        soup = BeautifulSoup(html_page, "html.parser")
        for source, selector in PAGES_OWN.items():
            assert soup.select(selector) == [], source
        shown = soup.get_text()
        assert all(f"end of {number}\n" in shown for number in range(len(PAGES_OWN)))
        assert soup.find("b", string="bold")
        assert soup.find("b", string="shown")
        assert soup.select("span.mi")  # colors of code
        assert soup.select('img[src^="data:image/svg+xml;base64,"]')
        assert "$∖style{" in soup.select(".output_latex")[0].get_text()
        assert not soup.select('[style*="255"]')
        written = ".rendered_html", ".output_area"
        for kind in ("script", "[style]", "[onclick]", "[id]", "iframe"):
            assert soup.select(", ".join(f"{place} {kind}" for place in written)) == []
        loaded = [tag["src"] for tag in soup.select("#notebook [src]")]
        assert {one for one in loaded if not one.startswith("data:image/")} <= {FIGURE}


def test_a_text_that_no_browser_could_show_is_cut_and_the_rest_is_there(released, hand_in):
    flood = "<b>x</b>" * 100_000
    path = hand_in(released, "eve", double=RIGHT, why_twice=flood) / "doubling.ipynb"
    nb = read(path)
    shows = "from IPython.display import HTML\nHTML('<div>' * 100_000)"
    nb.cells.append(new_code_cell(shows))
    nb.cells += [new_markdown_cell("> " * 40_000) for _ in range(20)]
    nb.cells += [new_markdown_cell("$a " * 15_000), new_markdown_cell("the end")]
    path.write_text(nbformat.writes(nb))
    grade_class(released, jobs=1)
    (page,) = feedback_of(released, "eve", DOUBLING).pages
    soup = BeautifulSoup(page.read_text(), "html.parser")
    assert len(soup.select("b")) < MOST_TAGS * 2
    assert soup.get_text().count(CUT) > 10
    assert "is right anywhere" in soup.get_text()


def test_what_somebody_put_beside_the_pages_stays(graded):
    feedback_of(graded, "ada", DOUBLING)
    letter = graded / "feedback" / "ada" / DOUBLING / "letter.txt"
    letter.write_text("Well done.")
    feedback_of(graded, "ada", DOUBLING)
    assert letter.read_text() == "Well done."


def test_a_submission_whose_feedback_fails_is_named_and_stops_no_other(graded):
    path = graded / "autograded" / "bob" / DOUBLING / "doubling.ipynb"
    path.chmod(0o644)
    path.write_text("{")
    made = make_feedback(graded, [DOUBLING])
    assert [(item.student, bool(item.problem)) for item in made] == [
        ("ada", False),
        ("bob", True),
        ("cat", False),
        ("dan", False),
        ("hal", False),
    ]
    assert made[1].problem.startswith("doubling.ipynb: ")
    assert "\n" not in made[1].problem


def test_feedback_before_grading_is_refused(released):
    with pytest.raises(CourseError, match="nothing has been graded yet: run `course grade` first"):
        make_feedback(released)
    with pytest.raises(CourseError, match="nothing of 01_doubling has been graded yet"):
        make_feedback(released, [DOUBLING])


def test_exercises_whose_statements_are_lost_go_by_their_own_names():
    nb = nbformat.v4.new_notebook()
    for key, heading in (("a", "### Exercise 1.1: `a` (2 points)"), ("b", ""), ("c", "")):
        nb.cells += [new_markdown_cell(heading)] * bool(heading)
        nb.cells.append(new_code_cell())
        nb.cells[-1].metadata.nbgrader = {"grade": True, "grade_id": key, "points": 2}
    assert [row.title for row in rows(nb)] == ["a", "b", "c"]
    nb.cells = nb.cells[:2]
    assert [row.title for row in rows(nb)] == ["1.1: a"]
