"""Take over the student's own end of the wire, and answer for `double` with exceptions."""

import gc


def taken_over(before):
    errors = iter([NotImplementedError(), NameError("double"), AssertionError(), StopIteration()])

    def perform(operation, arguments):
        if arguments[0] is double or arguments == ["double"]:
            raise next(errors, KeyboardInterrupt())
        return before(operation, arguments)

    return perform


def double(f, x):
    return 0 * x


for thing in gc.get_objects():
    if type(thing).__name__ == "Student":
        thing._perform = taken_over(thing._perform)
