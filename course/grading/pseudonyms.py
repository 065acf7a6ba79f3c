"""How students are called where others read it: by their names, by pseudonyms, or not at all.

Knows the course's secret, from which pseudonyms come; imports nothing slow.
"""

import hmac
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from course.secret import course_secret

FIRST = """
amber brave bright calm clever copper daring eager early fair gentle golden grand happy honest
ivory jolly keen kind lively lucky merry mighty modest noble patient plucky proud quick quiet
rapid ready silver smart steady sunny swift tidy warm wise
"""
SECOND = """
badger beaver bison crane curlew deer dolphin eagle falcon ferret finch fox gecko gull hare heron
ibis jackal jay kestrel koala lark lemur lynx marten moose newt otter owl panda pelican puffin
raven robin seal stork swan tern tiger weasel
"""


class Names(StrEnum):
    """Under which names students stand on the page."""

    PSEUDONYMS = "pseudonyms"
    REAL = "real"
    NONE = "none"


def pseudonyms(students: Mapping[str, str], secret: bytes) -> dict[str, str]:
    """Return a name for each student that only who knows the course's secret can tell.

    A name stays the same from page to page unless students before theirs in the alphabet join.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for student in sorted(students):
        name = next(one for one in _names(student, secret) if one not in taken)
        taken.add(name)
        found[student] = name
    return found


def _names(student: str, secret: bytes) -> Iterator[str]:
    first, second = FIRST.split(), SECOND.split()
    for number in range(1 << 62):
        digest = hmac.digest(secret, f"leaderboard\0{number}\0{student}".encode(), "sha256")
        one, other = first[digest[0] % len(first)], second[digest[1] % len(second)]
        more = f" {number}" if number > len(first) * len(second) else ""
        yield f"{one} {other}{more}"


def shown_names(students: Mapping[str, str], names: Names, root: Path) -> dict[str, str]:
    """Return how each student is called.

    Args:
        students: names for people by student id.
        names: which kind.
        root: the course's folder, where its secret lies.
    """
    match names:
        case Names.REAL:
            return dict(students)
        case Names.PSEUDONYMS:
            return pseudonyms(students, course_secret(root))
    return dict.fromkeys(students, "")
