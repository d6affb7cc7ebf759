"""`roles --print`: SQL that makes roles, and what each of them can then do and can't."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.database.text import load
from pgmig_tui.review.roles import name_of
from tests.cli.program import Checkout, shop
from tests.servers import Server

KINDS = ("observer", "monitor", "deployer", "approver")


@pytest.fixture(scope="module")
def owner(pg18: Server) -> Iterator[str]:
    name = "roles_owner"
    pg18.execute(f"CREATE ROLE {name}")
    yield name
    pg18.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def place(tmp_path: Path, pg18: Server, database_on: Callable[..., str], owner: str) -> Iterator[tuple[Checkout, str]]:
    """The first two changes deployed by a superuser, whose tables are the owner's; and the roles made."""
    name = database_on(pg18)
    made = shop(tmp_path, {"dev": pg18.uri(name)})
    assert made.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    pg18.execute(f"ALTER SCHEMA shop OWNER TO {owner}; ALTER TABLE shop.orders OWNER TO {owner}", name)
    said = made.run("roles", "dev", "--print", "--owner", owner)
    assert said.status == 0, said.err
    for _ in range(2):
        with psycopg.connect(pg18.conninfo(name), autocommit=True) as connection:
            connection.execute(said.out.encode())
    for kind in KINDS:
        pg18.execute(f"ALTER ROLE {name}_{kind} PASSWORD 'secret'")
    made.targets({kind: as_role(pg18, name, kind) for kind in KINDS})
    yield made, name
    for kind in KINDS:
        pg18.execute(f"DROP OWNED BY {name}_{kind} CASCADE; DROP ROLE {name}_{kind}", name)


def as_role(server: Server, database: str, kind: str) -> str:
    return server.uri(database).replace("//postgres@", f"//{database}_{kind}:secret@")


def test_an_observer_sees_everything_and_is_told_who_may_change_it(place: tuple[Checkout, str], pg18: Server) -> None:
    made, database = place
    found = json.loads(made.run("status", "observer", "--json").out)["environments"]
    assert (len(found[0]["deployed"]), len(found[0]["pending"])) == (2, 1)
    for command in ("log", "history", "check"):
        done = made.run(command, "observer")
        assert done.status in (0, 1), done.err
    before = contents(pg18, database)
    refused = made.run("deploy", "observer", "--yes")
    assert (refused.status, f"is read-only for {database}_observer" in refused.err) == (3, True), refused.err
    assert "?options" not in refused.err, "who looks on isn't told how to write"
    assert "Log in as the role that deploys here: `pgmig-tui roles TARGET --print`" in refused.err
    assert contents(pg18, database) == before


def test_a_monitor_knows_what_an_observer_can_not_see(place: tuple[Checkout, str], pg18: Server) -> None:
    made, database = place
    with psycopg.connect(pg18.conninfo(database)) as connection:
        connection.execute("SELECT 1 FROM shop.orders")
        unknown = {kind: unknown_checks(made, kind) for kind in ("observer", "monitor")}
    assert unknown["monitor"] < unknown["observer"], unknown


def test_whoever_watches_or_compares_needs_no_right_to_look_into_the_schemas(
    place: tuple[Checkout, str], pg18: Server
) -> None:
    made, database = place
    with psycopg.connect(pg18.conninfo(database, user=f"{database}_monitor", password="secret")) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT to_regclass('shop.orders')")
        connection.rollback()
        found = connection.execute(load("queries/watch_views").encode(), [['"shop"."orders"', '"shop"."not there"']])
        assert found.fetchall() == [("shop", "orders")]
    done = made.run("drift", "observer", "plan", "--json")
    assert done.status == 1, done.err
    assert "differences" in json.loads(done.out), "its sessions begin read only, and the copy has to be filled"


@pytest.mark.parametrize("database", ["d" * 53, "d" * 54, "d" * 63, "ü" * 31, "dépôt" * 9], ids=len)
def test_roles_of_a_long_name_stay_apart(database: str) -> None:
    names = [name_of(kind, one) for kind in KINDS for one in (database, database[:-1] + "x")]
    assert len({name.encode()[:63] for name in names}) == len(names)
    assert max(len(name.encode()) for name in names) <= 63


def unknown_checks(checkout: Checkout, name: str) -> set[str]:
    """The automatic checks that this role gets no answer to."""
    found = json.loads(checkout.run("check", name, "--json").out)
    return {one["name"] for one in found["checks"] if one["state"] == "UNKNOWN"}


def test_a_deployer_deploys_and_rolls_back_and_writes_the_record(place: tuple[Checkout, str], pg18: Server) -> None:
    made, database = place
    done = made.run("deploy", "deployer", "--yes")
    assert done.status == 0, done.err
    rows = "SELECT version, outcome FROM pgmig.schema_migrations WHERE operation = 'deploy' ORDER BY id DESC LIMIT 1"
    assert pg18.execute(rows, database) == [("total", "done")]
    done = made.run("rollback", "deployer", "--yes", "--accept-data-loss")
    assert done.status == 0, done.err
    with psycopg.connect(pg18.conninfo(database, user=f"{database}_deployer", password="secret")) as connection:
        for sql in ("DELETE FROM pgmig.schema_migrations", "UPDATE pgmig.tracking_head SET seq = 0"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.encode())
            connection.rollback()


def contents(server: Server, database: str) -> str:
    """Everything that the database holds, as text."""
    tables = server.execute(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('sqitch', 'pgmig', 'pgmig_keep', 'shop') ORDER BY 1",
        database,
    )
    return str([(name, server.execute(f"SELECT t::text FROM {name} t ORDER BY 1", database)) for (name,) in tables])


def test_names_may_begin_alike_in_every_environment(place: tuple[Checkout, str]) -> None:
    said = place[0].run("roles", "observer", "--print", "--owner", "o", "--prefix", "shop", "--role", "observer")
    assert 'CREATE ROLE "shop_observer"' in said.out
    assert f"{place[1]}_observer" not in said.out
