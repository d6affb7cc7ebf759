"""A run that is under way where a rollback is wanted, or that is watched from elsewhere: who it is, and how it is
stopped.

A run of this account obeys its command pipe. One of another account or host is only seen in the database: by the lock
that it holds, the names of its sessions and its row; it is stopped by ending those sessions, its watch over the lock
first, so that it notices before its next COMMIT. To cancel its statement is the gentler way: it fails as any would.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database import registry
from pgmig_tui.database.activity import NamedSession, end_session, sessions_named, terminate
from pgmig_tui.database.connect import Connection, ServerError, application_name, connect
from pgmig_tui.errors import NotPermitted, Refused, UsageError
from pgmig_tui.run.clients.client import attach
from pgmig_tui.run.journal.events import RunPlanned
from pgmig_tui.run.journal.file import first_and_last, is_alive

if TYPE_CHECKING:
    from pgmig_tui.database.registry import LockHolder
    from pgmig_tui.database.runs import ChangingRow
    from pgmig_tui.project.environments import Environment

PATIENCE_S = 60.0
"""So long a run of this account gets to cancel its statement and end."""
ENDING_S = 20.0
_POLL_S = 0.1
_OURS = re.compile(r"pgmig/(\d{8}-\d{6}-[0-9a-f]{4})/")


@dataclass(frozen=True, slots=True)
class Running:
    """Who holds Sqitch's lock. `run_id` is "" for a program that isn't ours; `local`: a run of this account. `command`
    is what it carries out (deploy, revert, rollback), "" where nothing here says it."""

    holder: LockHolder
    run_id: str
    local: bool
    command: str = ""

    @property
    def sentence(self) -> str:
        """Such as `run … of this account is under way: process 4242, user maria, …`."""
        if not self.run_id:
            return f"another program holds Sqitch's lock: {self.holder}"
        whose = "of this account" if self.local else "of another account or host"
        return f"run {self.run_id} {whose} is under way: {self.holder}"


def under_way(holder: LockHolder | None, state_dir: Path, rows: Sequence[ChangingRow] = ()) -> Running | None:
    """What holds the lock, None when nothing does. `rows` of the table of runs tell what runs of others carry out."""
    if holder is None:
        return None
    found = _OURS.match(holder.application)
    run_id = found[1] if found else ""
    local = bool(run_id) and is_alive(state_dir / "runs" / run_id)
    command = next((row.command for row in rows if run_id and row.run_id == run_id), "")
    if local:
        with contextlib.suppress(OSError):
            opening, _ = first_and_last(state_dir / "runs" / run_id)
            planned = opening.event if opening is not None else None
            command = planned.command if isinstance(planned, RunPlanned) else command
    return Running(holder, run_id, local, command)


def stop(
    running: Running,
    environment: Environment,
    state_dir: Path,
    told: Callable[[str], None] = lambda text: None,
    *,
    now: str = "Nothing was reverted.",
) -> None:
    """Stop it, and return when the lock is free. `now` is true as long as it isn't. Raises Refused, NotPermitted,
    Unreachable, ServerError."""
    if not running.run_id:
        raise Refused(
            running.sentence,
            now="Nothing was changed.",
            do="End it where it was started: without its script's session it can't be stopped safely from here.",
        )
    if running.local:
        told(f"stopping run {running.run_id}: its statement is cancelled")
        _stop_local(running, state_dir, now)
    else:
        told(f"stopping run {running.run_id} of another account or host: its sessions are ended")
        _stop_foreign(running, environment, now)
    _wait_until_free(running, environment, now)


def cancel_statement(environment: Environment, pid: int, started: str) -> bool:
    """Cancel what a session of a run executes, if it is still the one that started then (ISO 8601); False when it is
    gone. Raises NotPermitted, Unreachable, ServerError."""
    with _connected(environment) as connection:
        try:
            return bool(end_session(connection, pid, started, terminate=False))
        except ServerError as error:
            if error.sqlstate != "42501":
                raise
            raise NotPermitted(
                f"role {connection.role} may not cancel what process {pid} runs: {error.message}",
                now="Nothing was done; the run goes on.",
                do=f"Have its own role, or a superuser, run: SELECT pg_cancel_backend({pid});",
            ) from None


def _connected(environment: Environment) -> Connection:
    return connect(environment.target, application_name=application_name("rollback", "stop"), lock_timeout_ms=1000)


def _stop_local(running: Running, state_dir: Path, now: str) -> None:
    try:
        handle = attach(running.run_id, state_dir)
        handle.send("stop")
    except UsageError:
        return  # it has just ended
    deadline = time.monotonic() + PATIENCE_S
    while handle.alive():
        if time.monotonic() > deadline:
            raise Refused(
                f"run {running.run_id} was told to stop and is still there after {PATIENCE_S:.0f} s",
                now=f"It goes on stopping. {now}",
                do=f"Look at it: pgmig-tui attach {running.run_id}",
            )
        time.sleep(_POLL_S)


def _stop_foreign(running: Running, environment: Environment, now: str) -> None:
    with _connected(environment) as connection:
        pattern = f"pgmig/{running.run_id}/%"
        deadline = time.monotonic() + ENDING_S
        control = [one for one in sessions_named(connection, pattern) if one.pid == running.holder.pid]
        for session in control:
            _end(connection, session, now)
        # Its run process sees that, and rolls back what it has open; what is left a moment later is ended here.
        patience = time.monotonic() + 2.0
        while left := sessions_named(connection, pattern):
            if time.monotonic() > deadline:
                raise Refused(
                    f"sessions of run {running.run_id} are still there: {', '.join(str(one.pid) for one in left)}",
                    now=now,
                    do="Find out what they do: pgmig-tui check shows long transactions.",
                )
            if time.monotonic() > patience:
                for session in left:
                    _end(connection, session, now)
            time.sleep(_POLL_S)


def _end(connection: Connection, session: NamedSession, now: str) -> None:
    try:
        terminate(connection, session)
    except ServerError as error:
        if error.sqlstate != "42501":
            raise
        raise NotPermitted(
            f"role {connection.role} may not end process {session.pid} of {session.user}: {error.message}",
            now=f"{now} The run goes on.",
            do=f"Have {session.user}, or a superuser, run: SELECT pg_terminate_backend({session.pid});",
        ) from None


def _wait_until_free(running: Running, environment: Environment, now: str) -> None:
    with _connected(environment) as connection:
        deadline = time.monotonic() + ENDING_S
        while (holder := registry.lock_holder(connection)) is not None:
            if holder.pid != running.holder.pid and time.monotonic() > deadline - ENDING_S / 2:
                raise Refused(f"another run has taken its place: {holder}", now=now, do="Run this again.")
            if time.monotonic() > deadline:
                raise Refused(f"the lock is still held: {holder}", now=now, do="Run this again.")
            time.sleep(_POLL_S)
