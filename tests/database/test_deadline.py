"""A server that falls silent while its connections stay up is not waited for without an end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgmig_tui.database.connect import ConnectionLost, ServerError
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.probe import address_of, probe
from tests.database.places import Place, session
from tests.faults.proxy import Proxy
from tests.servers import Server


@pytest.fixture
def proxy(pg: Server) -> Iterator[Proxy]:
    made = Proxy(Path(pg.parameters["host"]), int(pg.parameters.get("port", "5432")))
    yield made
    made.close()


def through(proxy: Proxy) -> dict[str, str]:
    return {"host": "127.0.0.1", "port": str(proxy.port)}


def test_silence_is_given_up_and_said(pg: Server, database: str, proxy: Proxy) -> None:
    with session(pg, "postgres", **through(proxy)) as connection:
        proxy.mute()
        started = time.monotonic()
        with pytest.raises(ConnectionLost) as lost, deadline(connection, 1.0, "the server"):
            connection.execute("SELECT 1")
        assert time.monotonic() - started < 5
        assert lost.value.what == "the server didn't answer within 1 s"
        assert connection.closed


def test_an_answer_in_time_and_an_error_are_what_they_are(pg: Server, proxy: Proxy) -> None:
    with session(pg, "postgres", **through(proxy)) as connection:
        with deadline(connection, 30.0, "the server"):
            assert connection.one("SELECT 1") == (1,)
        with pytest.raises(ServerError), deadline(connection, 30.0, "the server"):
            connection.execute("SELECT 1/0")
        proxy.cut()
        with pytest.raises(ConnectionLost) as lost, deadline(connection, 30.0, "the server"):
            connection.execute("SELECT 1")
        assert "30 s" not in lost.value.what


def test_a_probe_that_is_not_answered_ends(pg: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgmig_tui.database.probe.ANSWER_S", 1.0)
    target = Place({**pg.parameters, "dbname": "postgres", **through(proxy)})
    with session(pg, "postgres") as connection:
        address = address_of(target, "127.0.0.1", str(proxy.port), "postgres")
        assert probe(connection, address).relation == "same"
        proxy.silent = True
        started = time.monotonic()
        probed = probe(connection, address)
        assert (probed.relation, time.monotonic() - started < 20) == ("unknown", True)
        assert probed.why
        assert connection.one("SELECT 1") == (1,)
