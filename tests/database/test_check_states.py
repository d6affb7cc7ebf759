"""Every check passing, and failing for a state that was really produced, as each kind of role, on three versions.

One server of each version, whose settings nobody else could live with: what archives fails, who replicates lags, a slot
is lost, a vacuum against wraparound crawls. What a role may not see is UNKNOWN for it, never green.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from pgmig_tui.database.checks import CHECKS, Thresholds, run_check, run_checks, server_result
from pgmig_tui.database.connect import ServerIdentity, connect
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import AE
from pgmig_tui.impact.needed import WantedLock
from pgmig_tui.project.environments import Policy
from pgmig_tui.sandbox.server import SandboxServer
from tests.conftest import TEST_SETTINGS, installed
from tests.database.places import place, until
from tests.installations import clients_of
from tests.servers import Server, server_of

SETTINGS = {
    **TEST_SETTINGS, "autovacuum": "off", "autovacuum_naptime": "1s", "archive_mode": "on", "archive_command": "true",
    "wal_level": "replica", "max_slot_wal_keep_size": "1MB", "vacuum_failsafe_age": "2100000000",
}  # fmt: skip
ROLES = ("superuser", "monitor", "migration", "plain")
LEDGER = [WantedLock(Name("app", "ledger"), AE)]
WANTED = [WantedLock(Name("app", name), AE) for name in ("orders", "old")]
BURNT = 100_100
"""Transaction IDs: above the least `autovacuum_freeze_max_age` that a table may have."""

LATE = 1_800_000_000
"""The next transaction's ID where 84 % of the way to wraparound are gone."""

ALL = ("PASS", "PASS", "PASS", "PASS")
HIDDEN = ("UNKNOWN", "UNKNOWN")
QUIET: dict[str, tuple[str, ...]] = {
    **{check.name: ALL for check in CHECKS},
    "long_transactions": ("PASS", "PASS", *HIDDEN),
    "replication_lag": ("PASS", "PASS", *HIDDEN),
    "sync_commit": ("PASS", "PASS", *HIDDEN),
}
TROUBLED: dict[str, tuple[str, ...]] = {
    "long_transactions": ("WARN", "WARN", *HIDDEN),
    "blockers": ("FAIL", "FAIL", *HIDDEN),
    "autovacuum": ("FAIL", "FAIL", *HIDDEN),
    "prepared_transactions": ("FAIL",) * 4,
    "replication_lag": ("FAIL", "FAIL", *HIDDEN),
    "replication_slots": ("FAIL",) * 4,
    "invalid_indexes": ("FAIL",) * 4,
    "connection_headroom": ("PASS", "FAIL", "FAIL", "FAIL"),  # nothing limits a superuser
    "dumps": ("FAIL",) * 4,
    "archiver": ("FAIL",) * 4,
    "sync_commit": ("FAIL", "FAIL", *HIDDEN),
    "wraparound": ("WARN",) * 4,
}


class Standby:
    """Somebody who replicates and says how far he is: what a standby says to its primary, and no server behind it."""

    def __init__(self, server: Server) -> None:
        self._wire = pq.PGconn.connect(server.conninfo("postgres", replication="true", application_name="s1").encode())
        told = self._wire.exec_(b"IDENTIFY_SYSTEM")
        self._at = (told.get_value(0, 2) or b"").decode()
        started = self._wire.exec_(f"START_REPLICATION PHYSICAL {self._at}".encode())
        assert started.status == pq.ExecStatus.COPY_BOTH, started.error_message

    def answer(self) -> None:
        high, low = (int(part, 16) for part in self._at.split("/"))
        position = high << 32 | low
        self._wire.put_copy_data(b"r" + struct.pack(">qqqqB", position, position, position, 0, 0))
        self._wire.flush()

    def close(self) -> None:
        self._wire.finish()


@dataclass
class Scene:
    """A server of one version, its database, and roles as the keywords that `place` takes."""

    server: Server
    database: str
    roles: dict[str, dict[str, str]]

    def states(self, role: str, thresholds: Thresholds) -> dict[str, str]:
        who = place(self.server, self.database, **self.roles[role])
        with connect(who, application_name="pgmig/check/watch", kind="watch") as connection:
            found: dict[str, str] = {one.name: one.state for one in run_checks(connection, WANTED, thresholds)}
            # Its locks would be in everybody's sight among the blockers.
            found["prepared_transactions"] = run_check(connection, "prepared_transactions", LEDGER).state
            return found

    def identity(self, role: str) -> ServerIdentity:
        who = place(self.server, self.database, **self.roles[role])
        with connect(who, application_name="pgmig/check/watch", kind="watch") as connection:
            return connection.identity()


@pytest.fixture(scope="module", params=[15, 16, 18])
def scene(
    request: pytest.FixtureRequest, server_folder: Path, major_for: Callable[[int], int]
) -> Iterator[tuple[Scene, ExitStack, SandboxServer]]:
    major = major_for(request.param)
    sandbox = SandboxServer(server_folder / f"checks-{major}", installed(major), settings=SETTINGS)
    with ExitStack() as stack:
        sandbox.start()
        stack.callback(sandbox.stop)
        found = server_of(sandbox.conninfo("postgres"), clients_of(installed(major)))
        database = found.create_database("TEMPLATE template0")
        # Nobody confirms a COMMIT here; only the checks see the servers' own setting.
        local = replace(found, parameters={**found.parameters, "options": "-c synchronous_commit=local"})
        roles: dict[str, dict[str, str]] = {"superuser": {}}
        for name, options in (("monitor", "IN ROLE pg_monitor"), ("migration", ""), ("plain", "")):
            found.execute(f"CREATE ROLE checks_{name} LOGIN PASSWORD 'secret' {options}")
            roles[name] = {"user": f"checks_{name}", "password": "secret"}
        found.execute(f'ALTER DATABASE "{database}" OWNER TO checks_migration')
        found.execute("CREATE SCHEMA app AUTHORIZATION checks_migration", database)
        found.execute("CREATE TABLE app.orders (id int PRIMARY KEY, note text)", database)
        found.execute("CREATE TABLE app.ledger (id int)", database)
        found.execute(
            "CREATE TABLE app.old WITH (autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100,"
            " autovacuum_vacuum_cost_limit = 1) AS SELECT repeat('x', 1000) AS note FROM generate_series(1, 4000)",
            database,
        )
        found.execute("INSERT INTO app.orders SELECT n, 'x' FROM generate_series(1, 10) AS n", database)
        found.execute("SELECT pg_switch_wal()")
        until(lambda: found.execute("SELECT last_archived_time FROM pg_stat_archiver") != [(None,)])
        standby = Standby(found)
        stack.callback(standby.close)
        settings(local, synchronous_standby_names="s1")
        standby.answer()
        until(lambda: found.execute("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        yield Scene(local, database, roles), stack, sandbox


def settings(server: Server, **values: str) -> None:
    for name, value in values.items():
        server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    server.execute("SELECT pg_reload_conf()")
    for name, value in values.items():
        until(lambda name=name, value=value: server.execute(f"SHOW {name}") == [(value,)])  # type: ignore[misc]


def trouble(scene: Scene, stack: ExitStack) -> None:
    """All of it at once, each as it comes about."""
    server, database = scene.server, scene.database

    def session(name: str, *statements: str) -> None:
        made = psycopg.connect(server.conninfo(database, application_name=name), autocommit=True)
        stack.callback(made.close)
        for one in statements:
            made.execute(one.encode())

    session("burner", f"DO 'BEGIN FOR n IN 1..{BURNT} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'")
    session("reporting", "BEGIN", "SELECT * FROM app.orders LIMIT 1")
    session("pgmig/20260101-000000-abcd/dump")
    session("two-phase", "BEGIN", "INSERT INTO app.ledger VALUES (1)", "PREPARE TRANSACTION 'left'")
    stack.callback(server.execute, "ROLLBACK PREPARED 'left'", database)
    with pytest.raises(psycopg.errors.UniqueViolation):
        server.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON app.old (note)", database)
    server.execute("SELECT pg_create_physical_replication_slot('late', true)")
    settings(server, archive_command="false", synchronous_standby_names="s2", autovacuum="on")
    for _ in range(6):
        server.execute("SELECT txid_current(), pg_switch_wal()")
    server.execute("CHECKPOINT")
    vacuums = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%app.old (to prevent wraparound)'"
    until(lambda: server.execute(vacuums) == [(1,)], 20)
    until(lambda: server.execute("SELECT failed_count > 0 FROM pg_stat_archiver") == [(True,)], 20)
    until(lambda: server.execute("SELECT wal_status FROM pg_replication_slots") == [("lost",)])


def test_each_check_passes_and_fails_for_what_is_really_so_and_hides_nothing_behind_a_green(
    scene: tuple[Scene, ExitStack, SandboxServer],
) -> None:
    here, stack, _ = scene
    checked = replace(here.server, parameters={**here.server.parameters, "options": ""})
    there = Scene(checked, here.database, here.roles)
    quiet = {role: there.states(role, Thresholds()) for role in ROLES}
    assert {name: tuple(quiet[role][name] for role in ROLES) for name in QUIET} == QUIET

    trouble(here, stack)
    found: dict[str, dict[str, str]] = {}
    for role in ROLES:
        used = here.server.execute(f"SELECT numbackends FROM pg_stat_database WHERE datname = '{here.database}'")[0][0]
        here.server.execute(f'ALTER DATABASE "{here.database}" CONNECTION LIMIT {used + 1}')
        found[role] = there.states(role, Thresholds(transaction_s=0, blocker_s=0, lag_fail_bytes=2**26))
    assert {name: tuple(found[role][name] for role in ROLES) for name in TROUBLED} == TROUBLED


def test_the_right_server_is_known_by_its_identifier_and_unknown_where_that_is_hidden(
    scene: tuple[Scene, ExitStack, SandboxServer],
) -> None:
    here, _, _ = scene
    here.server.execute(f'ALTER DATABASE "{here.database}" CONNECTION LIMIT -1')
    for role in ROLES:
        identity = here.identity(role)
        known = identity.system_identifier is not None
        assert known or role in ("migration", "plain")
        assert server_result(identity, Policy(system_identifier="1")).state == ("FAIL" if known else "UNKNOWN")
        assert server_result(identity, Policy(system_identifier=identity.system_identifier)).state == "PASS"


def test_a_server_that_is_about_to_refuse_writes_fails_for_everybody(
    scene: tuple[Scene, ExitStack, SandboxServer],
) -> None:
    here, stack, sandbox = scene
    stack.close()  # stops it; prepared transactions and standbys are gone
    owner = sandbox.data.stat()
    (sandbox.data / "pg_xact" / f"{LATE >> 20:04X}").write_bytes(bytes(2**18))
    os.chown(sandbox.data / "pg_xact" / f"{LATE >> 20:04X}", owner.st_uid, owner.st_gid)
    programs = sandbox.installation
    if owner.st_uid != os.getuid():
        programs = programs.copy_to(sandbox.folder / "programs")  # which that account can enter
    resetwal = [str(programs.bin_dir / "pg_resetwal"), "-f", "-x", str(LATE), str(sandbox.data)]
    subprocess.run(resetwal, check=True, user=owner.st_uid, group=owner.st_gid, cwd="/", capture_output=True)
    sandbox.start()
    stack.callback(sandbox.stop)
    found = {role: here.states(role, Thresholds())["wraparound"] for role in ROLES}
    assert found == dict.fromkeys(ROLES, "FAIL")
