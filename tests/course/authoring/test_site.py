"""The reading site: what its pages show, and what they keep to themselves."""

import shutil
from pathlib import Path

import nbformat
import pytest

from course.authoring import site
from course.authoring.release import MARKS, leaks
from course.authoring.site import chapter_page, make_site, solution, with_links, write_pages
from course.layout import CourseError, load_config
from course.notebooks.cells import NotebookError, grade_id, is_solution, is_test, read
from course.notebooks.conventions import BEGIN_SCHEME, END_SCHEME
from course.notebooks.execution import BEGIN_HIDDEN, END_HIDDEN
from course.notebooks.source import source_notebooks
from tests.conftest import write

ROOT = Path(__file__).parents[3]
CONFIG = load_config(ROOT)
CHAPTERS = source_notebooks(ROOT / "source")


def texts(page):
    return {cell.id: cell.source for cell in page.cells}


def between(text, begin, end):
    """The lines of a cell between two marks."""
    inside, found = False, []
    for line in text.splitlines():
        inside = line.strip() != end and (inside or line.strip() == begin)
        found += [line.strip()] if inside and line.strip() != begin else []
    return found


@pytest.fixture
def whole(course_root):
    """A small course with all that a site is made of."""
    shutil.copy(ROOT / "README.md", course_root)
    shutil.copytree(ROOT / "docs", course_root / "docs")
    path = course_root / "source/01_doubling/doubling.ipynb"
    nb = read(path)
    for cell in nb.cells:
        cell.source = cell.source.replace("### Exercise", "## Exercise")
    write(path, nb)
    return course_root


# --- what a page shows ----------------------------------------------------------------------------


def test_a_solution_stands_folded_after_the_test_cell(source):
    page = chapter_page(source)
    ids = [cell.id for cell in page.cells]
    assert ids[ids.index("double") :][:3] == ["double", "test_double", "solution-double"]
    assert "raise NotImplementedError" in texts(page)["double"]
    assert texts(page)["solution-double"] == (
        "<details><summary>Solution</summary>\n\n````````python\ndef double(x):\n"
        '    """Return twice x, an array of any shape."""\n'
        "    twice_as_much = np.asarray(x) * 2\n    return twice_as_much\n````````\n\n</details>"
    )


def test_an_answer_in_words_stands_in_the_place_of_the_students(source):
    page = texts(chapter_page(source))
    assert "why_twice" not in page
    assert page["solution-why_twice"] == (
        "<details><summary>A good answer</summary>\n\n"
        "Because adding x to itself counts it twice.\n\n</details>"
    )


def test_the_test_cell_is_folded_without_its_hidden_checks(source):
    text = texts(chapter_page(source))["test_double"]
    assert text.startswith("<details><summary>The test cell</summary>")
    assert "gives the known values" in text
    assert "is right anywhere" not in text


def test_one_setting_leaves_the_solutions_out(source):
    page = chapter_page(source, solutions=False)
    assert not any(name.startswith("solution-") for name in texts(page))
    assert texts(page)["why_twice"] == "YOUR ANSWER HERE"
    assert leaks(source.notebook, nbformat.writes(page)) == []
    assert leaks(source.notebook, nbformat.writes(chapter_page(source))) != []


def test_a_page_is_made_of_a_copy(source):
    before = nbformat.writes(source.released())
    chapter_page(source)
    assert nbformat.writes(source.released()) == before


def test_figures_are_unfolded_with_their_alternative_text(source):
    assert texts(chapter_page(source))["expected"] == (
        "![A straight line of slope two](figures/doubling.png)"
    )


FIGURE = "![A line](figures/a.png)"


@pytest.mark.parametrize(
    ("folded", "shown"),
    [
        ("<details><summary>Hint 1</summary>\n\nAdd.\n\n</details>", None),
        (
            f"<details><summary>You should see</summary>\n\n{FIGURE}\n\nIt rises.\n\n</details>",
            f"{FIGURE}\n\nIt rises.",
        ),
        (
            f"<details><summary>The figure, and the answer</summary>\n\nYes.\n\n{FIGURE}\n\n"
            "</details>",
            f"{FIGURE}\n\n<details><summary>Answer</summary>\n\nYes.\n\n</details>",
        ),
    ],
)
def test_what_is_beside_a_figure_is_unfolded_unless_it_answers(source, folded, shown):
    source.cell("expected").source = folded
    assert texts(chapter_page(source))["expected"] == (folded if shown is None else shown)


@pytest.mark.parametrize("body", ["Add.", FIGURE])
def test_text_follows_a_fold_without_the_empty_line_that_jupyterlab_needs(source, body):
    folded = f"<details><summary>You should see</summary>\n\n{body}\n\n</details>"
    shown = body if body == FIGURE else folded
    source.cell("expected").source = f"{folded}\n\n<br>\n\nThen this."
    assert texts(chapter_page(source))["expected"] == f"{shown}\n\nThen this."


def test_a_word_leads_to_its_entry_in_the_glossary(source):
    source.cell("expected").source = "[batch](../../docs/glossary.md#batch), [else](#batch)"
    assert texts(chapter_page(source))["expected"] == (
        '<a href="../glossary.html#batch">batch</a>, [else](#batch)'
    )


def test_a_section_is_labelled_by_its_cell_and_not_by_its_title(source):
    page = texts(chapter_page(source))
    assert page["about_double"].startswith("(doubling-about_double)=\n### Exercise: `double`")
    assert page["title"] == "# Doubling"  # a page has an address of its own


def test_links_to_a_heading_are_as_the_site_has_them_and_not_as_jupyter(source):
    source.cell(
        "expected"
    ).source = (
        "[a](../01_a/a.ipynb#How-it-works), [b](#4B.1-The-chain%20rule), [c](https://a.org/#Top)"
    )
    assert texts(chapter_page(source))["expected"] == (
        "[a](../01_a/a.ipynb#how-it-works), [b](#4b1-the-chain-rule), [c](https://a.org/#Top)"
    )


def test_a_second_heading_of_a_cell_has_a_label_too(source):
    source.cell("expected").source = "## One\n\n### Two\n\n### Three"
    assert texts(chapter_page(source))["expected"] == (
        "(doubling-expected)=\n## One\n\n(doubling-expected-2)=\n### Two\n\n"
        "(doubling-expected-3)=\n### Three"
    )


@pytest.mark.parametrize(
    ("begin", "end"), [(BEGIN_HIDDEN, END_HIDDEN), (BEGIN_SCHEME, END_SCHEME)], ids=("test", "mark")
)
def test_a_mark_without_its_fellow_stops_the_page(source, begin, end):
    cell = source.cell("double")
    cell.source += f"\n{begin}\nsecret\n{end}"
    assert "secret" not in solution(cell)
    cell.source = cell.source.replace(end, "")
    with pytest.raises(NotebookError, match=r"double: .* don't match"):
        solution(cell)


# --- every chapter --------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_no_page_shows_a_hidden_test_or_a_mark_scheme(chapter):
    page = nbformat.writes(chapter_page(chapter, CONFIG))
    visible = "\n".join(
        solution(cell) for cell in chapter.notebook.cells if not is_test(cell)
    ) + "\n".join(cell.source for cell in chapter.released(CONFIG).cells)
    secret = [
        line
        for cell in chapter.notebook.cells
        for marks in ((BEGIN_HIDDEN, END_HIDDEN), (BEGIN_SCHEME, END_SCHEME))
        for line in between(cell.source, *marks)
        if line and line not in visible
    ]
    assert secret
    assert [line for line in [*MARKS, *secret] if line in page] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_every_exercise_has_its_solution_once(chapter):
    wanted = [f"solution-{cell.id}" for cell in chapter.notebook.cells if is_solution(cell)]
    page = chapter_page(chapter, CONFIG)
    assert [cell.id for cell in page.cells if cell.id.startswith("solution-")] == wanted
    stubs = [grade_id(cell) for cell in page.cells if grade_id(cell) and is_solution(cell)]
    assert "raise NotImplementedError" in texts(page)[stubs[0]]


# --- the folder of pages, and the site ------------------------------------------------------------


def test_pages_come_with_the_figures_that_students_get(whole, tmp_path):
    (whole / "source/01_doubling/figures/answers.txt").write_text("not let out")
    made = write_pages(whole, tmp_path / "pages")
    assert made == [tmp_path / "pages/01_doubling/doubling.ipynb"]
    assert [path.name for path in (made[0].parent / "figures").iterdir()] == ["doubling.png"]
    assert "01_doubling/doubling.ipynb" in (tmp_path / "pages/index.md").read_text()


def test_a_page_that_would_give_a_solution_away_is_not_made(whole, tmp_path):
    path = whole / "source/01_doubling/doubling.ipynb"
    nb = read(path)
    nb.cells[2].source += "\n\n    twice_as_much = np.asarray(x) * 2"
    write(path, nb)
    write_pages(whole, tmp_path / "open", solutions=False)  # the text itself says it
    nb.metadata["note"] = "return twice_as_much and no more"
    nb.cells[2].source = nb.cells[2].source.replace("twice_as_much", "y")
    nb.metadata["note"] = "twice_as_much = np.asarray(x) * 2"
    write(path, nb)
    with pytest.raises(CourseError, match="give away 'twice_as_much"):
        write_pages(whole, tmp_path / "shut", solutions=False)


def test_links_lead_to_pages_of_the_site_or_are_left_out():
    places = {"release/a/b.ipynb": "a/b.ipynb", "docs/glossary.md": "glossary.md"}
    text = (
        "# Two words\n[b](../release/a/b.ipynb), [g](glossary.md#x), [l](../LICENSE), "
        "[w](https://example.org/x), [here](#two-words), [gone](#nothing), ![p](figures/p.png)"
    )
    assert with_links(text, "docs", places).splitlines()[1] == (
        "[b](a/b.ipynb), [g](glossary.md), l, [w](https://example.org/x), [here](#two-words), "
        "gone, ![p](figures/p.png)"
    )


def test_a_readme_without_what_learners_need_is_named(whole, tmp_path):
    readme = (whole / "README.md").read_text()
    (whole / "README.md").write_text(readme.replace("## Self-learners", "## Others"))
    with pytest.raises(CourseError, match=r"README\.md has no section 'Self-learners'"):
        write_pages(whole, tmp_path / "pages")


@pytest.mark.slow
def test_the_site_is_made_in_one_folder_and_made_anew(whole):
    (whole / "_site").mkdir()
    first = make_site(whole)
    assert first == whole / "_site/index.html"
    (whole / "_site/left.html").write_text("of before")
    make_site(whole, solutions=False)
    assert not (whole / "_site/left.html").exists()
    page = (whole / "_site/01_doubling/doubling.html").read_text()
    assert "NotImplementedError" in page
    assert "twice_as_much" not in page


def test_a_folder_that_holds_something_else_is_left_alone(whole, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years")
    with pytest.raises(CourseError, match="holds something else than a site"):
        make_site(whole, tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").exists()


@pytest.mark.slow
def test_a_fault_in_a_page_is_told_and_the_site_of_before_stays(whole):
    make_site(whole)
    path = whole / "source/01_doubling/doubling.ipynb"
    nb = read(path)
    nb.cells[0].source += "\n\n![A line](figures/nothing.png)"
    write(path, nb)
    with pytest.raises(CourseError, match=r"(?s)can't make the site:.*figures/nothing\.png"):
        make_site(whole)
    assert (whole / "_site/index.html").exists()


def test_without_sphinx_one_line_says_what_is_missing(whole, monkeypatch):
    monkeypatch.setattr(site, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r"Sphinx is not installed: pip install -e '\.\[site\]'"):
        make_site(whole)
