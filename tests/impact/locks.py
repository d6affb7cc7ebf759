"""What a statement really locks, read by a second session while its transaction is open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.rows import TupleRow

from pgmig_tui.database.catalog import PLAN, array, gather, prepared_sql, values_of
from pgmig_tui.database.catalog_facts import Json
from pgmig_tui.impact.facts import DatabaseFacts, Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.impact.wanted import Names
from tests.impact.statements import One

STRONG = LockMode.SHARE_UPDATE_EXCLUSIVE
Found = dict[Name, LockMode]

_RELATIONS = """
SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = %s AND granted AND locktype = 'relation'"


class PlannedOnce:
    """Asks as database.catalog does, in a session whose planner has to think once: that takes longer than the rest."""

    def __init__(self, execute: Callable[[str], Sequence[TupleRow]]) -> None:
        self._execute = execute

    def __call__(self, names: Names) -> Json:
        values = values_of(names)
        if not self._execute("SELECT 1 FROM pg_prepared_statements WHERE name = 'facts'"):  # or DISCARD ALL has run
            self._execute(f"PREPARE facts({', '.join('text[]' for _ in values)}) AS {prepared_sql()}")
        given = ", ".join(f"{array(value)}::text[]" for value in values)
        return json.loads(
            self._execute(f"{PLAN}SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE facts({given})")[0][0]
        )


class Session:
    """Two connections to one database: one that acts, one that watches."""

    def __init__(self, conninfo: str) -> None:
        self.actor = psycopg.connect(conninfo)
        self.watcher = psycopg.connect(conninfo, autocommit=True)
        self.version = self.actor.info.server_version
        self.ask = PlannedOnce(self.execute)

    def execute(self, sql: str) -> Sequence[TupleRow]:
        """As database.connect.Connection: the last statement's rows. For read_facts, on the acting session."""
        cursor = self.actor.execute(sql.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []

    def facts(self, *sql: str) -> DatabaseFacts:
        """What the server knows of the names in the statements, as committed."""
        facts = gather(names_in([One(text) for text in sql]), self.ask, self)
        self.actor.rollback()
        return facts

    def predicted(self, sql: str) -> StatementImpact:
        return predict_script([One(sql)], self.facts(sql), self.version, wrapped=True).statements[0]

    @contextmanager
    def running(self, sql: str) -> Iterator[tuple[Found, set[Name]]]:
        """The locks that the statement holds on what was there before, and the relations with a new file."""
        before = {oid: (Name(schema, name), file) for oid, schema, name, file in self.watcher.execute(_RELATIONS)}
        held: Found = {}
        try:
            self.actor.execute(sql.encode())
            for oid, mode in self.watcher.execute(_LOCKS, [self.actor.info.backend_pid]):
                if oid in before:
                    name = before[oid][0]
                    held[name] = max(held.get(name, LockMode.ACCESS_SHARE), LockMode.from_pg_name(mode))
            files = self.actor.execute("SELECT oid, pg_catalog.pg_relation_filenode(oid) FROM pg_class").fetchall()
            yield held, {before[oid][0] for oid, file in files if oid in before and before[oid][1] != file}
        finally:
            self.actor.rollback()

    def close(self) -> None:
        self.actor.close()
        self.watcher.close()


def strong(locks: Found) -> Found:
    return {name: mode for name, mode in locks.items() if mode >= STRONG}


def predicted_locks(impact: StatementImpact) -> Found:
    return {lock.name: lock.mode for lock in impact.locks if lock.certainty != "possible" and not lock.new}
