"""Graphs: values above, gradients below, boxes around operations alone."""

import matplotlib.pyplot as plt
import pytest

from helpers.graphs import BACKWARD, FORWARD, draw

NODES = {"x": (0, 1, "x"), "w": (0, 0, "w"), "times": (1, 0.5, "×"), "y": (2, 0.5, "y")}
EDGES: list[tuple[str, str, float, str | float]] = [
    ("x", "times", 2.0, 3.5),
    ("w", "times", 3.5, 2.0),
    ("times", "y", 7.0, "one"),
]


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def texts(ax):
    ax.figure.canvas.draw()
    return {(text.get_text(), text.get_color()): text.get_window_extent() for text in ax.texts}


def test_a_value_stands_above_its_edge_and_its_gradient_below(ax):
    draw(ax, NODES, EDGES)
    found = texts(ax)
    middle = ax.transData.transform((1.5, 0.5))
    assert found["7", FORWARD].y0 > middle[1] > found["one", BACKWARD].y1
    for label in ("7", "one"):
        box = next(box for (text, _), box in found.items() if text == label)
        assert box.x0 < middle[0] < box.x1
    assert ("3.5", BACKWARD) in found
    assert ("3.5", FORWARD) in found


def test_labels_keep_off_a_slanting_edge(ax):
    draw(ax, NODES, [("w", "times", "up", "down"), ("x", "times", "high", "low")])
    found = {text: box for (text, _), box in texts(ax).items()}
    middle = ax.transData.transform((0.5, 0.25))[0]
    assert found["up"].x1 <= middle + 1
    assert found["down"].x0 >= middle - 1
    assert found["high"].x0 >= middle - 1
    assert found["low"].x1 <= middle + 1


@pytest.mark.parametrize("nodes", [("down", "top"), ("top", "down")])
def test_an_upright_edge_has_two_arrows_and_its_labels_beside_them(ax, nodes):
    draw(ax, {"down": (1, 0, "b"), "top": (1, 2, "y")}, [(*nodes, "there", "back")])
    found = {text: box for (text, _), box in texts(ax).items() if text in ("there", "back")}
    left, right = sorted(found.values(), key=lambda box: box.x0)
    middle = ax.transData.transform((1, 1))
    assert left.x1 < middle[0] - 5
    assert right.x0 > middle[0] + 5
    for box in (left, right):
        assert box.y0 < middle[1] < box.y1
    patches = [getattr(text, "arrow_patch", None) for text in ax.texts]
    arrows = [patch.get_window_extent() for patch in patches if patch]
    assert len(arrows) == 2
    assert abs(arrows[0].x0 - arrows[1].x0) > 5


def test_what_is_not_known_is_left_out(ax):
    draw(ax, NODES, [(start, end, value, None) for start, end, value, _ in EDGES])
    assert not any(color == BACKWARD for _, color in texts(ax))


def test_only_operations_are_boxed(ax):
    draw(ax, NODES, EDGES)
    boxes = {text.get_text(): text.get_bbox_patch() for text in ax.texts}
    boxed = {name for name, box in boxes.items() if box and box.get_edgecolor()[3]}
    assert boxed == {"×"}


def test_numbers_are_short(ax):
    draw(ax, NODES, [("x", "times", 1 / 3, None)])
    assert ("0.3333", FORWARD) in texts(ax)


def test_all_nodes_are_inside(ax):
    draw(ax, NODES, EDGES)
    assert ax.get_xlim()[0] < 0 < 2 < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < 0 < 1 < ax.get_ylim()[1]


def test_an_edge_to_nowhere_is_refused(ax):
    with pytest.raises(KeyError, match="z"):
        draw(ax, NODES, [("x", "z", 1.0, None)])
