"""What the exercises of chapter 7, part A, promise."""

from dataclasses import replace

import numpy as np

from helpers.specification import (
    arrays,
    away_from,
    function,
    integer_arrays,
    integers,
    interaction,
    lists,
    numbers,
    part,
    single,
)

ANY = arrays("*any")
POSITIVE = arrays("*any", 0.5, 3)
BIAS = 0.0371  # keeps sums of round numbers from being exactly 0, where ReLU has a kink

# --- by hand --------------------------------------------------------------------------------------


FAR = (
    (2.5, 0, 3.0),
    (0.0, 1.5, -2),
    (3, -0.5, 0.0),
    (0, 0, 0),
    (2e6, 3e-3, -4e8),
    (-12345678.5, 3.0, 1e3),
    (1e-7, 5e4, 2e-8),
)


def by_hand(t):
    """Hold each of the three derivatives against numerical differentiation."""
    a, b, c = t.draw(*[numbers() | integers()] * 3)
    t.call(a, b, c)
    for place, name in enumerate("abc"):
        t.slope(
            lambda z, name=name: (z * b + c) * b if name == "a" else formula(a, b, c, name, z),
            {"a": a, "b": b, "c": c}[name] * 1.0,
            item=place,
        )
    for given in FAR:
        t.apart()
        t.call(*given)
    t.apart()
    t.both(
        "derivatives",
        lambda a, b, c: [float(d) for d in t.student(a, b, c)],
        lambda a, b, c: [float(d) for d in t.reference(a, b, c)],
        (2, 3_200_000_000, 7),
    )


def formula(a, b, c, name, z):
    """Return (a b + c) b, with z in place of the value of this name."""
    given = {"a": a, "b": b, "c": c, name: z}
    return (given["a"] * given["b"] + given["c"]) * given["b"]


derivatives = function(
    part("agrees with numerical differentiation", 2, essential=True, count=12, steps=by_hand),
)

# --- the order ------------------------------------------------------------------------------------


def ordered(graph, last):
    """Return what is wrong with an order of the nodes below `last`, as `Trial.relate` wants it."""
    wanted, waiting = set(), [last]
    while waiting:
        node = waiting.pop()
        if node not in wanted:
            wanted.add(node)
            waiting += graph[node]

    def wrong(order):
        if order is None:
            return "It returns None: a `return` is missing."
        if not isinstance(order, list):
            return f"It returns no list, but {type(order).__name__}."
        if len(set(order)) < len(order):
            return "A node stands in the list more than once."
        if more := set(order) - wanted:
            return f"{min(more, key=str)!r} is in the list, but {last!r} was not computed from it."
        if missing := wanted - set(order):
            return f"{min(missing, key=str)!r} is missing, though {last!r} was computed from it."
        place = {node: n for n, node in enumerate(order)}
        for node in order:
            for one in graph[node]:
                if place[one] > place[node]:
                    return f"{node!r} was computed from {one!r}, but stands before it."
        return ""

    return wrong


def hold_order(t, graph, last):
    """Ask for the order of a graph, given as a dictionary."""
    t.apart()
    t.both(
        "topological_order",
        lambda last, graph: t.student(last, asked(graph)),
        lambda last, graph: t.reference(last, asked(graph)),
        (last, graph),
        relation=ordered(graph, last),
    )


MANY = 1_000


def asked(graph):
    """Return what gives the inputs of a node; it stops who asks without end."""
    calls = 0

    def inputs(node):
        nonlocal calls
        calls += 1
        if calls > 50 * MANY:
            raise TimeoutError(
                f"`inputs` was called {calls - 1} times for a graph of {len(graph)} nodes: go "
                "through each node once, however many ways lead to it"
            )
        return [anew(x) for x in graph[node]]

    return inputs


def anew(node):
    """Return a node that equals this one; a pair is made anew each time."""
    return (*[*node],) if isinstance(node, tuple) else node


LETTERS = "abcdefgh"
PAIRS = {
    ("x", 0): [],
    ("x", 1): [("x", 0)],
    ("x", 2): [("x", 1), ("x", 0)],
    ("x", 3): [("x", 2), ("x", 1), ("x", 1)],
}
MIXED = ("b", ("b",), 0, ("b", True), 2.5, ("b", False), ("b", "c"))  # some look like marks
ALIKE = {0: [], "0": [0], 1: ["0", 0], "1": [1, "0"], "": ["1"], "end": ["", 0]}


def hold_again(t, graph, last):
    """Ask for the order of a graph twice."""
    t.apart()

    def twice(find_order):
        return lambda last, graph: [find_order(last, asked(graph)) for _ in range(2)]

    def wrong(orders):
        judge = ordered(graph, last)
        if words := judge(orders[0]):
            return words
        if judge(orders[1]):
            return (
                "Asked for the same order a second time, it gives another answer, which is wrong: "
                "what one call has seen must not be known to the next."
            )
        return ""

    sides = twice(t.student), twice(t.reference)
    t.both("topological_order, twice,", *sides, (last, graph), relation=wrong)


def trees(t):
    """Take a chain and a tree in which each value is used once."""
    hold_again(t, {"p": [], "q": ["p"], "r": ["q"]}, "r")
    hold_order(t, {"a": [], "b": ["a"], "c": ["b"]}, "c")
    names = t.source.order(6)
    graph = {LETTERS[name]: [] for name in names}
    for place, name in enumerate(names[1:], 1):
        graph[LETTERS[names[t.source.integer(0, place - 1)]]].append(LETTERS[name])
    hold_order(t, graph, LETTERS[names[0]])


def shared(t):
    """Take graphs in which values are used several times, and values that are not used."""
    hold_order(t, {"a": []}, "a")
    hold_order(t, {"a": [], "b": ["a", "a"]}, "b")
    diamond = {"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"], "e": ["b", "d"]}
    hold_order(t, diamond, t.choice("d", "e"))
    flat = {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a", "c"], "e": ["c", "d", "d", "a"]}
    hold_order(t, flat, "e")
    hold_order(t, PAIRS, ("x", 3))
    hold_order(t, ALIKE, "end")
    names = [LETTERS[place] for place in t.source.order(7)]
    graph = {names[0]: []}
    for place, name in enumerate(names[1:], 1):
        uses = [names[t.source.integer(0, place - 1)] for _ in t.times(0, 3)]
        graph[name] = uses
    hold_order(t, graph, names[-2])
    mixed = {n: MIXED[place] for n, place in zip(names, t.source.order(7), strict=True)}
    hold_order(t, {mixed[n]: [mixed[x] for x in graph[n]] for n in names}, mixed[names[-1]])


def long_chains(t):
    """Take a chain of 1,500 nodes, and one of 30 in which each is used twice."""
    hold_order(t, {n: list(range(max(1, n - 1), n)) for n in range(1, 1_501)}, 1_500)
    t.holds(
        "setrecursionlimit" not in t.home.written(t.student),
        "It raises Python's limit for functions that call themselves; that has to stay as it is: "
        "keep the nodes that wait in a list of your own.",
    )
    hold_order(t, {n: list(range(max(1, n - 2), n)) for n in range(1, 31)}, 30)


topological_order = interaction(
    part(
        "each node after those that it was computed from", 2, essential=True, count=8, steps=trees
    ),
    part("values that are used several times stand there once", 2, count=8, steps=shared),
    part("a chain of more than a thousand nodes", count=1, steps=long_chains),
)

# --- broadcasting ---------------------------------------------------------------------------------


def sums(t, shape, wide):
    """Hold `unbroadcast` against numerical differentiation of a weighted sum of copies."""
    gradient = t.draw(arrays(" ".join(map(str, wide))))
    t.apart()
    t.call(gradient, shape)
    t.slope(lambda v: np.sum(np.broadcast_to(v, wide) * gradient), np.zeros(shape))


def in_front(t):
    """Sum over one axis or two that broadcasting has put in front."""
    N, m, k = (t.source.integer(2, 4) for _ in range(3))
    sums(t, (m,), (N, m))
    sums(t, (N,), (N, N))
    sums(t, (k, m), (N, k, m))
    sums(t, (m,), (N, k, m))


def stretched(t):
    """Sum over axes of length 1 that broadcasting has stretched."""
    N, m, k = (t.source.integer(2, 4) for _ in range(3))
    sums(t, (N, 1), (N, m))
    sums(t, (1, m), (N, m))
    sums(t, (1, 1), (N, N))
    sums(t, (N, 1, k), (N, m, k))
    sums(t, (1, 1, N), (N, N, N))


def both_ways(t):
    """Sum over axes of both kinds, over none, and over all; hand over the gradient itself."""
    lengths = [t.source.integer(1, 3) for _ in t.times(0, 4)]
    wide = [t.source.integer(2, 3) if n == 1 and t.choice(True, False) else n for n in lengths]
    front = [t.source.integer(1, 3) for _ in t.times(0, 2)]
    for shape, whole in (
        (tuple(lengths), (*front, *wide)),
        ((2, 1, 4), (3, 2, 3, 4)),
        ((), tuple(wide)),
        (tuple(wide), tuple(wide)),
        ((3,), (257, 3)),
        ((1, 2), (101, 2)),
    ):
        t.apart()
        gradient = t.keep(np.asarray(t.draw(arrays(" ".join(map(str, whole))))))
        t.call(gradient, shape)


unbroadcast = interaction(
    part("sums over axes that were put in front", 2, essential=True, count=6, steps=in_front),
    part("sums over axes that were stretched, and keeps them", count=6, steps=stretched),
    part("several at once, all or none; the gradient stays", laws=False, count=12, steps=both_ways),
)

# --- operations: what they share ------------------------------------------------------------------


def differentiated(find, build, laws, again, dout, *inputs):
    """Make tensors of the inputs, build a result, go back, and return all that came out.

    Before it goes back, the same is built of other numbers.

    find: returns what a side calls by a name. build: a function of `find` and the tensors. laws:
    whether the gradient at the result is looked at: no function may have changed it. again:
    whether it goes back twice.
    """
    tensors = [find("Tensor")(x) for x in inputs]
    result = build(find, *tensors)
    build(find, *(find("Tensor")(0.9 * np.flip(np.asarray(x, float))) for x in inputs))
    if again:
        result.backward(-3.0 * np.asarray(dout))
    result.backward(dout)
    grads = {f"{name}.grad": x.grad for name, x in zip("xyw", tensors, strict=False)}
    arrived = {f"{name} has arrived": grad is not None for name, grad in grads.items()}
    return {
        "data": result.data,
        **arrived,
        **grads,
        **({"result.grad": result.grad} if laws else {}),
    }


def hold(t, name, build, dout, *inputs, plain=None, tolerance=None, again=False):
    """Compare a result and the gradients at its inputs.

    name: what the step is called. build: see `differentiated`. dout: the upstream gradient.
    inputs: one to three arrays, of which tensors are made. plain: the same result by NumPy alone,
    where the gradients are held against numerical differentiation, too. tolerance: the part's if
    None. again: whether it goes back twice where laws are no matter, too.
    """
    given = dict(zip("xyw", inputs, strict=False))
    twice = t.laws or again

    def of(find):
        sides = {
            1: lambda x, dout: differentiated(find, build, t.laws, twice, dout, x),
            2: lambda x, y, dout: differentiated(find, build, t.laws, twice, dout, x, y),
            3: lambda x, y, w, dout: differentiated(find, build, t.laws, twice, dout, x, y, w),
        }
        return sides[len(inputs)]

    t.apart()
    step = f"{name} and backward"
    sides = of(t.find), of(t.names.__getitem__)
    t.both(step, *sides, (), {**given, "dout": dout}, tolerance=tolerance)
    for key in given if plain else ():
        t.slope(
            lambda z, key=key: np.sum(plain(*{**given, key: z}.values()) * dout),
            np.asarray(given[key], dtype=float),
            item=f"{key}.grad",
        )


def operation(name, *constants, **options):
    """Return what builds the result of one operation of this name."""
    return lambda find, *tensors: find(name)(*tensors, *constants, **options)


def tails(t):
    """Return a tolerance for numbers that are all tiny, or all large: only their digits count."""
    return replace(t.tolerance, rtol=1e-6, atol=1e-305)


FIXED_SHAPES = (((2, 1), (2, 3)), ((1, 3), (2, 1)), ((3,), (2, 3)), ((), (2,)), ((2, 3), (3,)))


def upstream(t, shape):
    """Draw an upstream gradient of a shape."""
    return np.asarray(t.draw(arrays(" ".join(map(str, shape)))))


def shapes(t):
    """Return two shapes that can be broadcast, and the shape of the result."""
    whole = [t.source.integer(1, 3) for _ in t.times(1, 3)]
    one, other = (
        [t.choice(n, n, 1) for n in whole][t.source.integer(0, len(whole)) :] for _ in range(2)
    )
    return tuple(one), tuple(other), np.broadcast_shapes(tuple(one), tuple(other))


# --- the tensor -----------------------------------------------------------------------------------


def products(t):
    """Hold sums and products, in which each tensor is used once, against differentiation."""
    x, y, w = t.draw(ANY, ANY, ANY)
    dout = upstream(t, np.shape(x))
    for name, build, plain in (
        ("x * y", operation("multiply"), lambda x, y: x * y),
        ("x + y", operation("add"), lambda x, y: x + y),
    ):
        hold(t, name, build, dout, x, y, plain=plain)
    hold(
        t,
        "(x * y) * (w + x) with another x",
        lambda find, x, y, w: find("multiply")(find("multiply")(x, y), find("add")(w, 1.5)),
        dout,
        x,
        y,
        w,
        plain=lambda x, y, w: (x * y) * (w + 1.5),
    )
    t.apart()
    t.both(
        "x * y and 2 * w, with w like x, while Tensor.recording is False, and backward",
        lambda x, y: while_off(t.find, x, y),
        lambda x, y: while_off(t.names.__getitem__, x, y),
        (),
        {"x": x, "y": y},
    )


def while_off(find, x, y):
    """Multiply two tensors with the switch off, go back, and tell which have a gradient."""
    x, y, w, tensor = find("Tensor")(x), find("Tensor")(y), find("Tensor")(x), find("Tensor")
    tensor.recording = False
    try:
        z, beside = find("multiply")(x, y), find("multiply")(2.0, w)
    finally:
        tensor.recording = True
    z.backward()
    found = {"x has a grad": x.grad is not None, "y has a grad": y.grad is not None}
    beside.backward()
    return {**found, "w has a grad": w.grad is not None}


def several_uses(t):
    """Use tensors several times: directly, in a diamond, and at different distances."""
    x, y = t.draw(ANY, ANY)
    dout = upstream(t, np.shape(x))

    def diamond(find, x, y):
        multiply, add = find("multiply"), find("add")
        u = multiply(x, y)
        v = add(u, y)
        return add(multiply(multiply(u, v), u), add(v, v))

    def far(find, x, y):
        multiply, add = find("multiply"), find("add")
        u = add(x, y)
        v = multiply(u, u)
        w = multiply(add(v, u), x)
        return add(w, multiply(u, w))

    for name, build in (
        ("x * x + y", lambda find, x, y: find("add")(find("multiply")(x, x), y)),
        ("u * v * u + v + v, with u = x * y and v = u + y,", diamond),
        ("w + u * w, with u = x + y and w = (u * u + u) * x,", far),
        ("x, of which nothing was computed,", lambda find, x, y: x),
    ):
        if name.startswith("x, "):
            hold(t, name, lambda find, x: x, dout, x)
        else:
            hold(t, name, build, dout, x, y)


def broadcast_and_constants(t):
    """Broadcast tensors, and put numbers and arrays beside them, on either side."""
    one, other, whole = shapes(t)
    x, y, dout = (upstream(t, shape) for shape in (one, other, whole))
    for name in ("add", "multiply"):
        hold(t, name, operation(name), dout, x, y)
        for first, second in FIXED_SHAPES:
            a, b, back = (
                upstream(t, shape) for shape in (first, second, np.broadcast_shapes(first, second))
            )
            hold(t, name, operation(name), back, a, b)
        constant = t.choice(2, 1.5, y)
        shape = np.broadcast_shapes(one, np.shape(constant))
        back = upstream(t, shape)
        hold(t, f"{name} with a constant", operation(name, constant), back, x)
        hold(
            t,
            f"{name} with a constant on the left",
            lambda find, x, name=name, constant=constant: find(name)(constant, x),
            back,
            x,
        )
    x, y = t.draw(integer_arrays("n"), lists("n") | single("n"))
    hold(t, "multiply", operation("multiply"), np.ones(len(y)), x, y)
    for shape in ((3,), ()):  # used alone and in a batch: parts of two shapes come to x
        x, y, dout = (upstream(t, one) for one in (shape, (2, 3), (2, 3)))
        hold(t, "x * x + x * y", alone_and_broadcast, dout, x, y)


def alone_and_broadcast(find, x, y):
    """Use x by itself, in its own shape, and beside y, in that of y."""
    multiply, add = find("multiply"), find("add")
    return add(multiply(x, x), multiply(x, y))


def starts_anew(t):
    """Go back twice, from other results too, and write into gradients."""
    x, y = t.draw(arrays("2 n"), arrays("2 n"))
    dout = upstream(t, x.shape)

    def twice(find, dout, x, y):
        x, y = find("Tensor")(x), find("Tensor")(y)
        u = find("multiply")(x, y)
        z = find("multiply")(find("add")(u, x), u)
        z.backward(dout)
        z.backward(-2 * dout)
        return {"x.grad": x.grad, "y.grad": y.grad}

    def another(find, dout, x, y):
        x, y = find("Tensor")(x), find("Tensor")(y)
        u = find("multiply")(x, y)
        u.backward(dout)
        before = np.array(y.grad)
        find("multiply")(x, 3.0).backward()
        return {"x.grad": x.grad, "y.grad": y.grad, "y.grad of before": before}

    def shared_part(find, dout, x, y):
        x, y = find("Tensor")(x), find("Tensor")(y)
        u = find("multiply")(x, y)
        find("add")(u, x).backward(dout)
        find("multiply")(u, 3.0).backward()
        return {"x.grad": x.grad, "y.grad": y.grad}

    def with_zeros(find, dout, x, y):
        x, y = find("Tensor")(x), find("Tensor")(y)
        z = find("multiply")(x, y)
        z.backward(dout)
        z.backward(0 * dout)
        return {"x.grad": x.grad, "z.grad": z.grad}

    def switched_off(find, dout, x, y):
        x, y, tensor = find("Tensor")(x), find("Tensor")(y), find("Tensor")
        z = find("multiply")(x, y)
        tensor.recording = False
        try:
            z.backward(dout)
        finally:
            tensor.recording = True
        return {"x.grad": x.grad, "y.grad": y.grad}

    def written(find, dout, x, y):
        x, y = find("Tensor")(x), find("Tensor")(y)
        u = find("add")(x, y)
        z = find("add")(u, 0.0)
        z.backward(dout)
        for tensor in (x, u):
            if tensor.grad is not None:
                tensor.grad[...] = 7.0
        filled = u.grad is not None
        return {"u has a grad": filled, "y.grad": y.grad, "z.grad": z.grad}

    def of_integers(find, dout, x, y):
        x, y = find("Tensor")(x), find("Tensor")(y)
        z = find("multiply")(x, y)
        z.backward(np.sign(dout).astype(int))
        grads = {"x.grad": x.grad, "z.grad": z.grad}
        return {f"{name} holds float64": np.asarray(g).dtype == float for name, g in grads.items()}

    def of_sizes(find, dout, x, y):
        found = {}
        for size in (1e-12, 1e12):
            one, other = find("Tensor")(x), find("Tensor")(y)
            find("multiply")(one, other).backward(size * dout)
            found[f"x.grad / {size:g}"] = np.asarray(one.grad) / size
        return found

    def of_one_number(find, dout, x, y):
        found = {}
        for number in (2, -1.5, np.array(3), np.float64(0.5)):
            one = find("Tensor")(x.flat[0])
            z = find("multiply")(one, y.flat[0])
            z.backward(number)
            found |= {f"x.grad for dout = {number}": one.grad, f"z.grad for {number}": z.grad}
        return found

    for name, run in (
        ("(x * y).backward with a tiny dout, and with a huge one,", of_sizes),
        ("(x[0] * y[0]).backward with a single number", of_one_number),
        ("z.backward with dout and with -2 dout, with z = (u + x) * u and u = x * y,", twice),
        ("(x * y).backward and then (x * 3).backward", another),
        ("(u + x).backward and then (u * 3).backward, with u = x * y,", shared_part),
        ("z.backward with dout and with 0 dout, with z = x * y,", with_zeros),
        ("(x * y).backward while Tensor.recording is False", switched_off),
        ("(x + y + 0).backward, and other gradients written over,", written),
        ("(x * y).backward with the signs of dout, as integers,", of_integers),
    ):
        t.apart()
        t.both(
            name,
            lambda dout, x, y, run=run: run(t.find, dout, x, y),
            lambda dout, x, y, run=run: run(t.names.__getitem__, dout, x, y),
            (),
            {"dout": dout, "x": x, "y": y},
        )
    t.apart()
    there = t.home.given("np", np)
    t.both(
        "z.backward, with z = x transposed, and z.grad written over,",
        lambda dout, x: transposed(t.find, there, dout, x),
        lambda dout, x: transposed(t.names.__getitem__, np, dout, x),
        (),
        {"dout": dout, "x": x},
    )


def transposed(find, np_, dout, x):
    """Record a transposed table, whose backward function returns a view; write into a gradient.

    np_: NumPy where the tensors live.
    """
    x = find("Tensor")(x)
    z = find("record")(np.transpose(value(x)), (x, np_.transpose))
    z.backward(np.transpose(dout))
    before = np.array(x.grad)
    z.grad[...] = 7.0
    return {"x.grad": before, "x.grad after it": x.grad}


def value(tensor):
    """Return the data of a tensor, wherever it lives."""
    return np.asarray(tensor.data)


def long_chain(t):
    """Go back through 1,500 products, one after another."""

    def run(find, x):
        start = end = find("Tensor")(x)
        multiply = find("multiply")
        for _ in range(1_500):
            end = multiply(end, 0.999)
        end.backward()
        return start.grad

    t.both(
        "1,500 times x = x * 0.999, and backward",
        lambda x: run(t.find, x),
        lambda x: run(t.names.__getitem__, x),
        (),
        {"x": 2.0},
    )

    def wide(find, x):
        start = total = find("Tensor")(x)
        add = find("add")
        for _ in range(300):
            total = add(total, start)
        total.backward()
        return start.grad

    t.apart()
    t.both(
        "x + ... + x, 301 terms, and backward",
        lambda x: wide(t.find, x),
        lambda x: wide(t.names.__getitem__, x),
        (),
        {"x": 2.0},
    )
    t.apart()
    t.both(
        "20 times x = x + x, and backward",
        lambda x: doubled(t.find, x),
        lambda x: doubled(t.names.__getitem__, x),
        (),
        {"x": 2.0},
    )


def doubled(find, x):
    """Double a number 20 times, and go back: it has 40 edges, and a million ways."""
    calls = 0

    def back(g):
        nonlocal calls
        calls += 1
        if calls > MANY:
            raise TimeoutError(
                f"for 40 edges, backward functions were called {MANY} times: pass on a "
                "gradient when all its parts have come, and not each part by itself"
            )
        return g

    start = end = find("Tensor")(x)
    for n in range(20):
        end = find("record")(2.0 ** (n + 2), (end, back), (end, back))
    end.backward()
    return start.grad


Tensor = interaction(
    part(
        "sums and products agree with numerical differentiation",
        2,
        essential=True,
        count=6,
        steps=products,
    ),
    part("used several times, a tensor gets the sum of all", 2, count=5, steps=several_uses),
    part(
        "broadcast; beside numbers and arrays",
        2,
        single=True,
        count=5,
        steps=broadcast_and_constants,
    ),
    part("each call starts anew; gradients are arrays of their own", count=4, steps=starts_anew),
    part("more than a thousand operations in a row", count=1, steps=long_chain),
)

# --- arithmetic -----------------------------------------------------------------------------------


def quotients(t):
    """Hold the gradient of a quotient against numerical differentiation."""
    x, y = t.draw(ANY, away_from(ANY, 0, 0.4))
    hold(t, "divide", operation("divide"), upstream(t, np.shape(x)), x, y, plain=lambda x, y: x / y)
    y = t.choice(1e-9, 1e-6, 1e7) * np.array([1.0, -2.0, 1.5])
    three = np.array([1.0, -2.0, 0.5])
    hold(t, "divide", operation("divide"), three, 2 * three, y, tolerance=tails(t))


def differences_and_powers(t):
    """Hold differences and powers against numerical differentiation."""
    x, y, base = t.draw(ANY, ANY, POSITIVE)
    dout = upstream(t, np.shape(x))
    hold(t, "subtract", operation("subtract"), dout, x, y, plain=lambda x, y: x - y)
    exponent = t.choice(-1, 0.5, -1.5, 2.5, 4, -2, 0.1, 12, np.float64(1.7), 5.0)
    hold(
        t,
        f"power with the exponent {exponent}",
        operation("power", exponent),
        dout,
        base,
        plain=lambda x: x**exponent,
    )
    whole = t.choice(1, 2, 3, 2.0)
    hold(t, f"power with the exponent {whole}", operation("power", whole), dout, np.round(x))
    far = t.choice(1e-9, 1e9) * np.array([1.0, 2.0, 1.5])
    three = np.array([1.0, -2.0, 0.5])
    hold(
        t,
        f"power with the exponent {exponent}",
        operation("power", exponent),
        three,
        far,
        tolerance=tails(t),
    )


COUNTS = (np.array([3, 200], dtype=np.uint8), np.array([-100, 7], dtype=np.int8))


def counts(whole):
    """Return one of these arrays as a reader would type it."""
    return f"np.{whole.dtype}({whole.tolist()})"


def either_side(t):
    """Put numbers and arrays of any shapes on either side."""
    one, other, whole = shapes(t)
    x, y, dout = (upstream(t, shape) for shape in (one, other, whole))
    y = np.where(np.abs(y) < 0.4, 0.4, y)
    for name in ("subtract", "divide"):
        hold(t, name, operation(name), dout, x, y)
        for first, second in FIXED_SHAPES:
            a, b, back = (
                upstream(t, shape) for shape in (first, second, np.broadcast_shapes(first, second))
            )
            hold(t, name, operation(name), back, a, np.where(np.abs(b) < 0.4, 0.4, b))
        for whole in COUNTS:
            hold(t, f"{name}(x, {counts(whole)})", operation(name, whole), np.ones(2), [0.5, -2.0])
            hold(
                t,
                f"{name}({counts(whole)}, x)",
                lambda find, x, name=name, whole=whole: find(name)(whole, x),
                np.ones(2),
                [0.5, -2.0],
            )
        constant = t.choice(2, 1.5, y)
        hold(
            t,
            f"{name}(x, constant)",
            operation(name, constant),
            upstream(t, np.broadcast_shapes(one, np.shape(constant))),
            x,
        )
        hold(
            t,
            f"{name}(constant, x)",
            lambda find, x, name=name, constant=constant: find(name)(constant, x),
            upstream(t, np.broadcast_shapes(other, np.shape(constant))),
            y,
        )


def same_tensor(t):
    """Put one tensor on both sides."""
    x = t.draw(away_from(ANY, 0, 0.4))
    dout = upstream(t, np.shape(x))
    for name in ("subtract", "divide"):
        hold(t, f"{name}(x, x)", lambda find, x, name=name: find(name)(x, x), dout, x)
    hold(
        t,
        "divide(x, power(x, 3))",
        lambda find, x: find("divide")(x, find("power")(x, 3)),
        dout,
        x,
    )


divide = interaction(
    part(
        "quotients agree with numerical differentiation",
        2,
        essential=True,
        count=8,
        steps=quotients,
    ),
    part("differences and powers do, too", count=10, steps=differences_and_powers),
    part("numbers and arrays on either side, in any shapes", count=4, steps=either_side),
    part("the same tensor on both sides", count=5, steps=same_tensor),
)


def matrix_products(t):
    """Hold both gradients against numerical differentiation, with any shapes and square."""
    for N, n, m in (("N", "n", "m"), ("3", "3", "3")):
        x, y, dout = t.draw(arrays(f"{N} {n}"), arrays(f"{n} {m}"), arrays(f"{N} {m}"))
        hold(t, "matmul", operation("matmul"), dout, x, y, plain=lambda x, y: x @ y)


def matrices_on_either_side(t):
    """Put an array on either side, and the same tensor on both."""
    x, y, dout = t.draw(arrays("N n"), arrays("n m"), arrays("N m"))
    hold(t, "matmul(x, array)", operation("matmul", y), dout, x)
    hold(t, "matmul(array, x)", lambda find, y: find("matmul")(x, y), dout, y)
    wide = t.choice(("101 2", "2 2", "101 2"), ("2 257", "257 1", "2 1"), ("1 1", "1 3", "1 3"))
    x, y, dout = t.draw(*map(arrays, wide))
    hold(t, "matmul", operation("matmul"), dout, x, y)
    x, dout = t.draw(arrays("3 3"), arrays("3 3"))
    hold(t, "matmul(x, x)", lambda find, x: find("matmul")(x, x), dout, x)


matmul = interaction(
    part(
        "agrees with numerical differentiation", 2, essential=True, count=6, steps=matrix_products
    ),
    part("arrays on either side, and x @ x", count=6, steps=matrices_on_either_side),
)

# --- functions ------------------------------------------------------------------------------------


def relu_slopes(t):
    """Hold ReLU's gradient against numerical differentiation."""
    x = t.draw(away_from(arrays("n *any"), 0, 0.05))
    hold(t, "relu", operation("relu"), upstream(t, x.shape), x, plain=lambda x: np.maximum(x, 0))
    x = np.array([1.5, -2.0, 0.5, -0.7])
    hold(t, "relu", operation("relu"), np.array([-1.0, 2.0, 3.0, -4.0]), x)


def curves(t):
    """Hold the gradients of exp and log against numerical differentiation."""
    x, positive = t.draw(ANY, POSITIVE)
    dout = upstream(t, np.shape(x))
    hold(t, "exp", operation("exp"), dout, x, plain=np.exp)
    hold(t, "log", operation("log"), dout, positive, plain=np.log)
    dout = np.array([1.0, -2.0, 0.5])
    hold(t, "exp", operation("exp"), dout, np.array([600.0, -600.0, 700.0]))
    hold(t, "log", operation("log"), dout, np.array([1e-12, 1e-300, 1e300]))
    close = np.array([0.0, 1.0, 0.5])
    for middle in (t.choice(-20.0, -33.0), t.choice(-45.0, -600.0), t.choice(60.0, 690.0)):
        hold(t, "exp", operation("exp"), dout, middle + close, tolerance=tails(t))
    for size in (t.choice(1e-5, 1e-8), t.choice(1e-12, 1e-300), t.choice(1e9, 1e300)):
        hold(t, "log", operation("log"), dout, size * (1 + close), tolerance=tails(t))


def at_zero(t):
    """Go through ReLU with zeros, and with integers."""
    x = np.array([0.0, 1.0, -1.0, 0.0, 1e-300])
    hold(t, "relu", operation("relu"), np.array([5.0, 6.0, 7.0, -8.0, 9.0]), x, tolerance=tails(t))
    for size in (1e12, 1e-9):
        x = size * np.array([1.0, -1.0, 2.0, -2.0, -0.0])
        hold(
            t,
            "relu",
            operation("relu"),
            np.array([5.0, 6.0, 7.0, -8.0, 9.0]),
            x,
            tolerance=tails(t),
        )
    x = np.array([1.7e308, -1.7e308, 1.0])
    hold(t, "relu", operation("relu"), np.array([5.0, 6.0, 7.0]), x, tolerance=tails(t))
    x, dout = t.draw(integer_arrays("n *any", -2, 2), arrays("n *any"))
    hold(t, "relu", operation("relu"), dout, x)


relu = interaction(
    part(
        "relu agrees with numerical differentiation", 2, essential=True, count=6, steps=relu_slopes
    ),
    part("exp and log agree with numerical differentiation", count=6, steps=curves),
    part("the slope of relu at 0 is 0", count=5, steps=at_zero),
)

# --- sums and means -------------------------------------------------------------------------------


def reduced(t, name, x, axis, keepdims, plain=False):
    """Hold a sum or a mean over axes; with numerical differentiation if it is asked for."""
    reduce = np.sum if name == "sum_over" else np.mean
    dout = upstream(t, np.shape(reduce(x, axis=axis, keepdims=keepdims)))
    options = {"axis": axis, "keepdims": keepdims}
    said = [f"{key}={value}" for key, value in options.items() if value not in (None, False)]
    hold(
        t,
        f"{name}({', '.join(['x', *said])})",
        given(name, axis, keepdims, t.choice("by place", "by name", "if needed")),
        dout,
        x,
        plain=(lambda z: reduce(z, axis=axis, keepdims=keepdims)) if plain else None,
    )


def given(name, axis, keepdims, how):
    """Return what builds a sum or a mean: its options by place, by name, or only if needed."""
    if how == "by place":
        return lambda find, x: find(name)(x, axis, keepdims)
    options = {"axis": axis, "keepdims": keepdims}
    if how == "if needed":
        options = {key: value for key, value in options.items() if value not in (None, False)}
        options |= {"axis": axis} if axis is not None else {}
    return lambda find, x: find(name)(x, **options)


def sums_agree(t):
    """Hold sums over all or over one axis against numerical differentiation."""
    x = t.draw(arrays("2 3") | arrays("3 3") | arrays("2 3 2"))
    reduced(t, "sum_over", x, None, False, plain=True)
    reduced(t, "sum_over", x, 0, False, plain=True)
    reduced(t, "sum_over", x, 1, False, plain=True)


def means_agree(t):
    """Hold means over all or over one axis against numerical differentiation."""
    x = t.draw(arrays("2 3") | arrays("3 3") | arrays("2 3 2"))
    reduced(t, "mean_over", x, None, False, plain=True)
    reduced(t, "mean_over", x, t.choice(0, 1), False, plain=True)


def axes_of_all_kinds(t):
    """Take negative axes, tuples of them, and axes that stay."""
    x = t.draw(arrays("2 3 4"))
    for name in ("sum_over", "mean_over"):
        for axis in (-1, t.choice((0, 2), (2, 0), (-1, 1)), t.choice(None, 0, 1, -2, (0, 1))):
            reduced(t, name, x, axis, t.choice(True, False))
        reduced(t, name, x, t.choice((-2, -1), (-1, -3), (-3, -2)), False)
        reduced(t, name, x, t.choice(None, 1, (1, -1)), True)
        reduced(t, name, x, t.choice((1,), (-1,), (0, 1, 2), (2, -3, 1)), t.choice(True, False))
        reduced(t, name, t.draw(arrays("2 3 2 2")), t.choice(-3, (1, 3), (-1, 0)), False)
        reduced(t, name, t.draw(arrays("101 2")), t.choice(None, 0, (1, 0)), t.choice(True, False))


def lengths_of_one(t):
    """Take axes of length 1, a batch of one, and single numbers."""
    for name in ("sum_over", "mean_over"):
        reduced(t, name, t.draw(numbers()), None, t.choice(True, False))
        reduced(t, name, t.draw(arrays("1 3")), t.choice(0, 1), t.choice(True, False))
        reduced(t, name, t.draw(arrays("3 1")), t.choice(0, 1, (0, 1)), False)
        reduced(t, name, t.draw(arrays("n")), t.choice(0, -1), t.choice(True, False))


sum_over = interaction(
    part(
        "sums over all or over one axis agree with differentiation",
        2,
        essential=True,
        count=5,
        steps=sums_agree,
    ),
    part("means agree with numerical differentiation", count=5, steps=means_agree),
    part("negative axes, several axes, axes that stay", count=5, steps=axes_of_all_kinds),
    part("single numbers, and axes of length 1", count=6, steps=lengths_of_one),
)

# --- picking out ----------------------------------------------------------------------------------


def picked(t, x, index, plain=False, again=False):
    """Pick out elements, and send a gradient back."""
    dout = upstream(t, np.shape(x[index]))
    hold(
        t,
        f"take(x, {shown(index)})",
        operation("take", index),
        dout,
        x,
        plain=(lambda z: z[index]) if plain else None,
        again=again,
    )


def shown(index):
    """Return an index as a reader writes it."""
    if isinstance(index, tuple):
        return f"({', '.join(map(shown, index))})"
    if isinstance(index, slice):
        return repr(index)
    return str(np.asarray(index).tolist())


def labels_and_slices(t):
    """Take the elements at labels, rows, slices and masks, none of them twice."""
    x = t.draw(arrays("4 3"))
    right = t.draw(integer_arrays("4", 0, 2))
    picked(t, x, (np.arange(4), right), plain=True)
    rows = np.array(t.source.order(4))[: t.source.integer(1, 4)]
    index = t.choice(
        rows,
        rows.tolist(),
        2,
        slice(1, 3),
        (slice(None), 1),
        (2, 0),
        x > 0,
        (1, slice(0, 2)),
    )
    picked(t, x, index, plain=np.size(x[index]) > 0)
    picked(t, x, rows.tolist())
    picked(t, x, x > 0)
    picked(t, t.draw(arrays("5")), t.choice(0, slice(None, None, 2), np.array([3, 1])))


def index_after(find, x, index):
    """Take elements, go back, and return the index."""
    taken = find("take")(find("Tensor")(x), index)
    taken.backward()
    return index


def taken_twice(t):
    """Take elements by any index, and several times; the index stays as it is."""
    for index in ([-1, 2, 2], np.array([-1, 2, -3])):
        t.apart()
        t.both(
            "the index after take(x, index) and backward",
            lambda x, index: index_after(t.find, x, index),
            lambda x, index: index_after(t.names.__getitem__, x, index),
            (),
            {"x": np.arange(4.0), "index": index},
        )
    x, rows = t.draw(arrays("4 3")), np.array(t.source.order(4))[: t.source.integer(1, 4)]
    further = (
        -1,
        slice(None, None, -1),
        (slice(3, 0, -2), slice(None)),
        (slice(0, 2), rows[:1] % 3),
        (rows, slice(1, None)),
        np.array([[0, 1], [3, 2]]),
    )
    picked(t, x, t.choice(*further))
    picked(t, x, t.choice(-rows - 1, np.array([2, 0], dtype=np.int32)))
    picked(t, x, (np.array([0, 1, 1, 3]), np.array([2, 0, 0, 1])))
    picked(t, x, np.array([2, 0, 2]))
    picked(t, x, (slice(0, 2), np.array([1, 1, 2])))
    picked(t, x, t.draw(integer_arrays("6", -4, 3)))
    picked(
        t,
        t.draw(arrays("3")),
        t.choice(np.array([1, 1, 1]), [0, -3, 2], np.array([[0, 0], [2, 0]])),
    )
    picked(t, t.draw(arrays("257 2")), t.source.integers((300,), -257, 256), again=True)


take = interaction(
    part(
        "agrees with numerical differentiation", 2, essential=True, count=8, steps=labels_and_slices
    ),
    part(
        "negative indices, steps, and elements that come up twice: they get both parts",
        laws=False,
        count=6,
        steps=taken_twice,
    ),
)

# --- the loss -------------------------------------------------------------------------------------


def cross_entropy(z, right):
    """Return the mean cross-entropy, by NumPy alone."""
    shifted = z - z.max(axis=1, keepdims=True)
    picked_out = shifted[np.arange(len(right)), right]
    return np.mean(np.log(np.exp(shifted).sum(axis=1)) - picked_out)


def loss_slopes(t):
    """Hold the gradient of the loss against numerical differentiation."""
    for N, K in (("N", "K"), ("4", "3"), ("3", "3")):
        z = t.draw(arrays(f"{N} {K}", -2, 2))
        right = (np.arange(len(z)) + t.source.integer(0, 9)) % z.shape[1]
        hold(
            t,
            f"softmax_cross_entropy with the labels {right.tolist()}",
            operation("softmax_cross_entropy", right),
            np.array(t.draw(numbers())),
            z,
            plain=lambda z, right=right: cross_entropy(z, right),
        )


def large_scores(t):
    """Take scores of any size, without a warning."""
    steep = np.array([[1000.0, 0.0, -1000.0], [5.0, 5.0, 5.0], [-1e6, 1e6, 0.0]])
    drawn = t.draw(arrays("3 3", -1e6, 1e6) | arrays("3 3").map(lambda z: 300 * z))
    for z in (steep, -steep, drawn):
        right = t.draw(integer_arrays("3", 0, 2))
        hold(
            t,
            f"softmax_cross_entropy with the labels {right.tolist()}",
            operation("softmax_cross_entropy", right),
            np.array(1.0),
            z,
        )


def improbable(t):
    """Take scores that differ by tens: the gradients at improbable classes are tiny."""
    z = t.source.array((101, 3), -1, 1) + np.array([0.0, 14.0, 1.0])
    hold(
        t,
        "softmax_cross_entropy with the label 1 for all, times 1e6,",
        lambda find, z: find("multiply")(
            find("softmax_cross_entropy")(z, np.ones(101, dtype=int)), 1e6
        ),
        np.array(1.0),
        z,
        tolerance=replace(t.tolerance, rtol=1e-5, atol=1e-11),
    )


def small_batches(t):
    """Take a batch of one, one class, and batches with one label again and again."""
    for shape in ("1 4", "N 1", "5 2", "1 1"):
        t.anew()
        z = t.draw(arrays(shape, -2, 2))
        right = np.full(len(z), t.source.integer(0, z.shape[1] - 1))
        if t.choice(True, False):
            right = right.astype(t.choice(np.int32, np.int8))
        hold(
            t,
            f"softmax_cross_entropy with the labels {right.tolist()}",
            operation("softmax_cross_entropy", right),
            np.array(t.choice(1.0, -2.5)),
            z,
        )
    improbable(t)


softmax_cross_entropy = interaction(
    part("agrees with numerical differentiation", 2, essential=True, count=5, steps=loss_slopes),
    part("scores of any size, without a warning", count=5, steps=large_scores),
    part("a batch of one, few classes, one label for all", count=4, steps=small_batches),
)

# --- no_grad --------------------------------------------------------------------------------------


def switch(name, run):
    """Return steps that try the switch; it is on before and afterwards, on both sides."""

    def side(find):
        def steps(x):
            tensor = find("Tensor")
            tensor.recording = True
            try:
                return run(find, x)
            finally:
                tensor.recording = True

        return steps

    def steps(t):
        t.both(name, side(t.find), side(t.names.__getitem__), (), {"x": t.draw(arrays("n"))})

    return steps


def reached(find, x):
    """Return whether a square that is computed now remembers where it came from."""
    tensor = find("Tensor")(x)
    find("multiply")(tensor, tensor).backward()
    return tensor.grad is not None


def once(find, x):
    """Look before a block, in it and after it, twice."""
    found = {"before any block": reached(find, x)}
    for which in ("first", "second"):
        with find("no_grad")():
            found[f"in the {which} block"] = reached(find, x)
            found[f"in the {which} block, again"] = reached(find, x)
        found[f"after the {which} block"] = reached(find, x)
    return found


def nested(find, x):
    """Look in a block within a block, between the ends, and where it was off before a block."""
    found = {}
    with find("no_grad")():
        with find("no_grad")():
            with find("no_grad")():
                found["in the innermost of three blocks"] = reached(find, x)
            found["after it, in the second"] = reached(find, x)
        found["after that, in the outermost"] = reached(find, x)
    found["after all three"] = reached(find, x)
    find("Tensor").recording = False
    with find("no_grad")():
        found["in a block, where it was off before"] = reached(find, x)
    found["after that block"] = reached(find, x)
    find("Tensor").recording = True
    return {**found, "when it was put on again": reached(find, x)}


def by_exception(find, x):
    """Leave blocks as usual, and by an exception, which must arrive; look after each."""
    with find("no_grad")():
        found = {"in a block": reached(find, x)}
    found |= {"after a block that ends by itself": reached(find, x), "KeyError arrives": False}
    try:
        with find("no_grad")():
            raise KeyError("stop")
    except KeyError:
        found["KeyError arrives"] = True
    found["after a block that KeyError ends"] = reached(find, x)
    with find("no_grad")():
        arrived = False
        try:
            with find("no_grad")():
                raise ValueError("stop")
        except ValueError:
            arrived = True
        found["ValueError arrives from an inner block"] = arrived
        found["after the inner block, in the outer one"] = reached(find, x)
    return {**found, "after both": reached(find, x)}


def by_return(find, x):
    """Leave a block by `return` and by `break`; look after each."""

    def leave():
        with find("no_grad")():
            return {"in a block": reached(find, x)}

    found = leave()
    found["after a block that `return` leaves"] = reached(find, x)
    for _ in range(2):
        with find("no_grad")():
            break
    return {**found, "after a block that `break` leaves": reached(find, x)}


def nested_and_left(t):
    """Take nested blocks, and such as `return` and `break` leave."""
    switch("tensors that remember, in nested blocks", nested)(t)
    t.apart()
    switch("tensors that remember, around blocks left by `return` and `break`", by_return)(t)


no_grad = interaction(
    part(
        "remembers nothing within, and everything afterwards",
        essential=True,
        count=3,
        steps=switch("tensors that remember", once),
    ),
    part("nested blocks", count=2, steps=nested_and_left),
    part(
        "blocks that an exception ends",
        count=2,
        steps=switch("tensors that remember, around blocks that an exception ends", by_exception),
    ),
)

# --- the network ----------------------------------------------------------------------------------

KEYS = ("W1", "b1", "W2", "b2")
AXES = (("6", "4", "5", "3"), ("N", "n", "h", "K"), ("3", "3", "3", "3"))


def network(t, axes):
    """Return a network with drawn parameters, these, and a batch with labels.

    No hidden unit is near its kink, and no sample has two classes that are nearly equal.
    """
    N, n, h, K = axes
    while True:
        drawn = t.draw(
            arrays(f"{n} {h}", -1, 1),
            arrays(h, -1, 1).map(lambda b: b + BIAS),
            arrays(f"{h} {K}", -1, 1),
            arrays(K, -1, 1),
            arrays(f"{N} {n}", -2, 2),
        )
        W1, b1, W2, b2, x = drawn
        hidden = x @ W1 + b1
        ranked = np.sort(np.maximum(hidden, 0) @ W2 + b2, axis=1)
        if np.abs(hidden).min() > 0.01 and np.all(np.diff(ranked[:, -2:]) > 1e-6):
            break
    values = dict(zip(KEYS, drawn, strict=False))
    net = t.make(*W1.shape, len(b2), 0.5, rng=np.random.default_rng(1))
    for key, numbers_ in values.items():
        net.write(f"params.{key}.data", numbers_)
    return net, values, x, t.draw(integer_arrays(f"{len(x)}", 0, len(b2) - 1))


def mean_loss(values, x, right):
    """Return the loss of a network with these parameters, by NumPy alone."""
    hidden = np.maximum(x @ values["W1"] + values["b1"], 0)
    return cross_entropy(hidden @ values["W2"] + values["b2"], right)


def net_slopes(t):
    """Hold the gradient at each parameter against numerical differentiation.

    Ask for the gradient of the same batch again when the parameters have moved.
    """
    for axes in AXES:
        net, values, x, right = network(t, axes)
        batch = t.keep(x)
        hold_net(t, net, values, x, right, batch)
        net.write("params.b2.data", 2 * values["b2"] + 0.5)
        net.write("params.W1.data", -0.5 * values["W1"])
        net.gradient(batch, right)


def hold_net(t, net, values, x, right, batch):
    """Hold the gradient of one batch, kept in `batch`, against numerical differentiation."""
    net.gradient(batch, right)
    for key in KEYS:
        t.slope(lambda z, key=key: mean_loss({**values, key: z}, x, right), values[key], item=key)


def net_scores(t):
    """Ask for scores, loss and accuracy, and for them again with other parameters."""
    net, values, x, right = network(t, t.choice(*AXES))
    batch, large, labels_ = t.keep(x), t.keep(5000 * x), t.keep(right)
    for _ in range(2):
        for name, given in (
            ("predict", (batch,)),
            ("predict", (x[:1],)),
            ("loss", (batch, labels_)),
            ("loss", (x[:1], right[:1])),
            ("predict", (large,)),
            ("loss", (large, right)),
            ("loss", (batch, labels_)),
        ):
            t.both(
                f"{name}(...).data",
                lambda *a, name=name: getattr(net.theirs, name)(*a).data,
                lambda *a, name=name: getattr(net.ours, name)(*a).data,
                given,
                signature=getattr(net.ours, name),
            )
        net.accuracy(batch, labels_)
        best = np.argmax(np.maximum(x @ values["W1"] + values["b1"], 0) @ values["W2"], axis=1)
        net.accuracy(x, right)
        best = np.argmax(np.asarray(net.ours.predict(x).data), axis=1)
        net.accuracy(x, np.where(np.arange(len(x)) % 2, best, right))
        for label in (best[:1], (best[:1] + 1) % len(values["b2"])):
            net.accuracy(x[:1], label)
        many = np.arange(257) % len(x)
        net.accuracy(x[many], np.where(np.arange(257) % 3, best[many], right[many]))
        for on in (True, False):
            t.both(
                f"Tensor.recording after accuracy, where it was {on} before",
                lambda on=on: left_after(t.find("Tensor"), net.theirs, x, right, on),
                lambda on=on: left_after(t.names["Tensor"], net.ours, x, right, on),
                assigned=str,
            )
        net.accuracy(batch, labels_)
        t.both(
            "predict(x).backward and params.W2.grad",
            lambda x: back_from_scores(net.theirs, x),
            lambda x: back_from_scores(net.ours, x),
            (batch,),  # and the same array again with other parameters
        )
        values = {key: -0.5 * numbers_ for key, numbers_ in values.items()}
        for key, numbers_ in values.items():
            net.write(f"params.{key}.data", numbers_)


def left_after(tensor, net, x, right, on):
    """Return whether the switch is on after `accuracy`, and put it on."""
    tensor.recording = on
    try:
        net.accuracy(x, right)
        return bool(tensor.recording)
    finally:
        tensor.recording = True


def back_from_scores(net, x):
    """Go back from the scores, which are a tensor, to the weights."""
    net.predict(x).backward()
    return net.params["W2"].grad


def net_batches(t):
    """Take one batch after another, in two networks; the first result must stay as it was."""
    net, _, x, right = network(t, AXES[0])
    other, _, before, rest = network(t, AXES[0])
    net.gradient(x, right)
    net.gradient(before, rest)
    other.gradient(before[:1], rest[:1])
    net.gradient(x, right)
    batch, labels_ = t.keep(x), t.keep(right)
    net.gradient(batch, labels_)
    batch.write(-0.5 * x)
    labels_.write((right + 1) % 3)
    net.gradient(batch, labels_)
    net.accuracy(batch, labels_)
    net.read(*(f"params.{key}.data" for key in KEYS))


TwoLayerNet = interaction(
    part("agrees with numerical differentiation", 3, essential=True, count=4, steps=net_slopes),
    part("scores, loss and accuracy", 2, count=6, steps=net_scores),
    part("each batch has a gradient of its own", count=5, steps=net_batches),
)

# --- the bug museum -------------------------------------------------------------------------------

ADD, MULTIPLY, EXP = "add", "multiply", "exp"


def run_forward(program, values):
    """Return all values of a program as floats."""
    nodes = [float(v) for v in values]
    for name, *places in program:
        given = [nodes[place] for place in places]
        nodes.append(float({ADD: np.add, MULTIPLY: np.multiply, EXP: np.exp}[name](*given)))
    return nodes


def slope_of(name, given, output):
    """Return the derivative of an operation at each of its inputs."""
    return {ADD: [1.0, 1.0], MULTIPLY: given[::-1], EXP: [output]}[name]


def backwards(program, values, calls=1, slope=slope_of, order=None, merge=None, calls_left=None):
    """Return right gradients, by a walk from the end; options make it wrong."""
    nodes = run_forward(program, values)
    grads = [0.0] * len(nodes)
    for call in range(calls):
        if calls_left is None or not calls_left(call, grads, len(values)):
            grads = [0.0] * len(nodes)
        grads[-1] = 1.0
        for number in (
            order(program, values) if order else range(len(nodes) - 1, len(values) - 1, -1)
        ):
            name, *places = program[number - len(values)]
            given = [nodes[place] for place in places]
            parts = list(zip(places, slope(name, given, nodes[number]), strict=True))
            for place, own in merge(parts) if merge else parts:
                grads[place] += grads[number] * own
    return [float(g) for g in grads[: len(values)]]


def by_paths(program, values, calls=1):
    """Return the gradients as the sum over all ways from the end to an input."""
    nodes = run_forward(program, values)
    grads = [0.0] * len(values)

    def visit(number, came):
        if number < len(values):
            grads[number] += came
            return
        name, *places = program[number - len(values)]
        given = [nodes[place] for place in places]
        for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
            visit(place, came * own)

    visit(len(nodes) - 1, 1.0)
    return grads


def by_forward_mode(program, values, calls=1):
    """Return the gradients one input at a time: each value carries its derivative."""
    found = []
    for chosen in range(len(values)):
        nodes = [(float(v), float(n == chosen)) for n, v in enumerate(values)]
        for name, *places in program:
            pairs = [nodes[place] for place in places]
            if name == EXP:
                ((a, da),) = pairs
                nodes.append((float(np.exp(a)), float(np.exp(a)) * da))
            else:
                (a, da), (b, db) = pairs
                nodes.append((a + b, da + db) if name == ADD else (a * b, a * db + b * da))
        found.append(nodes[-1][1])
    return found


def by_complex_step(program, values, calls=1):
    """Return the gradients by a tiny imaginary step."""
    found = []
    for chosen in range(len(values)):
        nodes = [complex(v, 1e-30 * (n == chosen)) for n, v in enumerate(values)]
        for name, *places in program:
            given = [nodes[place] for place in places]
            nodes.append({ADD: np.add, MULTIPLY: np.multiply, EXP: np.exp}[name](*given))
        found.append(float(np.imag(nodes[-1]) / 1e-30))
    return found


def by_equations(program, values, calls=1):
    """Return the gradients by solving the linear equations between all of them."""
    nodes = run_forward(program, values)
    matrix = np.eye(len(nodes))
    for number, (name, *places) in enumerate(program, len(values)):
        given = [nodes[place] for place in places]
        for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
            matrix[place, number] -= own
    end = np.zeros(len(nodes))
    end[-1] = 1.0
    return np.linalg.solve(matrix, end)[: len(values)].tolist()


def by_memory(program, values, calls=1):
    """Return the gradients by asking each value for its users."""
    nodes = run_forward(program, values)
    known = {len(nodes) - 1: 1.0}

    def at(number):
        if number not in known:
            known[number] = 0.0
            for user, (name, *places) in enumerate(program, len(values)):
                own = slope_of(name, [nodes[p] for p in places], nodes[user])
                known[number] += sum(
                    at(user) * s for p, s in zip(places, own, strict=True) if p == number
                )
        return known[number]

    return [at(number) for number in range(len(values))]


def walked(program, values):
    """Return the steps below the last one, from the end, each after its users."""
    first, order, seen = len(values), [], set()

    def visit(number):
        if number < first or number in seen:
            return
        seen.add(number)
        for place in program[number - first][1:]:
            visit(place)
        order.append(number)

    visit(first + len(program) - 1)
    return order[::-1]


def by_differences(program, values, calls=1, step=1e-4, both=True):
    """Return the gradients as differences, central or one-sided."""
    found = []
    for chosen in range(len(values)):
        ends = []
        for sign in (1, -1 if both else 0):
            moved = [v + sign * step * (n == chosen) for n, v in enumerate(values)]
            ends.append(run_forward(program, moved)[-1])
        found.append((ends[0] - ends[1]) / (2 * step if both else step))
    return found


def by_two_differences(program, values, calls=1):
    """Return the gradients as central differences, whose errors of second order cancel.

    They are good to a billionth where the formula is steep, too.
    """
    near, far = (by_differences(program, values, step=step) for step in (5e-4, 1e-3))
    return [(4 * one - other) / 3 for one, other in zip(near, far, strict=True)]


def remembered():
    """Return an engine that remembers its answer to each program, whatever the values are."""
    known = {}

    def run(program, values, calls=1):
        key = (len(values), *program)
        if key not in known:
            known[key] = backwards(program, values, calls)
        return list(known[key])

    return run


def parts_at_most(count, at_inputs=True):
    """Return an engine that adds so many parts at most, at inputs or at results in between."""

    def run(program, values, calls=1):
        nodes = run_forward(program, values)
        grads, came = [0.0] * len(nodes), [0] * len(nodes)
        grads[-1] = 1.0
        for number in range(len(nodes) - 1, len(values) - 1, -1):
            name, *places = program[number - len(values)]
            given = [nodes[place] for place in places]
            for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
                came[place] += 1
                if came[place] <= count or (place < len(values)) is not at_inputs:
                    grads[place] += grads[number] * own
        return grads[: len(values)]

    return run


def once_where(name, at_inputs):
    """Return an engine that keeps one part where such an operation uses a value twice."""

    def run(program, values, calls=1):
        def slope(used, given, output):
            place = next(places)
            right = list(slope_of(used, given, output))
            twice = used == name and place[0] == place[1] and (place[0] < len(values)) is at_inputs
            return [right[0], 0.0] if twice else right

        places = iter([(*places, None) for _, *places in reversed(program)])
        return backwards(program, values, slope=slope)

    return run


def unused_get_nan(program, values, calls=1):
    """Return nan for inputs that no step uses."""
    used = {place for _, *places in program for place in places}
    found = backwards(program, values, calls)
    return [g if n in used else float("nan") for n, g in enumerate(found)]


def with_rounding(program, values, calls=1):
    """Return right gradients, off by a billionth."""
    return [g * (1 + 1e-9) + 1e-10 for g in backwards(program, values, calls)]


RIGHT = {
    "walks through the steps from the last to the first": backwards,
    "follows every way from the end to an input": by_paths,
    "carries derivatives forward, one input at a time": by_forward_mode,
    "takes a tiny imaginary step": by_complex_step,
    "solves linear equations": by_equations,
    "asks each value for its users, and remembers the answers": by_memory,
    "walks in a topological order": lambda program, values, calls=1: backwards(
        program, values, calls, order=walked
    ),
    "is off by a billionth": with_rounding,
    "is off by half a millionth": lambda program, values, calls=1: [
        g - 5e-7 for g in backwards(program, values, calls)
    ],
    "takes central differences of two widths": by_two_differences,
    "returns NumPy numbers": lambda program, values, calls=1: list(
        np.array(backwards(program, values, calls))
    ),
    "works on copies of its arguments": lambda program, values, calls=1: backwards(
        [*program], [*values], calls
    ),
    "repeats the call and returns the last answer": lambda program, values, calls=1: [
        backwards(program, values) for _ in range(calls)
    ][-1],
}


def never(call, grads, count):
    """Keep all gradients from one call to the next."""
    return True


def twice_visited(program, values, calls=1):
    """Pass on all that has come so far, once for each user."""
    nodes = run_forward(program, values)
    grads = [0.0] * len(nodes)

    def visit(number, came):
        grads[number] += came
        if number >= len(values):
            name, *places = program[number - len(values)]
            given = [nodes[place] for place in places]
            for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
                visit(place, grads[number] * own)

    visit(len(nodes) - 1, 1.0)
    return grads[: len(values)]


def first_part_only(program, values, calls=1):
    """Pass on the first part that comes to a result, and none of those that come later."""
    nodes = run_forward(program, values)
    grads = [0.0] * len(nodes)
    seen = set()

    def visit(number, came):
        grads[number] += came
        if number < len(values) or number in seen:
            return
        seen.add(number)
        name, *places = program[number - len(values)]
        given = [nodes[place] for place in places]
        for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
            visit(place, came * own)

    visit(len(nodes) - 1, 1.0)
    return grads[: len(values)]


def exchange_inputs(program, values, found):
    """Exchange the inputs of sums and products in the program: its gradients stay the same."""
    for number, (name, *places) in enumerate(list(program)):
        program[number] = (name, *places[::-1])


def in_place(*names, inputs=False):
    """Return an engine that writes a result into the array of its first input."""

    def run(program, values, calls=1):
        nodes = [np.array(float(v)) for v in values]
        for name, *places in program:
            given = [nodes[place] for place in places]
            function_ = {ADD: np.add, MULTIPLY: np.multiply, EXP: np.exp}[name]
            if name in names and (inputs or places[0] >= len(values)):
                others = [np.array(one) for one in given]
                given[0][...] = function_(*others)
                nodes.append(given[0])
            else:
                nodes.append(np.array(function_(*given)))
        grads = [0.0] * (len(nodes) - 1) + [1.0]
        for number in range(len(nodes) - 1, len(values) - 1, -1):
            name, *places = program[number - len(values)]
            given = [nodes[place] for place in places]
            for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
                grads[place] += grads[number] * own
        return [float(g) for g in grads[: len(values)]]

    return run


def with_slope(change):
    """Return an engine with another derivative: `change` gets the right ones and all they need."""

    def slope(name, given, output):
        return change(name, given, output, list(slope_of(name, given, output)))

    return lambda program, values, calls=1: backwards(program, values, calls, slope=slope)


def last_wins(program, values, calls=1):
    """Overwrite a gradient with each part that comes."""
    nodes = run_forward(program, values)
    grads = [0.0] * len(nodes)
    grads[-1] = 1.0
    for number in range(len(nodes) - 1, len(values) - 1, -1):
        name, *places = program[number - len(values)]
        given = [nodes[place] for place in places]
        for place, own in zip(places, slope_of(name, given, nodes[number]), strict=True):
            grads[place] = grads[number] * own
    return grads[: len(values)]


def once_each(parts):
    """Keep one part of those that go to the same place."""
    return list(dict(parts).items())


def at_inputs(call, grads, count):
    """Forget the gradients in between, and keep those at the inputs."""
    grads[count:] = [0.0] * (len(grads) - count)
    return True


def in_between(call, grads, count):
    """Forget the gradients at the inputs, and keep those in between."""
    grads[:count] = [0.0] * count
    return True


def remembering():
    """Return an engine that adds to the gradients of the program before, if there are as many."""
    before = {}

    def run(program, values, calls=1):
        found = backwards(program, values, calls)
        older = before.get(len(values), [0.0] * len(values))
        before[len(values)] = found
        return [new + old for new, old in zip(found, older, strict=True)]

    return run


def after(change):
    """Return an engine that gives right gradients, and changes its arguments afterwards."""

    def run(program, values, calls=1):
        found = backwards(program, values, calls)
        change(program, values, found)
        return found

    return run


def unused_get_one(program, values, calls=1):
    """Return 1 for inputs that no step uses."""
    used = {place for _, *places in program for place in places}
    found = backwards(program, values, calls)
    return [g if n in used else 1.0 for n, g in enumerate(found)]


def from_all_ends(program, values, calls=1):
    """Start with 1 at every value that no step uses, not at the last alone."""
    used = {place for _, *places in program for place in places}
    ends = [n for n in range(len(values), len(values) + len(program)) if n not in used]
    each = [backwards(program[: end - len(values) + 1], values) for end in ends]
    return np.sum(each, axis=0).tolist()


PLAINLY_WRONG = {
    "adds to the gradients of the call before": lambda program, values, calls=1: backwards(
        program, values, calls, calls_left=never
    ),
    "passes on all that has come so far, once for each user": twice_visited,
    "adds into the array of the first term, if that is a result in between": in_place(ADD),
    "returns zeros": lambda program, values, calls=1: [0.0] * len(values),
    "has the wrong sign": lambda program, values, calls=1: [
        -g for g in backwards(program, values, calls)
    ],
    "exchanges the two gradients of a product": with_slope(
        lambda name, given, output, right: right[::-1]
    ),
    "overwrites a gradient with each part that comes": last_wins,
}
USES = {
    "keeps one part only where an operation uses a value twice": (
        lambda program, values, calls=1: backwards(program, values, calls, merge=once_each)
    ),
    "passes on the first part that comes to a result, and not those that come later": (
        first_part_only
    ),
    "takes the input of exp for its output": with_slope(
        lambda name, given, output, right: given if name == EXP else right
    ),
    "lets the gradient pass exp unchanged": with_slope(
        lambda name, given, output, right: [1.0] if name == EXP else right
    ),
    "gives half to each term of a sum": with_slope(
        lambda name, given, output, right: [0.5, 0.5] if name == ADD else right
    ),
    "forgets the first term of a sum": with_slope(
        lambda name, given, output, right: [0.0, 1.0] if name == ADD else right
    ),
    "forgets the first factor of a product": with_slope(
        lambda name, given, output, right: [0.0, right[1]] if name == MULTIPLY else right
    ),
    "forgets the second term of a sum": with_slope(
        lambda name, given, output, right: [1.0, 0.0] if name == ADD else right
    ),
    "forgets the second factor of a product": with_slope(
        lambda name, given, output, right: [right[0], 0.0] if name == MULTIPLY else right
    ),
    "returns 1 for inputs that no step uses": unused_get_one,
    "returns nan for inputs that no step uses": unused_get_nan,
    "returns nan for all inputs": lambda program, values, calls=1: [float("nan")] * len(values),
    "takes one-sided differences, with errors of about a thousandth": (
        lambda program, values, calls=1: by_differences(program, values, calls, 1e-3, False)
    ),
    "adds two parts at most at an input": parts_at_most(2),
    "adds two parts at most at a result in between": parts_at_most(2, at_inputs=False),
    "keeps one part where a product uses an input twice": once_where(MULTIPLY, True),
    "keeps one part where a product uses a result in between twice": once_where(MULTIPLY, False),
    "keeps one part where a sum uses an input twice": once_where(ADD, True),
    "keeps one part where a sum uses a result in between twice": once_where(ADD, False),
    "returns the gradients from the last input to the first": (
        lambda program, values, calls=1: backwards(program, values, calls)[::-1]
    ),
    "starts with 1 at every result that is not used, too": from_all_ends,
}
CALLS = {
    "adds at the inputs to the gradients of the call before": (
        lambda program, values, calls=1: backwards(program, values, calls, calls_left=at_inputs)
    ),
    "adds in between to the gradients of the call before": (
        lambda program, values, calls=1: backwards(program, values, calls, calls_left=in_between)
    ),
    "gives the gradient times the number of calls": lambda program, values, calls=1: [
        calls * g for g in backwards(program, values)
    ],
    "returns zeros from the second call on": lambda program, values, calls=1: [
        g * (calls == 1) for g in backwards(program, values)
    ],
    "is right for one call and for two, and starts anew no more from the third on": (
        lambda program, values, calls=1: backwards(
            program, values, calls, calls_left=lambda call, grads, count: call >= 2
        )
    ),
    "multiplies into the array of the first factor, if that is a result in between": in_place(
        MULTIPLY
    ),
    "writes exp over its input, if that is a result in between": in_place(EXP),
    "writes sums over their first term, an input, too": in_place(ADD, inputs=True),
    "leaves other numbers in values": after(
        lambda program, values, found: values.__setitem__(0, found[0] + 1.0)
    ),
    "takes the last step from the program": after(lambda program, values, found: program.pop()),
    "exchanges the two inputs of each step in the program": after(exchange_inputs),
    "adds a step to the program": after(
        lambda program, values, found: program.append(("multiply", 0, 0))
    ),
}


def sort_memory(t):
    """Ask about versions that have a memory from one run to the next: fresh ones each time."""
    t.sort(
        {"walks through the steps from the last to the first": backwards},
        CALLS
        | {
            "adds the gradients of the program before": remembering(),
            "remembers its answer to each program, whatever the values are": remembered(),
        },
    )


check_engine = interaction(
    part(
        "accepts right versions, and rejects what is plainly wrong",
        2,
        essential=True,
        count=1,
        steps=lambda t: t.sort(RIGHT, PLAINLY_WRONG),
    ),
    part(
        "rejects wrong derivatives, lost uses and wrong orders",
        count=1,
        steps=lambda t: t.sort(RIGHT, USES),
    ),
    part("rejects what goes wrong with several calls, or in place", 2, count=1, steps=sort_memory),
)
