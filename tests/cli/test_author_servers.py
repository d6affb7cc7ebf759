"""`rename` where no server has the change, and `rebase` through both gates: on real servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Checkout, shop
from tests.database.places import Databases
from tests.servers import Server


@pytest.fixture
def names(pg18: Server, database_on: Databases) -> tuple[str, str]:
    return database_on(pg18), database_on(pg18)


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, names: tuple[str, str]) -> Checkout:
    made = shop(tmp_path, {"dev": pg18.uri(names[0]), "test": pg18.uri(names[1])})
    made.write(
        "deploy/total.sql",
        "-- Deploy shop:total to pg\n-- requires: orders\n\nALTER TABLE shop.orders ADD COLUMN total int;\n",
    )
    made.write("deploy/orders.sql", "-- Deploy shop:orders to pg\r\nCREATE TABLE shop.orders (id int PRIMARY KEY);\n")
    return made


def project(checkout: Checkout) -> dict[str, bytes]:
    return {
        str(path.relative_to(checkout.root)): path.read_bytes()
        for path in checkout.root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_change_is_renamed_where_nothing_has_it_yet(checkout: Checkout, pg18: Server, names: tuple[str, str]) -> None:
    for words in ("rename nope x", "rename total orders", "rename total a@b", "rename total HEAD"):
        before = project(checkout)
        assert checkout.run(*words.split()).status == 2, words
        assert project(checkout) == before
    assert checkout.run("deploy", "dev", "--to", "schema", "--yes").status == 0
    done = checkout.run("rename", "orders", "purchases")
    assert done.status == 0, done
    lines = (checkout.root / "sqitch.plan").read_text().splitlines()
    planned = ["schema", "purchases [schema]", "@v1", "total [purchases]"]
    assert [line.split(" 2024")[0] for line in lines[4:]] == planned
    assert not list(checkout.root.rglob("orders.sql"))
    assert (checkout.root / "deploy/purchases.sql").read_text().startswith("-- Deploy shop:purchases to pg\n")
    assert "-- requires: purchases\n" in (checkout.root / "deploy/total.sql").read_text()
    assert checkout.run("deploy", "test", "--to", "purchases", "--yes").status == 0

    before = project(checkout)
    for change in ("purchases", "schema"):
        refused = checkout.run("rename", change, "x", "--yes")
        assert (refused.status, "test: " in refused.err) == (3, True), refused
    pg18.execute(f"ALTER DATABASE {names[1]} RENAME TO {names[1]}_away")
    unknown = checkout.run("rename", "total", "sum")
    assert (unknown.status, "test can't be asked" in unknown.err) == (3, True), unknown
    assert project(checkout) == before
    done = checkout.run("rename", "total", "sum", "--yes")
    assert (done.status, "test can't be asked" in done.err) == (0, True), done
    pg18.execute(f"ALTER DATABASE {names[1]}_away RENAME TO {names[1]}")


def state(server: Server, database: str) -> list[tuple[object, ...]]:
    return server.execute("SELECT event, change FROM sqitch.events ORDER BY committed_at", database)


def test_a_rebase_reverts_and_deploys_through_both_gates(
    checkout: Checkout, pg18: Server, names: tuple[str, str]
) -> None:
    dev = names[0]
    assert checkout.run("deploy", "dev", "--yes").status == 0
    begun = state(pg18, dev)
    for words in (
        "rebase dev --onto nope", "rebase dev --onto orders --upto schema", "rebase dev --mode all",
        "rebase dev schema --attest pre:nothing=x", "rebase dev --strict", "rebase dev --upto nope",
    ):  # fmt: skip
        done = checkout.run(*words.split(), "--yes", "--accept-data-loss")
        assert done.status == 2, (words, done)
    assert checkout.run("rebase", "dev", "--onto", "schema").status == 3, "nobody is there to be asked"
    assert state(pg18, dev) == begun

    done = checkout.run("rebase", "dev", "schema", "orders", "--yes", "--accept-data-loss", "--json-lines")
    assert done.status == 0, done
    commands = [event for event in map(json.loads, done.out.splitlines()) if event["event"] == "run_started"]
    assert len(commands) == 2
    gone = [("revert", "total"), ("revert", "orders"), ("deploy", "orders")]
    assert state(pg18, dev)[len(begun) :] == gone

    checkout.write("revert/orders.sql", "SELECT 1/0;\n")
    failed = checkout.run("rebase", "dev", "--onto", "schema", "--yes", "--accept-data-loss")
    assert (failed.status, "nothing was deployed" in failed.err) == (1, True), failed
    checkout.write("revert/orders.sql", "DROP TABLE shop.orders;\n")
    checkout.write("deploy/orders.sql", "\\! rm -rf /nothing\n")
    half = checkout.run("rebase", "dev", "--onto", "schema", "--yes", "--accept-data-loss")
    assert half.status in (2, 3), half
    assert "nothing was deployed after it" in half.err
    assert "Nothing was changed" not in half.err
    assert state(pg18, dev)[-1] == ("revert", "orders")


def test_a_rebase_where_nothing_is_deployed_deploys(checkout: Checkout, pg18: Server, names: tuple[str, str]) -> None:
    for words in ("--upto schema", "--onto schema"):
        done = checkout.run("rebase", "dev", *words.split(), "--yes")
        assert done.status == 0, done
    assert state(pg18, names[0]) == [("deploy", name) for name in ("schema", "orders", "total")]


def test_a_rebase_gives_each_half_its_variables_and_tells_none(
    checkout: Checkout, pg18: Server, names: tuple[str, str]
) -> None:
    checkout.write("deploy/total.sql", "COMMENT ON SCHEMA shop IS :'word';\n")
    checkout.write("revert/total.sql", "COMMENT ON TABLE shop.orders IS :'word';\n")
    sets = ["--set-deploy", "word=horse battery", "--set-revert", "word=staple 7331"]
    assert checkout.run("deploy", "dev", "--yes", "--set", "word=first").status == 0
    done = checkout.run("rebase", "dev", "--onto", "orders", "--yes", "--verbose", "--json-lines", *sets)
    assert done.status == 0, done
    assert "battery" not in done.out + done.err
    assert "staple" not in done.out + done.err
    said = pg18.execute(
        "SELECT obj_description('shop'::regnamespace), obj_description('shop.orders'::regclass)", names[0]
    )
    assert said == [("horse battery", "staple 7331")]
