"""`test`: eight steps a change, each on a database that has the changes before it; and how it tells what it finds."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.cli.program import Checkout, Outcome

DECLARED = "-- pgmig: lint ignore revert-incomplete "
HAS = "SELECT 1 / count(*) FROM pg_catalog.pg_enum WHERE enumlabel = '{}';"
CHANGES: tuple[tuple[str, str, str, str | None], ...] = (
    ("schema", "CREATE SCHEMA shop;", "DROP SCHEMA shop;", "SELECT 'shop'::regnamespace;"),
    ("orders", "CREATE TABLE shop.orders (a int, b int, c int);", "DROP TABLE shop.orders;", "TABLE shop.orders;"),
    ("vain", "ALTER TABLE shop.orders ADD d int;", "ALTER TABLE shop.orders DROP d;", "SELECT 1;"),
    (
        "silent",
        "ALTER TABLE shop.orders ADD e int;",
        "ALTER TABLE shop.orders DROP e;",
        "-- pgmig: lint ignore verify-proves-nothing there is nothing to see\nSELECT 1;",
    ),
    (
        "leaves",
        "ALTER TABLE shop.orders ADD f int, ADD g int;",
        "ALTER TABLE shop.orders DROP f;",
        "SELECT g FROM shop.orders;",
    ),
    ("moves", "ALTER TABLE shop.orders DROP b;", "ALTER TABLE shop.orders ADD b int;", None),
    ("state", "CREATE TYPE shop.state AS ENUM ('new');", "DROP TYPE shop.state;", HAS.format("new")),
    (
        "paid",
        "ALTER TYPE shop.state ADD VALUE IF NOT EXISTS 'paid';",
        f"{DECLARED}a value stays for ever\nSELECT 1;",
        HAS.format("paid"),
    ),
    ("sent", "ALTER TYPE shop.state ADD VALUE 'sent';", f"{DECLARED}a value stays\nSELECT 1;", HAS.format("sent")),
    (
        "final",
        "ALTER TABLE shop.orders DROP COLUMN c;",
        f"{DECLARED}the column is gone\nDO $$BEGIN RAISE EXCEPTION 'no way back'; END$$;",
        None,
    ),
    ("reader", "CREATE ROLE shop_reader;", "DROP ROLE shop_reader;", "SELECT 'shop_reader'::regrole;"),
    ("grant", "GRANT SELECT ON shop.orders TO reporting;", "REVOKE SELECT ON shop.orders FROM reporting;", None),
    ("foreign", "CREATE -- by a superuser\n EXTENSION dblink; SELECT 1;", "DROP EXTENSION dblink;", None),
    ("remote", "CREATE EXTENSION IF NOT EXISTS dblink; CREATE ROLE shop_remote;",
     "DROP ROLE shop_remote; DROP EXTENSION dblink;", "SELECT 1;"),
    ("program", "COPY shop.orders FROM PROGRAM 'echo 1';", "SELECT 1;", None),
    ("after", "SELECT 1;", "SELECT 1;", None),
)  # fmt: skip
PASSED = ["passed"] * 8


@dataclass(frozen=True)
class Found:
    """One run over all of it."""

    done: Outcome
    document: dict[str, Any]
    checkout: Checkout

    def change(self, name: str) -> dict[str, Any]:
        (one,) = (one for one in self.document["changes"] if one["change"] == name)
        return dict(one)

    def outcomes(self, name: str) -> list[str]:
        return [str(step["outcome"]) for step in self.change(name)["steps"]]

    def step(self, name: str, step: str) -> dict[str, Any]:
        (one,) = (one for one in self.change(name)["steps"] if one["step"] == step)
        return dict(one)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    root = tmp_path_factory.mktemp("testing")
    checkout = Checkout(root / "project", root / "home")
    checkout.root.mkdir()
    checkout.home.mkdir()
    checkout.plan(*(f"{name} {{at}} # {name}" for name, *_ in CHANGES))
    checkout.targets({"dev": "db:pg://127.0.0.1:1/nowhere"})
    for name, deploy, revert, verify in CHANGES:
        checkout.change(name, deploy, revert, verify)
    for name in ("paid", "sent"):  # a new value of an enum can't be used in its own transaction
        checkout.write(f"deploy/{name}.sql", next(deploy for one, deploy, *_ in CHANGES if one == name))
    done = checkout.run("test", "--json", "--junit", "junit.xml", "--markdown", "result.md")
    return Found(done, json.loads(done.out), checkout)


def test_every_step_of_a_sound_change_passes(found: Found) -> None:
    assert found.done.status == 1, "others failed"
    assert found.outcomes("schema") == PASSED
    assert found.step("orders", "fingerprint")["told"].endswith("made, changed or dropped")
    assert {(one["when"], one["kind"]) for one in found.change("orders")["objects"]} >= {("deploy", "column")}
    assert [step["step"] for step in found.change("schema")["steps"]] == [
        "absent", "deploy", "verify", "fingerprint", "revert", "reverted", "absent_again", "redeploy",
    ]  # fmt: skip


def test_a_verify_script_that_passes_without_its_change_fails(found: Found) -> None:
    assert [found.outcomes("vain")[step] for step in (0, 6)] == ["failed", "failed"]
    assert "verify/vain.sql passes before the deploy" in found.step("vain", "absent")["told"]
    assert [found.outcomes("silent")[step] for step in (0, 6)] == ["declared", "declared"]
    assert found.step("silent", "absent")["told"].endswith("there is nothing to see")
    assert found.change("silent")["outcome"] == "passed"


def test_a_revert_that_leaves_something_behind_fails_and_names_it(found: Found) -> None:
    step = found.step("leaves", "reverted")
    assert step["outcome"] == "failed"
    assert "column shop.orders.g is there" in step["told"]
    still = found.step("leaves", "absent_again")
    assert still["told"] == "verify/leaves.sql passes after the revert: what it looks for is still there"
    again = found.step("leaves", "redeploy")
    assert (again["outcome"], again["problem"]["sqlstate"]) == ("failed", "42701")


def test_the_order_of_columns_is_told_and_no_failure(found: Found) -> None:
    assert found.change("moves")["outcome"] == "passed"
    assert "column order" in found.step("moves", "reverted")["told"]
    assert found.step("moves", "verify")["outcome"] == "none"


def test_what_cannot_come_back_is_declared(found: Found) -> None:
    assert found.change("paid")["outcome"] == "passed"
    assert [found.outcomes("paid")[step] for step in (5, 6, 7)] == ["declared", "declared", "passed"]
    assert found.step("paid", "reverted")["told"].endswith("a value stays for ever")
    assert found.step("sent", "redeploy")["outcome"] == "failed", "without IF NOT EXISTS it can't be deployed again"
    assert found.outcomes("final") == ["none", "passed", "none", "passed", *["declared"] * 4]
    assert "the column is gone" in found.step("final", "revert")["told"]


def test_roles_are_made_alone_and_missed_ones_are_made(found: Found) -> None:
    assert found.outcomes("reader") == PASSED
    assert found.change("grant")["outcome"] == "passed"


def test_what_cannot_be_tested_is_told(found: Found) -> None:
    """A script of a stranger reaches no program of this machine."""
    program = found.step("program", "deploy")
    assert program["outcome"] == "failed"
    assert "reaches beyond its database" in program["problem"]["message"]
    assert found.outcomes("program")[2:] == ["not_run"] * 6
    assert found.change("after")["outcome"] == "not_tested"
    assert found.change("after")["reason"].startswith("program, before it, can't be deployed")


def test_an_extension_that_only_a_superuser_makes_proves_nothing_and_stops_nobody(found: Found) -> None:
    for name in ("foreign", "remote"):
        change = found.change(name)
        assert (change["outcome"], change["steps"]) == ("not_tested", []), change["steps"]
        assert found.change(name)["reason"].startswith("nobody but a superuser may make the extension dblink"), name
    assert found.step("program", "deploy")["outcome"] == "failed", "the changes behind them are tested"


def test_ci_is_told_the_same(found: Found) -> None:
    root = fromstring((found.checkout.root / "junit.xml").read_text())
    suites = {str(one.get("name")): one for one in root}
    assert list(suites) == [name for name, *_ in CHANGES]

    def failures(suite: Element) -> list[str | None]:
        return [case.get("name") for case in suite if case.find("failure") is not None]

    assert failures(suites["schema"]) == []
    assert failures(suites["vain"]) == ["verify must fail", "verify must fail again"]
    assert len(failures(suites["after"])) == 1
    assert root.get("failures") == str(sum(len(failures(suite)) for suite in root))
    text = (found.checkout.root / "result.md").read_text()
    assert "| schema | ok | ok | ok | ok | ok | ok | ok | ok |" in text
    assert "<summary>vain: failed</summary>" in text
    assert "- verify must fail **failed**: verify/vain.sql passes before the deploy" in text
    assert (found.document["passed"], found.document["failed"], found.document["not_tested"]) == (9, 4, 3)


NOTE = "ALTER TABLE shop.orders ALTER note {} NOT NULL;"
COUNT = "-- invariant: SELECT count(*), sum(amount) FROM shop.orders"
WITH_ROWS = (
    ("orders", "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, note text, amount int NOT NULL);",
     "DROP SCHEMA shop CASCADE;"),
    ("strict", NOTE.format("SET"), NOTE.format("DROP")),
    ("loses", f"{COUNT}\nDELETE FROM shop.orders WHERE id % 2 = 0;", "SELECT 1;"),
    ("sound", f"{COUNT}\nALTER TABLE shop.orders ADD x int DEFAULT 1;", "ALTER TABLE shop.orders DROP x;"),
    ("slow", "ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey;", "ALTER TABLE shop.orders ADD PRIMARY KEY (id);"),
    ("renamed", "ALTER TABLE shop.orders RENAME note TO remark;", "ALTER TABLE shop.orders RENAME remark TO note;"),
    ("pairs", "CREATE TYPE shop.pair AS (a int); CREATE TABLE shop.pairs (p shop.pair NOT NULL);",
     "DROP TABLE shop.pairs; DROP TYPE shop.pair;"),
    ("wrong", "-- invariant: SELECT nothing FROM shop.pairs\nCREATE TABLE shop.t ();", "DROP TABLE shop.t;"),
)  # fmt: skip


QUERIES = """-- an order by its number
SELECT * FROM shop.orders WHERE id = 3;

-- notes
SELECT note FROM shop.orders;
SELECT 1 FROM shop.never;
"""
APPLICATION = (
    "import os, psycopg; c = psycopg.connect(os.environ['DATABASE_URL']);"
    " print(c.execute('SELECT count(*) FROM shop.orders').fetchone(), c.info.user); raise SystemExit(3)"
)


def test_rows_show_what_an_empty_schema_does_not(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "project", tmp_path / "home")
    checkout.root.mkdir()
    checkout.home.mkdir()
    checkout.plan(*(f"{name} {{at}} # {name}" for name, *_ in WITH_ROWS))
    checkout.targets({"dev": "db:pg://127.0.0.1:1/nowhere"})
    for name, deploy, revert in WITH_ROWS:
        checkout.change(name, deploy, revert, None)
    checkout.write("critical.sql", QUERIES)
    options = [
        "--rows",
        "40",
        "--rows",
        "shop.orders=2000",
        "--queries",
        "critical.sql",
        "--markdown",
        "result.md",
        "--junit",
        "junit.xml",
    ]
    done = checkout.run("test", *options, "--command", shlex.join([sys.executable, "-c", APPLICATION]), "--json")
    found = Found(done, json.loads(done.out), checkout)
    assert done.status == 1
    strict = found.step("strict", "deploy")
    assert (strict["outcome"], strict["problem"]["sqlstate"]) == ("failed", "23502"), strict
    loses = found.step("loses", "fingerprint")
    assert loses["outcome"] == "failed"
    assert "the invariant SELECT count(*), sum(amount) FROM shop.orders gave 2000, " in loses["told"]
    assert found.change("loses")["data"]["counts"] == [
        {"table": "shop.orders", "before": 2000, "deployed": 1000, "reverted": 1000}
    ]
    assert found.change("sound")["outcome"] == "passed"
    assert found.change("sound")["data"]["invariants"][0]["failed"] is False
    assert "can't be asked: column" in found.step("wrong", "fingerprint")["told"]
    by_number = next(one for one in found.change("slow")["data"]["queries"] if one["name"] == "an order by its number")
    assert by_number["before_plan"] == ["Index Scan using orders_pkey on orders"]
    assert by_number["after_plan"] == ["Seq Scan on orders"]
    assert 0 < by_number["before_ms"] < 1000
    renamed = found.step("renamed", "fingerprint")
    assert renamed["outcome"] == "failed"
    assert 'the critical query notes fails: column "note" does not exist' in renamed["told"]
    assert [one["query"] for one in found.document["unasked"]] == ["query 3"]
    told = found.step("wrong", "fingerprint")["told"]
    assert "the application's tests: the command ended with exit status 3: (2000,) plan_owner" in told
    assert found.change("slow")["data"]["application"] is None, "they run once, behind the last change"
    reason = "no value of type shop.pair is known for its column p"
    assert found.document["unfilled"] == [{"table": "shop.pairs", "reason": reason}]
    assert (
        f"- shop.pairs has no rows, and nothing was tested with any: {reason}"
        in (checkout.root / "result.md").read_text()
    )
    suites = {one.get("name"): one for one in fromstring((checkout.root / "junit.xml").read_text())}
    assert [case.get("name") for case in suites["rows"]] == ["shop.pairs"]
    assert [case.get("name") for case in suites["queries"]] == ["query 3"]
    assert "query an order by its number: another plan: Index Scan using" in (checkout.root / "result.md").read_text()


def test_what_was_asked_for_in_vain_is_no_success(found: Found) -> None:
    few = found.checkout.write("few.sql", "SELECT 1;")
    for options, status in (
        (["--rows", "2", "--queries", str(few)], 0),
        (["--rows", "shop.nowhere=2"], 1),
        (["--rows", "shop.nowhere=0"], 0),
        (["--queries", str(found.checkout.write("never.sql", "SELECT 1; SELECT 1 FROM shop.never;"))], 1),
    ):
        done = found.checkout.run("test", "state", *options)
        assert done.status == status, done
    assert "1 of 1 change passed, 1 query not answered in " in done.out


def test_only_what_is_named_is_tested_and_told_in_lines(found: Found) -> None:
    done = found.checkout.run("test", "state", "orders")
    assert done.status == 0, done
    lines = done.out.splitlines()
    assert lines[0].startswith("tested 2 changes of shop on PostgreSQL ")
    assert [line.split("  ")[:2] for line in lines[3:5]] == [["+ orders", "++++++++"], ["+ state", "++++++++"]]
    assert lines[5].startswith("+ 2 of 2 changes passed in ")


def test_bad_input_is_told_before_anything_is_made(found: Found, tmp_path: Path) -> None:
    wrong = found.checkout.write("wrong.sql", "SELECT 1;\nDELETE FROM shop.orders;\n")
    writes = found.checkout.run("test", "orders", "--queries", str(wrong))
    assert (writes.status, "wrong.sql:2: DELETE is no query" in writes.err) == (2, True), writes
    unknown = found.checkout.run("test", "ordres")
    assert (unknown.status, "ordres is no change of the plan" in unknown.err) == (2, True), unknown
    nowhere = found.checkout.run("test", "orders", "--junit", str(tmp_path / "nowhere" / "junit.xml"))
    assert (nowhere.status, nowhere.out) == (2, ""), nowhere
    assert "there is no folder" in nowhere.err


def test_an_interrupted_test_tells_where_it_was(found: Found) -> None:
    begun = found.checkout.root / "begun"
    code = f"import time; open({str(begun)!r}, 'w').close(); time.sleep(60)"
    program, words, env = found.checkout.command("test", "state", "--command", shlex.join([sys.executable, "-c", code]))
    with subprocess.Popen(words, executable=program, env=env, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not begun.exists():
            assert time.monotonic() < deadline, process.poll()
            time.sleep(0.05)
        process.terminate()
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert "interrupted; what began last of state: step 4 of 8, fingerprint" in said
