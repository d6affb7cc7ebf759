"""What each environment has, lacks, and where it diverges from the plan.

Every environment is asked in a thread of its own and none waits for another; each answer is one round trip after
connecting. Nothing is locked and nothing is written.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database import marks
from pgmig_tui.database.connect import (
    Connection,
    ServerError,
    ServerIdentity,
    application_name,
    connect,
    identity_sql,
)
from pgmig_tui.database.deployed import DeployedChange, RegistryInfo, RegistryOutline, read_outline_after
from pgmig_tui.database.holder import LockHolder
from pgmig_tui.database.marks import Mark
from pgmig_tui.database.text import load
from pgmig_tui.display import words
from pgmig_tui.errors import NotPermitted, PgmigError, Refused
from pgmig_tui.project.hashes import ScriptHashes
from pgmig_tui.project.tags import moved_tags

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change, Plan
    from pgmig_tui.project.project import Project

Problem = Literal["not_in_plan", "out_of_order", "script_changed", "tag_moved"]

CONNECT_TIMEOUT_S = 5
_ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Divergence:
    """A deployed change that isn't what, or where, the plan says."""

    change_id: str
    name: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One row of the matrix. `deployed` are change IDs in order of deployment, `pending` those of the plan that are
    not deployed, in plan order.

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
    holder: LockHolder | None = None
    """Who works there now: the session that holds Sqitch's lock."""
    untagged: tuple[str, ...] = ()
    """Tags (with @) that the plan has at changes that are deployed, and that aren't recorded there."""
    marked: tuple[Mark, ...] = ()
    """What was rolled back and must not be deployed, as far as that could be read there."""
    marks_problem: str = ""
    """Why that could not be read; "" where it could."""
    waiting: int | None = None
    """How many sessions of the database waited for a lock at that moment; None where it wasn't reachable."""


def environment_status(
    project: Project, environment: Environment, *, hashes: bool = True, scripts: ScriptHashes | None = None
) -> EnvironmentStatus:
    """Ask one environment. Never raises for what the server does: see `EnvironmentStatus.error`.

    `hashes` compares the scripts of the deployed changes with what was deployed; `scripts` shares what was read of
    them with other environments.
    """
    target, asked_at = environment.target, words.iso(datetime.now(UTC))
    try:
        with connect(
            target,
            application_name=application_name("status", "watch"),
            connect_timeout=CONNECT_TIMEOUT_S,
            kind="watch",
        ) as connection:
            tracking = environment.policy.tracking
            found = _ask(connection, target.registry, project.plan.project, tracking)
    except PgmigError as error:
        return EnvironmentStatus(environment.name, target.display, False, str(error), asked_at=asked_at)
    outline = found.outline
    known = frozenset(outline.change_ids)
    return EnvironmentStatus(
        name=environment.name,
        target=target.display,
        reachable=True,
        error=_newer(outline.info),
        server=found.identity,
        registry=outline.info,
        last_change=outline.last,
        deployed=outline.change_ids,
        pending=tuple(change.change_id for change in project.plan.changes if change.change_id not in known),
        diverged=_diverged(project, outline, (scripts or ScriptHashes(project)) if hashes else None),
        asked_at=asked_at,
        holder=found.holder,
        untagged=_untagged(project.plan, outline),
        marked=found.marked,
        marks_problem=found.unread,
        waiting=found.waiting,
    )


def statuses(
    project: Project,
    environments: Iterable[Environment],
    *,
    hashes: bool = True,
    scripts: ScriptHashes | None = None,
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

    scripts = scripts or ScriptHashes(project)
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
    plan: Plan,
    deployed: Iterable[tuple[str, str, str | None]],
    script_hash: Callable[[Change], str | None] | None = None,
) -> list[Divergence]:
    """Where registry and plan disagree, in order of deployment; one entry for each change.

    `deployed` are IDs, names and script hashes. A change is out of order when the plan has an earlier one that wasn't
    deployed before it; of a block that hangs together in the plan only its first change is named. A missing script is
    no divergence: nothing is known of it.
    """
    found = []
    by_id = plan.by_id
    seen: set[int] = set()
    expected, previous = 0, -1
    for change_id, name, recorded in deployed:
        change = by_id.get(change_id)
        if change is None:
            found.append(Divergence(change_id, name, "not_in_plan"))
            continue
        index = change.index
        if index not in (expected, previous + 1):
            found.append(Divergence(change_id, name, "out_of_order"))
        elif script_hash is not None and recorded not in (None, change_id):
            now = script_hash(change)
            if now is not None and now != recorded:
                found.append(Divergence(change_id, name, "script_changed"))
        previous = index
        seen.add(index)
        while expected in seen:
            seen.remove(expected)
            expected += 1
    return found


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server has told. `unread`: why the marks couldn't be read."""

    identity: ServerIdentity
    outline: RegistryOutline
    holder: LockHolder | None
    marked: tuple[Mark, ...]
    unread: str
    waiting: int


def _ask(connection: Connection, schema: str, project: str, tracking: str | None) -> _Answer:
    # Many rows over a slow line take longer than a watch query may.
    are_marks = marks.are_there_sql(tracking) if tracking is not None else "SELECT false"
    before = f"SET statement_timeout = '15s'; {are_marks}; {load('queries/waiting')}; {load('queries/lock_holder')}"
    try:
        return _ask_once(connection, schema, project, tracking, f"{before}; {identity_sql()}")
    except NotPermitted:  # the registry, or else the system identifier
        return _ask_once(connection, schema, project, tracking, f"{before}; {identity_sql(allowed=False)}")


def _ask_once(connection: Connection, schema: str, project: str, tracking: str | None, before: str) -> _Answer:
    asked = time.time()
    results, outline = read_outline_after(connection, schema, project, before)
    answered = time.time()
    holder = LockHolder(*results[-2][0]) if results[-2] else None
    marked, unread = tuple[Mark, ...](), ""
    if tracking is not None and results[-4] and results[-4][0][0]:
        try:
            marked = marks.read_marks(connection, tracking, project)
        except (ServerError, Refused, NotPermitted) as error:
            unread = error.what
    identity = connection.identity_from(results[-1][0], asked, answered)
    return _Answer(identity, outline, holder, marked, unread, results[-3][0][0])


def _diverged(project: Project, outline: RegistryOutline, scripts: ScriptHashes | None) -> tuple[Divergence, ...]:
    deployed = zip(outline.change_ids, outline.names, outline.script_hashes, strict=True)
    moved = _moved(project.plan, outline)
    if scripts is None:
        return (*divergences(project.plan, deployed), *moved)
    with scripts.lock:  # two threads would only read the same files twice
        return (*divergences(project.plan, deployed, scripts.hash), *moved)


def _untagged(plan: Plan, outline: RegistryOutline) -> tuple[str, ...]:
    """Without those that were recorded elsewhere: that is a divergence."""
    deployed = frozenset(outline.change_ids)
    recorded = {name.removeprefix("@") for _, _, name in outline.tags}
    tagged = (change for change in plan.changes if change.tags and change.change_id in deployed)
    return tuple(f"@{tag.name}" for change in tagged for tag in change.tags if tag.name not in recorded)


def _moved(plan: Plan, outline: RegistryOutline) -> list[Divergence]:
    """The changes whose deployed tags the plan has elsewhere, or otherwise."""
    names = dict(zip(outline.change_ids, outline.names, strict=True)) if outline.tags else {}
    moved = dict.fromkeys(one.change_id for one in moved_tags(plan, outline.tags))
    return [Divergence(change_id, names[change_id], "tag_moved") for change_id in moved if change_id in names]


def _newer(info: RegistryInfo) -> str | None:
    return f"the registry has version {info.version}, which is newer than this program knows" if info.newer else None


def _silent(environment: Environment, reason: str) -> EnvironmentStatus:
    return EnvironmentStatus(
        environment.name, environment.target.display, False, reason, asked_at=words.iso(datetime.now(UTC))
    )
