"""`pgmig-tui backfill` without a terminal: what it says before, what it tells, and how it is answered for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Checkout, environment
from tests.servers import Server

FILL = """\
-- Deploy shop:fill to pg
BEGIN;
-- pgmig: backfill table=public.t key=id batch=500 left="n = 0"
UPDATE public.t SET n = n + 1;
COMMIT;
"""


@pytest.fixture
def dbname(pg18: Server, database_on: Callable[..., str]) -> str:
    name = database_on(pg18)
    pg18.execute("CREATE TABLE public.t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)", name)
    pg18.execute("INSERT INTO public.t (id) SELECT generate_series(1, 3000)", name)
    pg18.execute("ANALYZE public.t", name)
    return name


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, dbname: str) -> Checkout:
    home = tmp_path / "home"
    home.mkdir()
    made = Checkout(tmp_path / "shop", home)
    made.plan("fill {at} # fill")
    made.write("deploy/fill.sql", FILL)
    made.write("sqitch.conf", "[core]\n\tengine = pg\n")
    one = f'target = "{pg18.uri(dbname)}"\n'
    made.write("pgmig.toml", f'[[environment]]\nname = "dev"\n{one}')
    return made


def protect(checkout: Checkout) -> None:
    text = (checkout.root / "pgmig.toml").read_text()
    checkout.write("pgmig.toml", text + 'protected = true\nconfirm_word = "live"\n')


def test_it_says_what_it_will_do_and_tells_what_it_did(checkout: Checkout, pg18: Server, dbname: str) -> None:
    done = checkout.run("backfill", "dev", "fill", "--yes", "--analyze")
    assert done.status == 0, done.err
    for told in (
        "| UPDATE public.t SET n = n + 1",
        "through public.t by id: about 3000 rows, index public.t_pkey",
        "batches of 500 rows at first, then as many as take 200 ms",
        "pgmig.backfill_progress, which it makes",
        "at the end counts the rows where n = 0",
        "ROW EXCLUSIVE on public.t",
    ):
        assert told in done.err, told
    assert "+ 3,000 rows changed in" in done.out
    assert "no row is left to do" in done.out
    assert "analysed public.t" in done.out
    assert "`pgmig-tui deploy dev --to fill`" in done.out
    assert pg18.execute("SELECT n, count(*) FROM public.t GROUP BY n", dbname) == [(1, 3000)]
    (run,) = json.loads(checkout.run("runs", "--json").out)["runs"]
    assert (run["command"], run["state"], run["steps_done"], run["steps"]) == ("backfill", "finished", 1, 1)
    assert "backfill" in checkout.run("runs", run["run"]).out
    assert "+ 3,000 rows changed in" in checkout.run("attach", run["run"]).out


def test_events_are_one_a_line(checkout: Checkout) -> None:
    sql = "DELETE FROM public.t WHERE id % 3 = 0"
    done = checkout.run(
        "backfill", "dev", "--statement", sql, "--table", "public.t", "--key", "id", "-y", "--json-lines"
    )
    assert done.status == 0, done.err
    events: list[dict[str, Any]] = [json.loads(line) for line in done.out.splitlines()]
    batches = [event for event in events if event["event"] == "batch_done"]
    assert {"batch", "rows", "total", "last_key", "ms", "size", "about_total"} <= batches[0].keys()
    assert batches[0]["about_total"] == 3000
    (end,) = [event for event in events if event["event"] == "backfill_done"]
    assert (end["rows"], end["left"]) == (1000, None)


def test_nobody_is_asked_without_a_terminal(checkout: Checkout) -> None:
    done = checkout.run("backfill", "dev", "fill")
    assert done.status == 3
    assert "--yes" in done.err


def test_the_evidence_of_its_checklist_is_kept_where_a_deploy_has_made_the_tables(
    checkout: Checkout, pg18: Server, dbname: str
) -> None:
    checkout.plan("first {at} # first", "fill {at} # fill")
    checkout.change("first", "CREATE TABLE public.u (id int);")
    assert checkout.run("deploy", "dev", "--yes", "--to", "first").status == 0
    done = checkout.run("backfill", "dev", "fill", "--yes", "--attest", "pre:notify=mailed", "--json-lines")
    assert done.status == 0, done.err
    run = json.loads(done.out.splitlines()[0])["run"]
    assert "not kept" not in done.out
    kept = pg18.execute(f"SELECT item, answered_how, note FROM pgmig.evidence WHERE run_id = '{run}'", dbname)
    assert ("pre:notify", "said", "mailed") in kept


def test_a_protected_environment_wants_its_word(checkout: Checkout, pg18: Server, dbname: str) -> None:
    protect(checkout)
    done = checkout.run("backfill", "dev", "fill", "--yes")
    assert done.status == 3
    asked = [line.split("[")[-1].rstrip("]") for line in done.err.splitlines() if "  x " in line]
    answers = [f"--{'override' if item.startswith('check:') else 'attest'}={item}=in a test" for item in asked]
    done = checkout.run("backfill", "dev", "fill", "--yes", *answers)
    assert done.status == 3
    assert "--accept-data-loss" in done.err
    assert "old values of n in public.t" in done.err
    answers.append("--accept-data-loss")
    done = checkout.run("backfill", "dev", "fill", "--yes", *answers)
    assert done.status == 3
    assert "--confirm WORD" in done.err
    assert pg18.execute("SELECT max(n) FROM public.t", dbname) == [(0,)]
    done = checkout.run("backfill", "dev", "fill", "--confirm", "live", *answers)
    assert done.status == 0, done.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["dev"], "backfill needs a change whose script declares"),
        (["dev", "fill", "--statement", "UPDATE public.t SET n = 1"], "can't both be"),
        (["dev", "--statement", "UPDATE public.t SET n = 1"], "--statement needs --table and --key"),
        (["dev", "fill", "--key", "id"], "belong to --statement"),
        (["dev", "fill", "--aim", "0"], "--aim must be more than 0"),
        (["dev", "--resume", "20200101-000000-abcd"], "there is no backfill 20200101-000000-abcd"),
        (["dev", "--resume", "../../etc"], "there is no backfill ../../etc"),
    ],
)
def test_a_backfill_that_can_not_be_meant_is_a_usage_error_that_says_why(
    checkout: Checkout, arguments: list[str], why: str
) -> None:
    done = checkout.run("backfill", *arguments, "--yes")
    assert done.status == 2
    assert why in done.err


def test_a_follower_whose_run_is_killed_says_how_to_go_on(checkout: Checkout, pg18: Server, dbname: str) -> None:
    command = ["backfill", "dev", "fill", "--yes", "--json-lines", "--max-rate", "1500"]
    program, words, _ = checkout.command(*command)
    following = subprocess.Popen(
        words,
        executable=program,
        env=environment(checkout.home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    run = ""
    for line in following.stdout:
        event = json.loads(line)
        if event["event"] == "run_planned":
            run = str(event["pid"])
        if event["event"] == "batch_done":
            os.kill(int(run), signal.SIGKILL)
            break
    _, said = following.communicate(timeout=60)
    assert following.returncode == 1
    assert f"pgmig-tui backfill dev --resume {event['run']}" in said
    again = checkout.run("backfill", "dev", "fill", "--yes")
    assert again.status == 3
    assert f"Go on with --resume {event['run']}" in again.err
    assert checkout.run("backfill", "dev", "--resume", event["run"], "--yes").status == 0
    assert pg18.execute("SELECT n, count(*) FROM public.t GROUP BY n", dbname) == [(1, 3000)]
