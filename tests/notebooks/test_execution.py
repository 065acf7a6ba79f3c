"""The notebooks run in a real kernel: the source to its end, the release up to what is unfilled."""

import base64
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from matplotlib.testing.compare import compare_images

from course.notebooks.conventions import FIGURES

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

WARNS = "warns"  # tag of a cell that is there to show a warning
MEASURED = (
    "measured"  # tag of a cell whose figure no two machines draw alike: times, long trainings
)
# RMS difference of 8-bit channels. The same Matplotlib draws the same pixels; another FreeType
# moves edges of letters by a shade (about 1), a curve or label that has changed gives 5 and more.
TOLERANCE = 3


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


def differences(nb, figures, folder):
    """Compare the figures that a notebook has drawn with the files that it shows."""
    pictures = {
        output.metadata["image/png"]["name"]: output.data["image/png"]
        for cell, output in outputs(nb, "display_data")
        if "image/png" in output.data and MEASURED not in cell.metadata.get("tags", [])
    }
    assert pictures
    for name, picture in pictures.items():
        drawn = folder / f"{name}.png"
        drawn.write_bytes(base64.b64decode(picture))
        yield compare_images(str(figures / drawn.name), str(drawn), TOLERANCE)


def released(source):
    return ROOT / "release" / source.assignment / source.path.name


@pytest.mark.one_in(6)
def test_a_source_notebook_runs_without_a_warning_and_draws_its_figures(source, tmp_path):
    nb = execute(source.path, tmp_path)
    assert warned(nb) == set()
    found = differences(nb, source.path.parent / FIGURES, tmp_path)
    assert [difference for difference in found if difference] == []


@pytest.mark.one_in(4)
def test_a_released_notebook_stops_at_nothing(source, tmp_path):
    nb = execute(released(source), tmp_path)
    texts = [output.text for _, output in outputs(nb, "stream")]
    assert any("which isn't written yet. It was left out" in text for text in texts)
    assert warned(nb) == set()
