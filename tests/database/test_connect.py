"""Sessions on real servers: who answers, what is set, what is refused, and that no password is ever shown."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.database.connect import (
    Connection,
    ConnectionLost,
    ServerError,
    ServerIdentity,
    application_name,
    check_server,
    connect,
    guard_sql,
    mask,
)
from pgmig_tui.errors import Refused, Unreachable
from pgmig_tui.project.environments import Policy
from tests.database.places import Databases, Place, place, role, session
from tests.servers import Server
from tests.trap_set import PATH


def test_a_connection_knows_which_server_database_and_role_it_is(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with connect(place(pg, name), application_name="pgmig/test") as connection:
        identity = connection.identity()
        assert connection.one("SELECT pg_backend_pid()") == (connection.pid,)
    assert (identity.database, identity.version_num, identity.standby) == (name, pg.version_num, False)
    assert identity.system_identifier == pg.execute("SELECT system_identifier::text FROM pg_control_system()")[0][0]
    assert (identity.timeline, identity.encoding, identity.product) == (1, "UTF8", "PostgreSQL")
    assert identity.role == pg.execute("SELECT current_user::text")[0][0]
    assert abs(identity.clock_skew_s) < 1
    check_server(identity, Policy(system_identifier=identity.system_identifier))


def test_identity_without_the_right_to_the_system_identifier(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as plain:
        pg.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public", name)
        with connect(place(pg, name, **plain), application_name="pgmig/test") as connection:
            identity = connection.identity()
    assert (identity.system_identifier, identity.role) == (None, plain["user"])
    check_server(identity, Policy())
    with pytest.raises(Refused, match="hidden"):
        check_server(identity, Policy(system_identifier="1"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version_num": 120022, "version": "12.22"}, "PostgreSQL 12.22 is not supported: 13 to 18 are"),
        ({"version_num": 190000, "version": "19.0"}, "PostgreSQL 19.0 is not supported"),
        ({"standby": True}, "standby"),
        ({"product": "YugabyteDB"}, "YugabyteDB is not supported"),
        ({"system_identifier": "2"}, "another cluster: its system identifier is 2, pgmig.toml pins 1"),
    ],
)
def test_servers_that_are_refused(change: dict[str, object], message: str) -> None:
    identity = ServerIdentity("18.6", 180006, "d", "r", "h", "5432", "1", False, "UTF8", 1, 0.0)
    check_server(identity, Policy(system_identifier="1"))
    with pytest.raises(Refused) as caught:
        check_server(replace(identity, **change), Policy(system_identifier="1"))  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "Nothing was changed" in caught.value.now


def settings_of(connection: Connection, *names: str) -> list[str]:
    return [connection.execute(f"SHOW {name}")[0][0] for name in names]


def test_guards_of_a_step_override_the_role_s_own(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as mean:
        newer = ["idle_session_timeout = '1s'"] if pg.version_num >= 140000 else []
        for setting in ("statement_timeout = '1s'", "lock_timeout = 0", *newer):
            pg.execute(f'ALTER ROLE "{mean["user"]}" SET {setting}')
        with connect(place(pg, name, **mean), application_name="pgmig/r/1", script=True) as connection:
            connection.execute(guard_sql("step", 300, connection.server_version_num))
            found = settings_of(
                connection,
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "search_path",
                "application_name",
            )
            assert found == ["300ms", "0", "30s", PATH, "pgmig/r/1"]
            if connection.server_version_num >= 140000:
                newer_ones = "idle_session_timeout", "client_connection_check_interval"
                assert settings_of(connection, *newer_ones) == ["0", "1s"]
            if connection.server_version_num >= 170000:
                assert settings_of(connection, "transaction_timeout") == ["0"]


def test_guards_of_our_own_sessions(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with connect(place(pg, name), application_name="x", kind="watch") as connection:
        watching = "search_path", "lock_timeout", "statement_timeout", "default_transaction_read_only", "TimeZone"
        assert settings_of(connection, *watching) == ["pg_catalog, pg_temp", "150ms", "2s", "on", "UTC"]
    with connect(place(pg, name), application_name="x", lock_timeout_ms=700) as connection:
        holding = "idle_in_transaction_session_timeout", "lock_timeout", "client_encoding"
        assert settings_of(connection, *holding) == ["0", "700ms", "UTF8"]
        if connection.server_version_num >= 140000:
            assert settings_of(connection, "idle_session_timeout") == ["0"]


def test_a_script_session_speaks_the_database_s_encoding(
    pg: Server, database_on: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = database_on(pg, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with connect(place(pg, name), application_name="x", script=True) as connection:
        assert settings_of(connection, "client_encoding") == ["LATIN1"]
    monkeypatch.setenv("PGCLIENTENCODING", "UTF8")
    with connect(place(pg, name), application_name="x", script=True) as connection:
        assert settings_of(connection, "client_encoding") == ["UTF8"]
    with connect(place(pg, name), application_name="x") as connection:
        assert settings_of(connection, "client_encoding") == ["UTF8"]
        assert connection.one("SELECT 'é'::text, length('é')") == ("é", 1)


def test_libpq_finds_what_the_target_leaves_open(
    pg: Server, database_on: Databases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = database_on(pg)
    for key, variable in (("host", "PGHOST"), ("port", "PGPORT"), ("user", "PGUSER")):
        monkeypatch.setenv(variable, pg.parameters[key])
    with connect(Place({"dbname": name}), application_name="x") as connection:
        assert connection.identity().database == name
    service = tmp_path / "services"
    service.write_text(f"[here]\ndbname={name}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    with connect(Place({"service": "here"}), application_name="x") as connection:
        assert connection.identity().database == name


def test_application_names_are_ascii_and_short() -> None:
    assert application_name("20260101-120000-abcd", 12) == "pgmig/20260101-120000-abcd/12"
    assert application_name("é" * 80, "control") == "pgmig/" + "?" * 20 + "/control"


def test_a_socket_that_nobody_listens_on_is_unreachable_with_status_5(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        connect(Place({"host": str(tmp_path), "dbname": "x"}), application_name="x")
    assert caught.value.exit_status == 5
    assert "can't be reached" in caught.value.what


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unreachable):
            connect(
                Place({"host": "127.0.0.1", "port": str(silent.getsockname()[1]), "dbname": "x"}),
                application_name="x",
                connect_timeout=1,
            )


def test_a_database_that_does_not_exist_is_unreachable(pg: Server) -> None:
    with pytest.raises(Unreachable, match="does not exist"):
        connect(place(pg, "nothing_of_that_name"), application_name="x")


def test_a_wrong_password_is_unreachable_and_never_shown(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with role(pg) as somebody:
        for password in ("not-the-one", None):
            with pytest.raises(Unreachable) as caught:
                connect(replace(place(pg, name, **somebody), password=password), application_name="x")
            assert caught.value.exit_status == 5
            assert "password" in caught.value.what
            assert "not-the-one" not in str(caught.value)
            assert "SQITCH_PASSWORD" in caught.value.do
        with connect(place(pg, name, **somebody), application_name="x") as connection:
            assert connection.role == somebody["user"]
            with pytest.raises(ServerError) as failed:
                connection.execute(f"SELECT '{somebody['password']}'::int")
    assert somebody["password"] not in str(failed.value)
    assert "invalid input syntax" in str(failed.value)


def test_errors_carry_the_server_s_fields(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        with pytest.raises(ServerError) as caught:
            connection.execute("SELECT 1; SELECT nothing FROM pg_catalog.pg_class")
        error = caught.value
        assert (error.sqlstate, error.severity, error.exit_status) == ("42703", "ERROR", 1)
        assert 'column "nothing" does not exist' in error.message
        assert error.position == 18
        with pytest.raises(ServerError) as caught:
            connection.execute("DO $$ BEGIN RAISE 'no' USING DETAIL = 'why', HINT = 'how', ERRCODE = 'P0042'; END $$")
        assert (caught.value.detail, caught.value.hint, caught.value.sqlstate) == ("why", "how", "P0042")
        assert "inline_code_block" in caught.value.context
        result = connection.raw.exec_(b"SELECT 1/0")
        assert connection.error(result).sqlstate == "22012"


@pytest.mark.parametrize(
    "text",
    [
        "ALTER ROLE x PASSWORD 'hunter22'",
        "connection to postgresql://bob:hunter22@host/db failed",
        "invalid connection option in password=hunter22 host=x",
    ],
)
def test_a_password_is_masked_however_it_is_written(text: str) -> None:
    assert "hunter22" not in mask(text)
    assert "hunter22" not in mask("it was hunter22", ["hunter22"])
    plain = 'FATAL:  password authentication failed for user "bob"'
    assert mask(plain) == plain


def test_a_lost_connection_is_said(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as connection:
        pg.execute(f"SELECT pg_terminate_backend({connection.pid})")
        with pytest.raises(ConnectionLost) as caught:
            connection.execute("SELECT 1")
        assert caught.value.exit_status == 5
        assert connection.closed


def test_several_statements_and_their_results(pg: Server, database_on: Databases) -> None:
    with session(pg, database_on(pg)) as connection:
        assert connection.results("SELECT 1; SET lock_timeout = 0; SELECT 2, 'x' WHERE false; SELECT 3") == [
            [(1,)],
            [],
            [(3,)],
        ]
        assert connection.execute("SET lock_timeout = 0") == []
        assert connection.one("SELECT %(a)s::int + 1", {"a": 41}) == (42,)


def test_a_statement_can_be_cancelled_from_another_thread(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    with session(pg, name) as connection, session(pg, name) as watch:

        def cancel() -> None:
            while not watch.one(
                f"SELECT 1 FROM pg_stat_activity WHERE pid = {connection.pid} AND wait_event = 'PgSleep'"
            ):
                pass
            connection.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(ServerError) as caught:
            connection.execute("SELECT pg_sleep(60)")
        thread.join()
        assert caught.value.sqlstate == "57014"
        assert connection.one("SELECT 1") == (1,)


def test_a_notice_of_a_script_is_told_with_its_detail(pg: Server, database_on: Databases) -> None:
    seen: list[tuple[str, str, str]] = []
    with connect(place(pg, database_on(pg)), application_name="x", script=True) as connection:
        connection.on_notice(lambda *notice: seen.append(notice))
        connection.execute("DO $$ BEGIN RAISE NOTICE 'hello' USING DETAIL = 'there'; END $$")
    assert seen == [("NOTICE", "hello", "there")]


def test_the_environment_s_password_is_masked_too(
    pg: Server, database_on: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "canary-of-the-environment")
    opened = connect(place(pg, database_on(pg)), application_name="x")
    with opened as connection, pytest.raises(ServerError) as caught:
        connection.execute("SELECT 'canary-of-the-environment'::int")
    assert "canary" not in str(caught.value)
    assert "canary" in os.environ["PGPASSWORD"]
