"""Leftovers: each really produced, found as a superuser and as a plain login, and finished by the statement that is
said, under the lock that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.database.connect import connect
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project
from pgmig_tui.review.maintain_facts import Section
from pgmig_tui.review.maintain_leftovers import Patience, leftovers
from tests.database.places import Place, place
from tests.servers import Server

TODAY = datetime(2026, 1, 1, tzinfo=UTC).date()
AT_ONCE = Patience(0, 0)
HOSTILE = 'app"; DROP --'
ODD = f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"'

MADE = f"""
CREATE SCHEMA {ODD};
CREATE TABLE {ODD}."T ab" (id int PRIMARY KEY, n int, note text);
CREATE TABLE {ODD}.child (id int PRIMARY KEY, t int);
INSERT INTO {ODD}."T ab" SELECT g, 1 FROM generate_series(1, 10) g;
ALTER TABLE {ODD}."T ab" ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
ALTER TABLE {ODD}.child ADD CONSTRAINT "to T" FOREIGN KEY (t) REFERENCES {ODD}."T ab" NOT VALID;
CREATE DOMAIN {ODD}.amount AS int;
ALTER DOMAIN {ODD}.amount ADD CONSTRAINT above CHECK (VALUE > 0) NOT VALID;
CREATE FUNCTION {ODD}.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "On it" BEFORE INSERT ON {ODD}."T ab" FOR EACH ROW EXECUTE FUNCTION {ODD}.f();
ALTER TABLE {ODD}."T ab" DISABLE TRIGGER "On it";
CREATE TABLE {ODD}.other (id int PRIMARY KEY, t int CONSTRAINT strict REFERENCES {ODD}."T ab");
ALTER TABLE {ODD}.other DISABLE TRIGGER ALL;
CREATE RULE nothing AS ON DELETE TO {ODD}."T ab" DO ALSO NOTHING;
ALTER TABLE {ODD}."T ab" DISABLE RULE nothing;
CREATE UNLOGGED TABLE {ODD}.fast (id int);
CREATE FUNCTION {ODD}.g() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER "pgmig ""test" ON ddl_command_end WHEN TAG IN ('CREATE RULE') EXECUTE FUNCTION {ODD}.g();
ALTER EVENT TRIGGER "pgmig ""test" DISABLE;
CREATE TABLE {ODD}.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE {ODD}.part PARTITION OF {ODD}.parts FOR VALUES FROM (1) TO (9);
CREATE TABLE {ODD}.heir () INHERITS ({ODD}.child);
ALTER TABLE {ODD}.child ADD CONSTRAINT low CHECK (id > 0) NOT VALID
"""
NOT_ENFORCED = f"""
CREATE TABLE {ODD}.loose (n int CONSTRAINT lax CHECK (n > 0) NOT ENFORCED,
  t int CONSTRAINT "no key" REFERENCES {ODD}."T ab" NOT ENFORCED)
"""
FOUND = {
    f'invalid index {ODD}."bro ken"',
    f'not valid positive on {ODD}."T ab"',
    f'not valid "to T" on {ODD}.child',
    f"not valid low on {ODD}.child",
    f"domain not valid above on {ODD}.amount",
    f'disabled trigger "On it" on {ODD}."T ab"',
    f"disabled trigger strict on {ODD}.other",
    f'disabled rule nothing on {ODD}."T ab"',
    'disabled event trigger "pgmig ""test"',
    f"unlogged {ODD}.fast",
    "prepared le'ft",
    "slot pgmig_left",
}
LAX = {f"not enforced lax on {ODD}.loose", f'not enforced "no key" on {ODD}.loose'}
LATER = {14: {f"partition {ODD}.part"}, 18: LAX}


@dataclass
class Scene:
    server: Server
    database: str
    plain: dict[str, str]
    folder: Path

    @property
    def major(self) -> int:
        return self.server.version_num // 10000

    def look(self, patience: Patience = AT_ONCE, who: dict[str, str] | None = None) -> Section:
        target = place(self.server, self.database, **(who or {}))
        with connect(target, application_name="pgmig/maintain/read") as connection:
            return leftovers(project(self.folder), environment(target), connection, self.folder, TODAY, patience)


def environment(target: Place) -> Environment:
    from pgmig_tui.project.environments import Policy

    return Environment("box", target, Policy())  # type: ignore[arg-type]


def project(folder: Path) -> Project:
    from pgmig_tui.project.project import load_project

    if not (folder / "sqitch.plan").exists():
        (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
        (folder / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=left\n")
    return load_project(folder, {"SQITCH_USER_CONFIG": "/nonexistent"})


@pytest.fixture(scope="module", params=[13, 15, 16, 18])
def scene(
    request: pytest.FixtureRequest, serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    server = serve(request.param, exactly=True)
    database = server.create_database()
    server.execute("CREATE ROLE left_plain LOGIN PASSWORD 'secret'")
    try:
        server.execute(MADE, database)
        if server.version_num >= 180000:
            server.execute(NOT_ENFORCED, database)
        with pytest.raises(psycopg.errors.UniqueViolation):
            server.execute(f'CREATE UNIQUE INDEX CONCURRENTLY "bro ken" ON {ODD}."T ab" (n)', database)
        with psycopg.connect(server.conninfo(database), autocommit=True) as session:
            session.execute(f"BEGIN; INSERT INTO {ODD}.child VALUES (1, 1)".encode())
            session.execute("PREPARE TRANSACTION 'le''ft'")
        server.execute("SELECT pg_create_physical_replication_slot('pgmig_left', true)")
        if server.version_num >= 140000:
            _detach_half(server, database)
        made = Scene(server, database, {"user": "left_plain", "password": "secret"}, tmp_path_factory.mktemp("left"))
        yield made
    finally:
        with suppress(psycopg.Error):
            server.execute("ROLLBACK PREPARED 'le''ft'", database)
        with suppress(psycopg.Error):
            server.execute("SELECT pg_drop_replication_slot('pgmig_left')")
        server.drop_database(database)
        server.execute("DROP ROLE left_plain")


def _detach_half(server: Server, database: str) -> None:
    """The second of its two transactions waits for a reader, and is cancelled."""
    with psycopg.connect(server.conninfo(database)) as reader:
        reader.execute(f"SELECT * FROM {ODD}.parts".encode())
        with psycopg.connect(server.conninfo(database), autocommit=True) as session:
            session.execute("SET statement_timeout = '100ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                session.execute(f"ALTER TABLE {ODD}.parts DETACH PARTITION {ODD}.part CONCURRENTLY".encode())


def expected(major: int) -> set[str]:
    return FOUND.union(*(names for least, names in LATER.items() if major >= least))


def test_each_is_found_by_whoever_looks_and_only_what_is_old_counts(scene: Scene) -> None:
    for who in (None, scene.plain):
        found = scene.look(who=who)
        assert {one.name for one in found.findings} == expected(scene.major)
        assert (found.state, found.calls) == ("WARN", True)
        assert found.verdict == f"{len(found.findings)} leftovers"
        since = {one.kind for one in found.findings if one.since}
        assert since == ({"prepared", "slot"} if scene.major >= 17 else {"prepared"})
    young = {one.kind for one in scene.look(Patience(3600, 3600)).findings}
    assert "prepared" not in young
    assert ("slot" in young) == (scene.major < 17), "nobody knows since when"


def test_what_is_said_finishes_each_under_the_lock_that_is_said(scene: Scene) -> None:
    server, database = scene.server, scene.database
    for one in sorted(scene.look().findings, key=lambda one: one.kind != "prepared"):
        if not one.sql:
            assert one.name == f"not enforced lax on {ODD}.loose"
            continue
        alone = one.kind in ("invalid index", "partition", "prepared", "slot")
        with psycopg.connect(server.conninfo(database), autocommit=alone) as session:
            for statement in one.sql if one.every else one.sql[:1]:
                session.execute(statement.encode())
            if alone:
                continue
            modes = {
                str(mode)
                for (mode,) in session.execute(
                    "SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                    " JOIN pg_namespace n ON n.oid = c.relnamespace"
                    " WHERE l.pid = pg_backend_pid() AND l.granted AND n.nspname = %s AND c.relkind IN ('r', 'p')",
                    [HOSTILE],
                )
            }
            session.commit()
        told = one.lock.split(",")[0].split(" on ")[0].replace(" ", "").title()
        strongest = max(modes, key=ORDER.index, default="None").removesuffix("Lock").title()
        if one.kind == "domain not valid":
            assert strongest == "None", "no table uses it"
        else:
            assert strongest == told, (one.name, one.lock, modes)
    left = {one.name for one in scene.look().findings}
    assert left == ({f"not enforced lax on {ODD}.loose"} if scene.major >= 18 else set())


ORDER = [
    "None", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
]  # fmt: skip
