"""What the doctor finds, and how gravely it takes it."""

import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook

from course import doctor, secret
from course.doctor import State, examine
from course.judge.sandbox.port import Protection


def found(check, root):
    return [(finding.state, finding.line) for finding in check(root)]


def test_a_sound_course_has_nothing_missing(released, monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", [c for c in doctor.CHECKS if c is not doctor.extensions])
    findings = list(examine(released))
    assert [f.line for f in findings if f.state is State.MISSING] == []
    assert len(findings) >= len(doctor.CHECKS)
    assert all("\n" not in finding.line for finding in findings)


def test_an_old_python_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=(3, 9, 2)))
    assert found(doctor.python, tmp_path) == [
        (State.MISSING, "Python 3.9.2: 3.11 or newer is needed")
    ]


@pytest.mark.parametrize(
    ("lock", "state", "words"),
    [
        ("numpy==0.1\n", State.NOTE, r"numpy .* instead of 0\.1"),
        ("no-such-package-here==1.0\n    # via x\n", State.MISSING, "no-such-package-here"),
        ("no-such-package-here==1.0 ; sys_platform == 'win32'\n", State.FINE, "packages as in"),
        ("", State.FINE, "packages as in"),
    ],
)
def test_packages_are_held_against_the_lock(tmp_path, lock, state, words):
    (tmp_path / "requirements.lock").write_text(lock)
    ((got, line),) = found(doctor.packages, tmp_path)
    assert got is state
    assert re.search(words, line)


def test_a_configuration_that_can_not_be_run_is_missing(tmp_path):
    ((state, line),) = found(doctor.configuration, tmp_path)
    assert state is State.MISSING
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Oops(")
    ((state, line),) = found(doctor.configuration, tmp_path)
    assert state is State.MISSING
    assert "SyntaxError" in line


def machine(monkeypatch, *protections):
    sandbox = SimpleNamespace(protections=lambda: list(protections))
    monkeypatch.setattr("course.judge.sandbox.local_sandbox", lambda: sandbox)


def test_every_protection_is_named_with_its_means(course_root, monkeypatch):
    machine(monkeypatch, Protection("files", True, "Landlock"), Protection("disk", True, "limits"))
    assert found(doctor.judge, course_root) == [
        (State.FINE, "submissions are graded by the judge"),
        (State.FINE, "protection of files (Landlock)"),
        (State.FINE, "protection of disk (limits)"),
    ]


@pytest.mark.parametrize(
    ("setting", "state", "words"),
    [
        ("", State.MISSING, "grading refuses to run"),
        ("c.Judge.unprotected = True", State.NOTE, "no protection of files (no Landlock)"),
    ],
)
def test_a_missing_protection_is_as_grave_as_grading_takes_it(
    course_root, monkeypatch, setting, state, words
):
    machine(monkeypatch, Protection("files", False, "no Landlock"))
    config = course_root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}{setting}\n")
    _, (got, line) = found(doctor.judge, course_root)
    assert got is state
    assert words in line
    assert ("unprotected = True" in line) is (state is State.MISSING)


def test_a_course_without_the_judge_is_noted(course_root, monkeypatch):
    machine(monkeypatch, Protection("files", False, "no Landlock"))
    config = course_root / "nbgrader_config.py"
    execute = '"course.grading.plugins.ExecuteShort",'
    config.write_text(config.read_text().replace("    Judge,", f"    {execute}", 1))
    (first, line), (second, _) = found(doctor.judge, course_root)
    assert first is second is State.NOTE
    assert "their own code can decide their grade" in line


def test_the_secret_is_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(secret, "PATIENCE", 0.1)
    assert found(doctor.course_secret, tmp_path)[0][0] is State.NOTE
    assert not list(tmp_path.iterdir())
    secret.course_secret(tmp_path)
    assert found(doctor.course_secret, tmp_path) == [
        (State.FINE, ".course-secret can be read by its owner alone")
    ]
    (tmp_path / ".course-secret").chmod(0o640)
    assert found(doctor.course_secret, tmp_path) == [
        (State.MISSING, ".course-secret is open to others: run `chmod 600 .course-secret`")
    ]
    (tmp_path / ".course-secret").write_text("open sesame")
    ((state, line),) = found(doctor.course_secret, tmp_path)
    assert state is State.MISSING
    assert "sesame" not in line


def test_the_gradebook_is_read(released):
    assert found(doctor.gradebook, released) == [(State.FINE, "gradebook.db: 0 students")]


def test_the_gradebook_is_read_where_the_configuration_says(released):
    config = released / "nbgrader_config.py"
    url = "sqlite:///other.db?timeout=5"
    config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = {url!r}\n")
    note = "no gradebook other.db yet: `course release` makes it"
    assert found(doctor.gradebook, released) == [(State.NOTE, note)]
    assert not (released / "other.db").exists()
    (released / "gradebook.db").rename(released / "other.db")
    assert found(doctor.gradebook, released) == [(State.FINE, "other.db: 0 students")]


def test_a_gradebook_that_is_no_file_is_asked(released, monkeypatch):
    monkeypatch.setattr("course.directory.sqlite_file", lambda db_url: None)
    path = released / "gradebook.db"
    name = rf"sqlite:///{path}\S*"
    with Gradebook(f"sqlite:///{path}") as gradebook:
        gradebook.add_student("ada")
    ((state, line),) = found(doctor.gradebook, released)
    assert state is State.FINE
    assert re.fullmatch(rf"{name}: 1 student", line)
    path.write_bytes(b"")
    ((state, line),) = found(doctor.gradebook, released)
    assert state is State.NOTE
    assert re.fullmatch(rf"no gradebook in {name} yet: `course release` makes it", line)
    assert not path.read_bytes()
    path.write_bytes(b"not a database, but somebody's grades" * 100)
    ((state, line),) = found(doctor.gradebook, released)
    assert state is State.MISSING
    assert re.fullmatch(rf"the gradebook {name} can't be used: file is not a database", line)


def test_a_url_that_names_no_database_is_missing(course_root):
    config = course_root / "nbgrader_config.py"
    config.write_text(f'{config.read_text()}\nc.CourseDirectory.db_url = "gradebook.db"\n')
    line = "c.CourseDirectory.db_url names no database"
    assert found(doctor.configuration, course_root) == [(State.MISSING, line)]
    assert found(doctor.gradebook, course_root) == []


def test_a_damaged_gradebook_is_missing_and_stays_as_it_is(course_root):
    path = course_root / "gradebook.db"
    path.unlink()
    assert found(doctor.gradebook, course_root)[0][0] is State.NOTE
    path.write_bytes(b"not a database, but somebody's grades" * 100)
    before = path.read_bytes()
    ((state, line),) = found(doctor.gradebook, course_root)
    assert state is State.MISSING
    assert "can't be read" in line
    assert path.read_bytes() == before
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE other (x)").connection.close()
    assert found(doctor.gradebook, course_root)[0][0] is State.MISSING


def test_a_folder_that_can_not_be_written_is_missing(tmp_path, monkeypatch):
    assert found(doctor.folders, tmp_path)[0][0] is State.FINE
    (tmp_path / "feedback").mkdir()

    def refuse(dir):
        if dir.name == "feedback":
            raise PermissionError(dir)
        return open(dir / "probe", "w")  # noqa: PTH123

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert found(doctor.folders, tmp_path) == [
        (State.MISSING, "no permission to write in feedback")
    ]


@pytest.mark.parametrize(("images", "hint"), [(10_000, True), (60_000, False)])
def test_mnist_is_counted_and_the_whole_of_it_offered(tmp_path, monkeypatch, images, hint):
    part = ([0] * images, None)
    monkeypatch.setattr("helpers.datasets.load_mnist", lambda normalize: (part, part))
    ((state, line),) = found(doctor.data, tmp_path)
    assert state is State.FINE
    assert ("fetches all" in line) is hint


def test_mnist_that_can_not_be_read_is_missing(tmp_path, monkeypatch):
    def fail(normalize):
        raise OSError("the bundle is damaged")

    monkeypatch.setattr("helpers.datasets.load_mnist", fail)
    assert found(doctor.data, tmp_path) == [
        (State.MISSING, "MNIST can't be read: the bundle is damaged")
    ]


def test_a_release_that_is_not_current_is_noted(released):
    assert found(doctor.release, released) == [(State.FINE, "release/ is what source/ makes")]
    shutil.rmtree(released / "release" / "02_pair")
    ((state, line),) = found(doctor.release, released)
    assert state is State.NOTE
    assert "release/02_pair" in line
    assert line.endswith("more: run `course release`")


def test_changes_that_are_not_committed_are_noted(released):
    if not shutil.which("git"):
        pytest.skip("git isn't installed")
    subprocess.run(["git", "init", "-q"], cwd=released, check=True)
    states = [state for state, _ in found(doctor.release, released)]
    assert states == [State.FINE, State.NOTE]


def test_a_full_disk_is_missing(tmp_path, monkeypatch):
    usage = SimpleNamespace(free=2e8)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    ((state, line),) = found(doctor.disk, tmp_path)
    assert state is State.MISSING
    assert line.startswith("0.2 GB free")


def test_the_server_extensions_are_looked_up(tmp_path, monkeypatch):
    listed = "nbgrader.server_extensions.formgrader \x1b[32menabled\x1b[0m\n"
    done = subprocess.CompletedProcess([], 0, "", listed)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: done)
    (one, other) = found(doctor.extensions, tmp_path)
    assert one == (State.FINE, "Jupyter server extension formgrader is enabled")
    assert other[0] is State.NOTE
    assert "jupyter server extension enable --sys-prefix" in other[1]


def test_this_environment_has_the_extensions_on(tmp_path):
    states = [state for state, _ in found(doctor.extensions, tmp_path)]
    assert states == [State.FINE, State.FINE], sys.prefix
