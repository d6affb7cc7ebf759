"""The shop on both server versions, made once: every test rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.impact.locks import Session
from tests.servers import Server


@pytest.fixture(scope="module", params=[16, 18])
def shop(request: pytest.FixtureRequest) -> Iterator[Session]:
    server: Server = request.getfixturevalue(f"pg{request.param}")
    name = server.create_database()
    server.execute((Path(__file__).parent / "schema.sql").read_text(encoding="utf-8"), name)
    server.execute("ANALYZE", name)
    session = Session(server.conninfo(name, options="-c timezone=UTC -c lock_timeout=5s"))
    yield session
    session.close()
    server.drop_database(name)
