"""A reader's gradient at a node is compared with differences; dots are no error."""

import numpy as np
import pytest

from helpers.derivation import OPEN, Graph


@pytest.fixture
def graph():
    """y = x · (mean of x): x reaches y on two ways."""
    return Graph(
        {"x": np.array([1.0, 2.0, 6.0])},
        {"mean": lambda x: x.mean(), "y": lambda x, mean: x * mean},
        dout=np.array([1.0, 0.0, 2.0]),
    )


def test_values_are_attributes_and_copies(graph):
    graph.x[:] = 0
    assert graph.mean == 3
    np.testing.assert_array_equal(graph.y, [3, 6, 18])
    with pytest.raises(AttributeError, match="no node 'z'"):
        _ = graph.z


def test_a_gradient_goes_through_all_that_follows(graph):
    np.testing.assert_allclose(graph.gradient("mean"), 1 + 12)
    np.testing.assert_allclose(graph.gradient("x"), [3 + 13 / 3, 13 / 3, 6 + 13 / 3])
    np.testing.assert_allclose(graph.gradient("y"), graph.dout)


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (..., OPEN),
        ([3 + 13 / 3, 13 / 3, 6 + 13 / 3], "Right"),
        ([3.0, 0.0, 6.0], "Not yet: it is off by up to 4.3"),
        (1.0, "Yours has the shape (); x has (3,)."),
        ("a lot", "Write an array"),
        (None, "Yours has the shape"),
    ],
)
def test_what_is_said_of_a_readers_gradient(graph, mine, said):
    assert said in repr(graph.check("x", mine))


def test_a_small_error_is_an_error(graph):
    right = graph.gradient("x")
    assert "Right" in repr(graph.check("x", right + 1e-9))
    assert "Not yet" in repr(graph.check("x", right * (1 + 1e-4)))
