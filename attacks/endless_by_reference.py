"""Hold lists and dictionaries without end as attributes: they are fetched item by item."""

# cell: Scale
import numpy as np


class Endless(list):
    def __iter__(self):
        while True:
            yield np.zeros(1000)

    def __len__(self):
        return 1 << 61


class Mapping(dict):
    def __iter__(self):
        yield from range(10**9)

    def items(self):
        return ((key, Endless()) for key in range(10**9))

    def __len__(self):
        return 1 << 61


class Scale:
    def __init__(self, W):
        self.W = Endless()
        self.dW = Mapping()

    def forward(self, x):
        return Endless()

    def backward(self, dout):
        return Mapping()
