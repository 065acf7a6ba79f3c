"""What answers a notebook is closed to it, and open to the work that builds on it."""

import shutil
from pathlib import Path

import pytest

from course.notebooks.answers import closed_helpers
from course.notebooks.source import SourceNotebook, source_notebook

SOURCE = Path(__file__).parents[3] / "source"


def closed(assignment, notebook):
    return closed_helpers(source_notebook(SOURCE / assignment / f"{notebook}.ipynb"))


@pytest.mark.parametrize(
    ("assignment", "notebook", "module"),
    [
        ("01_activations", "activations", "helpers.answers.gradients"),
        ("03_forward_pass", "forward_pass", "helpers.answers.layers"),
        ("04_backprop", "layers", "helpers.answers.layers"),
        ("04_backprop", "two_layer_net", "helpers.answers.networks"),
        ("04_backprop", "two_layer_by_hand", "helpers.answers.networks"),
        ("05_dual_layer", "dual_layer", "helpers.answers.optimizers"),
        ("06_hyperparameters", "optimizers", "helpers.answers.optimizers"),
        ("06_hyperparameters", "optimizers", "helpers.answers.initialization"),
        ("06_hyperparameters", "multi_layer_net", "helpers.answers.deep_layers"),
        ("06_hyperparameters", "hyperparameter_search", "helpers.answers.training"),
        ("07_frameworks", "autograd", "helpers.answers.autograd"),
    ],
)
def test_what_answers_a_notebook_is_closed_to_it(assignment, notebook, module):
    assert module in closed(assignment, notebook)


@pytest.mark.parametrize(
    ("assignment", "notebook", "module"),
    [
        ("02_softmax", "softmax", "helpers.answers.gradients"),
        ("04_backprop", "two_layer_net", "helpers.answers.layers"),
        ("05_dual_layer", "dual_layer", "helpers.answers.layers"),
        ("06_hyperparameters", "optimizers", "helpers.answers.layers"),
        ("06_hyperparameters", "multi_layer_net", "helpers.answers.optimizers"),
        ("06_hyperparameters", "multi_layer_net", "helpers.answers.initialization"),
        ("06_hyperparameters", "hyperparameter_search", "helpers.answers.deep_networks"),
        ("07_frameworks", "autograd", "helpers.answers.networks"),
    ],
)
def test_what_a_notebook_builds_on_is_open_to_it(assignment, notebook, module):
    assert module not in closed(assignment, notebook)


def test_an_answer_that_nobody_lists_is_closed(course_root):
    path = course_root / "source" / "01_doubling" / "doubling.ipynb"
    assert "helpers.answers.layers" in closed_helpers(source_notebook(path))


def test_what_an_assignment_before_lists_is_open(course_root):
    before = course_root / "source" / "00_before"
    shutil.copytree(course_root / "source" / "01_doubling", before)
    path = before / "assignment.toml"
    path.write_text(path.read_text().replace("order = 1", "order = 0") + 'answers = ["layers"]\n')
    source = source_notebook(course_root / "source" / "01_doubling" / "doubling.ipynb")
    assert "helpers.answers.layers" not in closed_helpers(source)
    assert "helpers.answers.networks" in closed_helpers(source)
    assert "helpers.answers.layers" in closed_helpers(source_notebook(before / "doubling.ipynb"))


def test_a_helper_that_defines_what_an_exercise_asks_for_is_closed(source: SourceNotebook):
    assert "helpers.plots" not in closed_helpers(source)
    solution = source.cell("double")
    solution["id"] = solution.metadata.nbgrader.grade_id = "axes"  # plots.axes
    test = source.cell("test_double")
    test["id"] = test.metadata.nbgrader.grade_id = "test_axes"
    renamed = SourceNotebook("doubling", "01_doubling", source.notebook)
    assert "helpers.plots" in closed_helpers(renamed)
