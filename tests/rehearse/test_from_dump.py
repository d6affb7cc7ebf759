"""`test --dump`: what is pending in a dump, on its rows, masked; nothing of it runs with the rights of a superuser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pgmig_tui.errors import UsageError
from pgmig_tui.rehearse.masks import Mask, read_masks
from tests.cli.program import Checkout
from tests.servers import Server

PEOPLE = """-- mask: shop.people.email = 'person ' || id || '@example.com'
-- mask: shop."People".note = 'nothing';
-- mask: shop.people.later = 'not there yet'
CREATE SCHEMA shop;
CREATE TABLE shop.people (id int PRIMARY KEY, email text NOT NULL UNIQUE, touched int NOT NULL DEFAULT 0);
CREATE TABLE shop."People" (note text);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END';
CREATE MATERIALIZED VIEW shop.mails AS SELECT email FROM shop.people;
CREATE MATERIALIZED VIEW shop.mails_again AS SELECT email FROM shop.mails;
CREATE TRIGGER touch BEFORE UPDATE ON shop.people FOR EACH ROW EXECUTE FUNCTION shop.touch();
"""
REAL = "email LIKE 'real%'"
STRICT = f"""SELECT 1; -- invariant: SELECT count(*), count(*) FILTER (WHERE {REAL}), sum(touched), \
(SELECT count(*) FROM shop.mails_again WHERE {REAL}) FROM shop.people
ALTER TABLE shop.people ADD later text;
"""


@pytest.fixture
def place(pg18: Server, database_on: Callable[..., str], tmp_path: Path) -> tuple[Checkout, Path, str]:
    """A dump of a database that has one of two changes, rows, and a policy for a role that no scratch server has."""
    database = database_on(pg18)
    checkout = Checkout(tmp_path / "project", tmp_path / "home")
    checkout.root.mkdir()
    checkout.home.mkdir()
    checkout.plan("people {at} # People", "strict {at} # Strict")
    checkout.targets({"dev": pg18.uri(database)})
    checkout.change("people", PEOPLE, "DROP SCHEMA shop CASCADE;", None)
    checkout.change("strict", STRICT, "ALTER TABLE shop.people DROP later;", None)
    assert checkout.run("deploy", "dev", "--yes", "--to", "people").status == 0
    role = f"{database}_reader"
    pg18.execute(
        "INSERT INTO shop.people SELECT i, 'real ' || i FROM generate_series(1, 40) i;"
        " REFRESH MATERIALIZED VIEW shop.mails; REFRESH MATERIALIZED VIEW shop.mails_again;"
        f" INSERT INTO shop.\"People\" VALUES ('real'); CREATE ROLE {role};"
        f" CREATE POLICY read ON shop.people TO {role} USING (true)",
        database,
    )
    dump = tmp_path / "shop.dump"
    program = str(pg18.bin_dir / "pg_dump")
    subprocess.run([program, "-Fc", "-f", str(dump), "-d", pg18.conninfo(database)], check=True)
    pg18.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", database)
    return checkout, dump, role


def test_what_is_pending_is_tested_on_masked_rows(place: tuple[Checkout, Path, str]) -> None:
    checkout, dump, role = place
    done = checkout.run("test", "--dump", str(dump), "--json")
    assert done.status == 0, done
    found = json.loads(done.out)
    (strict,) = found["changes"]
    assert (strict["change"], strict["outcome"]) == ("strict", "passed")
    (invariant,) = strict["data"]["invariants"]
    assert invariant["before"] == "40, 0, 0, 0", "no row is as it was, no view has one, and no trigger has fired"
    assert found["notes"] == [
        "masked: shop.people.email and shop.People.note; every other column is as it is in the dump",
        "not in the dump, and so not masked: shop.people.later",
    ], "the role of the policy was made when it was missed"  # fmt: skip
    there = checkout.run("test", "people", "--dump", str(dump))
    assert (there.status, "people is deployed in shop.dump already" in there.err) == (2, True), there
    deploy = checkout.root / "deploy" / "people.sql"
    deploy.write_text(deploy.read_text().replace("'person ' || id || '@example.com'", "'all alike'"))
    alike = checkout.run("test", "--dump", str(dump))
    assert (alike.status, "shop.people can't be masked: duplicate key" in alike.err) == (1, True), alike
    assert role not in alike.err


def test_bad_input_is_refused(place: tuple[Checkout, Path, str]) -> None:
    checkout, dump, _ = place
    both = checkout.run("test", "--dump", str(dump), "--target", "dev")
    assert (both.status, "not on --target" in both.err) == (2, True), both
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-40])
    cut = checkout.run("test", "--dump", str(dump))
    assert (cut.status, "can't be restored to its end" in cut.err, cut.out) == (2, True, ""), cut
    dump.write_text("SELECT 1;\n")
    plain = checkout.run("test", "--dump", str(dump))
    assert (plain.status, "It must be an archive of pg_dump" in plain.err) == (2, True), plain


def test_rules_of_masking_are_read_and_a_wrong_one_is_refused() -> None:
    assert read_masks([("a.sql", PEOPLE.encode())]) == (
        Mask("shop", "people", "email", "'person ' || id || '@example.com'"),
        Mask("shop", "People", "note", "'nothing'"),
        Mask("shop", "people", "later", "'not there yet'"),
    )
    later = read_masks([("a.sql", b"-- mask: s.t.c = 1\n"), ("b.sql", b"  --  MASK: S.T.C=2 ;\r\n")])
    assert later == (Mask("s", "t", "c", "2"),)
    behind = b"CREATE TABLE s.t (c text, -- Masks : s.t.c = 'x'\nd text); -- mask what is real\n"
    assert read_masks([("a.sql", behind)]) == (Mask("s", "t", "c", "'x'"),)
    for wrong in (b"-- mask: t.c = 1", b"-- mask: s.t.c", b"-- mask: s.t.c =", b"--mask s.t.c = 1"):
        with pytest.raises(UsageError, match="no rule of masking"):
            read_masks([("a.sql", b"SELECT 1;\n" + wrong)])
