"""`impact --schema` and `lint --schema`: what a dump knows of the changes that it lacks, and where that isn't known."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import Checkout, shop
from tests.script.test_dump_text import HEAD, TAIL

ORDERS = "CREATE SCHEMA shop;\nCREATE TABLE shop.orders (id integer NOT NULL, code text);\n"
REGISTRY = "COPY sqitch.changes (change_id, project) FROM stdin;\n{rows}\\.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Schema and orders are in the dump; total and two more are pending, one of them on what the other makes."""
    made = shop(tmp_path, {})
    made.plan("schema {at} # S", "orders {at} # O", "@v1 {at} # 1", "total {at} # T", "more {at} # M", "gone {at} # G")
    made.change("more", "CREATE INDEX total ON shop.orders (total);\nDROP INDEX shop.lost;")
    made.change("gone", "ALTER TABLE shop.orders DROP COLUMN total;", "ALTER TABLE shop.orders ADD total int;")
    made.write("shop.sql", HEAD + ORDERS + TAIL)
    return made


def test_what_is_pending_is_looked_at_by_the_dump(checkout: Checkout) -> None:
    done = checkout.run("impact", "--schema", "shop.sql", "--from", "@v1", "--json")
    assert (done.status, done.err) == (0, "")
    found = json.loads(done.out)
    assert (found["catalog"], found["server_version_num"], found["rates"]) == (True, 150004, None)
    assert {key: found["schema"][key] for key in ("dump", "version", "sizes", "not_loaded")} == {
        "dump": "shop.sql", "version": "15.4", "sizes": "unknown", "not_loaded": [],
    }  # fmt: skip
    assert [one["change"] for one in found["scripts"]] == ["total", "more", "gone"]
    statements = [each for one in found["scripts"] for each in one["statements"]]
    assert {one["estimated_ms"] for one in statements} == {None}
    problems = [one["problem"]["message"] for one in statements if one["problem"]]
    assert problems == ["index shop.lost does not exist (42704)"], "the column of the change before is there"

    one = checkout.run("impact", "gone", "--revert", "--schema", "shop.sql", "--from", "orders", "--fail-on", "high")
    assert (one.status, "revert/gone.sql" in one.out) == (0, True), one
    assert one.out.startswith("by the schema dump shop.sql of PostgreSQL 15.4; size unknown: from a schema dump")


def test_lint_finds_by_the_dump_what_the_text_alone_does_not_tell(checkout: Checkout) -> None:
    text = checkout.run("lint", "more", "--json")
    known = checkout.run("lint", "more", "--schema", "shop.sql", "--from", "@v1", "--json")
    codes = [[one["code"] for one in json.loads(done.out)["findings"]] for done in (text, known)]
    assert ("will-fail" in codes[0], codes[1].count("will-fail"), known.status) == (False, 1, 3), codes
    assert json.loads(known.out)["schema"]["version"] == "15.4"


def test_the_registry_in_a_dump_says_what_is_pending_and_without_it_that_is_asked_for(checkout: Checkout) -> None:
    plan = json.loads(checkout.run("plan", "--json").out)["changes"]
    for command in ("impact", "lint"):
        nothing = checkout.run(command, "--schema", "shop.sql")
        assert (nothing.status, "--from @TAG" in nothing.err) == (2, True), nothing
    rows = "".join(f"{one['change_id']}\tshop\n" for one in plan[:4])
    checkout.write("shop.sql", HEAD + ORDERS.replace("code", "total") + REGISTRY.format(rows=rows) + TAIL)
    found = json.loads(checkout.run("impact", "--schema", "shop.sql", "--json").out)
    assert [one["change"] for one in found["scripts"]] == ["gone"]


def test_files_need_no_project_and_bad_input_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    outside = Checkout(tmp_path / "files", checkout.home)
    outside.root.mkdir()
    outside.write("a.sql", "ALTER TABLE shop.orders ADD CONSTRAINT c CHECK (code > '');\n")
    outside.write("shop.sql", HEAD + ORDERS + "CREATE TABLE shop.places (at public.geometry);\n" + TAIL)
    done = outside.run("impact", "--file", "a.sql", "--schema", "shop.sql", "--fail-on", "high")
    assert done.status == 3, done
    assert "not loaded: line 16: CREATE TABLE shop.places: type" in done.err
    assert "nothing is said to be absent" in done.err
    program, line, env = outside.command("impact", "a.sql", "--schema", "/dev/stdin", "--json")
    with subprocess.Popen(["cat", str(outside.root / "shop.sql")], stdout=subprocess.PIPE) as cat:
        piped = subprocess.run(
            line, executable=program, cwd=outside.root, env=env, stdin=cat.stdout, capture_output=True, timeout=120
        )
    assert json.loads(piped.stdout)["schema"]["version"] == "15.4", "also from a pipe, as <(pg_dump …) is one"
    for words, told in (
        (("--schema", "shop.sql", "--target", "db:pg:"), "--schema stands instead of --target"),
        (("--from", "@v1"), "there is none"),
        (("--schema", "shop.sql", "--from", "nothing"), 'Unknown change: "nothing"'),
        (("--schema", "none.sql"), "none.sql can't be read: No such file"),
    ):
        refused = checkout.run("impact", "total", *words)
        assert (refused.status, told in refused.err) == (2, True), refused
    checkout.write("shop.sql", HEAD + ORDERS + "\\! touch mark\n" + TAIL)
    refused = checkout.run("lint", "total", "--schema", "shop.sql")
    assert (refused.status, "shop.sql, line 16, has the command \\! of psql" in refused.err) == (2, True), refused
    assert not (checkout.root / "mark").exists()
