"""The server's log, read through the server: errors, deadlocks, cancelled statements, and why it isn't readable."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from pgmig_tui.database import server_log
from pgmig_tui.database.connect import connect
from pgmig_tui.database.server_log import LogLine, ServerLog, parse
from pgmig_tui.run.journal.run_plan import Endpoint
from tests.conftest import TEST_SETTINGS, installed
from tests.servers import Server, server_of

LOGGING = {"logging_collector": "on", "log_destination": "jsonlog,csvlog,stderr", "lc_messages": "C",
           "log_timezone": "Asia/Tokyo"}  # fmt: skip


@pytest.fixture(scope="module")
def logging(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[Server]:
    """A server that writes its log in all forms."""
    from pgmig_tui.sandbox.server import SandboxServer

    installation = installed(major_for(18))
    server = SandboxServer(server_folder / "logging", installation, settings={**TEST_SETTINGS, **LOGGING})
    server.start()
    try:
        yield server_of(server.conninfo("postgres"), installation.bin_dir)
    finally:
        server.stop()


def read(server: Server, done: Callable[[psycopg.Connection], None], *, user: str = "postgres") -> list[LogLine]:
    """What is new in the log after something was done; waits until the server has written a line of it."""
    where = Endpoint("the target", {**server.parameters, "dbname": "postgres", "user": user, "password": "x"})
    with connect(where, application_name="pgmig/test") as connection:
        log = ServerLog(connection, "postgres", time.time() - 1)
        assert log.place.why == ""
        log.read()
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as other:
            done(other)
        found: list[LogLine] = []
        deadline = time.monotonic() + 10
        while not found and time.monotonic() < deadline:
            found += log.read()
            time.sleep(0.02)
        return found


@pytest.mark.parametrize("form", ["jsonlog", "csvlog", "stderr"])
def test_new_errors_are_read_in_each_form(logging: Server, form: str) -> None:
    if form == "jsonlog" and logging.version_num < 150000:
        form = "csvlog"  # later versions have it
    logging.execute(f"ALTER SYSTEM SET log_destination = '{form}'", "postgres")
    logging.execute("SELECT pg_reload_conf()", "postgres")

    def fail(other: psycopg.Connection) -> None:
        with contextlib.suppress(psycopg.Error):
            other.execute("SELECT 1 AS \"a,b\", 'x\ny' FROM nothing_of_that_name")
        with contextlib.suppress(psycopg.Error):
            other.execute("SET statement_timeout = 1; SELECT pg_sleep(5)")

    with psycopg.connect(logging.conninfo("postgres")) as one:
        deadline = time.monotonic() + 10
        while one.execute("SHOW log_destination").fetchone() != (form,) and time.monotonic() < deadline:
            one.commit()
    found = read(logging, fail)
    wanted = 'relation "nothing_of_that_name" does not exist'
    assert [one.kind for one in found if one.message.startswith(wanted)] == ["error"], found
    assert abs(found[0].at - time.time()) < 60, "its times are those of another zone"
    assert {one.sqlstate for one in found} <= {"42P01", "57014", ""}


def test_a_role_that_may_not_read_it_is_told_what_it_lacks(logging: Server) -> None:
    logging.execute(
        "CREATE ROLE plain LOGIN PASSWORD 'x'; CREATE ROLE watcher LOGIN PASSWORD 'x' IN ROLE pg_monitor", "postgres"
    )
    for user, lacking in (("plain", "GRANT pg_monitor TO"), ("watcher", "GRANT EXECUTE ON FUNCTION")):
        where = Endpoint("the target", {**logging.parameters, "dbname": "postgres", "user": user, "password": "x"})
        with connect(where, application_name="pgmig/test") as connection:
            log = ServerLog(connection, "postgres", 0)
            assert lacking in log.place.why
            assert log.read() == []
    grants = log.place.why.partition(": ")[2]
    logging.execute(grants, "postgres")

    def fail(other: psycopg.Connection) -> None:
        with contextlib.suppress(psycopg.Error):
            other.execute("SELECT 1/0")

    assert "division by zero" in [one.message for one in read(logging, fail, user="watcher")]


def test_no_more_is_read_at_once_than_is_allowed(logging: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_log, "MOST_BYTES", 2000)
    where = Endpoint("the target", {**logging.parameters, "dbname": "postgres"})
    with psycopg.connect(logging.conninfo("postgres"), autocommit=True) as other:
        for _ in range(40):
            with contextlib.suppress(psycopg.Error):
                other.execute("SELECT nothing_of_that_name")
    with connect(where, application_name="pgmig/test") as connection:
        log = ServerLog(connection, "postgres", 0)
        assert len(log.read()) < 20
        assert log.skipped


def test_a_log_that_is_not_collected_is_unknown(pg18: Server) -> None:
    where = Endpoint("the target", {**pg18.parameters, "dbname": "postgres"})
    with connect(where, application_name="pgmig/test") as connection:
        assert "keeps no log that it could show" in ServerLog(connection, "postgres", 0).place.why


BERLIN = ZoneInfo("Europe/Berlin")
CSV = (
    '2026-08-20 05:14:07.123 CEST,"app","shop",7,"[local]",66.7,{n},"SELECT",2026-08-20 05:00:00 CEST,3/4,0,'
    '{severity},{code},"{message}",,,,,,"SELECT\n1",8,,"{application}","client backend",,0\n'
)


def test_lines_of_others_and_of_no_error_are_left_out_and_secrets_masked() -> None:
    rows = [
        ("ERROR", "40P01", "deadlock detected", "web"),
        ("FEHLER", "57014", "storniere Anfrage", "web"),
        ("LOG", "00000", "duration: 7 ms", "web"),
        ("WARNING", "01000", "hm", "web"),
        ("FATAL", "28P01", "no", "web"),
        ("ERROR", "42601", "at ALTER ROLE x PASSWORD 'canary-4711'", "web"),
        ("ERROR", "55P03", "ours", "pgmig/r/1"),
    ]
    text = "".join(
        CSV.format(n=number, severity=severity, code=code, message=message, application=application)
        for number, (severity, code, message, application) in enumerate(rows, 1)
    )
    found = parse(text + "torn,line\n" + text[:40], "csvlog", BERLIN, "shop")
    assert [one.kind for one in found] == ["deadlock", "canceled", "fatal", "error"]
    assert "canary" not in found[-1].message
    assert datetime.fromtimestamp(found[0].at, UTC).isoformat().startswith("2026-08-20T03:14:07")
    assert parse(text, "csvlog", BERLIN, "other") == []
    assert parse("not json\n[1]\n", "jsonlog", BERLIN, "shop") == []
