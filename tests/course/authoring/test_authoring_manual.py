"""docs/authoring.md, followed step by step in a copy of the project, by its own code blocks."""

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from course.judge.sandbox import missing
from course.notebooks.cells import read
from helpers.specification import Trial
from helpers.specification.promises import Promises, promised

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "authoring.md"
FENCE = re.compile(r"^```(?P<info>.+)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
NOT_FOLLOWED = (
    "console",  # commands for people: set-up, browsers, what takes minutes
    "python sketch",  # no part of the example: see `test_the_class_that_the_page_shows_…`
)
TRIAL = {*dir(Trial), *(field.name for field in fields(Trial))}
LEFT_OUT = (".*", "__pycache__", "*.egg-info", "autograded", "submitted", "feedback", "gradebook*")


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        info: its language and what is said beside it, such as "sh fails".
        before: the line of text above it, which says where it belongs.
        text: what stands in it, with its last line's end.
    """

    info: str
    before: str
    text: str


def blocks() -> Iterator[Block]:
    page = PAGE.read_text(encoding="utf-8")
    for match in FENCE.finditer(page):
        before = page[: match.start()].rstrip().splitlines()[-1]
        yield Block(match["info"], before, match["text"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project as somebody has it who has just cloned it."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return folder


def run(project: Path, block: Block) -> str:
    """Run a block's commands and return what they print; they must end as the page says."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["bash", "-e"],
        input=block.text,
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (done.returncode != 0) == block.info.endswith(" fails"), block.text + done.stdout
    return done.stdout


def without_tests(block: Block) -> Block:
    """Leave out the commands that run tests: they take minutes."""
    lines = block.text.splitlines(keepends=True)
    return replace(block, text="".join(x for x in lines if not x.startswith("pytest ")))


def words(text: str) -> str:
    return " ".join(text.split())


def page_text(path: Path) -> str:
    """Return what a reader of an HTML page sees."""
    return html.unescape(re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")))


def put(project: Path, block: Block) -> None:
    """Write a block where the line above it says."""
    names = re.findall(r"`(.+?)`", block.before)
    match block.before.split()[0], names:
        case "Cell", [cell_id, path]:
            fill_in(project / path, cell_id, block.text)
        case "In", [path]:
            assert block.before.endswith("at the end:")
            with (project / path).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{block.text}")
        case "In", [path, line]:
            swap(project / path, f"{line}\n", f"{block.text}\n\n{line}\n")
        case _, [path] if block.info == "diff":
            lines = block.text.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if not line.startswith("+"))
            new = "".join(line[1:] for line in lines if not line.startswith("-"))
            swap(project / path, old, new)
        case _, [path]:
            assert block.before.endswith("the whole file:"), block.before
            (project / path).write_text(block.text, encoding="utf-8")
        case _:
            pytest.fail(f"where does this belong? {block.before}\n{block.text}")


def fill_in(path: Path, cell_id: str, text: str) -> None:
    nb = read(path)
    (cell,) = [cell for cell in nb.cells if cell.id == cell_id]
    cell.source = text.rstrip("\n")
    nbformat.write(nb, path)


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_block_was_read() -> None:
    assert len(list(blocks())) == PAGE.read_text(encoding="utf-8").count("\n```") / 2 > 30


LAYER = """
class LeakyReLU:
    def __init__(self, a):
        self.a = a

    def forward(self, x):
        self.slope = np.where(x > 0, 1.0, self.a)
        return self.slope * x

    def backward(self, dout):
        return self.slope * dout
"""


def test_the_class_that_the_page_shows_is_held_to_what_it_says() -> None:
    (sketch,) = (block.text for block in blocks() if block.info == "python sketch")
    imports = "from helpers.specification import arrays, interaction, numbers, part\n"
    promises = Promises(imports + sketch, ["import numpy as np"], {"LeakyReLU": LAYER})
    first_only = LAYER.replace("self.slope = ", "if not hasattr(self, 'slope'): self.slope = ")
    no_chain = LAYER.replace("self.slope * dout", "self.slope")
    for layer, right in ((LAYER, True), (first_only, False), (no_chain, False)):
        names: dict[str, Any] = {"np": np}
        exec(layer, names)
        exec("from helpers.checks import Question\nq = Question('A layer', 2)", names)
        with promised(promises):
            exec("q.compare('LeakyReLU')", names)
        assert [result.passed for result in names["q"].results] == [right]


def test_every_step_that_the_page_names_is_one_of_a_trial_s() -> None:
    named = re.findall(r"\bt\.(\w+)", PAGE.read_text(encoding="utf-8"))
    assert len(set(named)) > 10
    assert [name for name in named if name not in TRIAL] == []


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason="unconfined, nothing is graded here")
def test_whoever_follows_the_page_gets_what_it_says(project: Path, thorough: bool) -> None:
    said = ""
    for block in blocks():
        kind, _, place = block.info.partition(" in ")
        if kind.split()[0] == "sh":
            said = run(project, block if thorough else without_tests(block))
        elif kind == "text":
            found = words(page_text(project / place) if place else said)
            for line in block.text.splitlines():
                assert words(line) in found, f"{line}\n--- is not in\n{said}"
        elif kind not in NOT_FOLLOWED:
            put(project, block)
    written = "source/09_example helpers/diagnosis.py tests/helpers/test_diagnosis.py"
    written += " attacks/patched_with.py"
    run(project, Block("sh", "", f"ruff check {written}\nruff format --check {written}\n"))
