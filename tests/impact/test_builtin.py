"""The table of functions and types that every server has is what servers say."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.builtin import builtin_functions, builtin_types, known_volatility
from pgmig_tui.impact.predict import predict_script
from tests.database.places import Databases
from tests.impact.builtin import functions_of
from tests.impact.statements import script
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


def test_without_a_server_no_function_of_pg_catalog_is_unknown_and_any_other_is() -> None:
    """A build that asks `--fail-on medium` of the text alone must not fail for `count(*)`."""
    daily = (
        "SELECT count(*), sum(n), min(n), max(n), array_agg(n ORDER BY n), row_number() OVER (), any_value(n),"
        " percentile_cont(0.5) WITHIN GROUP (ORDER BY n), count(*) FILTER (WHERE n > 0) FROM unnest(ARRAY[1]) AS u(n)",
        "SELECT quote_ident('a'), \"lower\"('A'), LOWER('A'), trim(both 'x' from 'xa'), extract(year FROM now()),"
        " current_date, coalesce(NULL, 1), greatest(1, 2), pg_catalog.format('%I', 'a'), gen_random_uuid(), random()",
        "SELECT * FROM generate_series(1, 3) WITH ORDINALITY, LATERAL jsonb_each('{}'), json_to_record('{}') r(a int)",
    )
    found = predict_script(script(*daily)).statements
    assert [(one.unknown, one.risk, one.data_loss.what) for one in found] == [((), "none", ())] * 3
    harmless = [name for name, volatility in builtin_functions().items() if volatility != "v"]
    called = ", ".join(f'pg_catalog."{name}"()' for name in harmless)
    (impact,) = predict_script(script(f"SELECT {called}")).statements
    assert (len(harmless) > 2000, impact.unknown) == (True, ())
    for others in ('"Lower"(x)', "public.lower(x)", "app.count(*)", "dblink('x', 'y')"):
        (impact,) = predict_script(script(f"SELECT {others}")).statements
        assert (len(impact.unknown), impact.risk) == (1, "medium"), others
