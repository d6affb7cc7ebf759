"""What a statement really locks and rewrites: one session runs it, a second one reads pg_locks while the transaction
is still open. Names and files come from a snapshot of pg_class that the running session took before, so relations
that the statement drops keep theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq
from psycopg.pq import ExecStatus, TransactionStatus

from pgmig_tui.database.catalog import PLAN, gather, prepared_sql, values_of
from pgmig_tui.errors import PgmigError
from pgmig_tui.impact.facts import DatabaseFacts, Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.wanted import Names

_OPTIONS = "-c statement_timeout=120s -c lock_timeout=20s -c timezone=UTC -c client_min_messages=error"
_SNAPSHOT = b"""
SELECT c.oid, CASE WHEN n.oid = pg_catalog.pg_my_temp_schema() THEN 'pg_temp' ELSE n.nspname END, c.relname, c.relkind,
       c.relfilenode
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= 16384 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_toast\\_temp\\_%'
"""
_LOCKS = """
SELECT relation, mode, granted FROM pg_locks WHERE pid = %s AND locktype = 'relation' AND database <> 0
"""

Held = set[tuple[int, LockMode]]


@dataclass(frozen=True, slots=True)
class Known:
    """A relation as the snapshot knows it."""

    name: Name
    kind: str
    file: int


@dataclass(slots=True)
class Truth:
    """What came of one statement. `locks`: the strongest mode newly taken of each relation that was there before,
    `held`: what the transaction held of it already; `why_not` says why there is no truth.
    """

    error: str = ""
    sqlstate: str = ""
    locks: dict[Name, LockMode] = field(default_factory=dict)
    held: dict[Name, set[LockMode]] = field(default_factory=dict)
    rewrites: set[Name] = field(default_factory=set)
    rebuilds: set[Name] = field(default_factory=set)
    why_not: str = ""
    kinds: dict[Name, str] = field(default_factory=dict)


class LostError(Exception):
    """The server has closed the running session."""


class Subject:
    """The session that runs the script, on libpq itself: statements go out byte for byte."""

    def __init__(self, conninfo: str, options: str = _OPTIONS) -> None:
        self.conninfo = conninfo
        self.options = options
        self.open()

    def open(self) -> None:
        self.connection = psycopg.connect(self.conninfo, autocommit=True, options=self.options)
        self.raw = self.connection.pgconn
        self.pid = self.connection.info.backend_pid
        self.version = self.connection.info.server_version
        self.snapshot: dict[int, Known] | None = None
        self.prepared = False
        self.facts: dict[tuple[frozenset[Name], ...], DatabaseFacts] = {}

    def close(self) -> None:
        with suppress(psycopg.Error):
            self.connection.close()

    @property
    def status(self) -> TransactionStatus:
        return TransactionStatus(self.raw.transaction_status)

    @property
    def in_transaction(self) -> bool:
        return self.status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}

    def forget(self) -> None:
        """The catalog may look different from now on."""
        self.snapshot = None
        self.facts.clear()

    def run(
        self, sql: bytes, rows: Callable[[], Iterable[bytes]] = tuple, parameters: Sequence[bytes] | None = None
    ) -> list[Any]:
        """The results of a query; the data of COPY is sent and thrown away."""
        if parameters is None:
            self.raw.send_query(sql)
        else:
            self.raw.send_query_params(sql, list(parameters))
        results = []
        while (result := self.raw.get_result()) is not None:
            if result.status == ExecStatus.COPY_IN:
                for chunk in rows():
                    self.raw.put_copy_data(chunk)
                self.raw.put_copy_end()
            elif result.status == ExecStatus.COPY_OUT:
                while self.raw.get_copy_data(0)[0] > 0:
                    pass
            else:
                results.append(result)
        if self.raw.status != pq.ConnStatus.OK:
            raise LostError(error_of(results)[1] or "the server closed the connection")
        return results

    def execute(self, sql: str, /) -> list[tuple[Any, ...]]:
        """For read_facts: the last result's rows."""
        results = self.run(sql.encode(self.connection.info.encoding, "replace"))
        state, message = error_of(results)
        if state:
            raise PgmigError(message)
        last = results[-1]
        return [
            tuple((last.get_value(row, column) or b"").decode("utf-8", "replace") for column in range(last.nfields))
            for row in range(last.ntuples)
        ]

    def read_facts(self, names: Names) -> DatabaseFacts:
        """The catalog as this session sees it, uncommitted changes included. Inside a savepoint, whose end puts the
        planner's settings back."""
        others = (
            names.roles,
            names.schemas,
            names.publications,
            names.prepared,
            names.dropped,
            names.paths,
            names.parts,
        )
        key = (frozenset(names.all), *(frozenset(Name("", one) for one in found) for found in others))
        if key not in self.facts:
            self.facts[key] = gather(names, self._ask, self)
        return self.facts[key]

    def _ask(self, names: Names) -> Any:
        if not self.prepared:
            self.run(f"{PLAN}SET LOCAL plan_cache_mode = force_generic_plan".encode())
            self.prepared = not error_of([self.raw.prepare(b"lock_accuracy", prepared_sql().encode())])[0]
        values = [_array(value).encode("utf-8", "replace") for value in values_of(names)]
        self.run(f"{PLAN}SET LOCAL plan_cache_mode = force_generic_plan".encode())
        result = self.raw.exec_prepared(b"lock_accuracy", values)
        state, message = error_of([result])
        if state:
            self.prepared = False  # DISCARD ALL and the like
            raise PgmigError(message)
        return json.loads(result.get_value(0, 0) or b"{}")

    def known(self) -> dict[int, Known]:
        if self.snapshot is None:
            rows = self.execute(_SNAPSHOT.decode())
            self.snapshot = {int(r[0]): Known(Name(r[1], r[2]), r[3], int(r[4])) for r in rows}
        return self.snapshot


def _array(values: Sequence[str]) -> str:
    """A text[] as the server reads it."""
    return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"


def error_of(results: Sequence[Any]) -> tuple[str, str]:
    """SQLSTATE and message of the first failure; empty when all went well."""
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b"?????"
            message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
            return state.decode(), message.decode("utf-8", "replace")
    return "", ""


class Observer:
    """The second session."""

    def __init__(self, conninfo: str) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True, options="-c lock_timeout=2s")

    def locks(self, pid: int, *, awaited: bool = False) -> Held:
        rows = self.connection.execute(_LOCKS, [pid], prepare=True).fetchall()
        return {(oid, LockMode.from_pg_name(mode)) for oid, mode, granted in rows if granted or awaited}

    def hold(self, conninfo: str, names: Iterable[Name], mode: str) -> Iterator[psycopg.Connection[Any]]:
        """Keep others away from some relations for as long as the iteration goes on."""
        with psycopg.connect(conninfo, options="-c lock_timeout=1s") as blocker:
            blocker.execute("SELECT 1")  # opens the transaction that holds them; below are savepoints
            for name in names:
                with suppress(psycopg.Error), blocker.transaction():
                    blocker.execute(f'LOCK TABLE ONLY "{name.schema}"."{name.relation}" IN {mode} MODE'.encode())
            yield blocker
            blocker.rollback()

    def close(self) -> None:
        self.connection.close()


def difference(subject: Subject, before: Held, after: Held, known: dict[int, Known], truth: Truth) -> None:
    """Write down which locks are new, and which files."""
    for oid, mode in before:
        if oid in known:
            truth.held.setdefault(known[oid].name, set()).add(mode)
    for oid, mode in after - before:
        if oid in known:
            name = known[oid].name
            truth.locks[name] = max(truth.locks.get(name, mode), mode)
            truth.kinds[name] = known[oid].kind
    if max((mode for _, mode in after), default=LockMode.ACCESS_SHARE) < LockMode.SHARE:
        return
    subject.forget()
    for oid, now in subject.known().items():
        old = known.get(oid)
        if old is not None and old.file != now.file and now.file != 0:
            (truth.rebuilds if old.kind == "i" else truth.rewrites).add(old.name)
