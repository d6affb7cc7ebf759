"""`attach`: join a run of this account, or follow one of another account or host by what its server tells."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.follow import LEFT, Follower, Signals
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import InDoubt, PgmigError, Unreachable, UsageError

if TYPE_CHECKING:
    from pgmig_tui.database.foreign import ForeignLookout, Sighting
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.foreign import LiveEvent

EVERY_S = 1.0
"""How often the server is asked (seconds)."""
_PATIENCE_S = 60.0
"""A server that hasn't answered for so long is given up."""
_NOTHING = "Nothing was done."


def attach(arguments: Namespace) -> int:
    """The exit status is the run's own; 4 when it was left before its end, or when its end can't be known here."""
    from pgmig_tui.run.clients.client import attach as attach_to
    from pgmig_tui.run.journal.folder import RUN_ID, default_state_dir

    state_dir = default_state_dir(os.environ)
    run: str | None = arguments.run
    if run is not None and not (RUN_ID.fullmatch(run) and (state_dir / "runs" / run).is_dir()):
        found = _search(arguments, run, state_dir)
        if not isinstance(found, str):
            return _follow(arguments, *found)
        run = found
    handle = attach_to(run, state_dir)
    with Signals() as signals:
        return Follower(handle, signals, json_lines=arguments.json_lines, resume=arguments.resume).follow()


def _search(arguments: Namespace, wanted: str, state_dir: Path) -> str | tuple[Environment, ForeignLookout, Sighting]:
    """A run of this account by its ID, or one that is only seen on the server of an environment."""
    from pgmig_tui.cli.choose import environment_named, project_here
    from pgmig_tui.run.clients.foreign import first_look, is_local, local_run, lookout
    from pgmig_tui.run.journal.folder import RUN_ID

    try:
        project = project_here(arguments)
    except PgmigError as error:
        if RUN_ID.fullmatch(wanted):
            raise UsageError(f"there is no run {wanted} of this account", do="`pgmig-tui runs` lists them.") from error
        raise
    if RUN_ID.fullmatch(wanted):
        return _by_id(project, wanted)
    project, environment = environment_named(project, wanted)
    if run := local_run(project, environment.name, state_dir):
        return run
    looking = lookout(environment)
    seen = first_look(looking)
    if is_local(seen.run_id, state_dir):
        looking.close()
        return seen.run_id
    if seen.over:
        looking.close()
        raise _nothing_under_way(environment, seen)
    return environment, looking, seen


def _by_id(project: Project, run_id: str) -> tuple[Environment, ForeignLookout, Sighting]:
    """The environment on whose server that run is seen."""
    from pgmig_tui.run.clients.foreign import lookout

    silent = []
    for environment in project.environments:
        looking = lookout(environment)
        try:
            seen = looking.look(run_id)
        except PgmigError as error:
            silent.append(f"{environment.name}: {error.what}")
            continue
        if seen.row is not None or seen.sessions:
            return environment, looking, seen
        looking.close()
    asked = ", ".join(environment.name for environment in project.environments) or "none is configured"
    raise UsageError(
        f"there is no run {run_id}: neither of this account nor in the databases of the environments ({asked})",
        now=_NOTHING,
        do="`pgmig-tui runs` lists those of this account.",
        details=silent,
    )


def _nothing_under_way(environment: Environment, seen: Sighting) -> UsageError:
    from pgmig_tui.review.foreign import life_words

    row = seen.row
    details = []
    if row is not None and row.finished:
        details.append(f"the last run, {row.run_id} of {row.os_user}@{row.host}, ended with {row.exit_status}")
    elif row is not None:
        details.append(f"run {row.run_id} of {row.os_user}@{row.host} recorded no end: {life_words(row.heartbeat_ms)}")
    return UsageError(
        f"no run is under way on {environment.name}: nobody holds the lock",
        now=_NOTHING,
        do="`pgmig-tui runs` lists the runs of this account.",
        details=(*details, *seen.unseen),
    )


def _follow(arguments: Namespace, environment: Environment, looking: ForeignLookout, seen: Sighting) -> int:
    if arguments.resume:
        raise UsageError(
            "a run of another account or host can be watched and stopped, not resumed",
            now=_NOTHING,
            do="Its own account resumes it.",
        )
    try:
        with Signals() as signals:
            return _Watching(environment, looking, signals, json_lines=arguments.json_lines).follow(seen)
    finally:
        looking.close()


class _Watching:
    """Tells what changes until the end is seen."""

    def __init__(
        self, environment: Environment, looking: ForeignLookout, signals: Signals, *, json_lines: bool
    ) -> None:
        from pgmig_tui.review.foreign import Changes, ForeignLines

        self._environment = environment
        self._looking = looking
        self._signals = signals
        self._json_lines = json_lines
        self._changes = Changes(environment.name)
        self._lines = ForeignLines()
        self._seq = 0

    def follow(self, seen: Sighting) -> int:
        from pgmig_tui.database.foreign import OTHER
        from pgmig_tui.review.foreign import end_words, ended, registry_words

        run_id, holder = seen.run_id, seen.holder
        whose = f"run {run_id} of another account or host" if run_id else "another program"
        output.note(
            line(("~ ", "waiting"), safe(f"Watching {whose} on {self._environment.name} by what its server tells."))
        )
        while True:
            for event in self._changes.add(seen):
                self._tell(seen, run_id, event)
            another = holder is not None and seen.holder is not None and seen.holder.pid != holder.pid
            if seen.over or (another and not seen.sessions) or (another and not run_id):
                break
            if not self._wait():
                output.note(line(("~ ", "waiting"), "Left. The run goes on."))
                return LEFT
            seen = self._look(run_id or OTHER, seen)
        end = ended(seen)
        self._tell(seen, run_id, end)
        if end.exit_status is not None:
            return end.exit_status
        raise InDoubt(
            f"{whose} on {self._environment.name} is gone: {end_words(end)}",
            now=f"{registry_words(end)}.".capitalize(),
            do=f"`pgmig-tui status {self._environment.name}` compares it with the plan; the journal is its account's.",
        )

    def _look(self, run_id: str, before: Sighting) -> Sighting:
        """The next look. A server that doesn't answer is asked again for a while. Raises Unreachable."""
        since, told = time.monotonic(), ""
        while True:
            try:
                return self._looking.look(run_id)
            except PgmigError as error:
                if time.monotonic() - since > _PATIENCE_S:
                    raise Unreachable(
                        f"{self._environment.name} doesn't answer any more: {error.what}",
                        now="Whether the run goes on isn't known.",
                        do=error.do,
                    ) from None
                if error.what != told:
                    told = error.what
                    output.note(line(("? ", "stale"), safe(f"no answer: {told}; asking again")))
            if not self._wait():
                return before

    def _wait(self) -> bool:
        """False when the operator wants out."""
        end = time.monotonic() + EVERY_S
        while (left := end - time.monotonic()) > 0:
            if self._signals.interrupts or self._signals.terminations or self._signals.hung_up:
                return False
            time.sleep(min(left, 0.05))
        return True

    def _tell(self, seen: Sighting, run_id: str, event: LiveEvent) -> None:
        from pgmig_tui.review.foreign import NAMES

        self._seq += 1
        if self._json_lines:
            head = {"at": seen.at, "run": run_id, "seq": self._seq, "event": NAMES[type(event)]}
            sys.stdout.write(json.dumps({**head, **asdict(event)}) + "\n")
        else:
            for told in self._lines.add(seen.at, event):
                output.say(told)
        sys.stdout.flush()
