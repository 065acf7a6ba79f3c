"""The notebooks run in a real kernel: the source to its end, the release up to what is unfilled."""

import subprocess
import sys

import nbformat
import pytest

pytestmark = pytest.mark.slow

WARNS = "warns"  # tag of a cell that is there to show a warning


def execute(path, folder, *options):
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
    done = folder / "executed.ipynb"
    subprocess.run(
        [*command, *options, "--output", str(done), str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    return nbformat.read(done, as_version=4)


def outputs(nb, kind):
    return [
        (cell, output)
        for cell in nb.cells
        for output in cell.get("outputs", [])
        if kind in (output.output_type, output.get("name"))
    ]


def warned(nb):
    """Return the cells that warn and are not there for it, or are and don't."""
    warning = {cell.id for cell, _ in outputs(nb, "stderr")}
    return warning ^ {cell.id for cell in nb.cells if WARNS in cell.metadata.get("tags", [])}


def test_a_source_notebook_runs_without_a_warning(source, tmp_path):
    assert warned(execute(source.path, tmp_path)) == set()


def test_a_released_notebook_stops_at_nothing_but_what_is_unfilled(source, tmp_path):
    nb = execute(source.release, tmp_path, "--allow-errors")
    errors = outputs(nb, "error")
    assert {error.ename for _, error in errors} == {"NotImplementedError"}
    assert warned(nb) == set()
