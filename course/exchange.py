"""Hands a learner's work in through nbgrader's exchange, where the course has one.

Asks nbgrader to do it, as `nbgrader submit` does.
"""

import logging
from pathlib import Path

from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory

from course.layout import CourseError, load_config
from course.workspace import FOLDER


def has_exchange(root: Path) -> bool:
    """Tell whether a course's configuration names an exchange.

    That is `c.Exchange.root`, or another kind of exchange in `c.ExchangeFactory`.
    """
    config = load_config(root)
    return bool(config.Exchange.get("root") or config.ExchangeFactory)


def submit(root: Path, name: str) -> str:
    """Hand in a chapter of my_work/ as it lies there, and return when that was.

    Args:
        root: the course's folder.
        name: the chapter's folder, such as "02_softmax".

    Raises:
        CourseError: if the exchange is not there, or has no such assignment, or does not take it.
    """
    config = load_config(root)
    quiet = logging.getLogger(__name__)  # what is wrong is said by the error
    quiet.setLevel(logging.CRITICAL + 1)
    folder = CourseDirectory(config=config, assignment_id=name)
    step = ExchangeFactory(config=config).Submit(
        coursedir=folder,
        authenticator=Authenticator(config=config),
        config=config,
        log=quiet,
        assignment_dir=str(root / FOLDER),
        path_includes_course=False,
    )
    try:
        step.start()
    except (ExchangeError, OSError) as error:
        raise CourseError(
            f"the exchange has not taken {name}, so it is not handed in yet ({error}): try again"
            " later, or send that file"
        ) from None
    return str(step.timestamp)
