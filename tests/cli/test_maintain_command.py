"""`maintain`: the regular tasks as they are typed: text and JSON, accepted, gone through, and where nobody answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Checkout, shop
from tests.database.places import Databases
from tests.servers import Server

TOML = '[[environment]]\nname = "dev"\ntarget = "dev"\n'
ALL = ["history", "leftovers", "retention", "old", "documents", "drill", "access"]


def accept(finding: str, until: str = "2999-12-31") -> str:
    return f'[[maintain.accept]]\nfinding = "{finding}"\nby = "ana"\nuntil = {until}\nwhy = "OPS-17"\n'


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database: str) -> Checkout:
    made = shop(tmp_path, {"dev": pg18.uri(database)})
    made.write("pgmig.toml", TOML)
    assert made.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    return made


def sections(checkout: Checkout, *words: str, status: int) -> dict[str, Any]:
    done = checkout.run("maintain", "dev", "--json", *words)
    assert done.status == status, done.err
    return {one["name"]: one for one in json.loads(done.out)["sections"]}


def names(section: dict[str, Any]) -> list[str]:
    return [one["name"] for one in section["findings"]]


def test_every_task_is_told_and_what_is_accepted_by_name_is_nothing_to_do(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    pg18.execute("CREATE UNLOGGED TABLE shop.fast (id int); GRANT SELECT ON shop.orders TO PUBLIC", database)
    found = sections(checkout, status=1)
    assert list(found) == ALL
    states = {name: one["state"] for name, one in found.items()}
    assert states == {
        "history": "PASS", "leftovers": "WARN", "retention": "PASS", "old": "PASS", "documents": "PASS",
        "drill": "WARN", "access": "WARN",
    }  # fmt: skip
    assert found["history"]["verdict"].startswith("2 deploys since it began")
    assert names(found["leftovers"]) == ["unlogged shop.fast"]
    (fast,) = found["leftovers"]["findings"]
    assert (fast["sql"], fast["lock"]) == (["ALTER TABLE shop.fast SET LOGGED"], "ACCESS EXCLUSIVE")
    assert names(found["drill"]) == [f"drill due {database}"]
    assert "public table shop.orders" in names(found["access"])
    assert found["retention"]["values"]["schema_migrations_rows"] == 2
    told = checkout.run("maintain", "dev")
    assert told.status == 1
    assert "! Leftovers: 1 leftover\n    ! unlogged shop.fast: empty after a crash" in told.out
    assert "ALTER TABLE shop.fast SET LOGGED;  -- lock: ACCESS EXCLUSIVE" in told.out
    assert "dev: 3 sections with something to do; nothing was changed" in told.out

    checkout.write("pgmig.toml", TOML + accept("*"))
    clear = checkout.run("maintain", "dev")
    assert clear.status == 0, clear.out
    assert "~ unlogged shop.fast, accepted by ana until 2999-12-31: OPS-17" in clear.out
    checkout.write("pgmig.toml", TOML + accept("unlogged shop.*", "2024-01-31"))
    over = checkout.run("maintain", "dev", "--section", "leftovers")
    assert (over.status, "accepted by ana until 2024-01-31, which is over" in over.out) == (1, True)
    checkout.write("pgmig.toml", TOML + accept("unlogged shop.*"))
    assert list(sections(checkout, "--section", "leftovers", status=0)) == ["leftovers"]


def test_what_has_come_and_gone_since_somebody_went_through_it_is_told(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    pg18.execute("GRANT SELECT ON shop.orders TO PUBLIC", database)
    first = sections(checkout, "--section", "access", "--reviewed", status=1)["access"]
    assert first["last_review"] is None
    assert {one["new"] for one in first["findings"]} == {None}
    pg18.execute("REVOKE SELECT ON shop.orders FROM PUBLIC; GRANT CREATE ON SCHEMA shop TO PUBLIC", database)
    now = sections(checkout, "--section", "access", status=1)["access"]
    assert now["last_review"]["by"] == "Maria Test <maria@example.org>"
    assert [one["name"] for one in now["findings"] if one["new"]] == ["public schema shop"]
    assert now["gone"] == ["public table shop.orders"]
    told = checkout.run("maintain", "dev", "--section", "access").out
    assert "public schema shop (new): everybody may create objects there" in told
    assert "gone through by Maria Test <maria@example.org> as " in told


def test_documents_that_say_something_else_are_named(checkout: Checkout) -> None:
    checkout.write("docs/notes.md", "# Review of nothing\n")
    checkout.write("docs/broken.json", '{"packet": [')
    for words in ("review dev -o docs/packet.md", "review dev --format json -o docs/packet.json", "document"):
        done = checkout.run(*words.split())
        assert done.status == 0, done.err
    current = sections(checkout, "--section", "documents", status=0)["documents"]
    assert (current["values"]["packets"], current["values"]["schema_document"]) == (2, "current")
    checkout.change("total", "ALTER TABLE shop.orders ADD COLUMN total bigint;")
    checkout.write("deploy/orders.sql", "CREATE TABLE shop.orders (id int PRIMARY KEY, note text);")
    found = sections(checkout, "--section", "documents", status=1)["documents"]
    assert names(found) == [
        "script changed orders", "schema document docs/schema.md", "packet docs/packet.json", "packet docs/packet.md",
    ]  # fmt: skip


def test_what_is_old_everywhere_is_counted_and_an_environment_that_is_silent_is_unknown(
    checkout: Checkout, pg18: Server, database: str, database_on: Databases
) -> None:
    staging = database_on(pg18)
    more = f'[[environment]]\nname = "staging"\ntarget = "{pg18.uri(staging)}"\n'
    checkout.write("pgmig.toml", TOML + more)
    assert checkout.run("deploy", "staging", "--yes").status == 0
    for name in (database, staging):
        pg18.execute("UPDATE sqitch.changes SET committed_at = committed_at - interval '2 years'", name)
    report = sections(checkout, "--section", "old", status=0)["old"]
    values = report["values"]
    assert (values["foldable"], values["tag"], values["required_by"], values["reworked_by"]) == (2, "v1", 1, 0)
    assert values["bytes"] == sum(
        (checkout.root / f"{kind}/{name}.sql").stat().st_size
        for kind in ("deploy", "revert", "verify")
        for name in ("schema", "orders")
    )
    assert report["verdict"].startswith("2 changes up to @v1, ")
    checkout.write("pgmig.toml", f'{TOML}{more}[maintain]\nfold = "30d"\n')
    assert names(sections(checkout, "--section", "old", status=1)["old"]) == ["old migrations up to @v1"]
    gone = '[[environment]]\nname = "gone"\ntarget = "db:pg://127.0.0.1:1/gone"\n'
    checkout.write("pgmig.toml", TOML + more + gone)
    silent = sections(checkout, "--section", "old", status=1)["old"]
    assert (silent["state"], names(silent)) == ("UNKNOWN", ["unseen registry of gone"])


def test_a_server_that_does_not_answer_leaves_nothing_green(checkout: Checkout) -> None:
    checkout.write("pgmig.toml", TOML.replace('target = "dev"', 'target = "db:pg://127.0.0.1:1/gone"'))
    found = sections(checkout, status=5)
    assert {one["state"] for one in found.values()} == {"UNKNOWN"}
    assert checkout.run("maintain", "dev", "--reviewed").status == 5
    assert checkout.run("maintain", "dev", "--drill").status == 5


@pytest.mark.parametrize("words", ["--backup x.dump", "--drill --section old", "--section others"])
def test_what_makes_no_sense_is_refused(checkout: Checkout, words: str) -> None:
    assert checkout.run("maintain", "dev", *words.split()).status == 2
