"""Take over the student's own end of the wire, and answer for `double` with exceptions."""

import gc


def taken_over(student):
    errors = iter([NotImplementedError(), NameError("double"), AssertionError(), StopIteration()])
    before = student._perform

    def perform(operation, forms, body):
        asked = operation == "call" and student._objects.get(forms[0][1]) is double
        if asked or forms == ["double"]:
            raise next(errors, KeyboardInterrupt())
        return before(operation, forms, body)

    return perform


def double(f, x):
    return 0 * x


for thing in gc.get_objects():
    if type(thing).__name__ == "Student":
        thing._perform = taken_over(thing)
