"""The manual is true: what it names exists, and what it tells an instructor to do works.

The manual is README.md, CONTRIBUTING.md, CHANGELOG.md and docs/. Its commands are held against the
programs, its paths, names and links against the repository. And docs/instructor.md is walked: its
HTML comments say what a reader is to do with the block below.

    <!-- run -->            a shell block: it is run, in the order of the page
    <!-- shows -->          its lines stand in what the last block printed; `…` stands for anything
    <!-- write: NAME -->    the block is the file NAME
    <!-- append: NAME -->   the block is added to the file NAME
    <!-- by hand: WORDS --> what a person does in the browser; see BY_HAND
"""

import ast
import fnmatch
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest
import typer
from nbgrader.api import Gradebook
from nbgrader.apps.nbgraderapp import NbGraderApp
from nbgrader.exchange.default import Exchange
from typer.exceptions import TyperException

from course.cli import app
from course.grading.grade import Grading
from course.judge.judging import MEMORY
from course.judge.preprocessor import Judge
from course.judge.sandbox import missing
from course.judge.sandbox.linux import LAYERS
from course.judge.sandbox.port import PROTECTIONS, Confinement
from course.repair.folder import MOST_BYTES, MOST_FILES

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
HISTORY = ROOT / "CHANGELOG.md"  # it may name what is gone
PACKAGES = ("course", "helpers", "attacks", "benchmarks")
CONFIGURABLE = list(NbGraderApp()._classes_inc_parents())

# --- reading a page -------------------------------------------------------------------------------

FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[a-z]+)(?:: (?P<what>[^>]+?))? -->\n+)?"
    r"(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
BY_HAND_MARK = re.compile(r"^<!-- by hand: (?P<what>[^>]+?) -->$", re.MULTILINE)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, or a mark that stands by itself: what to do with it, and with which file."""

    mark: str
    what: str
    language: str
    body: str


@dataclass(frozen=True)
class Page:
    """A page of the manual, in the place where its links are relative to."""

    path: Path
    text: str

    def __str__(self) -> str:
        return self.path.name

    @cached_property
    def blocks(self) -> list[Block]:
        """What is fenced or marked, in the order of the page."""
        found = {
            match.start(): Block(
                match["mark"] or "", match["what"] or "", match["language"], match["body"]
            )
            for match in FENCE.finditer(self.text)
        }
        for match in BY_HAND_MARK.finditer(FENCE.sub(_blank, self.text)):
            found[match.start()] = Block("by hand", match["what"], "", "")
        return [found[place] for place in sorted(found)]

    @property
    def prose(self) -> str:
        """All but what is fenced."""
        return FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """Inline code, each in one line."""
        return [" ".join(span.split()) for span in SPAN.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        """Where its links lead to."""
        return LINK.findall(SPAN.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """What a link may name after `#`, as GitHub makes it of a heading."""
        found: list[str] = []
        for heading in HEADING.findall(self.prose):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            again = sum(other == anchor for other in found)
            found.append(anchor)
            if again:
                found.append(f"{anchor}-{again}")
        return set(found)

    @property
    def commands(self) -> Iterator[list[str]]:
        """The words of each command in a block of the shell."""
        for block in self.blocks:
            if block.language in ("sh", "console"):
                yield from commands(block.body)

    @property
    def named_commands(self) -> Iterator[list[str]]:
        """The words of each command that the text names; it may leave out what it is given."""
        for span in self.spans:
            if span.partition(" ")[0] in CHECKS:
                yield shlex.split(span)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def read(path: Path) -> Page:
    return Page(path, path.read_text(encoding="utf-8"))


def commands(shell: str) -> Iterator[list[str]]:
    """Yield the words of each command of a shell script without redirections and loops."""
    lexer = shlex.shlex(
        shell.replace("\\\n", " ") + "\n", posix=True, punctuation_chars="();<>|&\n"
    )
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    words: list[str] = []
    comment = False
    for token in lexer:
        end = set(token) <= set("();<>|&\n")
        comment = "\n" not in token and (comment or token.startswith("#"))
        if end and words:
            yield words
            words = []
        elif not end and not comment and (words or not re.match(r"[A-Z_]+=", token)):
            words.append(token)


PAGES = [read(path) for path in GUIDES]
ARCHITECTURE, INSTRUCTOR = (read(ROOT / "docs" / f"{n}.md") for n in ("architecture", "instructor"))


def test_a_page_is_taken_apart_as_it_stands() -> None:
    page = Page(
        ROOT / "docs" / "page.md",
        "# The `one` & only\n\nSee `course\ngrade`, [a](#b), `[no](link)`.\n\n# Twice\n# Twice\n\n"
        "<!-- by hand: look -->\n\n<!-- write: a.csv -->\n\n```csv\n# no heading\n```\n\n"
        "<!-- run -->\n```sh\ncd demo && make 'a b'  # and so `on`\nA=1 course \\\n  grade\n```\n",
    )
    assert page.spans == ["one", "course grade", "[no](link)"]
    assert page.links == ["#b"]
    assert page.anchors == {"the-one--only", "twice", "twice-1"}
    assert [(block.mark, block.what, block.language) for block in page.blocks] == [
        ("by hand", "look", ""),
        ("write", "a.csv", "csv"),
        ("run", "", "sh"),
    ]
    assert list(page.commands) == [
        ["cd", "demo"],
        ["make", "a b"],
        ["course", "grade"],
    ]
    assert list(page.named_commands) == [["course", "grade"]]


# --- commands -------------------------------------------------------------------------------------


def course_problem(words: list[str]) -> str:
    """Say what `course` would have against these words; nothing if it would take them."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("course", words[1:] or ["--help"], resilient_parsing=True)
    name, rest = "course", words[1:]
    while rest and hasattr(command, "get_command"):
        name, *rest = rest
        if name.isupper():  # a placeholder for any of them
            return ""
        command = command.get_command(context, name)
        if command is None:
            return f"course has no command {name}"
    rest = [word for word in rest if word not in ("--help", "-h")]
    if not rest and words[-1] in (name, "--help", "-h"):  # it is named, not called
        return ""
    try:
        command.make_context(name, rest)
    except TyperException as error:
        return f"course {name}: {error}"
    return ""


def nbgrader_problem(words: list[str]) -> str:
    """Say what nbgrader knows nothing of in these words."""
    program: Any = NbGraderApp()
    rest = words[1:]
    while rest and rest[0] in program.subcommands:
        program = program.subcommands[rest[0]][0]()
        rest = rest[1:]
    if program.subcommands and rest and not rest[0].startswith("-"):
        return f"nbgrader has no command {' '.join(words[1:])}"
    options = {*program.aliases, *program.flags, "help", "help-all"}
    for word in rest:
        if match := re.match(r"--?([\w.-]+)", word):
            name = match[1]
            if name not in options and not is_setting(name):
                return f"{' '.join(words[:2])} has no option {name}"
    return ""


def is_setting(name: str) -> bool:
    """Tell whether a class of nbgrader's, or the judge, can be configured by `Class.trait`."""
    owner, _, trait = name.partition(".")
    classes = [kind for kind in [*CONFIGURABLE, Exchange, Grading, Judge] if kind.__name__ == owner]
    return any(trait in kind.class_trait_names(config=True) for kind in classes)


def make_problem(words: list[str]) -> str:
    """Say which targets and variables the Makefile hasn't got."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words[1:]:
        name, is_variable, _ = word.partition("=")
        form = rf"^{re.escape(name)} \?=" if is_variable else rf"^{re.escape(name)}:"
        if not re.search(form, makefile, re.MULTILINE):
            return f"the Makefile has no {name}"
    return ""


def python_problem(words: list[str]) -> str:
    """Say which module of `python -m` isn't there."""
    if words[1:2] == ["-m"] and importlib.util.find_spec(words[2]) is None:
        return f"there is no module {words[2]}"
    return ""


def pytest_problem(words: list[str]) -> str:
    """Say which file or folder of tests isn't there."""
    paths = [word for word in words[1:] if word.startswith("tests")]
    gone = [path for path in paths if not (ROOT / path.partition("::")[0]).exists()]
    return f"there is no {gone[0]}" if gone else ""


def no_problem(words: list[str]) -> str:
    """Leave a command of the system's to the walk."""
    return ""


CHECKS: dict[str, Callable[[list[str]], str]] = {
    "course": course_problem,
    "nbgrader": nbgrader_problem,
    "make": make_problem,
    "python": python_problem,
    "pytest": pytest_problem,
}
# Those that are no part of the lock; `dask` comes with the extra `scale`.
SYSTEM = ("cat", "cd", "chmod", "conda", "cp", "dask", "git", "jupyter", "mkdir", "source", "tar")


def command_problem(words: list[str]) -> str:
    program = words[0].removeprefix(".venv/bin/")
    if program not in (*CHECKS, *SYSTEM) and not (Path(sys.prefix) / "bin" / program).exists():
        return f"nobody knows {program}"
    return CHECKS.get(program, no_problem)(words)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_exists_with_its_options(page: Page) -> None:
    found = [command_problem(words) for words in page.commands]
    named = [command_problem(words) for words in page.named_commands]
    named = [problem for problem in named if "Missing parameter" not in problem]
    assert [problem for problem in [*found, *named] if problem] == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("course grad", "no command grad"),
        ("course grade --studnet ada", "No such option"),
        ("course check", ""),
        ("course check --json", "Missing parameter"),
        ("course check a.ipynb --replay", "requires an argument"),
        ("course doctor now", "unexpected extra argument"),
        ("course COMMAND --help", ""),
        ("course grade 01_activations --student ada --force", ""),
        ("nbgrader db student ad", "no command"),
        ("nbgrader autograde 01_activations --studnet=ada", "no option studnet"),
        ("nbgrader export --to=grades.csv", ""),
        ("nbgrader autograde 01_activations --Judge.cell_seconds=5", ""),
        ("nbgrader autograde 01_activations --Judge.cell_second=5", "no option"),
        ("make tets", "no tets"),
        ("make lab LAB=x", ""),
        ("make lab LBA=x", "no LBA"),
        ("python -m benchmarks.nothing", "no module"),
        ("pytest tests/test_nothing.py", "no tests/test_nothing.py"),
        ("pytest tests/test_manual.py::test_x -n 0", ""),
        ("curse grade", "nobody knows curse"),
    ],
)
def test_a_command_that_would_fail_is_found(command: str, words: str) -> None:
    (found,) = commands(command)
    problem = command_problem(found)
    assert words in problem
    assert bool(words) == bool(problem)


# --- paths, names, links --------------------------------------------------------------------------

PATH = re.compile(r"\.?[\w*][\w.*-]*(/[\w.*-]+)+/?|\.?[\w*-]+\.(py|md|toml|ipynb|lock|yml|csv|db)")
DOTTED = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)+")
EXAMPLE = re.compile(r"(?<=course new chapter )\w+|[\w/.]+(?=`, the whole file:)")
SETTING = re.compile(r"c\.(\w+\.\w+)")


def path_problem(page: Page, span: str) -> str:
    """Say that a path is neither in the repository, nor something that work makes, nor made here.

    What stands in angle brackets stands for any name.
    """
    path = re.sub(r"<[^>]+>", "*", span)
    if not PATH.fullmatch(path):
        return ""
    bases = [ROOT, ROOT / "source", ROOT / "release", page.path.parent]
    there = any(any(base.glob(path.rstrip("/"))) for base in bases)
    name = Path(path).name
    anywhere = "/" not in path and any(ROOT.glob(f"*/**/{name}"))
    blocks = [block for block in page.blocks if block.language != "text"]
    made = any(span in block.body or span == block.what for block in blocks)
    example = any(name in path for name in EXAMPLE.findall(page.text))
    fine = there or anywhere or made or example or is_ignored(path)
    return "" if fine else f"there is no {span}"


def is_ignored(path: str) -> bool:
    """Tell whether a path is of what git leaves alone: people's work, grades, environment."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip("/") for line in lines if line and line[0] not in "#!"]
    places = [path.rstrip("/"), *map(str, Path(path).parents)]
    return any(fnmatch.fnmatch(place, pattern) for place in places for pattern in patterns)


def name_problem(span: str) -> str:
    """Say that a module, or something in one, isn't there, or a setting of nbgrader's."""
    if setting := SETTING.fullmatch(span.partition(" ")[0]):
        return "" if is_setting(setting[1]) else f"nothing is configured by {span}"
    if not DOTTED.fullmatch(span):
        return ""
    parts = span.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return f"there is no {span}"
            found = getattr(found, part)
        return ""
    return f"there is no {span}"


def link_problem(page: Page, link: str) -> str:
    """Say that a link leads nowhere. Other sites are not visited."""
    if re.match(r"(https?|mailto):", link):
        return ""
    place, _, anchor = link.partition("#")
    target = (page.path.parent / place).resolve() if place else page.path
    if not target.exists():
        return f"there is no {place}"
    there = page if target == page.path else read(target) if target.suffix == ".md" else None
    return "" if not anchor or (there and anchor in there.anchors) else f"{link} leads nowhere"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_path_and_name_exists(page: Page) -> None:
    spans = page.spans
    found = [path_problem(page, span) or name_problem(span) for span in spans]
    assert [problem for problem in found if problem] == []


@pytest.mark.parametrize("page", [*PAGES, read(HISTORY)], ids=str)
def test_every_link_leads_somewhere(page: Page) -> None:
    assert [problem for link in page.links if (problem := link_problem(page, link))] == []


@pytest.mark.parametrize(
    ("span", "wrong"),
    [
        ("source/<chapter>/bank/", False),
        ("source/<chapter>/banks/", True),
        ("course/judge/wire/codec.py", False),
        ("course/judge/codec.py", True),
        ("codec.py", False),
        ("kodec.py", True),
        ("submitted/ada/01_activations/activations.ipynb", False),
        (".venv/bin/python", False),
        ("gradebook.db", False),
        ("helpers.checks.Question", False),
        ("helpers.checks.Questions", True),
        ("course.judge.wires", True),
        ("c.Judge.unprotected = True", False),
        ("c.Judge.protected", True),
        ("c.FileNameCollectorPlugin.named_regexp", False),
        ("np.exp(x)", False),
    ],
)
def test_a_path_or_name_that_is_not_there_is_found(span: str, wrong: bool) -> None:
    page = read(ROOT / "README.md")
    assert bool(path_problem(page, span) or name_problem(span)) == wrong


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("docs/security.md", False),
        ("docs/safety.md", True),
        ("#quick-start", False),
        ("#slow-start", True),
        ("docs/exercises.md#the-exercises", False),
        ("docs/exercises.md#no-exercises", True),
        ("https://example.org/#x", False),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link: str, wrong: bool) -> None:
    assert bool(link_problem(read(ROOT / "README.md"), link)) == wrong


# --- which package may know which -----------------------------------------------------------------


def may_know() -> dict[str, list[str]]:
    """The rows of architecture.md's table: a package or module, and what else it may know."""
    rows = [row.split("|") for row in ROW.findall(ARCHITECTURE.text)]
    found = {}
    for row in rows:
        names = SPAN.findall(row[0])
        if len(row) == 3 and names and all(name.split(".")[0] in PACKAGES for name in names):
            for name in names:
                found[name] = SPAN.findall(row[2])
    return found


def packages() -> set[str]:
    """Every package there is."""
    paths = [path for top in PACKAGES for path in ROOT.glob(f"{top}/**/__init__.py")]
    return {".".join(path.parent.relative_to(ROOT).parts) for path in paths}


def row_of(module: str, rows: dict[str, list[str]]) -> str:
    """The row that a module belongs to: its own, or that of the nearest package."""
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((name for name in names if name in rows), "")


def imports(path: Path) -> Iterator[str]:
    """What a file imports of this project's packages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


def unlisted(rows: dict[str, list[str]]) -> Iterator[str]:
    """What some row's modules import though the row doesn't say so."""
    for top in ("course", "helpers"):
        for path in sorted(ROOT.glob(f"{top}/**/*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            row = row_of(module.removesuffix(".__init__"), rows)
            for name in imports(path):
                other = row_of(name, rows)
                known = any(f"{other}.".startswith(f"{one}.") for one in [row, *rows.get(row, [])])
                if not known:
                    yield f"{row or module} knows {other or name}"


def test_every_package_is_in_the_table_and_nothing_else() -> None:
    named = set(may_know())
    assert packages() - {"course"} <= named
    modules = {f"course.{path.stem}" for path in ROOT.glob("course/*.py")} - {"course.__init__"}
    assert named - packages() == modules


def test_the_table_says_all_that_a_package_knows() -> None:
    assert sorted(set(unlisted(may_know()))) == []


def test_what_the_table_does_not_say_is_found() -> None:
    rows = may_know()
    rest = [name for name in rows["course.repair"] if name != "course.notebooks"]
    assert {*unlisted({**rows, "course.repair": rest})} == {"course.repair knows course.notebooks"}
    without = [name for name in rows["course.grading"] if name != "course.judge"]
    found = {*unlisted({**rows, "course.grading": without})}
    assert "course.grading knows course.judge" in found


def test_the_table_stands_in_the_order_that_the_linter_holds() -> None:
    """What knows the most comes first: a row knows only rows below it, or of its own package."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c.get("containers") == ["course"])
    floors = [[f"course.{name}" for name in layer.split(" | ")] for layer in layers]
    tops = [name for name in may_know() if name.count(".") == 1 and name.startswith("course.")]
    places = [tops.index(name) for floor in floors for name in sorted(floor, key=tops.index)]
    assert places == sorted(places)
    assert len(places) == len(tops)


# --- a term, walked -------------------------------------------------------------------------------


def mark_answers(course: Path) -> None:
    """What formgrader does when a person enters points."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook(
            "activations", "01_activations", "amina.diallo"
        )
        waiting = [grade for grade in notebook.grades if grade.needs_manual_grade]
        assert len(waiting) == 3
        for grade in waiting:
            grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()


def change_points(course: Path) -> None:
    def change(cell: Any) -> None:
        cell.metadata.nbgrader.points = 5

    edit(course, "why_relu", change)


def leave_out(course: Path) -> None:
    (test,) = (block.body for block in INSTRUCTOR.blocks if "is left out" in block.body)

    def change(cell: Any) -> None:
        cell.source = test.rstrip()

    edit(course, "test_tanh", change)


def edit(course: Path, name: str, change: Callable[[Any], None]) -> None:
    """Change a cell of the source notebook, as a person does in JupyterLab."""
    path = course / "source" / "01_activations" / "activations.ipynb"
    nb: Any = nbformat.read(path, 4)
    (cell,) = [cell for cell in nb.cells if cell.id == name]
    change(cell)
    nbformat.write(nb, path)


BY_HAND = {
    "mark Amina's answers in words with one point each": mark_answers,
    "give `why_relu` 5 points in place of 3": change_points,
    "put a test that always passes in place of that of `tanh`": leave_out,
}


class Walk:
    """A reader who does what the page says, from a course folder on.

    Args:
        folder: where to begin.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        scripts = sysconfig.get_path("scripts")
        self._end = folder.parent / "cwd"
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
            "HOME": str(folder.parent),
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }

    def take(self, block: Block) -> None:
        """Do what one block says.

        Raises:
            AssertionError: if it doesn't work, or doesn't show what the page says.
        """
        match block.mark:
            case "run":
                self._run(block.body)
            case "shows":
                gone = [line for line in block.body.splitlines() if not self._shown(line)]
                assert gone == [], f"not in:\n{self.printed}"
            case "write":
                (self.folder / block.what).write_text(block.body, encoding="utf-8")
            case "append":
                with (self.folder / block.what).open("a", encoding="utf-8") as file:
                    file.write(f"\n{block.body}")
            case "by hand":
                BY_HAND[block.what](self.folder)

    def _run(self, script: str) -> None:
        """Run a script, and go on where it has ended."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{script}\npwd > '{self._end}'"],
            cwd=self.folder, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.printed = done.stdout
        assert done.returncode == 0, f"{script}\n{self.printed}"
        self.folder = Path(self._end.read_text().strip())

    def _shown(self, line: str) -> bool:
        """Tell whether a line was printed, but for blanks, and for what `…` stands for."""
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        printed = "\n".join(" ".join(text.split()) for text in self.printed.splitlines())
        return bool(re.search(" ?.*? ?".join(parts), printed))


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason="where nothing is confined, no class is graded")
def test_the_instructor_s_page_can_be_walked_from_top_to_bottom(tmp_path: Path) -> None:
    course = tmp_path / "course"
    shutil.copytree(ROOT / "source" / "01_activations", course / "source" / "01_activations")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    walk = Walk(course)
    for block in INSTRUCTOR.blocks:
        walk.take(block)
    assert walk.folder == course / "demo"
    assert {block.what for block in INSTRUCTOR.blocks if block.mark == "by hand"} == set(BY_HAND)


def test_a_walk_stops_at_what_does_not_work_and_at_what_is_not_shown(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    walk.take(Block("write", "names.csv", "csv", "ada\nbob\n"))
    walk.take(Block("append", "names.csv", "csv", "cat\n"))
    walk.take(Block("run", "", "sh", "mkdir below && cd below && cat ../names.csv"))
    assert walk.folder == tmp_path / "below"
    walk.take(Block("shows", "", "text", "ada\nc…t\n"))
    with pytest.raises(AssertionError, match="dan"):
        walk.take(Block("shows", "", "text", "ada\ndan\n"))
    with pytest.raises(AssertionError, match="no-such-file"):
        walk.take(Block("run", "", "sh", "cat no-such-file\necho done"))
    with pytest.raises(KeyError):
        walk.take(Block("by hand", "dance", "", ""))


def test_most_of_the_instructor_s_commands_are_walked() -> None:
    """What is shown and not run is little: what needs a server, a browser or an installation."""
    shell = [block for block in INSTRUCTOR.blocks if block.language == "sh"]
    rest = [words for block in shell if block.mark != "run" for words in commands(block.body)]
    assert {words[0] for words in rest} <= {"make", "source", "course", "nbgrader", "jupyter"}
    assert len(rest) <= 8 < len(shell) / 2


@pytest.mark.parametrize(
    "name",
    [
        "hw1_ada.lovelace_attempt_2026-10-02-15-30-00_activations.ipynb",
        "hw1_ada.lovelace_attempt_2026-10-02-15-30-00_x_bob_attempt_2026-10-01-00-00-00_x.ipynb",
        "hw1_ada.lovelace_attempt_2026-10-02-15-30-00_work/hw1_bob_attempt_2026-10-01_a.ipynb",
        "hw1_ada.lovelace_attempt_2026-10-02-15-30-00_extracted/extracted/a_bob_attempt_2_a.ipynb",
    ],
)
def test_the_expression_for_files_of_a_platform_takes_nobody_for_another(name: str) -> None:
    (code,) = (block.body for block in INSTRUCTOR.blocks if "named_regexp" in block.body)
    expression = ast.literal_eval(code.partition("named_regexp = ")[2])
    match = re.match(expression, f"/course/downloaded/01_activations/extracted/{name}")
    assert match
    assert match["student_id"] == "ada.lovelace"
    assert match["timestamp"] == "2026-10-02-15-30-00"


# --- numbers --------------------------------------------------------------------------------------


def test_the_limits_of_the_sandbox_are_those_that_the_page_on_security_tells() -> None:
    limits = Confinement.for_student(ROOT)
    text = " ".join((ROOT / "docs" / "security.md").read_text(encoding="utf-8").split())
    assert f"({limits.memory >> 30} GiB more than at the start)" in text
    assert f"{limits.threads} threads, {limits.descriptors} open files" in text
    assert f"{limits.disk >> 20} MiB of disk" in text
    assert f"{MEMORY >> 30} GiB for the tests" in text
    assert f"by default {Judge().limits.notebook:g} seconds of computing" in text
    assert f"files beyond {MOST_FILES:,}, or beyond {MOST_BYTES >> 20} MiB, are left out" in text
    for protection in PROTECTIONS:
        assert f"| {protection} | {', '.join(LAYERS[protection])} |" in text
