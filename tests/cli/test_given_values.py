"""A value of --set reaches scripts, and nothing that a command prints or leaves: its variable's name stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Checkout, Outcome
from tests.database.places import Databases
from tests.servers import Server

SECRET = "horse'battery 7331"
PIECE = "battery 7331"
SET = ("--set", f"pw={SECRET}")


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Databases) -> Checkout:
    made = Checkout(tmp_path / "project", tmp_path / "home")
    made.root.mkdir()
    made.home.mkdir()
    made.targets({"dev": pg18.uri(database_on(pg18))})
    made.plan("accounts {at} # Accounts", "emptied [accounts] {at} # No rows")
    made.change(
        "accounts",
        "CREATE TABLE public.accounts (id int PRIMARY KEY, what text);\n"
        "INSERT INTO public.accounts VALUES (1, :'pw');\n"
        "UPDATE public.accounts SET what = :'pw' WHERE what <> :'pw';\n"
        "ALTER TABLE public.accounts ADD COLUMN more text DEFAULT :'pw';\n"
        "ALTER TABLE public.accounts ALTER COLUMN id TYPE bigint USING length(:'pw') + id;\n"
        "ALTER TABLE public.accounts ADD CONSTRAINT named CHECK (what <> 'x' || :'pw');\n"
        "SELECT :'pw' AS shown;",
        "DROP TABLE public.accounts;",
        "SELECT 1/count(*) FROM public.accounts WHERE what = :'pw';",
    )
    made.change("emptied", "DELETE FROM public.accounts WHERE what = :'pw';\nSELECT FROM :'pw';", "SELECT :'pw';", None)
    return made


def nowhere(checkout: Checkout, done: Outcome, words: str) -> None:
    for name, text in {
        "stdout": done.out,
        "stderr": done.err,
        **{
            str(path): path.read_bytes().decode(errors="replace") for path in checkout.home.rglob("*") if path.is_file()
        },
    }.items():
        at = text.find(PIECE)
        assert at < 0, f"{words}: {name}: …{text[max(0, at - 200) : at + 100]}…"


@pytest.mark.parametrize(
    "words",
    [
        "impact SET",
        "impact SET --json",
        "impact SET --format markdown",
        "impact SET --revert --json",
        "impact SET --target dev",
        "impact SET --target dev --json",
        "rehearse dev SET",
        "rehearse dev SET --json",
        "deploy dev SET --dry-run",
        "deploy dev SET --dry-run --json-lines",
    ],
)
def test_what_is_only_looked_at(checkout: Checkout, words: str) -> None:
    done = checkout.run(*[one for word in words.split() for one in (SET if word == "SET" else (word,))])
    assert "accounts" in done.out + done.err
    nowhere(checkout, done, words)


def test_what_is_carried_out_and_told_afterwards(checkout: Checkout, pg18: Server) -> None:
    def tried(*words: str, status: int = 0) -> str:
        done = checkout.run(*words)
        assert done.status == status, (words, done)
        nowhere(checkout, done, " ".join(words))
        return done.out

    tried("deploy", "dev", "--to", "accounts", "--yes", "--json-lines", *SET)
    tried("verify", "dev", *SET, "--verbose")
    tried("deploy", "dev", "--yes", "--verbose", *SET, status=1)
    (run, *_) = [line.split()[0] for line in tried("runs").splitlines() if line[:2] == "20"]
    tried("runs", "--json")
    tried("runs", run)
    tried("report", run)
    tried("impact", "--target", "dev", *SET, "--json")
    tried("rollback", "dev", "--dry-run", *SET)
    tried("rollback", "dev", "--dry-run", "--json", *SET)
    tried("revert", "dev", "--all", "--yes", "--accept-data-loss", "--verbose", *SET)
    uri = (checkout.root / "sqitch.conf").read_text().partition("uri = ")[2].split()[0]
    kept = pg18.execute("SELECT sql_statement FROM pgmig.schema_audit", uri.rpartition("/")[2])
    assert ("INSERT INTO public.accounts VALUES (1, :'pw');",) in kept, kept
    assert PIECE not in str(pg18.execute("SELECT a::text FROM pgmig.schema_audit a", uri.rpartition("/")[2]))


def test_a_backfill_goes_on_with_its_value_given_again(checkout: Checkout, pg18: Server) -> None:
    database = (checkout.root / "sqitch.conf").read_text().partition("uri = ")[2].split()[0].rpartition("/")[2]
    pg18.execute(
        "CREATE TABLE public.kept (id int PRIMARY KEY, what text); INSERT INTO public.kept"
        " SELECT n, CASE WHEN n = 15 THEN 'stop' ELSE '' END FROM generate_series(1, 20) n;"
        " ALTER TABLE public.kept ADD CONSTRAINT none CHECK (what <> 'stop' || $$horse'battery 7331$$)",
        database,
    )
    checkout.change(
        "emptied",
        "-- pgmig: backfill table=public.kept key=id batch=10\nUPDATE public.kept SET what = what || :'pw' WHERE true;",
    )
    done = checkout.run("backfill", "dev", "emptied", "--yes", "--batch", "10", *SET)
    assert (done.status, "1 batch" in done.out + done.err) == (1, True), done
    nowhere(checkout, done, "backfill")
    pg18.execute("UPDATE public.kept SET what = '' WHERE id = 15", database)
    (run, *_) = [line.split()[0] for line in checkout.run("runs").out.splitlines() if line[:2] == "20"]
    refused = checkout.run("backfill", "dev", "--resume", run, "--yes")
    assert (refused.status, "kept nowhere: pw" in refused.err) == (2, True), refused
    done = checkout.run("backfill", "dev", "--resume", run, "--yes", *SET)
    assert done.status == 0, done
    nowhere(checkout, done, "backfill --resume")
    assert pg18.execute("SELECT DISTINCT what FROM public.kept", database) == [(SECRET,)]
    kept = pg18.execute("SELECT statement FROM pgmig.backfill_progress", database)
    assert kept == [("UPDATE public.kept SET what = what || :'pw' WHERE true",)]
