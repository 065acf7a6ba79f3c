"""What answers a notebook is closed to it, and open to the work that builds on it."""

import pytest

from course.judge.references import blocked


@pytest.mark.parametrize(
    ("assignment", "notebook", "closed"),
    [
        ("01_activations", "activations", "helpers.gradients"),
        ("03_forward_pass", "forward_pass", "helpers.layers"),
        ("04_backprop", "two_layer_net", "helpers.layers"),
        ("04_backprop", "two_layer_by_hand", "helpers.networks"),
        ("05_dual_layer", "dual_layer", "helpers.optimizers"),
        ("06_hyperparameters", "multi_layer_net", "helpers.deep_layers"),
        ("06_hyperparameters", "hyperparameter_search", "helpers.training"),
    ],
)
def test_what_answers_a_notebook_is_closed_to_it(assignment, notebook, closed):
    assert closed in blocked(assignment, notebook)


@pytest.mark.parametrize(
    ("assignment", "notebook", "open_"),
    [
        ("02_softmax", "softmax", "helpers.gradients"),
        ("05_dual_layer", "dual_layer", "helpers.layers"),
        ("06_hyperparameters", "multi_layer_net", "helpers.layers"),
        ("06_hyperparameters", "hyperparameter_search", "helpers.deep_networks"),
    ],
)
def test_what_a_notebook_builds_on_is_open_to_it(assignment, notebook, open_):
    assert open_ not in blocked(assignment, notebook)
