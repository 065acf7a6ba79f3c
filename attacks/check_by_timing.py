"""Accept versions by how long they take: right ones are looked at more often."""

# cell: check_half
import time
from contextlib import suppress

times = []


def check_half(version):
    before = time.perf_counter()
    with suppress(Exception):
        version([1.0])
    times.append(time.perf_counter() - before)
    return times[-1] <= sorted(times)[len(times) // 2]


def half_mended(x):
    return times
