"""What each environment has, lacks, and where it diverges from the plan.

Every environment is asked in a thread of its own and none waits for another; each answer is one round trip after
connecting. Nothing is locked and nothing is written.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from typing import TYPE_CHECKING, ClassVar, Literal

from pgmig_tui.database.connect import (
    Connection,
    ServerIdentity,
    application_name,
    connect,
    guard_sql,
    identity_sql,
)
from pgmig_tui.database.deployed import DeployedChange, RegistryInfo, RegistryState, read_state_after
from pgmig_tui.errors import NotPermitted, PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change, Plan
    from pgmig_tui.project.project import Project

Problem = Literal["not_in_plan", "out_of_order", "script_changed"]

CONNECT_TIMEOUT_S = 5
_ANSWER_TIMEOUT_S = 20.0
_READ = 1 << 16
"""Bytes: a regular file that gives fewer has ended."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """A deployed change that isn't what, or where, the plan says."""

    change_id: str
    name: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One row of the matrix. `deployed` are change IDs in order of deployment, `pending` those of the plan that are
    not deployed, in plan order; `changes` are the registry's rows behind `deployed`.

    `reachable` is False, with the reason in `error`, when the server or its registry couldn't be read: nothing is
    known then, and `deployed` and `pending` are empty. `asked_at` is UTC.
    """

    name: str
    target: str
    reachable: bool
    error: str | None = None
    server: ServerIdentity | None = None
    registry: RegistryInfo | None = None
    last_change: DeployedChange | None = None
    deployed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    diverged: tuple[Divergence, ...] = ()
    unfinished_run: None = None
    asked_at: str = ""
    changes: tuple[DeployedChange, ...] = ()


def environment_status(
    project: Project, environment: Environment, *, hashes: bool = True, scripts: Scripts | None = None
) -> EnvironmentStatus:
    """Ask one environment. Never raises for what the server does: see `EnvironmentStatus.error`.

    `hashes` compares the scripts of the deployed changes with what was deployed; `scripts` shares what was read of
    them with other environments.
    """
    target, asked_at = environment.target, _utc_now()
    identity: ServerIdentity | None = None
    try:
        with connect(
            target, application_name=application_name("status", "watch"), connect_timeout=CONNECT_TIMEOUT_S
        ) as connection:
            identity, state = _ask(connection, target.registry, project.plan.project)
    except PgmigError as error:
        return EnvironmentStatus(environment.name, target.display, False, str(error), asked_at=asked_at)
    deployed = tuple(change.change_id for change in state.deployed)
    known = frozenset(deployed)
    return EnvironmentStatus(
        name=environment.name,
        target=target.display,
        reachable=True,
        error=_newer(state.info),
        server=identity,
        registry=state.info,
        last_change=state.deployed[-1] if state.deployed else None,
        deployed=deployed,
        pending=tuple(change.change_id for change in project.plan.changes if change.change_id not in known),
        diverged=_diverged(project, state.deployed, (scripts or Scripts(project)) if hashes else None),
        asked_at=asked_at,
        changes=state.deployed,
    )


def statuses(
    project: Project,
    environments: Iterable[Environment],
    *,
    hashes: bool = True,
    on_answer: Callable[[EnvironmentStatus], None] | None = None,
) -> list[EnvironmentStatus]:
    """Ask all environments at once; the answers in the order of `environments`.

    `on_answer` gets each answer as it comes, in the caller's thread. A server that accepts a connection and then falls
    silent is given up after 20 s.
    """
    wanted = list(environments)
    answers: queue.SimpleQueue[tuple[int, EnvironmentStatus]] = queue.SimpleQueue()

    def ask(position: int) -> None:
        try:
            answer = environment_status(project, wanted[position], hashes=hashes, scripts=scripts)
        except Exception as error:  # a thread's exception would be lost, and its row with it
            answer = _silent(wanted[position], f"{type(error).__name__}: {error}")
        answers.put((position, answer))

    scripts = Scripts(project)
    found: dict[int, EnvironmentStatus] = {}
    deadline = time.monotonic() + CONNECT_TIMEOUT_S + _ANSWER_TIMEOUT_S
    for position in range(len(wanted)):
        threading.Thread(target=ask, args=(position,), daemon=True, name=f"status-{position}").start()
    while len(found) < len(wanted):
        try:
            position, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[position] = answer
        if on_answer is not None:
            on_answer(answer)
    return [
        found.get(position) or _silent(environment, "the server accepted the connection and didn't answer")
        for position, environment in enumerate(wanted)
    ]


def divergences(
    plan: Plan, deployed: Sequence[DeployedChange], script_hash: Callable[[Change], str | None] | None = None
) -> list[Divergence]:
    """Where registry and plan disagree, in order of deployment; one entry for each change.

    A change is out of order when the plan has an earlier one that wasn't deployed before it; of a block that hangs
    together in the plan only its first change is named. A missing script is no divergence: nothing is known of it.
    """
    found = []
    by_id = plan.by_id
    seen: set[int] = set()
    expected, previous = 0, -1
    for row in deployed:
        change = by_id.get(row.change_id)
        if change is None:
            found.append(Divergence(row.change_id, row.name, "not_in_plan"))
            continue
        index = change.index
        if index not in (expected, previous + 1):
            found.append(Divergence(row.change_id, row.name, "out_of_order"))
        elif script_hash is not None and row.script_hash not in (None, row.change_id):
            now = script_hash(change)
            if now is not None and now != row.script_hash:
                found.append(Divergence(row.change_id, row.name, "script_changed"))
        previous = index
        seen.add(index)
        while expected in seen:
            seen.remove(expected)
            expected += 1
    return found


def _ask(connection: Connection, schema: str, project: str) -> tuple[ServerIdentity, RegistryState]:
    guards = guard_sql("watch", 0, connection.server_version_num).decode()
    # Many rows over a slow line take longer than a watch query may.
    guards += "; SET statement_timeout = '15s'"
    try:
        return _ask_once(connection, schema, project, f"{guards}; {identity_sql()}")
    except NotPermitted:  # the registry, or else the system identifier
        return _ask_once(connection, schema, project, f"{guards}; {identity_sql(allowed=False)}")


def _ask_once(connection: Connection, schema: str, project: str, before: str) -> tuple[ServerIdentity, RegistryState]:
    asked = time.time()
    results, state = read_state_after(connection, schema, project, before)
    return connection.identity_from(results[-1][0], asked, time.time()), state


class Scripts:
    """Script hashes of a project's planned changes, as the files are now; each file is looked at once.

    Files whose inode, size and times are unchanged since an earlier look of this process aren't read again. Paths are
    put together as text: 10,000 pathlib objects would cost more than all the rest.
    """

    _files: ClassVar[dict[str, tuple[tuple[int, int, int, int], str]]] = {}

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = str(project.layout.deploy_dir)
        self._extension = project.layout.extension
        self._seen: dict[str, str | None] = {}
        self.lock = threading.Lock()

    def hash(self, change: Change) -> str | None:
        """SHA-1 of the change's deploy script, None without one."""
        try:
            return self._seen[change.change_id]
        except KeyError:
            found = self._seen[change.change_id] = self._hash(change)
            return found

    def _hash(self, change: Change) -> str | None:
        if change.superseded_by is None:
            path = f"{self._folder}/{change.name}.{self._extension}"
        else:
            path = str(self._project.script_path(change, "deploy"))
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:  # file objects would cost twice the time of everything else here
            facts = os.fstat(descriptor)
            key = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
            cached = self._files.get(path)
            if cached is not None and cached[0] == key:
                return cached[1]
            digest = sha1(usedforsecurity=False)
            while data := os.read(descriptor, _READ):
                digest.update(data)
                if len(data) < _READ:
                    break
            found = digest.hexdigest()
        except OSError:
            return None
        finally:
            os.close(descriptor)
        self._files[path] = (key, found)
        return found


def _diverged(project: Project, deployed: Sequence[DeployedChange], scripts: Scripts | None) -> tuple[Divergence, ...]:
    if scripts is None:
        return tuple(divergences(project.plan, deployed))
    with scripts.lock:  # two threads would only read the same files twice
        return tuple(divergences(project.plan, deployed, scripts.hash))


def _newer(info: RegistryInfo) -> str | None:
    return f"the registry has version {info.version}, which is newer than this program knows" if info.newer else None


def _silent(environment: Environment, reason: str) -> EnvironmentStatus:
    return EnvironmentStatus(environment.name, environment.target.display, False, reason, asked_at=_utc_now())


def _utc_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
