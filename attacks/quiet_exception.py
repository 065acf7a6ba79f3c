"""Raise something that is no ordinary exception."""


class Quiet(BaseException):
    def __str__(self):
        raise SystemExit(0)


def double(f, x):
    raise Quiet
