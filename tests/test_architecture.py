"""Holds the contracts in pyproject.toml on which package may know which, and sees each bite."""

import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    options = ("--no-cache", "--no-logo", *options)
    return subprocess.run([command, *options], cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their contracts, in a folder where they may be broken."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("helpers", "course"):
        code = shutil.ignore_patterns("__pycache__", "data", "templates")
        shutil.copytree(ROOT / package, folder / package, ignore=code)
    return folder


def test_every_arrow_holds(copied: Path) -> None:
    done = lint_imports(copied)
    assert done.returncode == 0, done.stdout + done.stderr


BREAKS = [
    ("helpers", "helpers/plots.py", "course.layout"),
    ("helpers", "helpers/checks.py", "nbgrader"),
    ("packages", "course/notebooks/cells.py", "course.judge.outputs"),
    ("packages", "course/judge/preprocessor.py", "course.repair.repair"),
    ("packages", "course/judge/judging.py", "course.grading.report"),
    ("packages", "course/a_module_without_a_place.py", "sys"),
    ("judge", "course/judge/shell.py", "course.judge.judging"),
    ("border", "course/judge/wire/student_end.py", "nbgrader"),
    ("border", "course/judge/sandbox/server.py", "course.layout"),
    ("wire", "course/judge/wire/codec.py", "nbformat"),
    ("confinement", "course/judge/sandbox/linux.py", "course.judge.shell"),
    ("shipped", "course/cli.py", "attacks"),
    ("cycles", "course/repair/salvage.py", "course.repair.align"),
]


def test_every_contract_is_tried() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert {contract["id"] for contract in linter["contracts"]} == {name for name, *_ in BREAKS}


@pytest.mark.parametrize(("contract", "name", "module"), BREAKS)
def test_an_arrow_the_wrong_way_is_found(
    copied: Path, contract: str, name: str, module: str
) -> None:
    path = copied / name
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n\ndef _breaks() -> None:\n    import {module}\n")
    try:
        done = lint_imports(copied, "--contract", contract)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Contracts: 0 kept, 1 broken." in done.stdout
