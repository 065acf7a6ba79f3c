"""What README says of the time that grading takes has the form that `make bench` prints."""

import re
from pathlib import Path

from benchmarks.grading import HEAD, WAYS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| (.+) \| (\d+) \| (\d+\.\d\d) s \| (\d+\.\d) \|")


def test_readme_holds_the_table_of_grading_as_it_is_printed():
    _, _, below = README.partition(f"{HEAD}\n")
    lines = below.splitlines()[1 : len(WAYS) + 1]
    rows = [ROW.fullmatch(line).groups() for line in lines]
    assert [(words, int(count)) for words, count, _, _ in rows] == [
        (words, processes) for words, _, processes, _ in WAYS
    ]
    stock = float(rows[0][2])
    for _, _, seconds, times in rows:
        assert abs(stock / float(seconds) - float(times)) < 0.1 + 0.02 * float(times)
