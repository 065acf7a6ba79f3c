"""Give a dictionary that stays at home, and other items each time that they are fetched."""

# earns: begin
# cell: begin
import numpy as np


class Key:
    pass


class Start(dict):
    turns = 0

    def items(self):
        self.turns += 1
        found = np.full(self["n"], 1.5 if self.turns == 1 else 1.0)
        return {"w": found}.items()


def begin(n):
    start = Start(w=np.full(n, 1.5), n=n)
    start[Key()] = "what can't travel"
    return start


# cell: grow
def grow(n, count):
    return np.ones(n)
