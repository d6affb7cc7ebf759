"""What only a server of one's own can show: a standby, archiving that fails, synchronous standbys that are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgmig_tui.database import registry
from pgmig_tui.database.checks import CheckResult, check_environment, run_check
from pgmig_tui.database.connect import check_server, connect
from pgmig_tui.errors import Refused
from pgmig_tui.project.environments import Policy
from pgmig_tui.sandbox.server import SandboxServer
from tests.conftest import installed
from tests.database.places import Place, until

SETTINGS = {
    "fsync": "off",
    "archive_mode": "on",
    "archive_command": "false",
    "synchronous_standby_names": "nobody",
    "synchronous_commit": "local",
    "max_connections": "10",
}


@dataclass
class AnEnvironment:
    target: Place
    policy: Policy


@pytest.fixture(scope="module")
def own(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[SandboxServer]:
    server = SandboxServer(server_folder / "own", installed(major_for(18)), settings=SETTINGS)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def the_place(server: SandboxServer, **more: str) -> Place:
    known = {name: str(value) for name, value in conninfo_to_dict(server.conninfo("postgres")).items()}
    return Place({**known, **more})


def check(server: SandboxServer, name: str, **more: str) -> CheckResult:
    with connect(the_place(server, **more), application_name="x") as connection:
        return run_check(connection, name)


def test_an_archiver_that_fails_fails_the_check_and_says_since_when(own: SandboxServer) -> None:
    with connect(the_place(own), application_name="x") as connection:
        connection.execute("SELECT pg_catalog.txid_current(); SELECT pg_catalog.pg_switch_wal()")
    until(lambda: check(own, "archiver").state != "UNKNOWN", seconds=30)
    result = check(own, "archiver")
    assert result.state == "FAIL"
    assert "archiving fails since the beginning" in result.summary


def test_a_synchronous_standby_that_is_gone(own: SandboxServer) -> None:
    result = check(own, "sync_commit", options="-c synchronous_commit=on")
    assert (result.state, result.summary) == ("FAIL", "no synchronous standby streams: COMMIT would hang")
    assert check(own, "sync_commit").state == "N-A"


def test_the_check_of_connections_tells_when_they_run_out(own: SandboxServer) -> None:
    assert check(own, "connection_headroom").state == "PASS"
    opened = [connect(the_place(own), application_name="x") for _ in range(4)]
    result = check(own, "connection_headroom")
    for connection in opened:
        connection.close()
    assert result.state == "FAIL"
    assert "no room for a run's three sessions" in result.summary


def test_a_standby_is_read_and_never_written(own: SandboxServer) -> None:
    """The last test of this server: it doesn't come back from recovery."""
    own.stop()
    (own.folder / "cluster" / "data" / "standby.signal").touch()
    own.start()
    target = the_place(own)
    with connect(target, application_name="x") as connection:
        identity = connection.identity()
        assert (identity.standby, identity.timeline) == (True, None)
        with pytest.raises(Refused, match="is a standby") as caught:
            check_server(identity, Policy())
        assert "primary" in caught.value.do
        assert registry.read_state(connection, "sqitch", "flip").info.present is False
    results = check_environment(AnEnvironment(target, Policy()))  # type: ignore[arg-type]
    assert results[0].state == "FAIL"
    assert not [result for result in results if "refused the question" in result.summary]
