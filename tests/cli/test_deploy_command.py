"""The commands that run, and those that tell of it, against a real server and without a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Checkout, Outcome, shop
from tests.servers import Server


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Callable[..., str]) -> Checkout:
    """The shop with an unprotected environment `dev` and a protected one `live`, each with a database of its own."""
    made = shop(tmp_path, {"dev": pg18.uri(database_on(pg18)), "live": pg18.uri(database_on(pg18))})
    made.write(
        "pgmig.toml",
        '[[environment]]\nname = "dev"\ntarget = "dev"\n\n'
        '[[environment]]\nname = "live"\ntarget = "live"\nprotected = true\nconfirm_word = "live"\n',
    )
    return made


def events(done: Outcome) -> list[dict[str, Any]]:
    """Every line of stdout as an event: nothing else may stand there."""
    return [json.loads(line) for line in done.out.splitlines()]


def one(checkout: Checkout, name: str) -> dict[str, Any]:
    """The status of one environment."""
    done = checkout.run("status", name, "--json")
    assert done.status == 0, done.err
    (environment,) = json.loads(done.out)["environments"]
    return dict(environment)


def test_a_deploy_and_everything_that_tells_of_it(checkout: Checkout) -> None:
    before = one(checkout, "dev")
    assert before["registry"] == {"schema": "sqitch", "version": None, "present": False}
    assert (before["last_change"], before["deployed"], len(before["pending"])) == (None, [], 3)

    done = checkout.run("deploy", "dev", "--yes")
    assert done.status == 0, done.err
    assert "+ 3/3 total deployed" in done.out
    assert "sqitch and pgmig" in done.err

    after = one(checkout, "dev")
    assert (len(after["deployed"]), after["pending"], after["diverged"]) == (3, [], [])
    assert after["last_change"]["name"] == "total"
    assert after["last_change"]["change_id"] == after["deployed"][-1]
    assert after["last_change"]["deployed_by"] == "Maria Test"
    assert after["unfinished_run"] is None

    log = json.loads(checkout.run("log", "dev", "--json").out)["events"]
    assert [(event["event"], event["change"]) for event in log] == [
        ("deploy", "total"),
        ("deploy", "orders"),
        ("deploy", "schema"),
    ]
    assert "orders @v1" in checkout.run("log", "dev").out
    assert len(json.loads(checkout.run("log", "dev", "-n", "1", "--json").out)["events"]) == 1

    (run,) = json.loads(checkout.run("runs", "--json").out)["runs"]
    assert (run["state"], run["steps_done"], run["steps"], run["exit_status"]) == ("finished", 3, 3, 0)
    assert "result: done, 3 of 3 steps done" in checkout.run("runs", run["run"]).out

    attached = checkout.run("attach", run["run"])
    assert (attached.status, attached.out) == (0, done.out)

    again = checkout.run("deploy", "dev", "--yes")
    assert again.status == 0
    assert "nothing to deploy" in again.err.lower()


def test_json_lines_are_the_journal_and_nothing_else(checkout: Checkout) -> None:
    done = checkout.run("deploy", "dev", "--yes", "--json-lines")
    assert done.status == 0
    told = events(done)
    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
    assert (told[0]["event"], told[0]["format"]) == ("run_planned", 1)
    assert (told[-1]["event"], told[-1]["exit_status"]) == ("run_finished", 0)
    journal = next(checkout.home.rglob("journal.jsonl")).read_text(encoding="utf-8")
    assert done.out == journal


def test_to_a_tag_and_on_with_positional_arguments(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--to", "@v1", "-y").status == 0
    assert len(one(checkout, "dev")["deployed"]) == 2
    assert checkout.run("deploy", "total", "-y", "--target", "dev").status == 0
    assert one(checkout, "dev")["pending"] == []
    earlier = checkout.run("deploy", "dev", "schema", "-y")
    assert earlier.status == 2
    assert "revert" in earlier.err


def test_a_revert_needs_to_know_how_far(checkout: Checkout, pg18: Server) -> None:
    checkout.run("deploy", "dev", "-y")
    for arguments in (["revert", "dev", "-y"], ["revert", "dev", "--all", "--to", "schema", "-y"]):
        refused = checkout.run(*arguments)
        assert refused.status == 2
        assert "--to" in refused.err
        assert "--all" in refused.err
    assert len(one(checkout, "dev")["deployed"]) == 3
    assert checkout.run("revert", "dev", "--to", "orders", "-y").status == 0
    assert [change["name"] for change in _plan(checkout, one(checkout, "dev")["pending"])] == ["total"]
    assert checkout.run("revert", "dev", "--all", "-y").status == 0
    assert one(checkout, "dev")["deployed"] == []


def _plan(checkout: Checkout, change_ids: list[str]) -> list[dict[str, Any]]:
    changes = json.loads(checkout.run("plan", "--json").out)["changes"]
    return [change for change in changes if change["change_id"] in change_ids]


def test_verify_says_which_change_fails(checkout: Checkout, pg18: Server) -> None:
    checkout.run("deploy", "dev", "-y")
    good = checkout.run("verify", "dev")
    assert good.status == 0, good.out + good.err
    pg18.execute("DROP TABLE shop.orders", one(checkout, "dev")["server"]["database"])
    bad = checkout.run("verify", "dev")
    assert bad.status == 1
    assert "2/3 orders @v1 verify FAILED" in bad.out
    assert "shop.orders" in bad.out


def test_a_failed_step_names_its_line_and_what_stays(checkout: Checkout) -> None:
    checkout.change("total", "ALTER TABLE shop.orders ADD COLUMN total int;\nSELECT 1/0;")
    done = checkout.run("deploy", "dev", "-y")
    assert done.status == 1
    assert "deploy/total.sql:3" in done.out
    assert "[22012]" in done.out
    assert "nothing of it was committed" in done.out
    assert len(one(checkout, "dev")["deployed"]) == 2
    (newest, *_) = json.loads(checkout.run("log", "dev", "--json").out)["events"]
    assert (newest["event"], newest["change"]) == ("fail", "total")


def test_without_a_terminal_nothing_is_asked(checkout: Checkout) -> None:
    for arguments, option in (
        (["deploy", "dev"], "--yes"),
        (["deploy", "live", "--yes"], "--attest"),
    ):
        done = checkout.run(*arguments)
        assert done.status == 3
        assert option in done.err
        assert "Nothing was changed." in done.err
    assert one(checkout, "live")["registry"]["present"] is False


ANSWERS = [
    *("--attest", "pre:window=no window needed", "--attest", "pre:notify=mailed"),
    *("--attest", "pre:backup=ops, ticket 7", "--attest", "pre:verify-backup=restored"),
    *("--attest", "deploy:staging=done", "--attest", "deploy:verify-staging=done"),
    *("--attest", "deploy:application-tests=green", "--attest", "pre:coordination=release 4.2, after it"),
]


def test_a_protected_environment_wants_its_word_and_its_answers(checkout: Checkout) -> None:
    for extra, named in (
        (["--yes", *ANSWERS], "--confirm"),
        (["--confirm", "prod", *ANSWERS], "confirmation word"),
        (["--confirm", "live", *ANSWERS[2:]], "pre:window"),
    ):
        done = checkout.run("deploy", "live", *extra)
        assert done.status == 3, done.err
        assert named in done.err
    assert one(checkout, "live")["registry"]["present"] is False
    done = checkout.run("deploy", "live", "--confirm", "live", *ANSWERS, "--json-lines")
    assert done.status == 0, done.err
    passed = [event for event in events(done) if event["event"] == "gate_passed"]
    assert {event["item_id"] for event in passed} >= {"pre:window", "pre:backup"}
    assert {event["by"] for event in passed} == {"Maria Test <maria@example.org>"}
    run = events(done)[0]["run"]
    report = checkout.run("runs", run).out
    assert "ops, ticket 7" in report
    kept = {event["item"]: event for event in events(done) if event["event"] == "evidence_kept"}
    assert list(kept)[:3] == ["pre:window", "pre:notify", "pre:coordination"]
    server, said = kept["check:server"], kept["pre:coordination"]
    assert (server["seen"], len(server["sql_hash"]), server["role"]) == ("PASS", 64, server["rows"][0]["role"])
    assert "SELECT" in server["sql"]
    assert server["server"]
    assert server["started_at"] <= server["finished_at"]
    assert (said["answered_how"], said["note"], said["seen"]) == ("attest", "release 4.2, after it", "")
    assert said["answered_by"] == "Maria Test <maria@example.org>"
    assert f"| {server['sql_hash'][:12]} |" in report


def test_losing_data_on_a_protected_environment_is_accepted_in_words(checkout: Checkout) -> None:
    checkout.run("deploy", "live", "--confirm", "live", *ANSWERS)
    refused = checkout.run("revert", "live", "--to", "orders", "--confirm", "live")
    assert refused.status == 3
    assert "--accept-data-loss" in refused.err
    assert "total" in refused.err
    assert len(one(checkout, "live")["deployed"]) == 3
    words = ("--to", "orders", "--confirm", "live", "--accept-data-loss", "--json-lines")
    done = checkout.run("revert", "live", *words)
    assert done.status == 0, done.err
    (accepted,) = [event for event in events(done) if event["event"] == "gate_passed"]
    assert (accepted["item_id"], accepted["how"], accepted["by"]) == (
        "data-loss",
        "attest",
        "Maria Test <maria@example.org>",
    )
    assert "shop.orders.total" in accepted["note"]


def test_a_deploy_that_loses_data_or_may_do_so_is_accepted_too(checkout: Checkout) -> None:
    assert checkout.run("deploy", "live", "--to", "orders", "--confirm", "live", *ANSWERS).status == 0
    for script in ("DELETE FROM shop.orders;", "DO $$ BEGIN EXECUTE 'DELETE FROM shop.' || chr(111); END $$;"):
        checkout.change("total", script)
        refused = checkout.run("deploy", "live", "--confirm", "live", *ANSWERS)
        assert refused.status == 3
        assert "--accept-data-loss" in refused.err
    assert len(one(checkout, "live")["deployed"]) == 2, "nothing but what was there before"


def test_event_lines_can_not_steer_a_terminal(checkout: Checkout) -> None:
    hostile = "\x9b2J\x85\u202edrop\u2066\x7f é"
    checkout.change("orders", f"\\echo {hostile}\nCREATE TABLE shop.orders (id int PRIMARY KEY);")
    done = checkout.run("deploy", "dev", "-y", "--json-lines")
    assert done.status == 0, done.err
    assert done.out.isascii()
    assert not set(done.out) & set("\x1b\x7f")
    assert hostile in [event.get("text") for event in events(done)]


def test_an_item_that_is_not_asked_is_a_mistake(checkout: Checkout) -> None:
    done = checkout.run("deploy", "dev", "-y", "--attest", "pre:bakcup=x")
    assert done.status == 2
    assert "pre:bakcup" in done.err
    assert "pre:backup" in done.err
    check = checkout.run("deploy", "dev", "-y", "--attest", "check:invalid-indexes=fine")
    assert check.status == 3
    assert "--override" in check.err


def test_a_policy_is_overridden_with_a_reason_and_never_attested(checkout: Checkout) -> None:
    toml = (checkout.root / "pgmig.toml").read_text()
    checkout.write("pgmig.toml", toml.replace('name = "dev"\n', 'name = "dev"\napprovals = ["dba"]\n'))
    for how, said, status in (("attest", "x", 3), ("override", "x", 2), ("override", "agreed with the DBA", 0)):
        words = ("deploy", "dev", "-y", "--to", "schema", f"--{how}", f"policy:approvals={said}")
        tried = checkout.run(*words, "--dry-run")
        done = checkout.run(*words)
        assert (tried.status, done.status) == (status, status), done.err
        assert status == 0 or "--override policy:approvals" in done.err
        assert status == 0 or tried.err == done.err
        assert ("the answers are not counted" in tried.err) == (status == 0)
        assert len(one(checkout, "dev")["deployed"]) == (status == 0)
    refused = checkout.run("deploy", "dev", "-y")
    assert refused.status == 3
    assert "--override ITEM=REASON, of 8 characters or more, goes on past policy:approvals" in refused.err


@pytest.mark.parametrize("mode", ["all", "tag"])
def test_modes_that_revert_by_themselves_are_refused(checkout: Checkout, mode: str) -> None:
    done = checkout.run("deploy", "dev", "-y", "--mode", mode)
    assert done.status == 2
    assert "never reverted by itself" in done.err
    assert one(checkout, "dev")["deployed"] == []
    assert checkout.run("deploy", "dev", "-y", "--mode", "change").status == 0


def test_a_configured_mode_is_ignored_with_a_warning(checkout: Checkout) -> None:
    conf = (checkout.root / "sqitch.conf").read_text()
    checkout.write("sqitch.conf", conf + "[deploy]\n\tmode = all\n")
    done = checkout.run("deploy", "dev", "-y")
    assert done.status == 0
    assert done.err.count("mode = all is ignored") == 1


def test_variables_reach_the_script_and_log_only_runs_nothing(checkout: Checkout, pg18: Server) -> None:
    checkout.change("total", 'ALTER TABLE shop.orders ADD COLUMN :"column" int;')
    assert checkout.run("deploy", "dev", "-y", "--set", "column=sum of it").status == 0
    database = one(checkout, "dev")["server"]["database"]
    columns = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    assert pg18.execute(columns, database) == [("id",), ("sum of it",)]
    assert checkout.run("revert", "dev", "--to", "orders", "-y", "--log-only").status == 0
    assert len(one(checkout, "dev")["deployed"]) == 2
    assert pg18.execute(columns, database) == [("id",), ("sum of it",)]


def test_status_of_all_environments_when_one_does_not_answer(checkout: Checkout) -> None:
    conf = (checkout.root / "sqitch.conf").read_text()
    checkout.write("sqitch.conf", conf + '[target "gone"]\n\turi = db:pg://who:secret@127.0.0.1:1/gone\n')
    (checkout.root / "pgmig.toml").unlink()
    done = checkout.run("status", "--json")
    assert done.status == 5
    assert "secret" not in done.out + done.err
    document = json.loads(done.out)
    assert list(document) == ["project", "plan", "environments"]
    assert document["plan"] == {"changes": 3, "tags": 1}
    assert [row["reachable"] for row in document["environments"]] == [True, True, False]
    gone = document["environments"][2]
    assert gone["error"]
    assert (gone["server"], gone["registry"], gone["last_change"]) == (None, None, None)
    promised = {"name", "target", "reachable", "error", "server", "registry", "last_change"}
    promised |= {"deployed", "pending", "diverged", "unfinished_run"}
    assert promised <= set(gone)
    table = checkout.run("status")
    assert table.status == 5
    assert "? no answer" in table.out
    assert "secret" not in table.out
    assert checkout.run("status", "dev").status == 0


def test_exit_code_is_for_scripts_that_wait_for_nothing_pending(checkout: Checkout) -> None:
    assert checkout.run("status", "dev").status == 0
    assert checkout.run("status", "dev", "--exit-code").status == 1
    checkout.run("deploy", "dev", "-y")
    assert checkout.run("status", "dev", "--exit-code").status == 0


def test_a_changed_script_is_shown_as_diverged(checkout: Checkout) -> None:
    checkout.run("deploy", "dev", "-y")
    checkout.change("orders", "CREATE TABLE shop.orders (id bigint PRIMARY KEY);")
    (diverged,) = one(checkout, "dev")["diverged"]
    assert (diverged["name"], diverged["problem"]) == ("orders", "script_changed")
    out = checkout.run("status", "dev").out
    assert "! differ" in out
    assert "orders has another script now" in out


def test_impact_with_a_server_knows_sizes_and_kinds(checkout: Checkout, pg18: Server) -> None:
    checkout.run("deploy", "dev", "--to", "orders", "-y")
    document = json.loads(checkout.run("impact", "--target", "dev", "--json").out)
    assert document["catalog"] is True
    assert document["server_version_num"] == pg18.version_num
    (script,) = document["scripts"]
    assert script["change"] == "total"
    assert script["statements"][1]["locks"][0]["relkind"] == "r"
    assert script["statements"][1]["estimated_ms"]["low"] <= script["statements"][1]["estimated_ms"]["high"]
    assert document["rates"]["source"] == "measured"
    assert document["rates"]["scan"]["low"] < document["rates"]["scan"]["high"]
    assert "rates for times: a table in memory was read at" in " ".join(
        checkout.run("impact", "--target", "dev").out.split()
    )
    assert json.loads(checkout.run("impact", "--json").out)["rates"] is None


def test_what_a_change_took_in_the_environment_before_is_told_beside_the_estimate(checkout: Checkout) -> None:
    (first, *_) = json.loads(checkout.run("impact", "--target", "live", "--json").out)["scripts"]
    assert first["measured"] == []
    checkout.run("deploy", "dev", "-y")
    document = json.loads(checkout.run("impact", "--target", "live", "--json").out)
    assert [(one["change"], [each["environment"] for each in one["measured"]]) for one in document["scripts"]] == [
        ("schema", ["dev"]),
        ("orders", ["dev"]),
        ("total", ["dev"]),
    ]
    assert all(each["ms"] >= 0 for one in document["scripts"] for each in one["measured"])
    for more in ((), ("--format", "markdown")):
        out = checkout.run("impact", "--target", "live", *more).out
        assert "measured before, the whole script: " in out
        assert " in dev" in out


def test_impact_names_who_is_in_the_way_right_now(checkout: Checkout, pg18: Server) -> None:
    import psycopg

    checkout.run("deploy", "dev", "--to", "orders", "-y")
    database = one(checkout, "dev")["server"]["database"]
    with psycopg.connect(pg18.conninfo(database, application_name="reporting")) as reader:
        reader.execute("SELECT * FROM shop.orders")
        pid = reader.info.backend_pid
        out = checkout.run("impact", "--target", "dev").out
        now = json.loads(checkout.run("impact", "--target", "dev", "--json").out)["now"]
    told = out.partition("Right now on dev\n")[2]
    assert f"would queue behind pid {pid} (reporting), idle in transaction for" in " ".join(told.split())
    (relation,) = now["relations"]
    assert (relation["schema"], relation["relation"], relation["wanted"]) == ("shop", "orders", "AccessExclusiveLock")
    assert [(held["pid"], held["mode"]) for held in relation["behind"]] == [(pid, "AccessShareLock")]
    assert relation["per_second"] is not None
    assert json.loads(checkout.run("impact", "--json").out)["now"] is None


def test_check_tells_each_check_with_its_state(checkout: Checkout) -> None:
    document = json.loads(checkout.run("check", "dev", "--json").out)
    states = {check["name"]: check["state"] for check in document["checks"]}
    assert states["server"] == "PASS"
    assert set(states.values()) <= {"PASS", "WARN", "FAIL", "UNKNOWN", "N-A"}
    assert "No invalid indexes" in checkout.run("check", "dev").out


def test_a_second_run_is_refused_and_named(checkout: Checkout, pg18: Server) -> None:
    import psycopg

    database = one(checkout, "dev")["server"]["database"]
    with psycopg.connect(pg18.conninfo(database, application_name="another run"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(75474063)")
        done = checkout.run("deploy", "dev", "-y")
    assert done.status == 3
    assert "another run" in done.out + done.err
    assert one(checkout, "dev")["registry"]["present"] is False


def test_attach_without_a_run_is_a_usage_error(checkout: Checkout) -> None:
    assert checkout.run("attach").status == 2
    assert checkout.run("attach", "20200101-000000-abcd").status == 2
    assert "No run" in checkout.run("runs").out


def test_a_dry_run_wants_the_last_word_and_leaves_nothing(checkout: Checkout) -> None:
    refused = checkout.run("deploy", "live", "--dry-run")
    assert refused.status == 3
    assert "--confirm" in refused.err
    assert checkout.run("deploy", "dev", "--dry-run").status == 3

    done = checkout.run("deploy", "live", "--dry-run", "--confirm", "live")
    assert done.status == 0, done.err
    assert "ROLLBACK" in done.out
    assert "sequences" in done.out
    assert one(checkout, "live")["registry"]["present"] is False

    lines = checkout.run("deploy", "dev", "--to", "total", "--dry-run", "--yes", "--json-lines")
    assert lines.status == 0, lines.err
    told = events(lines)
    assert told[0]["command"] == "dry-run"
    assert [event["change"] for event in told if event["event"] == "step_tried"] == [
        step["change"] for step in told[0]["steps"]
    ]
    assert one(checkout, "dev")["deployed"] == []
    (run, *_) = json.loads(checkout.run("runs", "--json").out)["runs"]
    assert (run["command"], run["state"]) == ("dry-run", "finished")


def test_a_dry_run_records_nothing_and_so_says_options_that_would(checkout: Checkout) -> None:
    assert checkout.run("deploy", "dev", "--dry-run", "--log-only", "--yes").status == 2


def test_of_very_many_changes_only_the_odd_ones_are_listed(checkout: Checkout) -> None:
    names = [f"c{number:03}" for number in range(1, 121)]
    checkout.plan(*(f"{name} {{at}} # note" for name in names))
    for name in names:
        checkout.write(f"deploy/{name}.sql", f"CREATE TABLE public.{name} ();\n")
        checkout.write(f"revert/{name}.sql", f"DROP TABLE public.{name};\n")
    checkout.write("deploy/c060.sql", "CREATE TABLE public.c060 ();\nCREATE TABLE public.another ();\n")
    done = checkout.run("deploy", "dev", "--yes", "--no-verify")
    assert done.status == 0, done.err
    told = done.err.splitlines()
    assert sum("one transaction" in line for line in told) == 22  # ten at each end, and two lines for those between
    assert [line.strip() for line in told if "more, one transaction each" in line] == [
        "… 49 more, one transaction each",
        "… 50 more, one transaction each",
    ]
    assert any("c060" in line for line in told)
    assert "their locks were not looked at" in done.err
