"""Work goes through nbgrader's exchange: released, fetched, handed in, graded, and given back."""

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from nbgrader.utils import get_username
from typer.testing import CliRunner

from course.cli import app
from course.exchange import has_exchange, submit
from course.grading.feedback import make_feedback
from course.grading.grade import grade_class
from course.grading.results import read_results
from course.handout import make_handout
from course.layout import CourseError, load_config
from course.workspace import FOLDER
from tests.course.conftest import RIGHT, TWICE, fill

DOUBLING = "01_doubling"


def step(name, root):
    """Do one of nbgrader's steps in a folder with a configuration."""
    config = load_config(root)
    folder = CourseDirectory(config=config, assignment_id=DOUBLING)
    who = Authenticator(config=config)
    make = getattr(ExchangeFactory(config=config), name)
    make(coursedir=folder, authenticator=who, config=config).start()


@pytest.fixture
def exchange(released, tmp_path):
    """The folder of a student whose class has an exchange; the assignment is not in it yet."""
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange").chmod(0o777)
    with (released / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.Exchange.root = {str(tmp_path / 'exchange')!r}\n")
        file.write(f"c.Exchange.cache = {str(tmp_path / 'cache')!r}\n")
    make_handout(released, tmp_path / "student")
    return tmp_path / "student"


def test_work_goes_there_and_back(exchange, released, monkeypatch):
    step("ReleaseAssignment", released)
    monkeypatch.chdir(exchange)
    step("FetchAssignment", exchange)
    fill(exchange / FOLDER / DOUBLING / "doubling.ipynb", {"double": RIGHT, "quadruple": TWICE})
    told = CliRunner().invoke(app, ["hand-in", "1"])
    assert told.exit_code == 0
    assert "not attempted: why_twice" in told.output
    assert "Handed in through the exchange: 2" in told.output
    assert f"Kept in this file: {FOLDER}/{DOUBLING}.zip" in told.output

    step("Collect", released)
    student = get_username()
    assert (released / "submitted" / student / DOUBLING / "timestamp.txt").is_file()
    grade_class(released, [DOUBLING], jobs=1)
    work = read_results(released, [DOUBLING]).works[student, DOUBLING]
    assert work.score == 4
    make_feedback(released)
    step("ReleaseFeedback", released)
    step("FetchFeedback", exchange)
    (page,) = (exchange / FOLDER / DOUBLING / "feedback").rglob("doubling.html")
    assert "double" in page.read_text(encoding="utf-8")


def test_where_it_is_not_taken_the_file_is_made_all_the_same(exchange, monkeypatch):
    monkeypatch.chdir(exchange)
    CliRunner().invoke(app, ["workspace"])
    told = CliRunner().invoke(app, ["hand-in", DOUBLING])
    assert told.exit_code == 2
    said = " ".join(told.output.split())
    assert f"the exchange has not taken {DOUBLING}, so it is not handed in yet (" in said
    assert said.endswith("): try again later, or send that file")
    assert (exchange / FOLDER / f"{DOUBLING}.zip").is_file()
    (exchange.parent / "exchange").rmdir()
    with pytest.raises(CourseError, match="Unwritable directory, please contact your instructor"):
        submit(exchange, DOUBLING)


def test_the_course_has_an_exchange_where_its_configuration_names_one(exchange):
    assert has_exchange(exchange)
    (exchange / "nbgrader_config.py").write_text("c = get_config()\nc.Exchange.timezone = 'UTC'\n")
    assert not has_exchange(exchange)
