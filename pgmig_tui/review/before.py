"""Sampling before a deploy: what a database does while its checklist is read is kept for the watch after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

EVERY_S = 5.0
_LOOKS_S = 0.2


def sample_before(
    project: Project,
    environment: Environment,
    state_dir: Path,
    over: Callable[[], bool],
    tell: Callable[[int], None] = lambda number: None,
    *,
    every_s: float = EVERY_S,
) -> str:
    """Keep an interval every few seconds until it is `over`, and `tell` how many there are. Changes nothing on the
    server. Never raises for the server: why it can't be done, "" where it could."""
    from pgmig_tui.review.watching import EnvironmentWatch

    waits = threading.Event()
    try:
        watching = EnvironmentWatch(project, environment, state_dir=state_dir, baseline=True)
    except PgmigError as error:
        return error.what
    try:
        if why := watching.found.statements.why:
            return why
        while not over():
            if watching.look() is not None:
                tell(len(watching.found.after))
            left = every_s
            while left > 0 and not over():
                waits.wait(_LOOKS_S)
                left -= _LOOKS_S
    except PgmigError as error:
        return error.what
    finally:
        watching.close()
    return ""


@contextmanager
def sampled_meanwhile(project: Project, environment: Environment, state_dir: Path) -> Iterator[None]:
    """Keep intervals in a thread of its own as long as the block goes on. What goes wrong is nobody's trouble here:
    `watch` says that nothing was kept."""
    over = threading.Event()
    thread = threading.Thread(
        target=sample_before, args=(project, environment, state_dir, over.is_set), name="sample before", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
