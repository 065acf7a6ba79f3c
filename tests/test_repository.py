"""Holds what is true of the repository as a whole: its files, notebooks, licence and set-up."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Ada is nobody: her home may stand in an example.
MACHINE_PATH = re.compile(
    r"(?<![\w.~/+*}-])"
    r"(?:/(?:work|root|tmp)/\w|/(?:home|Users)/(?!ada\b)\w|[A-Z]:\\{1,2}Users\\)"
)


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    """Every file that git tracks and that is still there."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so it can't be known what is committed")
    done = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def machine_paths(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if MACHINE_PATH.search(line)]


def test_no_file_names_a_path_of_the_machine_it_was_written_on(committed: list[Path]) -> None:
    found = {}
    for path in committed:
        try:
            lines = machine_paths(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue  # not text
        if lines:
            found[str(path.relative_to(ROOT))] = lines
    assert found == {}


@pytest.mark.parametrize("folder", ["work", "home", "tmp", "Users"])
def test_a_path_of_a_machine_is_told_from_a_relative_one(folder: str) -> None:
    path = f"{folder}/bob/notes.txt"
    assert machine_paths(f'open("/{path}")')
    for relative in (f"my_{path}", f"./{path}", f"https://example.org/{path}", f"{{root}}/{path}"):
        assert not machine_paths(relative)


def test_the_home_of_an_invented_person_may_stand_in_an_example() -> None:
    home = "/home"
    assert not machine_paths(f"{home}/ada/notes.txt {home}/ada")
    assert machine_paths(f"{home}/adam/notes.txt")


def faults(notebook: dict[str, Any]) -> Iterator[str]:
    """What keeps a notebook from being committed."""
    ids = [cell.get("id") for cell in notebook["cells"]]
    if None in ids:
        yield "a cell has no id"
    if len(set(ids)) < len(ids):
        yield "two cells have the same id"
    for number, cell in enumerate(notebook["cells"]):
        if cell.get("outputs"):
            yield f"cell {number} has outputs"
        if cell.get("execution_count") is not None:
            yield f"cell {number} has an execution count"


def test_committed_notebooks_have_stable_cell_ids_and_no_outputs(committed: list[Path]) -> None:
    found = {
        str(path.relative_to(ROOT)): list(faults(json.loads(path.read_text(encoding="utf-8"))))
        for path in committed
        if path.suffix == ".ipynb"
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


def code_cell(**changes: Any) -> dict[str, Any]:
    """A cell as JupyterLab saves it after a run, with nbgrader's metadata."""
    grading = {"grade": False, "grade_id": "sigmoid", "locked": False, "schema_version": 3}
    return {
        "cell_type": "code",
        "id": "c0ffee",
        "metadata": {"nbgrader": grading | {"solution": True, "task": False}},
        "source": ["1 + 1"],
        "outputs": [],
        "execution_count": None,
    } | changes


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([code_cell(), code_cell()], "the same id"),
        ([code_cell(id=None)], "no id"),
        ([code_cell(outputs=[OUTPUT])], "outputs"),
        ([code_cell(execution_count=3)], "execution count"),
    ],
)
def test_a_notebook_with_a_fault_is_found(cells: list[dict[str, Any]], fault: str) -> None:
    (line,) = faults(notebook(*cells))
    assert fault in line


@pytest.mark.slow
def test_the_pre_commit_hooks_clean_a_notebook_and_keep_what_nbgrader_needs(tmp_path: Path) -> None:
    if not shutil.which("git"):
        pytest.skip("git isn't installed")
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".gitignore").write_text(".venv\n")
    path = tmp_path / "source" / "01" / "one.ipynb"
    path.parent.mkdir(parents=True)
    run = code_cell(source=["x = { }\n", "x"], outputs=[OUTPUT], execution_count=7)
    path.write_text(json.dumps(notebook(run)))
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=tmp_path, check=True)

    hooks = [sys.executable, "-m", "pre_commit", "run", "--files", str(path)]
    first = subprocess.run(hooks, cwd=tmp_path, env=environment, capture_output=True, text=True)
    second = subprocess.run(hooks, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert first.returncode == 1, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    (cell,) = json.loads(path.read_text())["cells"]
    assert cell == code_cell(source=["x = {}\n", "x"])


def test_the_licence_is_named_and_covers_code_text_and_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "BSD-3-Clause AND CC-BY-4.0 AND CC-BY-SA-3.0"
    assert project["license-files"] == ["LICENSE"]
    licence = (ROOT / "LICENSE").read_text()
    for words in (
        "BSD-3-Clause",
        "https://creativecommons.org/licenses/by/4.0/legalcode",
        "https://creativecommons.org/licenses/by-sa/3.0/legalcode",
    ):
        assert words in licence


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("make"):
        pytest.skip("make isn't installed")
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")  # set where `make test` runs these tests
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_the_readme_names_only_targets_and_files_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test", "lab"} <= named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


def stated(title: str) -> tuple[float, float]:
    """Return the hours that a notebook's first cell states, at least and at most."""
    (row,) = re.findall(r"^\| \*\*Time\*\* \| (.+) \|$", title, re.MULTILINE)
    total = re.sub(r"\([^)]*\)", "", row.split(":")[0].casefold())
    least = most = sum(int(minutes) for minutes in re.findall(r"(\d+) minutes", total)) / 60
    hours = r"(\w+)(½| and a half)?(?: to (\d+))? hours?( and a half)?"
    for number, half, upper, half_after in re.findall(hours, total):
        least += float(NUMBERS.get(number) or number) + 0.5 * bool(half or half_after)
        most += float(upper or NUMBERS.get(number) or number) + 0.5 * bool(half or half_after)
    assert most >= least > 0, row
    return least, most


@pytest.mark.parametrize(
    ("row", "hours"),
    [
        ("About 5 hours: 3½ hours for reading, 45 minutes for the quiz", (5, 5)),
        ("4 hours and a half, best in two sittings (after section 6C.3): 3 hours", (4.5, 4.5)),
        ("3 hours 20 minutes: two and a half hours for reading", (3 + 1 / 3, 3 + 1 / 3)),
        ("Four and a half hours, in two sittings, and 45 minutes for the rest", (5.25, 5.25)),
        ("5 to 8 hours, most of it for your own experiments", (5, 8)),
    ],
)
def test_hours_are_read_as_they_are_stated(row: str, hours: tuple[float, float]) -> None:
    assert stated(f"| **Time** | {row} |") == pytest.approx(hours)


def test_the_readme_adds_up_the_hours_that_the_notebooks_state() -> None:
    least = most = 0.0
    for folder in sorted((ROOT / "source").iterdir()):
        cells = [json.loads(path.read_text("utf-8"))["cells"][0] for path in folder.glob("*.ipynb")]
        times = [stated("".join(cell["source"])) for cell in cells]
        (row,) = re.findall(rf"^\| `{folder.name}` \| (\d+)(?: to (\d+))? \|", README, re.MULTILINE)
        of_chapter = [sum(time[end] for time in times) for end in (0, 1)]
        assert [float(row[0]), float(row[1] or row[0])] == pytest.approx(of_chapter, abs=0.5)
        least, most = least + of_chapter[0], most + of_chapter[1]
    assert f"That is {round(least)} to {round(most)} hours in all" in README


def test_make_alone_lists_every_target() -> None:
    listed = set(re.findall(r"^  make (\w+) +\w", make().stdout, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert listed == set(phony[1].split())


@pytest.mark.parametrize(
    "target", ["setup", "demo", "test", "lab", "release", "lint", "lock", "bench", "mutants"]
)
def test_every_target_makes_a_missing_environment_first(target: str, tmp_path: Path) -> None:
    commands = make("--dry-run", target, f"VENV={tmp_path}/new").stdout
    steps = [
        "-m venv",
        "-r requirements.lock",
        "--no-deps --no-build-isolation -e .",
        "-m compileall -q course helpers",
    ]
    places = [commands.index(step) for step in steps]
    assert places == sorted(places)
    own = commands[places[-1] :].partition("\n")[2].replace(f"touch {tmp_path}/new/.ready", "")
    assert bool(own.strip()) == (target != "setup")


def test_an_old_python_is_refused_in_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # as Python before 3.11 answers the question of make
    old.chmod(0o755)
    done = make("setup", f"PYTHON={old}", f"VENV={tmp_path}/new")
    assert done.returncode
    own = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(own) == 1
    assert "Python 3.11 or newer" in own[0]
    assert not (tmp_path / "new").exists()
