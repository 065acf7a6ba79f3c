"""Holds the lists of dependencies together: pyproject.toml, its lock, conda's and the imports."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from course.notebooks.assignment import read_assignments
from course.notebooks.source import source_notebooks

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCAL = {"attacks", "helpers", "course", "tests", "benchmarks", "tools"}


def parse(lines: Iterable[str]) -> list[Requirement]:
    """The requirements of a list, whose comments and hashes stand in lines of their own."""
    kept = [line for line in lines if line and not line.startswith(("#", " "))]
    return [Requirement(line.removesuffix("\\")) for line in kept]


def names(requirements: Iterable[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


BASE = parse(PROJECT["dependencies"])
DEV, SITE = parse(EXTRAS["dev"]), parse(EXTRAS["site"])
OPTIONAL = parse(EXTRAS["frameworks"] + EXTRAS["scale"])
PINS = parse(LOCK.read_text().splitlines())


def lock_command() -> str:
    """The command that the lock says it was made with."""
    found = re.search(r"^#\s+(uv pip compile .+)$", LOCK.read_text(), re.MULTILINE)
    assert found, "requirements.lock doesn't say how it was made"
    return found[1]


@pytest.mark.parametrize("requirement", BASE + DEV + SITE, ids=str)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == name]
    assert pins, f"{name} isn't in requirements.lock: run `make lock`"
    for pin in pins:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert exact.version in requirement.specifier


def test_what_builds_the_project_is_pinned() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for requirement in parse(build):
        pins = [pin for pin in PINS if pin.name == requirement.name]
        assert pins, f"{requirement.name} isn't in requirements.lock"
        assert all(
            exact.version in requirement.specifier for pin in pins for exact in pin.specifier
        )


def test_what_is_large_and_optional_is_not_in_the_lock() -> None:
    assert set(EXTRAS) == {"frameworks", "scale", "dev", "site"}
    assert names(OPTIONAL) - names(BASE + DEV + SITE)
    assert not (names(OPTIONAL) - names(BASE + DEV + SITE)) & names(PINS)


def test_every_pin_has_hashes_and_make_installs_nothing_without() -> None:
    blocks = re.split(r"^(?=\w)", LOCK.read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(PINS)
    assert [
        block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)
    ] == []
    installs = re.findall(r".* install .*-r .*", (ROOT / "Makefile").read_text())
    assert len(installs) == 2
    assert all(" --require-hashes " in command for command in installs)


def test_conda_installs_python_and_pip_then_the_same_lock() -> None:
    lines = (ROOT / "environment.yml").read_text().splitlines()
    items = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    python = f"python={oldest_python()}"
    assert items == [
        "conda-forge",
        python,
        "pip",
        "pip:",
        "-r requirements.lock",
    ]  # no "-e .": it has no hash


def test_the_readme_and_conda_file_install_the_project_alike() -> None:
    (command,) = set(re.findall(r"pip install .+", (ROOT / "environment.yml").read_text()))
    assert command in (ROOT / "README.md").read_text()
    assert command.removeprefix("pip install") in (ROOT / "Makefile").read_text()


def oldest_python() -> str:
    (least,) = SpecifierSet(PROJECT["requires-python"])
    assert least.operator == ">="
    return least.version


def test_the_lock_is_made_for_every_system_and_the_oldest_python_by_make_lock() -> None:
    assert " --universal " in lock_command()
    assert f"--python-version {oldest_python()} " in lock_command()
    assert lock_command() in (ROOT / "Makefile").read_text()


@pytest.mark.slow
def test_the_lock_is_what_its_command_makes_of_pyproject(tmp_path: Path) -> None:
    for file in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / file, tmp_path)
    _, *arguments = lock_command().split()
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    done = subprocess.run(
        [uv, *arguments],
        cwd=tmp_path,
        env={"UV_SYSTEM_CERTS": "true"} | os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    if "Failed to fetch" in done.stderr:
        pytest.skip("the package index can't be reached, so nothing can be resolved")
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "requirements.lock").read_text()
    assert made == LOCK.read_text(), "requirements.lock is out of date: run `make lock`"


def python_of(notebook: Path) -> str:
    """The notebook's code cells without lines of magic, as one module."""
    lines = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            lines += "".join(cell["source"]).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def imported(code: str) -> Iterator[str]:
    """Top-level names of what the code imports, wherever in it."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def third_party_imports(code: str) -> set[str]:
    """Those of them that are neither Python's nor this project's."""
    return set(imported(code)) - sys.stdlib_module_names - LOCAL


@lru_cache
def providers() -> Mapping[str, list[str]]:
    """The distributions that each top-level name comes from: all that is installed is read."""
    return packages_distributions()


def undeclared(path: Path, declared: set[str]) -> set[str]:
    """What the file imports from packages that `declared` doesn't name."""
    code = python_of(path) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")
    return {
        top
        for top in third_party_imports(code)
        if not {canonicalize_name(name) for name in providers().get(top, [top])} & declared
    }


def sources(folders: Iterable[str], pattern: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob(pattern))]


def check_imports(paths: Iterable[Path], declared: set[str]) -> None:
    found = {str(path.relative_to(ROOT)): undeclared(path, declared) for path in paths}
    assert {path: tops for path, tops in found.items() if tops} == {}, "declare it in pyproject"


def test_notebooks_and_specifications_import_nothing_of_this_project_but_helpers() -> None:
    for path in sources(["source", "release"], "*.ipynb"):
        assert LOCAL.intersection(imported(python_of(path))) == {"helpers"}, path
    for path in sources(["source"], "*.py"):
        assert LOCAL.intersection(imported(path.read_text(encoding="utf-8"))) <= {"helpers"}, path


def test_packages_and_notebooks_import_only_what_is_declared_for_readers() -> None:
    paths = sources(["helpers", "course"], "*.py") + sources(["source", "release"], "*.ipynb")
    check_imports(paths, names(BASE + OPTIONAL))


def test_tests_and_tools_import_only_what_is_declared() -> None:
    paths = sources(["tests", "benchmarks", "tools", "docs"], "*.py") + sorted(ROOT.glob("*.py"))
    check_imports(paths, names(BASE + OPTIONAL + DEV + SITE))


def test_an_undeclared_import_is_found(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        "import json, numpy.linalg\nfrom sklearn.svm import SVC\nfrom . import a\nimport zmq\n"
    )
    assert undeclared(file, names(BASE)) == {"zmq"}


def test_what_a_notebook_needs_is_said_alike_wherever_it_stands() -> None:
    """In its set-up cell, in assignment.toml and in the extra of the same name."""
    needy = [
        (source, part.needs)
        for assignment in read_assignments(ROOT / "source")
        for part in assignment.parts
        for source in source_notebooks(ROOT / "source")
        if part.needs and source.name == part.notebook
    ]
    assert [source.name for source, _ in needy] == ["frameworks"]
    for source, needs in needy:
        cells = "\n".join(cell.source for cell in source.notebook.cells)
        (line,) = re.findall(r"^needs\.require\((.+)\)$", cells, re.MULTILINE)
        assert re.findall(r'"([^"]+)"', line) == list(needs) == EXTRAS[source.name]
