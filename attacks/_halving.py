"""The second notebook of the attacked assignment: its exercises are held against specifications.

`_halving_specifications.py` holds these, `BANK` the known mistakes. The reference of `half` has a
mark in it that no student may ever see.
"""

MARK = "never_to_be_seen"
POINTS = {
    "half": 2, "quarter": 1, "Scale": 2, "slope": 1, "begin": 1, "grow": 1, "check_half": 2,
    "triple": 2,
}  # fmt: skip

SOLUTIONS = {
    "half": f'''\
def half(x):
    """Return half of x, an array of any shape."""
    ### BEGIN SOLUTION
    {MARK} = np.asarray(x)
    return {MARK} / 2
    ### END SOLUTION''',
    "quarter": '''\
def quarter(x):
    """Return a quarter of x, an array of any shape."""
    ### BEGIN SOLUTION
    return half(half(x))
    ### END SOLUTION''',
    "Scale": '''\
class Scale:
    """Multiply by a weight for each column."""

    def __init__(self, W):
        self.W = W

    ### BEGIN SOLUTION
    def forward(self, x):
        self.x = x
        return x * self.W

    def backward(self, dout):
        self.dW = (dout * self.x).sum(axis=0)
        return dout * self.W
    ### END SOLUTION''',
    "slope": '''\
def slope(f, x, h=1e-3):
    """Return the slopes of f at x by central differences."""
    ### BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    ### END SOLUTION''',
    "begin": '''\
def begin(n):
    """Return n numbers between 1 and 2, any."""
    ### BEGIN SOLUTION
    return {"w": np.linspace(1.1, 1.9, n)}
    ### END SOLUTION''',
    "grow": '''\
def grow(n, count):
    """Return what `begin` gives, squared so many times."""
    ### BEGIN SOLUTION
    found = begin(n)["w"]
    for _ in range(count):
        found = found**2
    return found
    ### END SOLUTION''',
    "check_half": '''\
def check_half(version):
    """Return True if version halves arrays of any shape, False if it doesn't."""
    ### BEGIN SOLUTION
    with np.errstate(all="ignore"):
        x = np.array([[-3.0, 0.0], [1.0, 5.0]])
        return bool(np.allclose(version(x), x / 2))


def half_mended(x):
    return np.asarray(x) / 2
    ### END SOLUTION''',
    "triple": '''\
def triple(x):
    """Return three times x, an array of any shape."""
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION''',
}

BANK = """\
[[wrong]]
exercise = "half"
name = "never comes to an end"
code = '''
def half(x):
    while True:
        pass'''

[[wrong]]
exercise = "half"
name = "it is the whole"
edits = [{ old = " / 2", new = "" }]
"""


def test_of(exercise: str) -> str:
    """Return the test cell of an exercise that has a specification."""
    return f"""\
q = Question("{exercise}", points={POINTS[exercise]})
### BEGIN HIDDEN TESTS
q.compare("{exercise}")
### END HIDDEN TESTS
q.score()"""
