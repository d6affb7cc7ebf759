"""Health checks on live servers: each sees what it is for, and what a role may not see is never green."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.database import checks
from pgmig_tui.database.activity import read_now
from pgmig_tui.database.checks import (
    CHECKS,
    CheckResult,
    Thresholds,
    check_environment,
    document,
    run_check,
    run_checks,
    server_result,
    verdicts,
)
from pgmig_tui.database.connect import Connection, ServerError, ServerIdentity, connect, guard_sql
from pgmig_tui.database.text import load
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import AE, AS, RE, SUE, LockMode, S
from pgmig_tui.impact.needed import WantedLock
from pgmig_tui.project.environments import Policy
from tests.database.places import Databases, Place, place, role, session, until
from tests.servers import Server


def wants(
    relation: str, mode: LockMode = AE, schema: str = "app", waits_for: LockMode | None = None
) -> list[WantedLock]:
    return [WantedLock(Name(schema, relation), mode, waits_for)]


TABLE = wants("orders")
NOW = Thresholds(transaction_s=0, blocker_s=0)


@pytest.fixture
def app(pg: Server, database_on: Databases) -> str:
    """A database with a table, a partitioned one, and an index."""
    name = database_on(pg)
    pg.execute(
        "CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY, note text);"
        "CREATE TABLE app.events (at date) PARTITION BY RANGE (at);"
        "CREATE TABLE app.events_2026 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
        "INSERT INTO app.orders SELECT n, 'x' FROM generate_series(1, 100) AS n",
        name,
    )
    return name


@contextmanager
def watch(server: Server, database: str, **who: str) -> Iterator[Connection]:
    with connect(place(server, database, **who), application_name="pgmig/test/watch") as connection:
        connection.execute(guard_sql("watch", 0, connection.server_version_num))
        yield connection


@contextmanager
def reader(server: Server, database: str, sql: str = "SELECT * FROM app.orders LIMIT 1") -> Iterator[Connection]:
    """Somebody idle in a transaction that has read the table."""
    with connect(place(server, database), application_name="reporting") as connection:
        connection.execute(f"BEGIN; {sql}")
        yield connection


def states(results: Sequence[CheckResult]) -> dict[str, str]:
    return {result.name: result.state for result in results}


def test_every_check_has_its_file_with_a_header() -> None:
    folder = Path(checks.__file__).parent
    assert {path.stem for path in folder.glob("*.sql")} == {check.name for check in CHECKS}
    for path in folder.glob("*.sql"):
        header = path.read_text().split("\nSELECT")[0]
        for part in ("-- Purpose: ", "-- Privileges: ", "-- Versions: 13-18"):
            assert part in header, f"{path.name} lacks {part}"
        assert "%" not in load(f"checks/{path.stem}").replace("%(", ""), "psycopg would take it for a parameter"


def test_on_a_quiet_server_every_check_passes_or_does_not_apply(pg: Server, app: str) -> None:
    with watch(pg, app) as connection:
        found = states(run_checks(connection, TABLE))
    # What other tests do on this server may show in these.
    for name in ("prepared_transactions", "replication_slots", "long_transactions"):
        found.pop(name)
    assert found == {
        "blockers": "PASS",
        "autovacuum": "PASS",
        "replication_lag": "N-A",
        "invalid_indexes": "PASS",
        "connection_headroom": "PASS",
        "dumps": "PASS",
        "archiver": "N-A",
        "sync_commit": "N-A",
        "wraparound": "PASS",
    }


def test_without_affected_tables_nothing_is_said_of_them(pg: Server, app: str) -> None:
    with watch(pg, app) as connection:
        for name in ("blockers", "autovacuum"):
            assert run_check(connection, name).state == "N-A"


def test_a_result_holds_role_time_and_hash_of_its_query(pg: Server, app: str) -> None:
    with watch(pg, app) as connection:
        result = run_check(connection, "connection_headroom")
        assert result.role == connection.role
    assert len(result.sql_hash) == 64
    assert result.started_at <= result.finished_at
    assert result.rows[0]["max_connections"] == int(pg.execute("SHOW max_connections")[0][0])
    assert json.loads(json.dumps(document(result)))["state"] == "PASS"


def test_a_long_transaction_warns_and_is_named_with_its_process(pg: Server, app: str) -> None:
    with watch(pg, app) as connection, reader(pg, app) as other:
        result = run_check(connection, "long_transactions", (), NOW)
        assert result.state == "WARN"
        assert f"process {other.pid} (reporting, idle in transaction)" in result.summary
        other.execute("COMMIT")
        assert run_check(connection, "long_transactions", (), Thresholds(transaction_s=3600)).state == "PASS"


def test_who_holds_a_lock_on_an_affected_table_fails_the_check_and_is_named(pg: Server, app: str) -> None:
    with watch(pg, app) as connection, reader(pg, app) as other:
        result = run_check(connection, "blockers", TABLE, NOW)
        assert result.state == "FAIL"
        assert (
            f"process {other.pid} (reporting, idle in transaction) holds AccessShareLock on app.orders"
            in result.summary
        )
        assert run_check(connection, "blockers", TABLE, Thresholds(blocker_s=600)).state == "PASS"  # not for long
        assert run_check(connection, "blockers", wants("events"), NOW).state == "PASS"
        assert run_check(connection, "blockers", wants("orders", schema=""), NOW).state == "FAIL"
        assert run_check(connection, "blockers", wants("orders", schema="other"), NOW).state == "PASS"


@pytest.mark.parametrize(("seconds", "state"), [(0.2, "PASS"), (3.0, "WARN"), (22.0, "FAIL")])
def test_who_outlasts_our_wait_is_never_nobody(seconds: float, state: str) -> None:
    row = {
        "pid": 777, "application": "reporting", "role": "bi", "state": "active", "mode": "AccessShareLock",
        "relation": "app.orders", "ours": "AccessExclusiveLock", "xact_s": seconds, "prepared": None, "granted": True,
        "blocks": True, "backend_type": "client backend",
    }  # fmt: skip
    found = verdicts.blockers([row], Thresholds())
    assert found.state == state
    assert state == "PASS" or "process 777 (reporting, active) holds AccessShareLock on app.orders" in found.summary


@pytest.mark.parametrize("held", list(LockMode))
def test_a_holder_is_in_the_way_of_what_it_conflicts_with_and_of_nothing_else(
    pg18: Server, database_on: Databases, held: LockMode
) -> None:
    """The server itself says what conflicts: it is asked for each mode, without waiting."""
    name = database_on(pg18)
    pg18.execute("CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY)", name)
    with watch(pg18, name) as connection, session(pg18, name) as other, session(pg18, name) as tried:
        other.execute(f"BEGIN; LOCK TABLE app.orders IN {held.sql_name} MODE")
        for mode in LockMode:
            result = run_check(connection, "blockers", wants("orders", mode), NOW)
            tried.execute("BEGIN")
            try:
                tried.execute(f"LOCK TABLE app.orders IN {mode.sql_name} MODE NOWAIT")
                waits = False
            except ServerError:
                waits = True
            tried.execute("ROLLBACK")
            assert result.state == ("FAIL" if waits else "PASS"), (mode, result.summary)
            if waits:
                assert f"holds {held.pg_name} on app.orders" in result.summary
                assert f"in the way of our {mode.pg_name}" in result.summary


def test_the_table_is_named_and_an_index_counts_where_it_is_wanted_itself(pg: Server, app: str) -> None:
    with watch(pg, app) as connection, reader(pg, app, "SELECT * FROM app.orders WHERE id = 1"):
        found = run_check(connection, "blockers", TABLE, NOW)
        assert "on app.orders for" in found.summary
        assert "_pkey" not in found.summary
        assert run_check(connection, "blockers", wants("orders", S), NOW).state == "PASS"
        index = run_check(connection, "blockers", wants("orders_pkey"), NOW)
        assert index.state == "FAIL"
        assert "on app.orders for" in index.summary


def test_a_concurrent_form_waits_for_more_than_it_conflicts_with(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE SCHEMA app; CREATE TABLE app.orders (id int)", name)
    with watch(pg18, name) as connection, session(pg18, name) as writer:
        writer.execute("BEGIN; INSERT INTO app.orders VALUES (1)")
        assert run_check(connection, "blockers", wants("orders", SUE), NOW).state == "PASS"
        assert run_check(connection, "blockers", wants("orders", SUE, waits_for=S), NOW).state == "FAIL"


def test_a_serializable_reader_s_predicate_locks_are_no_locks(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE SCHEMA app; CREATE TABLE app.orders (id int)", name)
    with watch(pg18, name) as connection, session(pg18, name) as other:
        other.execute("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM app.orders")
        assert connection.one("SELECT count(*) FROM pg_locks WHERE mode = 'SIReadLock'") != (0,)
        assert run_check(connection, "blockers", wants("orders", RE), NOW).state == "PASS"
        assert run_check(connection, "blockers", TABLE, NOW).state == "FAIL"
        assert [one.mode for one in read_now(connection, [Name("app", "orders")]).locks] == ["AccessShareLock"]


def test_who_reads_a_partition_blocks_its_parent(pg: Server, app: str) -> None:
    with watch(pg, app) as connection, reader(pg, app, "SELECT * FROM app.events_2026"):
        assert run_check(connection, "blockers", wants("events"), NOW).state == "FAIL"


def test_waiting_locks_and_looking_at_them_waits_for_nothing(pg: Server, app: str) -> None:
    with watch(pg, app) as connection, reader(pg, app), session(pg, app) as waiter:
        waiter.raw.send_query(b"SET lock_timeout = '20s'; ALTER TABLE app.orders ADD COLUMN x int")
        until(lambda: connection.one(f"SELECT 1 FROM pg_locks WHERE NOT granted AND pid = {waiter.pid}") is not None)
        results = run_checks(connection, TABLE)
        assert states(results)["blockers"] == "WARN"
        assert not [result for result in results if "refused the question" in result.summary]
        waiter.cancel()


def test_a_prepared_transaction_blocks_the_tables_that_it_holds(pg: Server, app: str) -> None:
    gid = f"gid-{app}"
    with watch(pg, app) as connection, session(pg, app) as somebody:
        somebody.execute("BEGIN; INSERT INTO app.events VALUES ('2026-05-05')")
        somebody.execute(f"PREPARE TRANSACTION '{gid}'")
        try:
            elsewhere = run_check(connection, "prepared_transactions", TABLE)
            affected = run_check(connection, "prepared_transactions", wants("events"))
            blockers = run_check(connection, "blockers", wants("events"))
            beside = run_check(connection, "prepared_transactions", wants("events", AS))
        finally:
            somebody.execute(f"ROLLBACK PREPARED '{gid}'")
    assert (elsewhere.state, affected.state, blockers.state, beside.state) == ("WARN", "FAIL", "FAIL", "WARN")
    assert gid in affected.summary
    assert "prepared transaction" in blockers.summary


def test_an_invalid_index_fails_where_its_table_is_affected_and_warns_elsewhere(pg: Server, app: str) -> None:
    with watch(pg, app) as connection, session(pg, app) as somebody:
        somebody.execute("INSERT INTO app.orders VALUES (0, 'x')")
        with pytest.raises(Exception, match="could not create unique index"):
            somebody.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON app.orders (note)")
        affected = run_check(connection, "invalid_indexes", TABLE)
        elsewhere = run_check(connection, "invalid_indexes", wants("events"))
    assert (affected.state, elsewhere.state) == ("FAIL", "WARN")
    assert affected.summary == "app.broken on app.orders"


def test_a_replication_slot_that_holds_too_much_wal_warns(pg: Server, app: str) -> None:
    slot = app.replace("test_", "slot_")
    pg.execute(f"SELECT pg_create_physical_replication_slot('{slot}', true)", app)
    try:
        with watch(pg, app) as connection:
            assert run_check(connection, "replication_slots").state in ("PASS", "WARN")
            tight = run_check(connection, "replication_slots", (), Thresholds(slot_warn_bytes=-1))
            assert tight.state == "WARN"
            assert "of WAL" in tight.summary
    finally:
        pg.execute(f"SELECT pg_drop_replication_slot('{slot}')")


def test_a_plain_role_gets_no_false_green(pg: Server, app: str) -> None:
    """No check that needs pg_monitor shows PASS to a role that doesn't have it; the others see what everybody sees."""
    with role(pg) as plain, reader(pg, app) as blocker, watch(pg, app, **plain) as connection:
        results = {result.name: result for result in run_checks(connection, TABLE, NOW)}
        assert results["long_transactions"].state == "UNKNOWN"
        assert "hidden" in results["long_transactions"].summary
        assert results["blockers"].state == "UNKNOWN"
        assert str(blocker.pid) in str(results["blockers"].rows)
        for check in CHECKS:
            if "pg_read_all_stats" in (Path(checks.__file__).parent / f"{check.name}.sql").read_text():
                assert results[check.name].state != "PASS" or check.name == "autovacuum"
        # Nobody else may be connected, and still nothing is known of those who come and go.
        blocker.close()
        assert run_check(connection, "long_transactions").state == "UNKNOWN"


def test_a_member_of_pg_monitor_sees(pg: Server, app: str) -> None:
    with role(pg, "IN ROLE pg_monitor") as monitor, reader(pg, app), watch(pg, app, **monitor) as connection:
        found = states(run_checks(connection, TABLE, NOW))
        assert (found["long_transactions"], found["blockers"]) == ("WARN", "FAIL")


@dataclass
class AnEnvironment:
    target: Place
    policy: Policy


def test_an_environment_is_never_an_exception(pg: Server, app: str, tmp_path: Path) -> None:
    results = check_environment(AnEnvironment(place(pg, app), Policy()), TABLE)  # type: ignore[arg-type]
    assert [result.name for result in results] == ["server", *(check.name for check in CHECKS)]
    assert results[0].state == "PASS"
    assert results[0].rows[0]["database"] == app

    results = check_environment(AnEnvironment(place(pg, app), Policy(system_identifier="1")))  # type: ignore[arg-type]
    assert results[0].state == "FAIL"
    assert "another cluster" in results[0].summary

    nobody = AnEnvironment(Place({"host": str(tmp_path), "dbname": app}), Policy())
    results = check_environment(nobody)  # type: ignore[arg-type]
    assert [result.state for result in results] == ["FAIL", *(["UNKNOWN"] * len(CHECKS))]


def test_a_question_that_the_server_refuses_is_unknown(pg: Server, app: str) -> None:
    pg.execute("REVOKE SELECT ON pg_stat_archiver FROM public", app)
    with role(pg) as plain, watch(pg, app, **plain) as connection:
        result = run_check(connection, "archiver")
    assert result.state == "UNKNOWN"
    assert "permission denied" in result.summary


IDENTITY = ServerIdentity("18.6", 180006, "d", "r", "h", "5432", "1", False, "UTF8", 1, 0.0)


@pytest.mark.parametrize(
    ("change", "pinned", "state"),
    [
        ({}, None, "PASS"),
        ({}, "1", "PASS"),
        ({}, "2", "FAIL"),
        ({"system_identifier": None}, "1", "UNKNOWN"),
        ({"system_identifier": None}, None, "PASS"),
        ({"standby": True}, None, "FAIL"),
        ({"version_num": 120000}, None, "FAIL"),
        ({"product": "Greenplum"}, None, "FAIL"),
        ({"clock_skew_s": -2.5}, None, "WARN"),
    ],
)
def test_a_server_is_the_right_one_by_its_identity(change: dict[str, Any], pinned: str | None, state: str) -> None:
    assert server_result(replace(IDENTITY, **change), Policy(system_identifier=pinned)).state == state


def a(verdict: str, *rows: dict[str, Any]) -> str:
    found: str = getattr(verdicts, verdict)(list(rows), Thresholds()).state
    return found


GB = 1024**3


def standby(seconds: float | None, size: float | None, hidden: bool = False) -> dict[str, Any]:
    return {"name": "s1", "lag_s": seconds, "lag_bytes": size, "hidden": hidden}


def slot(status: str, active: bool, size: float | None) -> dict[str, Any]:
    return {"slot": "s", "wal_status": status, "active": active, "retained_bytes": size}


def archive(mode: str, failing: bool, last: str | None) -> dict[str, Any]:
    return {"archive_mode": mode, "failing": failing, "last_archived": last}


def sync(names: str, streaming: int, may_see: bool, commit: str = "on") -> dict[str, Any]:
    return {"names": names, "streaming": streaming, "may_see": may_see, "synchronous_commit": commit}


def connections(used: int, database_limit: int = -1, role_limit: int = -1) -> dict[str, Any]:
    return {
        "max_connections": 100, "reserved": 3, "used": used, "database_limit": database_limit, "role_limit": role_limit,
    }  # fmt: skip


def vacuum(wraparound: bool | None, *, blocks: bool = True) -> dict[str, Any]:
    return {"relation": "t", "wraparound": wraparound, "blocks": blocks}


def age(kind: str, percent: float) -> dict[str, Any]:
    return {"kind": kind, "name": "t", "percent": percent}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (a("replication_lag"), "N-A"),
        (a("replication_lag", standby(None, 0)), "PASS"),
        (a("replication_lag", standby(4.9, 0), standby(5.1, 0)), "WARN"),
        (a("replication_lag", standby(0, 65 * 1024**2)), "WARN"),
        (a("replication_lag", standby(61, 0)), "FAIL"),
        (a("replication_lag", standby(None, 1025 * 1024**2)), "FAIL"),
        (a("replication_lag", standby(None, None, True)), "UNKNOWN"),
        (a("replication_lag", standby(0, None)), "UNKNOWN"),
        (a("replication_slots"), "PASS"),
        (a("replication_slots", slot("reserved", True, 9 * GB)), "PASS"),
        (a("replication_slots", slot("extended", False, 1.3 * GB)), "WARN"),
        (a("replication_slots", slot("unreserved", True, GB)), "FAIL"),
        (a("replication_slots", slot("lost", False, None)), "FAIL"),
        (a("archiver", archive("off", True, None)), "N-A"),
        (a("archiver", archive("on", True, "2026-01-01")), "FAIL"),
        (a("archiver", archive("on", False, "2026-01-01")), "PASS"),
        (a("archiver", archive("on", False, None)), "UNKNOWN"),
        (a("sync_commit", sync("", 0, False)), "N-A"),
        (a("sync_commit", sync("s1", 0, True)), "FAIL"),
        (a("sync_commit", sync("s1", 0, False)), "UNKNOWN"),
        (a("sync_commit", sync("s1", 1, True)), "PASS"),
        (a("sync_commit", sync("s1", 0, True, "local")), "N-A"),
        (a("connection_headroom", connections(80)), "PASS"),
        (a("connection_headroom", connections(85)), "WARN"),
        (a("connection_headroom", connections(95)), "FAIL"),
        (a("connection_headroom", connections(1, database_limit=2)), "FAIL"),
        (a("connection_headroom", connections(1, role_limit=1)), "FAIL"),
        (a("autovacuum"), "PASS"),
        (a("autovacuum", vacuum(False)), "WARN"),
        (a("autovacuum", vacuum(None)), "UNKNOWN"),
        (a("autovacuum", vacuum(None), vacuum(True)), "FAIL"),
        (a("autovacuum", vacuum(True, blocks=False)), "PASS"),
        (a("wraparound", age("database", 10)), "PASS"),
        (a("wraparound", age("database", 51)), "WARN"),
        (a("wraparound", age("database", 81)), "FAIL"),
        (a("wraparound", age("database", 10), age("table", 96)), "WARN"),
    ],
)
def test_a_threshold_parts_the_states_of_a_check(found: str, state: str) -> None:
    assert found == state


def test_results_come_one_by_one_and_what_is_silent_is_unknown_until_it_answers(
    pg18: Server, database_on: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is silent: the check's view of connections waits for a lock that somebody holds."""
    name = database_on(pg18)
    monkeypatch.setattr(checks, "PATIENCE_S", 0.2)
    with session(pg18, name) as holder:
        holder.execute("SET lock_timeout = 0; BEGIN; LOCK TABLE pg_catalog.pg_db_role_setting IN ACCESS EXCLUSIVE MODE")
        heard: list[CheckResult] = []

        def hear(one: CheckResult) -> None:
            heard.append(one)
            if "no answer within 0.2 s yet" in one.summary and holder.closed is False:
                holder.execute("ROLLBACK")
                holder.close()

        results = check_environment(AnEnvironment(place(pg18, name), Policy()), heard=hear)  # type: ignore[arg-type]
    names = ["server", *(check.name for check in CHECKS)]
    assert [one.name for one in results] == names
    silent = [one.name for one in heard if one.summary == "no answer within 0.2 s yet"]
    assert silent == names
    assert {one.state for one in heard[: len(names)]} == {"UNKNOWN"}
    assert [one.name for one in heard[len(names) :]] == names
    assert results[0].state == "PASS"
