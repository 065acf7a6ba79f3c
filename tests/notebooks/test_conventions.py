"""The source notebooks keep the conventions, and release/ and the figures are what they make."""

import re
from pathlib import Path

from course.conventions import FIGURES, problems
from course.notebook import is_manual, is_test, read
from course.release import check_current, leaks

ROOT = Path(__file__).parents[2]
# The exercises that readers look for, in their order.
EXERCISES = {
    "activations": """
        step_function sigmoid tanh relu identity_function numerical_diff sigmoid_grad
        tanh_grad relu_grad gradient_after check_sigmoid check_numerical_diff
    """,
    "softmax": """
        softmax_naive softmax log_softmax cross_entropy_error softmax_cross_entropy
        softmax_jacobian softmax_cross_entropy_grad predict_class check_large_scores
        check_rows
    """,
    "forward_pass": """
        affine init_network forward forward_deep count_parameters predict accuracy
        predict_in_batches check_batches check_prepare
    """,
    "two_layer_by_hand": """
        layer_sizes initialize_parameters forward_propagation compute_cost
        backward_propagation update_parameters nn_model predict check_backward
    """,
    "two_layer_net": """
        MulLayer AddLayer Relu Sigmoid Affine SoftmaxWithLoss TwoLayerNet train check_relu
        check_gradients
    """,
    "dual_layer": """
        prepare init_weights forpass reg_loss backprop training update_val_loss fit score
        random_init check_all_gradients check_minibatch
    """,
    "multi_layer_net": """
        SGD Momentum AdaGrad RMSprop Adam initial_std BatchNormalization batch_norm_backward
        Dropout decay_loss make_layers MultiLayerNetExtend check_train_flag
    """,
    "hyperparameter_search": """
        shuffle_dataset validation_split Trainer sample_log_uniform run_trial random_search
        narrow check_steps check_shuffle
    """,
}
HEADING = re.compile(r"^### Exercise (?:[\w]+)\.(\d+): (.+) \((\d+) points?\)$", re.MULTILINE)
WORDS = {1: "an answer", 2: "two answers"}
SHOW = r'plots\.show\(\s*\w+,\s*"(\w+)"'


def test_a_source_notebook_keeps_the_conventions(source):
    assert problems(source.notebook, str(source), source.path.parent) == []


def test_it_has_every_exercise_in_its_order(source):
    assert [exercise.id for exercise in source.exercises] == EXERCISES[str(source)].split()


def test_headings_number_the_exercises_and_say_what_each_is_worth(source):
    worth, headings = [], []
    for cell in source.notebook.cells:
        if is_test(cell) or is_manual(cell):
            worth.append(cell.metadata.nbgrader.points)
        elif cell.cell_type == "markdown":
            headings += HEADING.findall(cell.source)
    assert [int(points) for _, _, points in headings] == worth
    assert [int(number) for number, _, _ in headings] == list(range(1, len(worth) + 1))


def test_the_first_cell_says_what_the_notebook_is_worth(source):
    by_hand = [c.metadata.nbgrader.points for c in source.notebook.cells if is_manual(c)]
    tested = sum(exercise.points for exercise in source.exercises)
    marks = f"{sum(by_hand) + tested} points: {tested} graded by tests, {sum(by_hand)} for "
    assert f"{marks}{WORDS[len(by_hand)]} in words" in source.notebook.cells[0].source


def test_a_release_gives_nothing_away(source):
    assert leaks(source.notebook, source.release.read_text(encoding="utf-8")) == []
    assert leaks(source.notebook, source.path.read_text(encoding="utf-8"))


def test_release_is_what_source_makes():
    assert check_current(ROOT) == []


def test_every_figure_is_shown_by_a_cell():
    for folder in (ROOT / "source").iterdir():
        cells = [cell for path in folder.glob("*.ipynb") for cell in read(path).cells]
        shown = [name for cell in cells for name in re.findall(SHOW, cell.source)]
        assert sorted(shown) == sorted(path.stem for path in folder.glob(f"{FIGURES}/*"))
