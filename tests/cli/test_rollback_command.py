"""`rollback` without a terminal: what it finds and shows, what it wants to be told, and what is true afterwards."""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.program import Checkout, environment, shop
from tests.servers import Server


@pytest.fixture
def live(pg18: Server, database_on: Callable[..., str]) -> str:
    return database_on(pg18)


@pytest.fixture
def dev(pg18: Server, database_on: Callable[..., str]) -> str:
    return database_on(pg18)


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, live: str, dev: str) -> Checkout:
    """The shop with an unprotected environment `dev` and a protected one `live`."""
    made = shop(tmp_path, {"dev": pg18.uri(dev), "live": pg18.uri(live)})
    made.write(
        "pgmig.toml",
        '[[environment]]\nname = "dev"\ntarget = "dev"\n\n'
        '[[environment]]\nname = "live"\ntarget = "live"\nprotected = true\nconfirm_word = "live"\n',
    )
    return made


ATTESTED = [f"--attest=pre:{item}=done" for item in ("window", "notify", "coordination", "backup", "verify-backup")]
ATTESTED += [f"--attest=deploy:{item}=done" for item in ("staging", "verify-staging", "application-tests")]
OVERRIDDEN: list[str] = []
"""Found out by the first deploy: this server's answers stay the same."""


def deploy(checkout: Checkout, *more: str) -> None:
    """Deploy on the protected environment, everything attested; what this server can't tell is overridden."""
    arguments = ["deploy", "live", "--confirm", "live", *ATTESTED, *more]
    done = checkout.run(*arguments, *OVERRIDDEN)
    if done.status == 3:
        unknown = [line.split("[")[-1].rstrip("]") for line in done.err.splitlines() if " x " in line]
        OVERRIDDEN.extend(f"--override={item}=a test of it" for item in unknown)
        done = checkout.run(*arguments, *OVERRIDDEN)
    assert done.status == 0, done.err


FILLED = "INSERT INTO shop.orders SELECT g, g FROM generate_series(1, 20) g"


def deployed(checkout: Checkout, name: str) -> int:
    (found,) = json.loads(checkout.run("status", name, "--json").out)["environments"]
    return len(found["deployed"])


def journal(checkout: Checkout, command: str) -> list[dict[str, Any]]:
    """The events of the newest run of that command."""
    folders = sorted((checkout.home / "state" / "pgmig-tui" / "runs").glob("*/journal.jsonl"))
    runs = [[json.loads(line) for line in path.read_text().splitlines()] for path in folders]
    return [run for run in runs if run[0].get("command") == command][-1]


def shown(checkout: Checkout, *arguments: str) -> dict[str, Any]:
    done = checkout.run("rollback", *arguments, "--dry-run", "--json")
    assert done.status == 0, done.err
    return dict(json.loads(done.out))


def test_the_last_run_is_found_shown_and_taken_back(checkout: Checkout, pg18: Server, live: str) -> None:
    deploy(checkout, "--to", "orders")
    deploy(checkout)
    pg18.execute(FILLED, live)
    found = shown(checkout, "live")
    (run, _) = json.loads(checkout.run("runs", "--json").out)["runs"]
    assert found["undoes"]["run"] == run["run"]
    assert [step["change"] for step in found["steps"]] == ["total"]
    known = [step["estimated_ms"] for step in found["steps"] if step["estimated_ms"] is not None]
    whole = found["total"]["estimated_ms"]
    assert (whole["high"], whole["unknown_steps"]) == (sum(one["high"] for one in known), 1 - len(known))
    assert "readers" in found["total"]["told"]
    assert found["keep"]["name"] == "orders"
    assert deployed(checkout, "live") == 3

    refused = checkout.run("rollback", "live", "--confirm", "live")
    assert refused.status == 3
    assert found["total"]["told"] in " ".join(refused.err.split()), "one sum, whoever says it"
    assert "shop.orders.total: 20 values, at most 20 of them written since the deploy" in refused.err
    assert "--accept-data-loss" in refused.err
    refused = checkout.run("rollback", "live", "--accept-data-loss", "--yes")
    assert refused.status == 3
    assert "--confirm WORD" in refused.err
    assert deployed(checkout, "live") == 3

    done = checkout.run("rollback", "live", "--accept-data-loss", "--confirm", "live")
    assert done.status == 0, done.err
    (accepted,) = [data for data in journal(checkout, "revert") if data["event"] == "gate_passed"]
    assert (accepted["item_id"], accepted["how"]) == ("data-loss", "attest")
    assert accepted["by"] == "Maria Test <maria@example.org>"
    assert accepted["answered_at"][:4].isdigit()
    assert accepted["note"] == "shop.orders.total: 20 values, at most 20 of them written since the deploy"
    assert f"Roll back run {run['run']}" in done.err
    assert "back to orders @v1" in done.err
    assert "never tried" in done.err
    assert "+ 1/1 total reverted" in done.out
    assert deployed(checkout, "live") == 2


def test_a_second_rollback_offers_nothing(checkout: Checkout) -> None:
    deploy(checkout, "--to", "orders")
    deploy(checkout)
    words = ("--accept-data-loss", "--confirm", "live")
    assert checkout.run("rollback", "live", *words).status == 0
    for more in ([], ["--dry-run"], ["--save"]):
        again = checkout.run("rollback", "live", *words, *more)
        assert (again.status, deployed(checkout, "live")) == (0, 2), again.err
        assert (
            "Nothing to roll back on live: what happened last is a revert, of 1 change (total), the last by"
            in again.err
        )
        assert "ROLL BACK" not in again.err
    document = shown(checkout, "live")
    assert (document["steps"], document["candidate"], document["undecided"]) == ([], None, False)
    assert document["nothing"].startswith("what happened last is a revert")
    done = checkout.run("rollback", "live", *words, "--all")
    assert (done.status, deployed(checkout, "live")) == (0, 0), done.err
    assert "Roll back 2 changes to a chosen point: back to the state before the first change" in done.err
    again = checkout.run("rollback", "live", *words)
    assert (again.status, deployed(checkout, "live")) == (0, 0)
    assert "nothing is deployed" in again.err


def test_the_rest_of_a_run_that_was_rolled_back_in_part_is_named_and_left_alone(checkout: Checkout) -> None:
    checkout.change("orders", "CREATE TABLE shop.orders (id int PRIMARY KEY);", "SELECT 1/0;")
    assert checkout.run("deploy", "dev", "--yes").status == 0
    assert checkout.run("rollback", "dev", "--yes").status == 1
    assert deployed(checkout, "dev") == 2
    again = checkout.run("rollback", "dev", "--yes")
    assert (again.status, deployed(checkout, "dev")) == (3, 2)
    assert "2 changes still stand" in again.err
    assert "perhaps run 20" in again.err
    assert "back to the state before the first change: pgmig-tui rollback dev --all" in again.err
    document = shown(checkout, "dev")
    assert [one["name"] for one in document["candidate"]["changes"]] == ["orders", "schema"]
    checkout.change("orders", "CREATE TABLE shop.orders (id int PRIMARY KEY);", "DROP TABLE shop.orders;")
    done = checkout.run("rollback", "dev", "--yes", "--all")
    assert (done.status, deployed(checkout, "dev")) == (0, 0), done.err
    assert "Roll back run 20" in done.err


def test_a_point_can_be_named(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--yes").status == 0
    done = checkout.run("rollback", "dev", "--to", "@HEAD^^", "--yes")
    assert done.status == 0, done.err
    assert deployed(checkout, "dev") == 1
    nothing = checkout.run("rollback", "dev", "--to", "schema", "--yes")
    assert nothing.status == 0
    assert "nothing is deployed after schema" in nothing.err


def test_what_another_account_deployed_is_known_by_its_row(checkout: Checkout, pg18: Server, dev: str) -> None:
    other = {"XDG_STATE_HOME": str(checkout.home / "other"), "SQITCH_FULLNAME": "Jonas"}
    assert checkout.run("deploy", "dev", "--yes", "--to", "schema").status == 0
    assert checkout.run("deploy", "dev", "--yes", env=other).status == 0
    (theirs,) = json.loads(checkout.run("runs", "--json", env=other).out)["runs"]
    found = shown(checkout, "dev")
    assert (found["undoes"]["run"], found["undoes"]["guess"]) == (theirs["run"], "")
    assert found["undoes"]["by"] == "Jonas <maria@example.org>"
    assert [step["change"] for step in found["steps"]] == ["total", "orders"]
    assert found["keep"]["name"] == "schema"
    # As of a host that was switched off.
    pg18.execute("UPDATE pgmig.runs SET exit_status = NULL, finished_at = NULL WHERE operator LIKE 'Jonas%'", dev)
    found = shown(checkout, "dev")
    assert [step["change"] for step in found["steps"]] == ["total", "orders"]
    assert f"run {theirs['run']} of Jonas <maria@example.org> on " in found["warnings"][0]
    assert "whether part of a script of its stays isn't known here" in found["warnings"][0]


def test_what_no_run_is_known_for_is_a_guess_and_not_rolled_back(checkout: Checkout) -> None:
    toml = (checkout.root / "pgmig.toml").read_text().replace('"dev"\n\n', '"dev"\ntracking = "off"\n\n')
    checkout.write("pgmig.toml", toml)
    other = {"XDG_STATE_HOME": str(checkout.home / "other"), "SQITCH_FULLNAME": "Jonas"}
    assert checkout.run("deploy", "dev", "--yes", "--to", "schema").status == 0
    assert checkout.run("deploy", "dev", "--yes", env=other).status == 0
    refused = checkout.run("rollback", "dev", "--yes")
    assert (refused.status, deployed(checkout, "dev")) == (3, 3)
    assert "perhaps a guess, by times and committer alone: 2 changes deployed from 20" in refused.err
    assert "Z by Jonas <maria@example.org>" in refused.err
    assert "back to schema: pgmig-tui rollback dev --to schema" in refused.err
    shows = checkout.run("rollback", "dev", "--dry-run")
    assert (shows.status, "perhaps a guess" in shows.err) == (0, True)
    candidate = shown(checkout, "dev")["candidate"]
    assert (candidate["run"], candidate["keep"]["name"], candidate["by"]) == (
        None,
        "schema",
        "Jonas <maria@example.org>",
    )
    done = checkout.run("rollback", "dev", "--yes", "--to", "schema")
    assert (done.status, deployed(checkout, "dev")) == (0, 1)


def test_a_run_that_only_recorded_is_not_rolled_back(checkout: Checkout, pg18: Server, dev: str) -> None:
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    assert checkout.run("deploy", "dev", "--yes", "--log-only").status == 0
    for env in ({}, {"XDG_STATE_HOME": str(checkout.home / "other")}):
        refused = checkout.run("rollback", "dev", "--yes", env=env)
        assert (refused.status, deployed(checkout, "dev")) == (3, 3), refused.err
        assert "only recorded its changes (--log-only)" in refused.err
    pg18.execute("SELECT id FROM shop.orders", dev)


def test_a_run_that_committed_nothing_leaves_nothing_to_take_back(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    checkout.change("total", "SELECT 1/0;", "SELECT 1;")
    assert checkout.run("deploy", "dev", "--yes").status == 1
    done = checkout.run("rollback", "dev", "--yes")
    assert (done.status, deployed(checkout, "dev")) == (0, 2)
    assert "committed nothing (failed)" in done.err
    assert "--to" in done.err
    # The same run, cut off before it could tell its end.
    journal = max(checkout.home.rglob("journal.jsonl"))
    told = journal.read_text().splitlines(keepends=True)
    assert '"run_finished"' in told[-1]
    journal.write_text("".join(told[:-1]))
    done = checkout.run("rollback", "dev", "--yes")
    assert (done.status, deployed(checkout, "dev")) == (3, 2)
    assert f"what run {journal.parent.name} has committed isn't known: it was cut off" in done.err
    assert checkout.run("reconcile", "dev").status == 0
    assert "committed nothing (settled)" in checkout.run("rollback", "dev", "--yes").err


def test_changed_scripts_refuse_until_a_reason_is_given(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--yes").status == 0
    checkout.change("total", "ALTER TABLE shop.orders ADD COLUMN total bigint;", "SELECT 1;", None)
    done = checkout.run("rollback", "dev", "--yes")
    assert (done.status, deployed(checkout, "dev")) == (3, 3)
    assert "not the script that was deployed: total" in done.err
    assert "--override check:scripts=" in done.err
    done = checkout.run("rollback", "dev", "--yes", "--override=check:scripts=the revert is right")
    assert (done.status, deployed(checkout, "dev")) == (0, 0), done.err


def test_what_was_rolled_back_can_be_tried_and_not_deployed(checkout: Checkout, tmp_path: Path) -> None:
    """The dry run and the rehearsal are how its mending is tried."""
    assert checkout.run("deploy", "dev", "--yes").status == 0
    assert checkout.run("rollback", "dev", "--yes", "--to", "orders", "--reason", "it was slow").status == 0
    assert checkout.run("deploy", "dev", "--yes").status == 3
    tried = checkout.run("deploy", "dev", "--yes", "--dry-run")
    assert tried.status == 0, tried.err
    assert "must not be deployed until that is lifted: total: it was slow" in tried.err
    rehearsed = checkout.run("rehearse", "dev", "--json")
    assert rehearsed.status == 0, rehearsed.err
    assert "total: it was slow" in str(json.loads(rehearsed.out)["notes"])
    assert checkout.run("deploy", "dev", "--yes").status == 3, "the mark stays"


def test_a_revert_that_passed_elsewhere_is_told(checkout: Checkout) -> None:
    deploy(checkout)
    assert checkout.run("deploy", "dev", "--yes").status == 0
    assert checkout.run("rollback", "dev", "--yes", "--to", "orders").status == 0
    (step,) = shown(checkout, "live", "--to", "orders")["steps"]
    assert step["tried"] == "the same script passed on dev"
    other = {"XDG_STATE_HOME": str(checkout.home / "other")}
    done = checkout.run("rollback", "live", "--to", "orders", "--dry-run", "--json", env=other)
    (step,) = json.loads(done.out)["steps"]
    assert step["tried"] == "it was reverted on dev; with which script isn't known"


def test_what_is_saved_needs_no_acceptance_and_comes_back(checkout: Checkout, pg18: Server, live: str) -> None:
    deploy(checkout)
    pg18.execute(FILLED, live)
    done = checkout.run("rollback", "live", "--save", "--confirm", "live", "--to", "orders")
    assert done.status == 0, done.err
    assert "SAVES" in done.err
    runs = json.loads(checkout.run("runs", "--json").out)["runs"]
    run = next(one["run"] for one in runs if one["command"] == "revert")
    (kept,) = json.loads(checkout.run("undo", "--target", "live", "--json").out)["kept"]
    assert (kept["run"], kept["rows"], kept["columns"]) == (run, 20, ["total"])
    early = checkout.run("undo", run, "--confirm", "live")
    assert early.status == 3
    assert "Deploy total again first" in early.err
    assert checkout.run("rollback", "live", "--lift=total=saved", "--confirm=live").status == 0
    deploy(checkout)
    refused = checkout.run("undo", run, "--confirm", "live", "--overwrite")
    assert refused.status == 3
    assert "values of shop.orders that were written since" in refused.err
    assert "Say --accept-data-loss if that is meant." in refused.err
    assert checkout.run("undo", run, "--overwrite", "--accept-data-loss").status == 3
    done = checkout.run("undo", run, "--confirm", "live", "--overwrite", "--accept-data-loss")
    assert done.status == 0, done.err
    assert "20 brought back" in done.out
    assert "equal" in done.out
    assert "NOT EQUAL" not in done.out
    assert pg18.execute("SELECT count(*), sum(total) FROM shop.orders WHERE id = total", live) == [(20, 210)]
    again = checkout.run("undo", run, "--confirm", "live")
    assert (again.status, again.out) == (0, "")
    assert "brought back at" in again.err
    # Who accepted what is kept: on the server, and where the rest of the incident is told.
    accepted = "values of shop.orders that were written since"
    assert "MAY LOSE " + accepted in done.err
    ((by,),) = pg18.execute("SELECT restored_by FROM pgmig_keep.kept", live)
    assert by == f"Maria Test <maria@example.org> as postgres; accepted: {accepted}"
    told = f"the loss of {accepted}"
    (record,) = checkout.home.rglob("incident.md")
    assert told in record.read_text()
    assert re.search(
        r"data: GONE .*; SAVED 20 rows in 1 copy; BROUGHT BACK at [^\n]* by Maria Test", record.read_text()
    )
    assert told in checkout.run("report", run).out
    (restored,) = json.loads(checkout.run("report", run, "--incident", "--json").out)["restored"]
    assert (restored["accepted"], restored["overwrite"], restored["restored"][0]["equal"]) == (accepted, True, True)


def test_an_undo_that_is_not_equal_fails_and_can_be_said_again(checkout: Checkout, pg18: Server, dev: str) -> None:
    assert checkout.run("deploy", "dev", "--yes").status == 0
    pg18.execute(FILLED, dev)
    assert checkout.run("rollback", "dev", "--save", "--yes", "--to", "schema").status == 0
    runs = json.loads(checkout.run("runs", "--json").out)["runs"]
    run = next(one["run"] for one in runs if one["command"] == "revert")
    assert checkout.run("rollback", "dev", "--lift=orders=a test", "--lift=total=a test", "--yes").status == 0
    assert checkout.run("deploy", "dev", "--yes").status == 0
    pg18.execute("INSERT INTO shop.orders SELECT g, -1 FROM generate_series(1, 20) g", dev)
    done = checkout.run("undo", run, "--yes")
    assert done.status == 1, done.out + done.err
    assert "0 brought back" in done.out
    assert "NOT EQUAL" in done.out
    assert "not counted as brought back" in done.out
    # What is printed for an expired copy says what is lost with it, as long as it isn't back.
    pg18.execute("UPDATE pgmig_keep.kept SET expires_at = now() - interval '1 day' WHERE kind = 'column'", dev)
    expired = checkout.run("undo", "--target", "dev").out
    assert 'DROP TABLE "pgmig_keep"."r' in expired
    assert "LOSES 20 values of shop.orders that were kept and not brought back" in expired
    done = checkout.run("undo", run, "--yes", "--overwrite", "--json")
    assert done.status == 0, done.out + done.err
    (restored,) = json.loads(done.out)["restored"]
    assert (restored["restored"], restored["equal"]) == (20, True)
    assert pg18.execute("SELECT count(*) FROM shop.orders WHERE id = total", dev) == [(20,)]
    assert "brought back at" in checkout.run("undo", run, "--yes").err


def test_a_policy_saves_by_itself_until_told_not_to(checkout: Checkout, pg18: Server, live: str) -> None:
    toml = (checkout.root / "pgmig.toml").read_text()
    checkout.write("pgmig.toml", toml + 'save_before_revert = true\nkeep_schema = "attic"\n')
    deploy(checkout)
    pg18.execute(FILLED, live)
    assert shown(checkout, "live")["saves"]["schema"] == "attic"
    assert shown(checkout, "live", "--no-save")["saves"] is None
    assert checkout.run("rollback", "live", "--confirm", "live").status == 0
    kept = pg18.execute("SELECT source_table, rows FROM attic.kept ORDER BY id", live)
    assert kept == [("orders", 20), ("orders", 20)]


def test_what_was_rolled_back_is_not_deployed_until_that_is_lifted(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--yes").status == 0
    assert checkout.run("rollback", "dev", "--to", "orders", "--yes", "--reason", "it eats prices").status == 0
    refused = checkout.run("deploy", "dev", "--yes")
    assert (refused.status, deployed(checkout, "dev")) == (3, 2)
    assert "total: it eats prices (rolled back by Maria Test" in refused.err
    assert "--lift total=REASON" in refused.err
    status = checkout.run("status", "dev").out
    assert "x dev: total must not be deployed: it eats prices; pgmig-tui rollback dev --lift total=REASON" in status
    (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
    assert [(one["name"], one["reason"]) for one in row["do_not_deploy"]] == [("total", "it eats prices")]
    other = {"XDG_STATE_HOME": str(checkout.home / "other")}
    assert checkout.run("deploy", "dev", "--yes", env=other).status == 3
    assert checkout.run("rollback", "dev", "--lift=total=mended").status == 3
    assert checkout.run("rollback", "dev", "--lift=total=\u200b\u2060", "--yes").status == 2
    wrong = checkout.run("rollback", "dev", "--lift=orders=mended", "--yes")
    assert (wrong.status, "Marked: total." in wrong.err) == (2, True)
    lifted = checkout.run("rollback", "dev", "--lift=total=mended", "--yes")
    assert (lifted.status, "total may be deployed on dev again" in lifted.out) == (0, True)
    assert checkout.run("deploy", "dev", "--yes").status == 0


def test_without_tracking_the_mark_is_a_file_of_this_account(checkout: Checkout) -> None:
    toml = (checkout.root / "pgmig.toml").read_text().replace('"dev"\n\n', '"dev"\ntracking = "off"\n\n')
    checkout.write("pgmig.toml", toml)
    assert checkout.run("deploy", "dev", "--yes").status == 0
    done = checkout.run("rollback", "dev", "--to", "orders", "--yes")
    assert done.status == 0
    assert "in a file of this account only" in done.err
    refused = checkout.run("deploy", "dev", "--yes")
    assert (refused.status, "total: it was rolled back" in refused.err) == (3, True)
    assert checkout.run("rollback", "dev", "--lift=total=mended", "--yes").status == 0
    assert checkout.run("deploy", "dev", "--yes").status == 0


def start(checkout: Checkout, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    """The program in the background, until it is asked how it ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "pgmig_tui", *arguments],
        cwd=checkout.root,
        env=environment(checkout.home, **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(server: Server, dbname: str, question: str) -> None:
    """Until the question is answered with true."""
    deadline = time.monotonic() + 30
    while not server.execute(f"SELECT coalesce(({question}), false)", dbname)[0][0]:
        assert time.monotonic() < deadline, question
        select.select([], [], [], 0.05)


SLEEPS = (
    "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"
)


def test_a_run_of_another_that_has_committed_nothing_takes_nothing_with_it(
    checkout: Checkout, pg18: Server, dev: str, tmp_path: Path
) -> None:
    assert checkout.run("deploy", "dev", "--to", "orders", "--yes").status == 0
    checkout.change("total", "SELECT pg_sleep(300);", "SELECT 1;", None)
    env = {"XDG_STATE_HOME": str(tmp_path / "other"), "SQITCH_FULLNAME": "Jonas"}
    running = start(checkout, "deploy", "dev", "--yes", **env)
    wait_for(pg18, dev, SLEEPS)
    done = checkout.run("rollback", "dev", "--yes")
    said = running.communicate(timeout=60)[0].decode()
    assert (done.status, deployed(checkout, "dev")) == (0, 2), done.err
    assert "The run was stopped; run 20" in done.err
    assert "has committed nothing" in done.err
    assert running.returncode in (1, 3, 4), said


@pytest.mark.parametrize("whose", ["ours", "another's"])
def test_a_run_that_is_under_way_is_stopped_first(
    checkout: Checkout, pg18: Server, dev: str, whose: str, tmp_path: Path
) -> None:
    assert checkout.run("deploy", "dev", "--to", "schema", "--yes").status == 0
    checkout.change("total", "SELECT pg_sleep(300);", "SELECT 1;", None)
    env = {} if whose == "ours" else {"XDG_STATE_HOME": str(tmp_path / "other"), "SQITCH_FULLNAME": "Jonas"}
    running = start(checkout, "deploy", "dev", "--yes", **env)
    wait_for(pg18, dev, SLEEPS)
    refused = checkout.run("rollback", "dev")
    assert (refused.status, deployed(checkout, "dev")) == (3, 2)
    assert "is under way" in refused.err
    assert running.poll() is None
    done = checkout.run("rollback", "dev", "--yes")
    said = running.communicate(timeout=60)[0].decode()
    assert done.status == 0, done.err
    assert ("of this account is under way" if whose == "ours" else "of another account or host") in done.err
    assert deployed(checkout, "dev") == 1
    assert running.returncode in (1, 3), said
    wait_for(
        pg18,
        dev,
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%'"
        " AND datname = current_database() AND pid <> pg_backend_pid()",
    )


def test_another_program_s_lock_is_named_and_left_alone(checkout: Checkout, pg18: Server, dev: str) -> None:
    assert checkout.run("deploy", "dev", "--yes").status == 0
    with psycopg.connect(pg18.conninfo(dev), autocommit=True, application_name="sqitch") as holder:
        holder.execute("SELECT pg_advisory_lock(75474063)")
        refused = checkout.run("rollback", "dev", "--yes")
        assert refused.status == 3
        assert f"process {holder.info.backend_pid}, user postgres, sqitch" in refused.err
        assert holder.execute("SELECT 1").fetchone() == (1,)
    assert deployed(checkout, "dev") == 3


def test_a_missing_privilege_to_stop_a_run_is_said(checkout: Checkout, pg18: Server, dev: str, tmp_path: Path) -> None:
    assert checkout.run("deploy", "dev", "--to", "schema", "--yes").status == 0
    checkout.change("total", "SELECT pg_sleep(300);", "SELECT 1;", None)
    running = start(checkout, "deploy", "dev", "--yes", XDG_STATE_HOME=str(tmp_path / "other"))
    wait_for(pg18, dev, SLEEPS)
    role = f"plain_{dev}"
    pg18.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'plain'", dev)
    for sql in ("GRANT CREATE ON DATABASE {1} TO {0}", "GRANT ALL ON SCHEMA sqitch, pgmig TO {0}",
                "GRANT ALL ON ALL TABLES IN SCHEMA sqitch, pgmig TO {0}"):  # fmt: skip
        pg18.execute(sql.format(role, dev), dev)
    try:
        refused = checkout.run("rollback", "dev", "--yes", env={"SQITCH_USERNAME": role, "SQITCH_PASSWORD": "plain"})
        assert refused.status == 1, refused.err
        assert "may not end process" in refused.err
        assert "SELECT pg_terminate_backend(" in refused.err
        assert running.poll() is None
    finally:
        assert checkout.run("rollback", "dev", "--yes").status == 0
        running.communicate(timeout=60)
        pg18.execute(f"DROP OWNED BY {role}", dev)
        pg18.execute(f"DROP ROLE {role}", dev)


def test_afterwards_is_looked_at_and_an_incident_is_recorded(checkout: Checkout, pg18: Server, live: str) -> None:
    deploy(checkout, "--to", "orders")
    deploy(checkout)
    pg18.execute(FILLED, live)
    foretold = json.loads(checkout.run("rollback", "live", "--dry-run", "--json").out)["total"]
    pg18.execute("CREATE INDEX by_hand ON shop.orders (id)", live)
    done = checkout.run("rollback", "live", "--save", "--confirm", "live")
    assert done.status == 0, done.err
    assert "+ verify: 2 of 2 of what remains pass" in done.err
    assert "! schema: not as before the deploy" in done.err
    assert "    index shop.by_hand: new since" in done.err, done.err[done.err.index("schema: not") :]
    assert "ROLLED BACK: live" in done.err
    runs = json.loads(checkout.run("runs", "--json").out)["runs"]
    run = next(one["run"] for one in runs if one["command"] == "revert")
    record = checkout.run("report", run, "--incident").out
    assert record == (checkout.home / "state/pgmig-tui/runs" / run / "incident.md").read_text() + "\n"
    for part in (
        "# Incident: Rollback on live",
        "gone, and saved: shop.orders.total: 20 values",
        "saved: shop.orders in pgmig\\_keep.",
        "by: Maria Test \\<maria@example.org\\>",
        "do not deploy until that is lifted: total",
        "deploy: + 1/1 total deployed",
        "rollback: + 1/1 total reverted",
    ):
        assert part in record, part
    told = json.loads(checkout.run("report", run, "--incident", "--json").out)
    assert told["foretold"].keys() == foretold.keys()
    said = told["foretold"]["told"].replace("<", "\\<")
    assert f"- foretold: {said}\n- took: " in record, "the sum of the review, beside what it took"
    for one in ("estimated_ms", "readers_wait_ms"):
        assert told["foretold"][one]["unknown_steps"] == foretold[one]["unknown_steps"]
    assert checkout.run("rollback", "live", "--all", "--confirm", "live", "--accept-data-loss").status == 0


def test_the_schema_is_as_before_the_deploy(checkout: Checkout) -> None:
    deploy(checkout, "--to", "orders")
    deploy(checkout)
    done = checkout.run("rollback", "live", "--confirm", "live")
    assert done.status == 0, done.err
    assert "+ schema: as before the deploy" in done.err
    checkout.write("verify/orders.sql", "SELECT 1/0;")
    done = checkout.run(
        "rollback", "live", "--confirm", "live", "--to", "schema", "--override=check:scripts=a test of it"
    )
    assert done.status == 0, done.err


def test_the_schema_is_compared_wherever_a_run_is_rolled_back(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--yes").status == 0
    done = checkout.run("rollback", "dev", "--yes")
    assert done.status == 0, done.err
    assert "+ schema: as before the deploy" in done.err


def test_a_schema_that_an_earlier_version_noted_is_not_compared(checkout: Checkout) -> None:
    """Its rows have another form: every object would differ."""
    assert checkout.run("deploy", "dev", "--yes").status == 0
    (noted,) = (checkout.home / "state/pgmig-tui/runs").glob("*/schema-before.json")
    noted.write_text(json.dumps(json.loads(noted.read_text())["objects"]))
    done = checkout.run("rollback", "dev", "--yes")
    assert done.status == 0, done.err
    assert "schema: not compared with the time before the deploy" in done.err


def test_a_definition_that_holds_a_given_value_is_compared_by_its_hash(
    checkout: Checkout, pg18: Server, dev: str
) -> None:
    checkout.change(
        "total", "ALTER TABLE shop.orders ADD COLUMN total int;", "ALTER TABLE shop.orders DROP COLUMN total;"
    )
    given = ("--set", "pw=horse battery 7331")
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders", *given).status == 0
    pg18.execute("ALTER TABLE shop.orders ADD COLUMN secret text DEFAULT 'horse battery 7331'", dev)
    assert checkout.run("deploy", "dev", "--yes", *given).status == 0
    for noted in (checkout.home / "state/pgmig-tui/runs").glob("*/schema-before.json"):
        assert "battery" not in noted.read_text()
    done = checkout.run("rollback", "dev", "--yes", "--accept-data-loss")
    assert done.status == 0, done.err
    assert "+ schema: as before the deploy" in done.err
