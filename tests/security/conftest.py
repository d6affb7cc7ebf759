"""Servers of the three versions whose answers differ, and small projects on them."""

from __future__ import annotations

import pytest

from tests.run.conftest import workshop_on
from tests.servers import Server


@pytest.fixture(params=[15, 16, 18])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"pg{request.param}")
    return found


__all__ = ["workshop_on"]
