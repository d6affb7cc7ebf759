"""Health checks: one .sql file each, with what it needs and what a plain user sees, and a verdict over its rows.

A check says PASS, WARN, FAIL, UNKNOWN or N-A. UNKNOWN is never green: what a role may not see isn't absent. All of them
read catalogs, pg_locks and statistics only, so they can't wait behind a pending ACCESS EXCLUSIVE lock. Source: the
queries and thresholds measured for this project on 15-18, as superuser, pg_monitor, migration role and plain login.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from pgmig_tui.database.checks import verdicts
from pgmig_tui.database.checks.verdicts import CheckVerdict, Thresholds
from pgmig_tui.database.connect import (
    Connection,
    ServerError,
    ServerIdentity,
    application_name,
    connect,
    identity_sql,
)
from pgmig_tui.database.text import load
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.impact.modes import SUE
from pgmig_tui.project.verification import asked_of

if TYPE_CHECKING:
    from pgmig_tui.impact.needed import WantedLock
    from pgmig_tui.project.environments import Environment, Policy

__all__ = ["CHECKS", "Check", "CheckResult", "State", "Thresholds", "check_environment", "run_check", "run_checks"]

State = Literal["PASS", "WARN", "FAIL", "UNKNOWN", "N-A"]
CONNECT_TIMEOUT_S = 5
PATIENCE_S = 2.0
"""After so long without an answer a check is said to be UNKNOWN, until it answers."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check that can be run: its name, its question in words, and what its rows mean."""

    name: str
    title: str
    verdict: Callable[[list[dict[str, Any]], Thresholds], CheckVerdict]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found, with its evidence: rows as the server gave them, SHA-256 of the SQL text, the role that
    asked, when (this host's clock, UTC), and the SQL text itself."""

    name: str
    title: str
    state: State
    summary: str
    rows: tuple[dict[str, Any], ...] = ()
    sql_hash: str = ""
    started_at: str = ""
    finished_at: str = ""
    role: str = ""
    sql: str = ""


SERVER = "server"
CHECKS: tuple[Check, ...] = (
    Check("long_transactions", "No long transactions", verdicts.long_transactions),
    Check("blockers", "Nobody holds the affected tables for long", verdicts.blockers),
    Check("autovacuum", "No vacuum that won't yield", verdicts.autovacuum),
    Check("prepared_transactions", "No prepared transactions", verdicts.prepared_transactions),
    Check("replication_lag", "Replicas keep up", verdicts.replication_lag),
    Check("replication_slots", "Slots don't hold back WAL", verdicts.replication_slots),
    Check("invalid_indexes", "No invalid indexes", verdicts.invalid_indexes),
    Check("connection_headroom", "Connections to spare", verdicts.connection_headroom),
    Check("dumps", "No dump of ours is running", verdicts.dumps),
    Check("archiver", "WAL is archived", verdicts.archiver),
    Check("sync_commit", "COMMIT can be acknowledged", verdicts.sync_commit),
    Check("wraparound", "Far from transaction ID wraparound", verdicts.wraparound),
)
_BY_NAME = {check.name: check for check in CHECKS}
_SERVER_TITLE = "The server answers and is the right one"
CERTIFICATE = "certificate"
_CERTIFICATE_TITLE = "The server has proven who it is"


def run_check(
    connection: Connection, name: str, wanted: Sequence[WantedLock] = (), thresholds: Thresholds | None = None
) -> CheckResult:
    """Run one check of CHECKS; `wanted` are the locks that are about to be taken. An error of the server is UNKNOWN,
    with its message.

    Raises ConnectionLost when the connection breaks, KeyError for an unknown name.
    """
    check = _BY_NAME[name]
    limits = thresholds or Thresholds()
    sql = load(f"checks/{name}")
    parameters = {
        "schemas": [one.name.schema or None for one in wanted],
        "relations": [one.name.relation for one in wanted],
        # What takes SHARE UPDATE EXCLUSIVE on a table takes none on its partitions.
        "inherited": [one.mode != SUE for one in wanted],
        "min_xact_s": limits.transaction_s,
    }
    started = time.time()
    try:
        names, found = connection.columns(sql, parameters)
        rows = [{key: _plain(value) for key, value in zip(names, row, strict=True)} for row in found]
        if name in verdicts.ABOUT_LOCKS:
            rows = verdicts.in_the_way(rows, wanted)
        verdict = check.verdict(rows, limits)
        if not wanted and name in verdicts.ABOUT_TABLES and verdict.state == "PASS":
            verdict = CheckVerdict("N-A", "no table that exists is affected")
    except ServerError as error:
        rows, verdict = [], CheckVerdict("UNKNOWN", f"the server refused the question: {error.message}")
    return CheckResult(
        name=name,
        title=check.title,
        state=verdict.state,
        summary=verdict.summary,
        rows=tuple(rows),
        sql_hash=sha256(sql.encode()).hexdigest(),
        started_at=utc(started),
        finished_at=utc(time.time()),
        role=connection.role,
        sql=sql,
    )


def run_checks(
    connection: Connection, wanted: Sequence[WantedLock] = (), thresholds: Thresholds | None = None
) -> tuple[CheckResult, ...]:
    """All of CHECKS, in order. Raises ConnectionLost."""
    return tuple(run_check(connection, check.name, wanted, thresholds) for check in CHECKS)


def server_result(identity: ServerIdentity, policy: Policy | None, thresholds: Thresholds | None = None) -> CheckResult:
    """Whether this is the server that the environment means: version, role of the server, cluster, clock."""
    pinned = policy.system_identifier if policy is not None else None
    verdict = verdicts.server(identity, pinned, thresholds or Thresholds())
    row = {
        "version": identity.version,
        "database": identity.database,
        "role": identity.role,
        "host": identity.host,
        "port": identity.port,
        "system_identifier": identity.system_identifier,
        "timeline": identity.timeline,
        "standby": identity.standby,
        "clock_skew_s": identity.clock_skew_s,
    }
    now = utc(time.time())
    sql = identity_sql()
    digest = sha256(sql.encode()).hexdigest()
    found = (verdict.state, verdict.summary, (row,), digest, now, now, identity.role, sql)
    return CheckResult(SERVER, _SERVER_TITLE, *found)


def certificate_result(identity: ServerIdentity) -> CheckResult:
    """Whether the server that answered has proven who it is, where that was to be tried or is demanded."""
    now = utc(time.time())
    if identity.unproven:
        state: State = "WARN"
        summary = f"the server's certificate was not verified: {identity.unproven}"
    else:
        state, summary = "PASS", "it has a certificate for its name, from whom we trust (sslmode verify-full)"
    row = {"host": identity.host, "port": identity.port, "not_verified": identity.unproven or None}
    return CheckResult(
        CERTIFICATE, _CERTIFICATE_TITLE, state, summary, (row,), started_at=now, finished_at=now, role=identity.role
    )


def check_environment(
    environment: Environment,
    wanted: Sequence[WantedLock] = (),
    thresholds: Thresholds | None = None,
    heard: Callable[[CheckResult], None] | None = None,
) -> tuple[CheckResult, ...]:
    """Connect and run everything, the server's identity first. Never raises for the server: a check that couldn't be
    asked is UNKNOWN, and an unreachable server a FAIL.

    `heard` is told each result as it comes; what hasn't come within PATIENCE_S is told as UNKNOWN, until it does.
    """
    each = _each(environment, wanted, thresholds)
    return tuple(each) if heard is None else _streamed(each, heard)


def _each(
    environment: Environment, wanted: Sequence[WantedLock], thresholds: Thresholds | None
) -> Iterator[CheckResult]:
    asked: set[str] = set()
    try:
        with connect(
            environment.target,
            application_name=application_name("check", "watch"),
            connect_timeout=CONNECT_TIMEOUT_S,
            kind="watch",
        ) as connection:
            asked.add(SERVER)
            identity = connection.identity()
            yield server_result(identity, environment.policy, thresholds)
            if asked_of(environment.target):
                asked.add(CERTIFICATE)
                yield certificate_result(identity)
            for check in CHECKS:
                found = run_check(connection, check.name, wanted, thresholds)
                asked.add(check.name)
                yield found
    except PgmigError as error:
        now = utc(time.time())
        if SERVER not in asked:
            yield CheckResult(SERVER, _SERVER_TITLE, "FAIL", error.what, started_at=now, finished_at=now)
        if asked_of(environment.target) and CERTIFICATE not in asked:
            yield CheckResult(CERTIFICATE, _CERTIFICATE_TITLE, "UNKNOWN", error.what, started_at=now, finished_at=now)
        for check in CHECKS:
            if check.name not in asked:
                yield CheckResult(check.name, check.title, "UNKNOWN", error.what, started_at=now, finished_at=now)


def unanswered(told: str) -> list[CheckResult]:
    """Every check as it stands before it has answered."""
    names = [(SERVER, _SERVER_TITLE), *((check.name, check.title) for check in CHECKS)]
    return [CheckResult(name, title, "UNKNOWN", told) for name, title in names]


def _streamed(each: Iterator[CheckResult], heard: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
    """All of them, told one by one. They are asked in a thread of their own: a server that is silent keeps nobody from
    being told so."""
    arrived: SimpleQueue[CheckResult | BaseException | None] = SimpleQueue()

    def work() -> None:
        end: BaseException | None = None
        try:
            for one in each:
                arrived.put(one)
        except BaseException as error:  # whoever waits for the results is told
            end = error
        arrived.put(end)

    threading.Thread(target=work, name="checks", daemon=True).start()
    results: list[CheckResult] = []
    silent = False
    while True:
        try:
            one = arrived.get(timeout=None if silent else PATIENCE_S)
        except Empty:
            silent = True
            known = {result.name for result in results}
            for waiting in unanswered(f"no answer within {PATIENCE_S:g} s yet"):
                if waiting.name not in known:
                    heard(waiting)
            continue
        silent = False
        if isinstance(one, BaseException):
            raise one
        if one is None:
            return tuple(results)
        results.append(one)
        heard(one)


def document(result: CheckResult) -> Mapping[str, Any]:
    """The result as JSON values."""
    return {
        "name": result.name,
        "title": result.title,
        "state": result.state,
        "summary": result.summary,
        "rows": list(result.rows),
        "sql_hash": result.sql_hash,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "role": result.role,
        "sql": result.sql,
    }


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def utc(moment: float) -> str:
    """A moment (seconds since 1970) as ISO 8601 in UTC, with microseconds."""
    return words.iso_exact(datetime.fromtimestamp(moment, UTC))
