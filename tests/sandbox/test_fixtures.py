from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.servers import Server


def test_each_version_is_the_one_it_says(pg18: Server, pg16: Server, pg15: Server) -> None:
    assert [server.version_num // 10000 for server in (pg18, pg16, pg15)] == [18, 16, 15]


def test_databases_are_fresh_and_apart(pg: Server, database_on: Callable[..., str]) -> None:
    first, second = database_on(pg), database_on(pg, "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    pg.execute("CREATE TABLE here (a int)", first)
    assert pg.execute("SELECT to_regclass('here')", second) == [(None,)]
    assert pg.execute("SHOW server_encoding", second) == [("LATIN1",)]


def test_the_database_fixture_is_on_18(pg18: Server, database: str) -> None:
    with psycopg.connect(pg18.conninfo(database)) as connection:
        assert connection.info.server_version // 10000 == 18
