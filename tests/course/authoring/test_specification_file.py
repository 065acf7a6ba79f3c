"""Where a new exercise's specification stands in the module, and what it needs imported."""

import pytest

from course.authoring.specification_file import refuse_if_known, with_specification
from course.layout import CourseError

OWN = "g = function(part(x=arrays()))\n"
LONG = ["away_from", "extremes", "integer_arrays", "lists", "scalars"]
IMPORT = "from helpers.specification import arrays, function, part\n"


def test_it_follows_that_of_the_nearest_exercise_before_it():
    old = f"{IMPORT}\nf = function(\n    part(),\n)\n\n# --- museum ---\n\nh = function()\n"
    new = with_specification(old, OWN, ["f", "without"], "it")
    assert new == old.replace("\n)\n", f"\n)\n{OWN}")
    assert with_specification(old, OWN, ["f", "h"], "it") == old + OWN
    assert with_specification(old.rstrip(), OWN, ["f", "h"], "it") == old + OWN


@pytest.mark.parametrize(
    ("rest", "blank"), [("", 1), ("\nSIZES = 3\n", 1), ("\n\ndef f(t):\n    t.call(1)\n", 2)]
)
def test_it_is_the_last_where_no_exercise_before_it_has_one(rest, blank):
    new = with_specification(IMPORT + rest, OWN, ["f"], "it")
    assert new == IMPORT + rest + "\n" * blank + OWN


def imports(*names):
    return "".join(
        ["from helpers.specification import (\n", *(f"    {name},\n" for name in names), ")\n"]
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (IMPORT, IMPORT),
        (
            "from helpers.specification import part, Domain\n",
            "from helpers.specification import Domain, arrays, function, part\n",
        ),
        (
            imports("Domain", "integers", "part"),
            imports("Domain", "arrays", "function", "integers", "part"),
        ),
        (
            f"from helpers.specification import {', '.join(LONG)}\n",
            imports("arrays", *LONG[:2], "function", *LONG[2:4], "part", LONG[4]),
        ),
    ],
)
def test_what_it_needs_is_imported_as_the_linter_wants_it(old, new):
    assert with_specification(old, OWN, [], "it") == f"{new}\n{OWN}"


def test_an_import_that_cannot_be_added_to_is_refused():
    with pytest.raises(CourseError, match=r"^it has no line .from helpers"):
        with_specification("import numpy as np\n", OWN, [], "it")
    with pytest.raises(CourseError, match=r"^it has a comment in"):
        with_specification("from helpers.specification import part  # one\n", OWN, [], "it")


def test_a_name_that_the_module_knows_is_refused():
    text = "from helpers.specification import part\n\ncube = sizes\n"
    refuse_if_known(text, "g", "it")
    for name in ("part", "cube", "sizes"):
        with pytest.raises(CourseError, match=f"^it knows {name} already$"):
            refuse_if_known(text, name, "it")
    with pytest.raises(CourseError, match=r"^it, line 2: not Python"):
        refuse_if_known("x = 1\nf = (\n", "g", "it")
