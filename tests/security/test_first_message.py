"""The first thing that any session of ours says, and that nothing follows it until its answer is what it must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import postgast
import pytest

from pgmig_tui.database.background import Background
from pgmig_tui.database.connect import connect
from pgmig_tui.database.opening import settings_of
from pgmig_tui.database.wire import Waiter
from pgmig_tui.errors import Unreachable
from tests.cli.program import Checkout, shop
from tests.database.places import Place, place, role
from tests.security.eavesdropper import eavesdropper
from tests.servers import Server


def nodes(sql: str) -> list[Any]:
    stack = list(postgast.parse(sql).stmts)
    found = []
    while stack:
        here = stack.pop()
        found.append(here)
        for descriptor, value in here.ListFields():
            if descriptor.message_type is not None:
                stack += list(value) if descriptor.is_repeated else [value]
    return found


def only_calls(sql: str) -> bool:
    """One SELECT of functions of pg_catalog by their full names, and of nothing that would have to be looked up."""
    if len(postgast.parse(sql).stmts) != 1:
        return False
    calls = [node for node in nodes(sql) if node.DESCRIPTOR.name == "FuncCall"]
    looked_up = {"A_Expr", "TypeCast", "RangeVar", "SubLink", "CaseExpr", "ColumnRef"}
    return (
        bool(calls)
        and all(call.funcname[0].string.sval == "pg_catalog" for call in calls)
        and not any(node.DESCRIPTOR.name in looked_up for node in nodes(sql))
    )


COMMANDS = (
    ("status", "dev"),
    ("check", "dev"),
    ("impact", "--target", "dev"),
    ("deploy", "dev", "--yes"),
    ("verify", "dev"),
    ("log", "dev"),
    ("rollback", "dev", "--dry-run"),
    ("reconcile", "dev"),
    ("undo", "--target", "dev"),
    ("revert", "dev", "--all", "--yes", "--accept-data-loss"),
)


def test_every_session_begins_so(pg18: Server, database_on: Callable[..., str], tmp_path: Path) -> None:
    name = database_on(pg18)
    with eavesdropper(pg18) as between:
        checkout: Checkout = shop(tmp_path, {"dev": f"db:pg://postgres@127.0.0.1:{between.port}/{name}"})
        for command in COMMANDS:
            assert checkout.run(*command).status in (0, 1), command
        assert len(between.connections) >= len(COMMANDS)
        for heard in between.connections:
            assert "options" not in heard.startup
            (before, first), *others = heard.queries
            # One answer of the server, to the startup itself, stands before the first message; all else waits for its.
            assert before == 1
            assert only_calls(first), first
            assert all(answers >= 2 for answers, _ in others), heard.startup


@pytest.mark.parametrize("kind", ["control", "watch"])
def test_it_sets_whatever_role_and_database_have_set(
    server: Server, kind: Any, database_on: Callable[..., str]
) -> None:
    name = database_on(server)
    hostile = {
        "search_path": "public, pg_catalog", "extra_float_digits": "-15", "quote_all_identifiers": "on",
        "statement_timeout": "1ms", "lock_timeout": "1ms", "row_security": "on", "datestyle": "SQL, DMY",
        "intervalstyle": "sql_standard", "bytea_output": "escape", "standard_conforming_strings": "off",
        "timezone": "Asia/Kathmandu", "idle_in_transaction_session_timeout": "1ms",
        "default_transaction_read_only": "on", "default_transaction_isolation": "serializable",
        "default_transaction_deferrable": "off", "transform_null_equals": "on", "array_nulls": "off",
        "backslash_quote": "on", "client_min_messages": "error",
    }  # fmt: skip
    if server.version_num >= 140000:
        hostile["idle_session_timeout"] = "1s"
    with role(server) as somebody:
        for setting, value in hostile.items():
            value = value if "," in value and setting == "search_path" else f"'{value}'"
            server.execute(f'ALTER ROLE "{somebody["user"]}" IN DATABASE "{name}" SET {setting} = {value}')
        with connect(place(server, name, **somebody), application_name="pgmig/test", kind=kind) as session:
            wanted = settings_of(kind, 0, session.server_version_num)
            assert set(hostile) - set(wanted) == set(), "a setting that changes our answers is left to others"
            found = {setting: session.execute(f"SHOW {setting}")[0][0] for setting in wanted}
            assert found == wanted
            row = session.one("SELECT 0.1::float8::text, interval '-1 day 2 h'::text, 'a\\b', now()::text ~ '00$'")
            assert row == ("0.1", "-1 days +02:00:00", "a\\b", True)


def test_a_script_s_session_gets_what_the_server_gives(pg18: Server, database_on: Callable[..., str]) -> None:
    name = database_on(pg18)
    pg18.execute(
        f'ALTER DATABASE "{name}" SET search_path = app, public; ALTER DATABASE "{name}" SET timezone = \'CET\''
    )
    with connect(place(pg18, name), application_name="pgmig/test", script=True) as session:
        assert session.one("SHOW search_path") == ("app, public",)
        assert session.one("SHOW timezone") == ("CET",)


@pytest.mark.parametrize(
    ("value", "lie"),
    [(b"pg_catalog, pg_temp", b"public, pg_catalog "), (b"ISO, MDY", b"SQL, DMY"), (b"UTF8", b"EUC1")],
)
def test_an_answer_that_is_not_what_was_set_ends_it(
    pg18: Server, value: bytes, lie: bytes, database_on: Callable[..., str]
) -> None:
    """A pooler or a server that takes the message and doesn't obey: not one more byte of ours goes there."""

    def twist(kind: bytes, body: bytes) -> bytes:
        return body.replace(value, lie) if kind == b"D" else body

    with eavesdropper(pg18, twist) as between:
        target = Place({"host": "127.0.0.1", "port": between.port, "user": "postgres", "dbname": database_on(pg18)})
        with pytest.raises(Unreachable, match="doesn't give us a session as we need it"):
            connect(target, application_name="pgmig/test")
        assert [len(heard.queries) for heard in between.connections] == [1]


def test_a_timeout_of_a_millisecond_does_not_keep_us_out(server: Server, database_on: Callable[..., str]) -> None:
    """It may end the very message that lifts it, or be told when that is over: as if the next message had failed."""
    name = database_on(server)
    with role(server) as somebody:
        server.execute(f'ALTER ROLE "{somebody["user"]}" SET statement_timeout = 1')
        for script in (False, True):
            for number in range(30):
                with connect(place(server, name, **somebody), application_name="pgmig/test", script=script) as session:
                    assert session.one(f"SELECT pg_catalog.pg_sleep(0.002) IS NULL, {number}") == (False, number)
                    assert session.one(f"SELECT {number} - 100") == (number - 100,)


def test_nor_out_of_the_session_that_watches(pg18: Server, database_on: Callable[..., str]) -> None:
    name = database_on(pg18)
    with role(pg18) as somebody:
        pg18.execute(f'ALTER ROLE "{somebody["user"]}" SET statement_timeout = 1')
        where = place(pg18, name, **somebody)
        found: list[tuple[list[tuple[str | None, ...]], str]] = []
        with connect(where, application_name="pgmig/test") as control:
            for number in range(20):
                poll = Waiter()
                watch = Background(where, control, poll, "pgmig/test/watch")
                for question in (f"SELECT {number}", f"SELECT pg_catalog.pg_sleep(0.002), {number + 100}"):
                    watch.ask(question, lambda rows, error: found.append((rows, error)))
                    while watch.busy:
                        poll.wait(watch.fd, 1000)
                        watch.ready()
                watch.close()
                assert found[-2:] == [([(str(number),)], ""), ([("", str(number + 100))], "")]
