"""Script text on the wire: what the server tells without being asked, and what a script leaves set."""

from __future__ import annotations

import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.wire import Waiter, Wire, sets_short_timeout
from pgmig_tui.run.journal.run_plan import Endpoint
from tests.faults.proxy import Proxy
from tests.servers import Server


@pytest.fixture
def proxy(pg18: Server) -> Iterator[Proxy]:
    made = Proxy(Path(pg18.parameters["host"]), int(pg18.parameters["port"]))
    yield made
    made.close()


def test_an_error_that_nobody_has_asked_for_is_no_answer_to_what_comes_next(
    pg18: Server, database: str, proxy: Proxy
) -> None:
    """A statement_timeout that runs out as a statement ends is told behind its answer."""
    where = {"host": "127.0.0.1", "port": str(proxy.port), "user": "postgres", "dbname": database}
    fields = b"SERROR\0VERROR\0C57014\0Mcanceling statement due to statement timeout\0\0"
    stray = b"E" + (4 + len(fields)).to_bytes(4) + fields + b"Z\0\0\0\x05I"
    with connect(
        Endpoint("the server", where, None, {}), application_name=application_name("wire", 1), script=True
    ) as one:
        wire = Wire(one, Waiter())
        assert wire.query("SELECT 1") == (("1",),)
        proxy.tell(wire.pid, stray)
        assert select.select([wire.raw.socket], [], [], 5)[0]
        told = wire.run(b"CREATE TABLE public.never ()")
        assert (told.error and told.error.sqlstate, told.replies, told.lost) == ("57014", [], False)
        assert wire.query("SELECT pg_catalog.to_regclass('public.never'), 2") == ((None, "2"),)


@pytest.mark.parametrize(
    ("kind", "text", "short"),
    [
        ("SET", "SET statement_timeout = '1ms'", True),
        ("SET", "SET LOCAL statement_timeout TO 500", True),
        ("SET", 'SET "statement_timeout" = 1', True),
        ("SET", "SET statement_timeout = DEFAULT", True),
        ("SET", "SET statement_timeout = '1000us'", True),
        ("SELECT", "SELECT set_config('statement_timeout', '100 ms', false)", True),
        ("RESET", "RESET ALL", True),
        ("DISCARD", "DISCARD ALL", True),
        ("SET", "SET statement_timeout = 0", False),
        ("SET", "SET statement_timeout = '5s'", False),
        ("SET", "SET statement_timeout TO 5000", False),
        ("SET", "SET statement_timeout = '0.5min'", False),
        ("SET", "SET lock_timeout = '1ms'", False),
        ("RESET", "RESET ROLE", False),
        ("COMMENT", "COMMENT ON TABLE t IS 'SET statement_timeout = 1'", False),
    ],
)
def test_a_short_timeout_that_a_script_sets_is_noticed(kind: str, text: str, short: bool) -> None:
    assert sets_short_timeout(kind, text) is short
