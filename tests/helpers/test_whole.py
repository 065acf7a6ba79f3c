"""A chain of classes is shown as the one class that it is."""

import pytest

from helpers.whole import as_one_class


class First:
    """The first."""

    kind = "plain"

    def __init__(self, start):
        self.total = start

    def add(self, number):
        """Add a number."""
        raise NotImplementedError


class Second(First):
    """Adds up."""

    def twice(self):
        """Double it."""
        ### BEGIN SOLUTION
        self.total *= 2
        ### END SOLUTION

    def add(self, number):
        """Add a number."""
        self.total += number


def test_each_method_stands_once_where_it_first_appears_as_it_is_used():
    text = as_one_class(Second)
    assert text.startswith('class Second:\n    """Adds up."""\n\n    def __init__(self, start):')
    places = [text.index(f"def {name}(") for name in ("__init__", "add", "twice")]
    assert places == sorted(places)
    assert "self.total += number" in text
    assert "NotImplementedError" not in text
    assert "SOLUTION" not in text


def test_the_text_is_a_class_that_does_the_same():
    names = {}
    exec(as_one_class(Second), names)
    one = names["Second"](3)
    one.add(4)
    one.twice()
    assert one.total == 14
    assert names["Second"].__mro__[1:] == (object,)


def test_a_method_without_a_text_is_named():
    names = {}
    exec("class Made:\n    def lost(self):\n        return 1\n", names)
    assert as_one_class(names["Made"]) == (
        "class Made:\n\n    # the text of `lost` can't be found here\n"
    )


def test_only_a_class_is_taken():
    with pytest.raises(TypeError, match="takes a class, not int"):
        as_one_class(3)  # type: ignore[arg-type]
