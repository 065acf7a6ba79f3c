"""Functions that the judge hands to student code behave as the notebook's own do.

`USES` is how Python code uses a function. Each is tried by itself, and all of them by every
exercise that is handed one, on each function that it is handed: no right answer loses marks by it.
"""

import copy
import textwrap
from pathlib import Path

import pytest

from course.judge import preprocessor
from course.judge.sandbox import missing
from course.judge.supervise import Submission, grade_notebook
from course.notebooks.cells import grade_id, is_solution
from course.notebooks.source import SourceNotebook, source_notebooks
from helpers.checks import PUBLIC_SEED
from tests.course.judge.wire.started import Start

ROOT = Path(__file__).parents[4]

pytestmark = pytest.mark.skipif(bool(missing()), reason="student processes are run confined only")

# Each ends with a truth, about f alone.
USES = {
    "is named": "f.__name__.isidentifier() and f.__qualname__ and f.__module__ == '__main__'",
    "is a function": "inspect.isfunction(f) and callable(f) and f.__doc__ is None",
    "has a code and a signature": "f.__code__.co_name and str(inspect.signature(f))[0] == '('",
    "has defaults and annotations": "not f.__defaults__ and not f.__annotations__",
    "is shown": "f.__name__ in repr(f) and f.__name__ in str(f) and f'{f}'",
    "is copied": "copy.copy(f) is f and copy.deepcopy(f) is f and copy.deepcopy([f]) == [f]",
    "is compared": "f == f and f in [f] and not f != f and f is not None and bool(f)",
    "is hashed": "{f: 1}[f] and len({f, f}) == 1 and hash(f) == hash(f)",
    "is kept": "weakref.ref(f)() is f and [f][0] is f and dict(f=f)['f'] is f",
    "has attributes": "setattr(f, 'calls', 0) is None and f.calls == 0 and vars(f)",
    "is wrapped": "functools.wraps(f)(lambda *a: f(*a)).__wrapped__ is f",
    "is curried": "functools.partial(f).func is f and functools.partialmethod(f).func is f",
    "is cached": "functools.lru_cache(f).__wrapped__ is f and functools.cache(f).__wrapped__ is f",
    "is a method": "type('A', (), {'f': f})().f.__func__ is f and staticmethod(f).__wrapped__ is f",
    "is dispatched on": "functools.singledispatch(f).dispatch(int) is f",
    "is vectorized": "np.vectorize(f).pyfunc is f and np.frompyfunc(f, 1, 1).nin == 1",
    "is told apart": "not isinstance(f, type) and isinstance(f, collections.abc.Callable)",
}
# The same of f(x), which is x + 1 here.
CALLS = {
    "is called": "f(1) == 2 and f(x=1) == 2 and f(*[1]) == 2 and f(**{'x': 1}) == 2",
    "is called with an array": "(f(np.arange(3)) == [1, 2, 3]).all()",
    "is called with float32": "f(np.ones(2, np.float32)).dtype == np.float32",
    "is called through others": "functools.partial(f, 1)() == 2 and operator.call(f, 1) == 2",
    "is called by a cache": "functools.lru_cache(f)(1) == 2",
    "is called by a wrapper": "functools.wraps(f)(lambda *a: f(*a))(1) == 2",
    "is called by a method": "type('A', (), {'f': staticmethod(f)})().f(1) == 2",
    "is called in comprehensions": "[f(i) for i in (1, 2)] == list({f(i): 0 for i in (1, 2)})",
    "is called in generators": "sum(f(i) for i in (1, 2)) == 5 and next(f(i) for i in (1,)) == 2",
    "is called by map": "list(map(f, [1, 2])) == [2, 3] and max([1, 2], key=f) == 2",
    "is called by itself": "f(f(f(1))) == 4 == functools.reduce(lambda a, _: f(a), range(3), 1)",
    "is called by NumPy": (
        "(np.vectorize(f)([1, 2]) == [2, 3]).all() and np.frompyfunc(f, 1, 1)(1) == 2"
        " and (np.apply_along_axis(f, 0, np.ones((2, 2))) == 2).all()"
        " and (np.fromfunction(f, (2,)) == [1, 2]).all()"
    ),
    "is called in a thread": "futures.ThreadPoolExecutor(1).submit(f, 1).result() == 2",
    "is called in many threads": (
        "list(futures.ThreadPoolExecutor(8).map(f, range(99))) == list(range(1, 100))"
    ),
    "is called by a coroutine": "asyncio.run(asyncio.to_thread(f, 1)) == 2",
    "is a context's": "contextvars.copy_context().run(f, 1) == 2",
    "is called in a class": "type('A', (list,), {'__call__': lambda self: f(1)})()() == 2",
    "raises": "_raises(f, 'a') is TypeError",
}
IMPORTS = """\
import asyncio, collections.abc, contextvars, copy, functools, inspect, operator, weakref
from concurrent import futures
import numpy as np

def _raises(f, x):
    try:
        f(x)
    except Exception as error:
        return type(error)
"""
EVERY_WAY = "\n".join(
    [
        IMPORTS,
        "def _use(f):",
        *(f"    assert {words}, {name!r}" for name, words in USES.items()),
        textwrap.dedent(
            """
            def _look(value):
                theirs = type(value).__module__.split(".")[0] in ("__main__", "keras", "torch")
                if callable(value) and not theirs and getattr(value, "__qualname__", "f") == "f":
                    _use(value)
                for item in value.values() if isinstance(value, dict) else ():
                    _look(item)
                for item in value if isinstance(value, (list, tuple)) else ():
                    _look(item)

            def _user(function):
                @functools.wraps(function)
                def call(*args, **kwargs):
                    _look(args)
                    _look(kwargs)
                    return function(*args, **kwargs)

                return call
            """
        ),
    ]
)
SOURCES = source_notebooks(ROOT / "source")


@pytest.mark.parametrize("use", [*USES, *CALLS])
def test_a_function_of_the_tests_can_be_used_as_any_other(start: Start, use: str) -> None:
    source = f"{IMPORTS}\ndef use(f):\n    return bool({ {**USES, **CALLS}[use] })"
    expression = compile(source, "<notebook>", "exec")
    own = {}
    exec(expression, own)

    def f(x):
        return x + 1

    assert own["use"](f) or use == "is named"  # as it is in a notebook
    assert start(source).test("def f(x):\n    return x + 1\nresult = use(f)") is True


def test_it_is_the_same_function_wherever_it_is_handed_over(start: Start) -> None:
    started = start(
        "def same(f, g, other):\n    return f is g[0] and f != other and len({f, *g}) == 1"
    )
    assert started.test("result = same(abs, [abs], lambda x: x)") is True


def test_nothing_of_it_tells_which_one_it_is(start: Start) -> None:
    """By a name, a text or a parameter code could tell right versions from wrong ones."""
    started = start(
        "import inspect\n"
        "def told(f):\n"
        "    names = f.__name__, f.__qualname__, f.__doc__\n"
        "    return [*names, str(inspect.signature(f)), f.__defaults__, f.__annotations__]"
    )
    versions = "def right(x):\n    'Right.'\ndef wrong(x, scale=2): pass\n"
    assert started.test(f"{versions}result = told(right) == told(wrong) == told(abs)") is True


def test_a_ufunc_is_numpys_own_there_and_no_call_comes_back(start: Start) -> None:
    started = start("import numpy as np\ndef same(f, g): return f is np.sin and g is np.absolute")
    assert started.test("result = same(np.sin, np.abs)") is True
    started = start("import numpy as np\ndef same(f): return f is np.sin")
    assert started.test("result = same(np.frompyfunc(abs, 1, 1))") is False


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_exercise_can_use_what_it_is_handed(source: SourceNotebook) -> None:
    """Each right answer looks at all functions that it is called with in every way."""
    if source.lacks:
        pytest.skip(source.lacks)
    submitted = copy.deepcopy(source.notebook)
    for cell in submitted.cells:
        if cell.cell_type == "code" and is_solution(cell):
            name = grade_id(cell)
            cell.source += (
                f"\n{EVERY_WAY}\nif inspect.isfunction({name}):\n    {name} = _user({name})"
            )
    submission = Submission(
        source, submitted, source.folder, PUBLIC_SEED, source.handed_in(source.folder)
    )
    ready = preprocessor.warm_server(preprocessor.preload(source))
    verdict, _ = grade_notebook(submission, ready, carry=False)
    lost = {exercise.id: exercise.failed for exercise in verdict.exercises if exercise.failed}
    assert lost == {}
    assert verdict.incidents == ()
