"""Row-level security on the registry, and settings that scripts leave behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import shop
from tests.database.places import role
from tests.run.conftest import Workshop
from tests.servers import Server


def test_a_registry_that_hides_rows_is_not_an_empty_one(
    server: Server, database_on: Callable[..., str], tmp_path: Path
) -> None:
    """To a role that row-level security holds for it would look as if nothing was ever deployed."""
    name = database_on(server)
    with role(server) as somebody:
        user = somebody["user"]
        checkout = shop(tmp_path, {"dev": server.uri(name), "hers": server.uri(name).replace("postgres@", f"{user}@")})
        assert checkout.run("deploy", "dev", "--to", "orders", "--yes").status == 0
        server.execute(
            f'GRANT USAGE ON SCHEMA sqitch, pgmig TO "{user}"; GRANT ALL ON ALL TABLES IN SCHEMA sqitch, pgmig'
            f' TO "{user}";'
            " ALTER TABLE sqitch.changes ENABLE ROW LEVEL SECURITY;"
            " ALTER TABLE sqitch.events ENABLE ROW LEVEL SECURITY",
            name,
        )
        password = {"PGPASSWORD": somebody["password"]}
        for words, status in (
            (("status", "hers"), 5), (("deploy", "hers", "--yes"), 3), (("log", "hers"), 3), (("verify", "hers"), 3),
            (("revert", "hers", "--all", "--yes", "--accept-data-loss"), 3),
        ):  # fmt: skip
            done = checkout.run(*words, env=password)
            assert (done.status, "row-level security" in done.out + done.err) == (status, True), done.out + done.err
        assert server.execute("SELECT pg_catalog.count(*) FROM sqitch.changes", name) == [(2,)]
        assert checkout.run("status", "dev").status == 0, "a superuser sees all rows"


# Not the timeouts of a transaction: the server ends the session there and then, and the step fails as a whole.
LEFT = (
    "SET statement_timeout = '1ms'",
    "SET default_transaction_read_only = on",
    "SET default_transaction_isolation = 'serializable'",
    "SET lock_timeout = '1ms'",
    "SET row_security = off",
    "SET ROLE pg_read_all_stats",
    "SET SESSION AUTHORIZATION pg_read_all_stats",
    "SET search_path = ''",
    "SET client_encoding = 'LATIN1'",
    "SET standard_conforming_strings = off",
    "SET session_replication_role = replica",
)


def test_a_timeout_of_a_script_ends_none_of_our_statements(workshop_on: Callable[..., Workshop], pg18: Server) -> None:
    """The record of a long script is long: to read it takes longer than the script allows a statement."""
    long = "".join(f"VALUES ({number});\nSELECT {number};\n" for number in range(600))
    left = "SET statement_timeout = '1ms';\n"
    workshop = workshop_on(pg18)
    workshop.change("atomic", f"BEGIN;\n{long}{left}COMMIT;\n", "SELECT 1;", f"{left}SELECT 1;")
    workshop.change("alone", f"BEGIN;\nCREATE TABLE public.t ();\n{left}COMMIT;\nSELECT 1;\n", "SELECT 1;", left)
    workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nverify = "after"\n'
    done = workshop.run()
    assert (done.status, [one["message"] for one in done.named("step_failed")]) == (0, [])
    assert workshop.query("SELECT pg_catalog.count(*) FROM sqitch.changes") == [(2,)]


@pytest.mark.parametrize("verify", ["inside", "after"])
def test_what_a_script_leaves_set_harms_neither_its_record_nor_the_next_step(
    verify: str, workshop_on: Callable[..., Workshop], server: Server
) -> None:
    workshop = workshop_on(server)
    for number, setting in enumerate(LEFT):
        workshop.change(f"deploy_{number}", f"SELECT 1; {setting};", f"SELECT 1; {setting};", "SELECT 1;")
        workshop.change(f"verify_{number}", f"SELECT {number};", "SELECT 1;", f"SELECT 1; {setting};")
        workshop.change(f"alone_{number}", f"BEGIN; SELECT 1; COMMIT; {setting};", f"{setting};", "SELECT 1;")
    workshop.toml = f'[[environment]]\nname = "box"\ntarget = "$URI"\nverify = "{verify}"\n'
    done = workshop.run()
    assert (done.status, [one["message"] for one in done.named("step_failed")]) == (0, [])
    assert workshop.query("SELECT pg_catalog.count(*) FROM sqitch.changes") == [(3 * len(LEFT),)]
    done = workshop.run("revert", revert_all=True)
    assert (done.status, [one["message"] for one in done.named("step_failed")]) == (0, [])
    assert workshop.query("SELECT pg_catalog.count(*) FROM sqitch.changes") == [(0,)]
