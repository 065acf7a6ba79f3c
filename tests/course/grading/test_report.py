"""The instructor's page and the table of grades."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser

import nbformat
import pytest
from nbgrader.api import Gradebook

from course.grading.feedback import make_feedback
from course.grading.report import (
    LONGEST,
    NAMED,
    _kinds,
    duration,
    histogram,
    page,
    table,
    troubles,
    write_report,
)
from course.grading.results import Column, Results, Work, read_results
from course.layout import CourseError
from course.notebooks.cells import grade_id, read
from course.notebooks.exercises import CheckSpec, Exercise
from course.verdict import METADATA, CheckVerdict, ExerciseVerdict
from helpers.checks import Outcome

CHECKS = (CheckSpec("adds", 2, True, True), CheckSpec("takes a list", 1, False, False))
TOTAL = Column("sums", "total", "Total", 3, Exercise("total", "Total", 3, CHECKS, "", ""))
WHY = Column("sums", "why_sum", "In words: why_sum", 2, None)
EVIL = "<script>alert(1)</script>"
BLANK = "left for later"
RAISES = f"Your code raises {EVIL} (in `{EVIL}`)"


def verdict(*messages):
    """Return a verdict on TOTAL, whose checks said this; BLANK says that it was not attempted."""
    outcomes = {"": Outcome.PASSED, BLANK: Outcome.NOT_ATTEMPTED}
    checks = (
        CheckVerdict(check.name, outcomes.get(message, Outcome.FAILED), message)
        for check, message in zip(CHECKS, messages, strict=True)
    )
    return ExerciseVerdict("total", 0, 3, tuple(checks))


def work(student, score, *messages, **more):
    return Work(
        student,
        "01_sums",
        more.pop("scores", {TOTAL: score, WHY: 0}),
        verdicts={TOTAL: verdict(*messages)} if messages else {},
        **more,
    )


@pytest.fixture
def results():
    works = [
        work("ada", 3, "", ""),
        work("bob", 0, "Yours is -2.5 at 1e-07.", "", waiting=[WHY], late=timedelta(hours=30)),
        work("cat", 1, "Yours is 17 at 3.", "", penalty=0.5, notes=[f"`{EVIL}` was missing"]),
        work("dan", 0, "no", RAISES),
        work("eve", 0, BLANK, BLANK),
        work("fay", 0, graded=False, notes=[f"sums.ipynb is broken {EVIL}"]),
    ]
    students = {"ada": "Byron, Ada", "bob": "=1+1", **{n: n for n in ("cat", "dan", "eve", "fay")}}
    return Results(
        {**students, "gus": EVIL},
        {"01_sums": [TOTAL, WHY]},
        {(w.student, w.assignment): w for w in works},
    )


class Reader(HTMLParser):
    """Collects what a page refers to, and the text of its cells."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset")]

    def handle_data(self, data):
        self.text.append(data)


def html(results):
    return page(results, datetime(2026, 10, 9, 12))


def test_the_page_needs_nothing_else(results):
    found = Reader(html(results))
    assert found.links == []
    assert not {"link", "iframe", "object", "embed", "img"} & set(found.tags)
    assert not re.search(r"url\(|@import|https?:", html(results))


def test_the_page_s_own_script_is_the_only_one_that_a_browser_runs(results):
    found = html(results)
    (script,) = re.findall("<script>(.*?)</script>", found, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in found
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval|fetch|import", script)
    assert not re.search(r"\son[a-z]+=", found.replace(script, ""))


def test_what_students_wrote_is_text(results):
    found = html(results)
    assert found.count("<script") == 1
    text = "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert found.count(text) >= 5  # name, notes and diagnosis
    assert f"<code>{text}</code> was missing" in found
    assert f"Your code raises {text} (in <code>{text}</code>)" in found


def test_no_name_or_message_turns_the_text_around_it(results):
    turned = "eve \u202e0 of 3\u2066 \x1b[8m"
    hostile = replace(results.works["cat", "01_sums"], student=turned, notes=[turned])
    ungraded = replace(hostile, graded=False)
    works = {(turned, "01_sums"): hostile, ("fay", "01_sums"): ungraded}
    html = page(Results({turned: turned, "fay": turned}, results.columns, works), datetime.now())
    assert html.count(r"eve \u202e0 of 3\u2066 \x1b[8m") > 4
    assert not set(turned) & set(html) - set("eve 0 of 3[8m")


def test_the_page_says_who_needs_a_person(results):
    text = " ".join(" ".join(Reader(html(results)).text).split())
    assert "sums.ipynb is broken" in text
    assert "01_sums why_sum 1" in text
    assert "bob" not in text  # they have names
    assert "1 day" in text
    assert "Mean 12 %" in text  # 3, 0, 0.5, 0, 0, 0 of 5; gus handed in nothing that was due


TERM = {"01_sums": [TOTAL, WHY], "02_next": [TOTAL], "03_last": [TOTAL, WHY]}


@pytest.fixture
def mid_term():
    """Return a class of four in mid-term: the first chapter was due, the others were not.

    Ada has handed in a chapter before its time, cat the first one late, dan nothing.
    """
    works = [
        work("ada", 3, "", ""),
        replace(work("ada", 3, "", ""), assignment="02_next", scores={TOTAL: 3}),
        work("bob", 1, "no", ""),
        work("cat", 2, "", "", late=timedelta(hours=30)),
    ]
    due = {
        "01_sums": datetime(2026, 10, 2, 16, tzinfo=UTC),
        "02_next": datetime(2026, 10, 16, 16, tzinfo=UTC),
        "03_last": datetime(2026, 10, 30, 16, tzinfo=UTC),
    }
    return Results(
        {name: name for name in ("ada", "bob", "cat", "dan")},
        TERM,
        {(w.student, w.assignment): w for w in works},
        due,
    )


def text_of(results, now=datetime(2026, 10, 9, 12)):
    return " ".join(" ".join(Reader(page(results, now)).text).split())


def test_in_mid_term_counts_what_was_due_or_handed_in(mid_term):
    text = text_of(mid_term)
    assert "Mean 34 %" in text  # 6 of 8, 1, 2 and 0 of 5
    assert "Median 30 %" in text
    assert "Was due and isn't in Student Assignments dan 01_sums" in text
    assert "cat 01_sums 1 day" in text


def test_in_mid_term_a_chapter_that_nobody_has_is_named_and_no_more(mid_term):
    found = page(mid_term, datetime(2026, 10, 9, 12))
    assert "nobody has handed in, so it isn't here: 03_last (due 2026-10-30 16:00 UTC)" in found
    assert found.count("03_last") == 1
    assert "<h2>02_next</h2>" in found  # somebody has


def test_once_it_is_due_a_chapter_counts_for_all(mid_term):
    text = text_of(mid_term, datetime(2026, 10, 31, 12))
    assert "nobody has handed in, so" not in text
    assert "Mean 17 %" in text  # 6, 1, 2, 0 of 13
    assert "bob 02_next, 03_last" in text


def test_without_due_dates_counts_what_each_has_handed_in(mid_term):
    text = text_of(replace(mid_term, due={}))
    assert "Mean 45 %" in text  # 6 of 8, 1 of 5, 2 of 5; dan has nothing to be counted
    assert "Was due" not in text
    assert "so it isn't here: 03_last." in text


def test_an_exercise_that_few_got_wrong_is_named_too(results, monkeypatch):
    rare = replace(TOTAL, id="rare")
    works = {
        key: replace(one, verdicts=one.verdicts | {rare: one.verdicts[TOTAL]})
        if key[0] == "bob"
        else one
        for key, one in results.works.items()
    }
    both = replace(results, works=works, columns={"01_sums": [TOTAL, rare, WHY]})
    assert "somebody did" not in html(both)  # all of it is shown in full
    monkeypatch.setattr("course.grading.report.MOST", 2)
    assert "somebody did: <code>rare</code>." in html(both)


def test_names_and_numbers_lead_to_the_feedback_that_is_there(results, tmp_path):
    folder = tmp_path / "report"
    there = tmp_path / "feedback" / "cat #1" / "01_sums" / "sums.html"
    works = dict(results.works)
    works["cat", "01_sums"] = replace(works["cat", "01_sums"], pages={"sums": there})
    report = write_report(replace(results, works=works), folder)
    place = "../feedback/cat%20%231/01_sums/sums.html"
    assert Reader(report.read_text()).links == [place, f"{place}#test_total"]
    assert html(replace(results, works=works)).count("<a ") == 0  # it lies nowhere


def test_the_heat_table_tells_zero_from_blank_broken_and_not_handed_in(results):
    found = html(results)
    for shade, words, text in [
        ("0", "3 of 3 points", "3"),
        ("4", "0 of 3 points", "0"),
        ("3", "1 of 3 points", "1"),
        ("blank", "not attempted", "–"),
        ("none", "could not be graded", "!"),
        ("none", "not handed in", ""),
    ]:
        assert f'<td class="m{shade}" title="total: {words}">{text}</td>' in found
    assert '<td class="mwaiting" title="why_sum: to be read by a person">✎</td>' in found
    assert "why_sum 1 answer still to be read" in " ".join(" ".join(Reader(found).text).split())


def test_a_grade_that_is_older_than_the_release_is_marked_and_the_mark_explained(results):
    legend = "</i>graded before something changed that decides the grade</li>"
    assert legend not in html(results)
    works = dict(results.works)
    old = ("its folder in source/", EVIL)
    works["cat", "01_sums"] = replace(works["cat", "01_sums"], changed=old)
    found = html(replace(results, works=works))
    mark = '<span class="old" title="graded before this changed: its folder in source/, &lt;script'
    assert found.count(mark) == 2  # in the totals, and in the chapter's table
    assert re.search(rf"cat</th>(?:(?!</tr>).)*{mark}", found, re.DOTALL)
    assert legend in found
    assert "↻ To grade again 1" in " ".join(" ".join(Reader(found).text).split())


def test_the_mean_of_a_question_waits_for_the_last_answer(results):
    mean = "<td>{}</td>".format
    assert mean(27) in html(results)  # 3, 0, 1, 0, 0 of 3
    assert mean(0) not in html(results)


def test_the_check_that_most_failed_comes_first_with_its_commonest_diagnosis(results):
    first, second = troubles(results, "01_sums")
    assert (first.check, first.failed, first.tried, first.hidden) == ("adds", 3, 4, True)
    assert (first.diagnosis, first.share, first.others) == ("Yours is -2.5 at 1e-07.", 2, 1)
    assert (second.check, second.failed, second.diagnosis) == ("takes a list", 1, RAISES)


def test_who_was_told_the_same_is_named_together(results):
    first, _ = troubles(results, "01_sums")
    assert first.told == [("Yours is -2.5 at 1e-07.", ["bob", "cat"]), ("no", ["dan"])]
    text = " ".join(" ".join(Reader(html(results)).text).split())
    assert "who made the same mistake 2 ×: =1+1; cat show in the table no 1 ×: dan" in text
    assert 'data-who="1 2"' in html(results)


def test_of_a_large_class_a_diagnosis_names_nobody_but_the_table_does():
    works = [work(f"s{number:03}", 0, "no", "") for number in range(NAMED + 1)]
    many = Results(
        {w.student: f"Name {w.student}" for w in works},
        {"01_sums": [TOTAL]},
        {(w.student, w.assignment): w for w in works},
    )
    found = html(many)
    assert found.count("Name s007") == 2  # in two tables
    assert f'data-who="{" ".join(map(str, range(NAMED + 1)))}"' in found


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium: apt-get install chromium")
def test_a_browser_finds_filters_and_sorts_students(tmp_path):
    names = [f"s{number:03}" for number in range(150)]
    works = [work(name, int(name[1:]) % 4, "no" if name == "s077" else "", "") for name in names]
    many = Results(
        {name: ("Zoë" if name == "s077" else EVIL if name == "s078" else name) for name in names},
        {"01_sums": [TOTAL]},
        {(w.student, w.assignment): w for w in works},
    )
    asks = """
      const table = document.querySelector("table.heat");
      const said = [];
      const see = () => said.push([...table.tBodies[0].rows].filter((row) => !row.hidden)
        .map((row) => row.cells[0].textContent));
      const bar = table.closest("section").querySelector(".controls");
      const set = (control, value) => {
        control.value = value;
        control.dispatchEvent(new Event("input"));
      };
      const [column, state] = bar.querySelectorAll("select");
      see();
      set(bar.querySelector("input"), "ZOE"); see();
      set(bar.querySelector("input"), "");
      set(column, "1"); set(state, "m0"); see();
      bar.querySelector("button").click(); see();
      const sort = table.tHead.rows[0].cells[1].querySelector("button");
      sort.click(); sort.click(); see();
      const who = table.closest("section").querySelector("button[data-who]");
      who.click(); see();
      const result = document.createElement("pre");
      result.id = "said";
      result.textContent = JSON.stringify(said);
      document.body.append(result);
    """
    open_page = re.sub("script-src '[^']*'", "script-src 'unsafe-inline'", html(many))
    path = tmp_path / "page.html"
    path.write_text(open_page.replace("</body>", f"<script>{asks}</script></body>"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    home = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([*command, path.as_uri()], env=home, capture_output=True, text=True)
    (said,) = re.findall('<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    few, found, full, everybody, ordered, same = json.loads(unescape(said))
    shown = list(many.students.values())
    assert few == shown[:100]
    assert found == same == ["Zoë"]
    assert full == [shown[number] for number in range(3, 150, 4)]
    assert everybody == shown
    assert sorted(ordered) == sorted(shown)
    assert ordered[0] == "s003"
    assert ordered[-1] == "s148"


def test_without_the_judge_s_record_no_check_is_said_to_have_passed(results):
    assert "without the judge" not in html(results)  # who has no verdict was not graded
    works = {key: w for key, w in results.works.items() if key[0] == "ada"}
    full = Results(results.students, results.columns, works)
    assert "No check has failed" in html(full)
    assert "without the judge" not in html(full)
    bare = {key: replace(w, verdicts={}) for key, w in works.items()}
    assert "No check has failed" not in html(Results(results.students, results.columns, bare))
    assert "without the judge" in html(Results(results.students, results.columns, bare))


def test_of_each_exercise_the_page_tells_who_earned_what_and_how_well_it_tells_people_apart():
    scores = [(n % 4, n % 3) for n in range(12)]
    works = [work(f"s{n:02}", 0, scores={TOTAL: a, WHY: b}) for n, (a, b) in enumerate(scores)]
    twelve = Results({}, {"01_sums": [TOTAL, WHY]}, {(w.student, w.assignment): w for w in works})
    assert "total 3 (25 %) 6 (50 %) 3 (25 %) 0.00: worth a look" in text_of(twelve)
    assert "why_sum 4 (33 %) 4 (33 %) 4 (33 %)" in text_of(twelve)
    found = html(twelve)
    assert found.count('class="split" aria-hidden="true"') == 2  # the numbers say it all
    assert '<span class="part" style="width: 50.0%">' in found
    assert "Discrimination is the correlation" in found


def test_of_few_students_no_exercise_is_said_to_tell_them_apart(results):
    assert "total 3 (60 %) 1 (20 %) 1 (20 %) too few" in text_of(results)
    assert "worth a look" not in text_of(results)


CODE = "def total(x):\n    " + "\n    ".join(f"x[{n}] = {n} * x[{n + 1}]" for n in range(9))


def test_answers_alike_are_folded_and_no_finding(results):
    assert "Answers alike" not in html(results)
    works = dict(results.works)
    works["gus", "01_sums"] = work("gus", 1, "no", "")
    for student in ("cat", "gus"):
        key = student, "01_sums"
        works[key] = replace(works[key], answers={TOTAL: CODE})
    both = replace(results, works=works)
    found = html(both)
    assert '<details class="alike"><summary>Answers alike: a reason to look, not a finding (1)' in (
        found
    )
    text = text_of(both)
    assert "It may be innocent: they worked together as they were allowed to" in text
    assert f"cat; {EVIL} 1 total total" in text
    assert found.count("<script") == 1
    assert "Answers alike" not in html(replace(both, known=lambda: {TOTAL: [CODE]}))


def test_of_many_answers_alike_the_first_are_shown(results, monkeypatch):
    monkeypatch.setattr("course.grading.report.PAIRS", 1)
    works = [
        replace(work(f"s{n}", 1, "no", ""), answers={TOTAL: CODE.replace("*", "+-"[n // 2])})
        for n in range(4)
    ]
    four = replace(results, works={(w.student, w.assignment): w for w in works})
    assert "not a finding (2)" in html(four)
    assert "s0; s1 1 total" in text_of(four)
    assert "s2; s3 1 total" not in text_of(four)
    assert "Only the 1 that coincide most are shown" in text_of(four)


def test_the_distribution_counts_everyone_once():
    assert histogram([0, 0.05, 0.1, 0.95, 1, 1]) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 3]


def test_a_class_without_work_has_a_page_too():
    empty = Results({}, {"01_sums": [TOTAL]}, {})
    assert "0 students" in html(empty)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=5), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=5), "5 hours"),
        (timedelta(hours=26), "1 day"),
        (timedelta(days=9), "9 days"),
    ],
)
def test_a_delay_is_said_in_its_largest_unit(time, words):
    assert duration(time) == words


def test_the_table_has_a_row_a_student_and_a_column_an_exercise(results):
    head, *rows = csv.reader(io.StringIO(table(results)))
    assert head == [
        *("student", "name", "01_sums/sums/total", "01_sums/sums/why_sum"),
        *("01_sums total", "total"),
    ]
    assert rows[0] == ["ada", "Byron, Ada", "3", "0", "3", "3"]
    assert rows[2] == ["cat", "cat", "1", "0", "0.5", "0.5"]
    assert rows[6] == ["gus", EVIL, "", "", "", "0"]


def test_no_spreadsheet_takes_a_name_for_a_formula(results):
    rows = list(csv.reader(io.StringIO(table(results))))
    assert rows[2][1] == "'=1+1"


def test_what_this_wrote_is_replaced_and_nothing_else(results, tmp_path):
    folder = tmp_path / "report"
    path = write_report(results, folder)
    assert path == write_report(results, folder)
    (folder / "grades.csv").write_text("my own notes")
    with pytest.raises(CourseError, match=r"grades\.csv is not as `course report` wrote it"):
        write_report(results, folder)
    assert (folder / "grades.csv").read_text() == "my own notes"


def test_somebody_else_s_page_is_left_alone(results, tmp_path):
    (tmp_path / "index.html").write_text("my home page")
    with pytest.raises(CourseError, match=r"index\.html"):
        write_report(results, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def graded_notebooks(root):
    """Yield the graded notebooks for a test to change, and write them."""
    for path in (root / "autograded").glob("*/*/*.ipynb"):
        nb = read(path)
        yield nb
        path.chmod(0o644)
        path.write_text(nbformat.writes(nb), encoding="utf-8")


def test_a_class_graded_when_verdicts_had_their_first_format_is_reported_alike(graded):
    before = html(read_results(graded))
    for nb in graded_notebooks(graded):
        del nb.metadata[METADATA]["format"]
        for exercise in nb.metadata[METADATA]["exercises"]:
            for check in exercise["checks"]:
                for key in ("outcome", "points", "essential"):
                    del check[key]
    assert "outcome" not in "".join(map(nbformat.writes, graded_notebooks(graded)))
    assert html(read_results(graded)) == before
    assert before.count('title="double: not attempted"') == 3  # cat, dan, the junk of bob


@pytest.mark.parametrize("forged", ["all points", {"exercises": [{"id": "double", "checks": 3}]}])
def test_a_forged_verdict_counts_as_none(graded, forged):
    before = read_results(graded)
    for nb in graded_notebooks(graded):
        nb.metadata[METADATA] = forged
    results = read_results(graded)
    assert "or the record is damaged" in html(results)
    assert "No check has failed" not in html(results)
    assert [w.scores for w in results.works.values()] == [w.scores for w in before.works.values()]


def test_a_graded_class_is_reported(graded):
    results = read_results(graded)
    found = Reader(html(results))
    text = " ".join(" ".join(found.text).split())
    assert found.tags.count("script") == 1
    assert "<b>Byron</b>, Ada" in text
    assert "it is the square" in text
    assert "double: Your code ended its own process" in text
    assert "The file was damaged" in text
    assert "no notebook was handed in" in text
    head, *rows = csv.reader(io.StringIO(table(results)))
    total = head.index("01_doubling total")
    assert {row[0]: row[total] for row in rows} == {
        "ada": "4",
        "bob": "1",
        "cat": "0",
        "dan": "0",
        "hal": "1",
        "ian": "0",
    }


def test_due_dates_and_feedback_are_read_from_the_course_s_folder(graded):
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}") as gradebook:
        name = gradebook.assignments[0].name
        gradebook.update_or_create_assignment(name, duedate="2026-10-02 18:00 Europe/Berlin")
    make_feedback(graded, [name], jobs=1)
    results = read_results(graded)
    assert results.due[name] == datetime(2026, 10, 2, 16, tzinfo=UTC)
    pages = [path for work in results.works.values() for path in work.pages.values()]
    assert pages
    for path in pages:
        assert path.is_file()
    report = write_report(results, graded / "report")
    links = {link.partition("#")[0] for link in Reader(report.read_text()).links}
    assert {(report.parent / link).resolve() for link in links} <= {p.resolve() for p in pages}
    assert links


BANK = """
[[right]]
exercise = "double"
name = "as a sum"
code = "def double(x):\\n    return x + x"
"""


def test_answers_are_read_with_the_course_s_own(graded):
    bank = graded / "source" / "01_doubling" / "bank" / "doubling.toml"
    bank.parent.mkdir(exist_ok=True)
    bank.write_text(BANK)
    results = read_results(graded)
    double = results.columns["01_doubling"][0]
    source = read(graded / "autograded" / "bob" / "01_doubling" / "doubling.ipynb")
    (code,) = (cell.source for cell in source.cells if grade_id(cell) == double.id)
    assert results.works["bob", "01_doubling"].answers[double] == code
    sum_ = "def double(x):\n    return x + x"
    assert results.known()[double] == [double.exercise.solution, sum_]
    bank.write_text("[[right]]")
    assert read_results(graded).known()[double] == [double.exercise.solution]


def test_a_long_message_is_quoted_from_its_beginning():
    ((short, who),) = _kinds([("ada", "1 " + "x" * 1_000), ("bob", "2 " + "x" * 1_000)])
    assert who == ["ada", "bob"]
    assert short == "1 " + "x" * (LONGEST - 3) + "…"
    assert len(short) == LONGEST == 280
