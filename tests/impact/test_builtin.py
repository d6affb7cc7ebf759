"""The table of functions and types that every server has is what servers say."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.builtin import builtin_functions, builtin_types, known_volatility
from tests.database.places import Databases
from tests.impact.builtin import functions_of
from tests.servers import Server


@pytest.mark.parametrize("major", [15, 16, 18])
def test_every_function_and_type_of_a_server_is_in_the_table(
    request: pytest.FixtureRequest, major: int, database_on: Databases
) -> None:
    server: Server = request.getfixturevalue(f"pg{major}")
    asked = functions_of(server.conninfo(database_on(server)))
    assert len(asked) > 2200
    for (place, name), volatility in asked.items():
        if place == "types":
            assert name in builtin_types()
            continue
        known = builtin_functions().get(name) or builtin_functions(place).get(name)
        assert known is not None, name
        assert known >= volatility, name


def test_a_function_is_known_by_its_name() -> None:
    assert known_volatility(["count"]) == "i"
    assert known_volatility(["pg_catalog", "now"]) == "s"
    assert known_volatility(["clock_timestamp"]) == "v"
    assert known_volatility(["extensions", "uuid_generate_v4"]) == "v"
    assert known_volatility(["app", "now"]) is None
    assert known_volatility(["create_hypertable"]) is None
