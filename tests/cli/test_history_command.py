"""`history` and `audit verify` as they are typed: table, JSON, CSV, exit status."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

from pgmig_tui.cli.history import _trimmed
from pgmig_tui.database.retention import Prefix
from pgmig_tui.review.retention import Trimmed
from tests.cli.program import shop
from tests.servers import Server


def test_the_past_is_printed_in_three_ways_and_a_rewritten_one_is_found(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    made = shop(tmp_path, {"dev": pg18.uri(database)})
    assert made.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    table = made.run("history", "dev")
    assert table.status == 0, table.err
    assert "done, verified" in table.out
    told = json.loads(made.run("history", "dev", "--json").out)
    assert [(one["operation"], one["change"], one["outcome"]) for one in told["deeds"]] == [
        ("deploy", "schema", "done"), ("deploy", "orders", "done"),
    ]  # fmt: skip
    assert told["contradictions"] == []
    rows = list(csv.DictReader(StringIO(made.run("history", "dev", "--csv", "--change", "orders").out)))
    assert [(row["operation"], row["change"], row["told_by"]) for row in rows] == [
        ("deploy", "orders", "registry and tracking")
    ]
    for words, count in (
        (("--by", "POSTGRES"), 2), (("--by", "nobody"), 0), (("--outcome", "done", "--operation", "deploy"), 2),
        (("--outcome", "failed", "--outcome", "partly"), 0), (("--operation", "revert"), 0),
    ):  # fmt: skip
        found = json.loads(made.run("history", "dev", "--json", *words).out)
        assert len(found["deeds"]) == count, (words, found)
    for since, count in (("7d", 2), ("2h", 2), ("2020-01-31", 2), ("2099-01-31T13:00+01:00", 0)):
        found = json.loads(made.run("history", "dev", "--json", "--since", since).out)
        assert len(found["deeds"]) == count, (since, found)
    for words in (("--csv", "--json"), ("--since", "yesterday"), ("--outcome", "good")):
        assert made.run("history", "dev", *words).status == 2
    whole = made.run("audit", "verify", "dev", "--json")
    assert (whole.status, json.loads(whole.out)["environments"][0]["state"]) == (0, "intact")
    export = tmp_path / "old.jsonl"
    trim = ("audit", "trim", "dev", "--before", "2020-01-01")
    assert "is older than" in made.run(*trim).out
    for refused in (trim[:3], ("audit", "trim", "--all", "--before", "2020-01-01"), (*trim[:4], "whenever")):
        assert made.run(*refused).status == 2
    pg18.execute("SELECT pg_sleep(0.001)", database)
    ((now,),) = pg18.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')", database)
    trim = ("audit", "trim", "dev", "--before", f"{now}+00:00")
    dry = made.run(*trim, "--json")
    assert (dry.status, json.loads(dry.out)["trimmed"], json.loads(dry.out)["prefix"]["migrations"]) == (0, False, 2)
    assert (made.run(*trim, "--export", str(export)).status, export.exists()) == (3, False), "nobody said yes"
    done = made.run(*trim, "--export", str(export), "--yes")
    assert (done.status, "Taken away, and exported to" in done.out) == (0, True), done.err
    assert export.exists()
    assert made.run("audit", "verify", "dev").status == 0
    assert made.run("deploy", "dev", "--yes").status == 0
    pg18.execute("UPDATE pgmig.schema_audit SET sql_statement = 'SELECT 1'", database)
    altered = made.run("audit", "verify", "dev")
    assert (altered.status, "dev: altered" in altered.out) == (1, True)
    assert "isn't what was written" in altered.out
    pg18.execute("DROP TABLE pgmig.evidence CASCADE", database)
    unknown = made.run("audit", "verify", "dev")
    assert (unknown.status, "dev: unknown" in unknown.out) == (1, True), "what can't be judged is never green"


def test_how_long_a_change_took_is_told_everywhere_and_where_nobody_answers_it_is_unknown(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    made = shop(tmp_path, {"dev": pg18.uri(database), "gone": "db:pg://nobody@127.0.0.1:1/none"})
    assert made.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    assert made.run("revert", "dev", "--to", "schema", "--yes").status == 0
    took = ("history", "--change", "orders", "--durations")
    told = json.loads(made.run(*took, "--json").out)
    assert [(one["environment"], one["operation"]) for one in told["took"]] == [("dev", "deploy"), ("dev", "revert")]
    first, second = told["environments"]
    deploy = told["took"][0]["ms"]
    assert (first["environment"], first["deploys"], first["median_ms"], first["problem"]) == ("dev", 1, deploy, "")
    assert (second["environment"], second["deploys"], second["median_ms"]) == ("gone", 0, None)
    assert second["problem"], "a server that doesn't answer isn't one without deploys"
    table = made.run(*took, env={"COLUMNS": "80"})
    assert max(map(len, table.out.splitlines()[:4])) <= 80
    assert f"{told['took'][0]['at'][:10]} " in table.out, "a moment stands in one line"
    assert (table.status, "█" in table.out) == (0, True), table.err
    assert "dev 1 measured, median" in table.out
    assert "gone unknown" in table.out
    assert "what it took there is unknown" in " ".join(table.err.split())
    plain = made.run(*took, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert (plain.status, "##" in plain.out, plain.out.isascii()) == (0, True, True)
    one = json.loads(made.run("history", "dev", *took[1:], "--json", "--operation", "revert").out)
    assert ([one["operation"] for one in one["took"]], len(one["environments"])) == (["revert"], 1)
    (row, _) = csv.DictReader(StringIO(made.run(*took, "--csv").out))
    assert row["environment"] == "dev"
    for words in (("history", "--durations"), (*took, "--csv", "--json"), (*took, "--since", "yesterday")):
        assert made.run(*words).status == 2, words
    assert "orders" in made.run("history", "dev", "--change", "order", "--durations").out, "meant was perhaps that"

    run = told["took"][0]["run_id"]
    page = tmp_path / "run.html"
    assert made.run("report", run, "--format", "html", "-o", str(page)).status == 0
    text = page.read_text(encoding="utf-8")
    assert "<title>Timeline of the run".removeprefix("<title>") in text
    assert "How long orders" in text, "this run and the one that reverted it"
    assert made.run("report", run, "--format", "html").out == text
    assert json.loads(made.run("report", run, "--format", "json").out)["run"] == run
    assert made.run("report", run).out.startswith("# deploy")
    for against in (("--format", "html", "--incident"), ("--format", "html", "--json"), ("-o", str(tmp_path))):
        assert made.run("report", run, *against).status == 2, against


def test_what_has_to_stay_is_not_called_younger() -> None:
    nothing = Prefix("c", 49, 49, "", 0, 0, 0, "", "")
    told = _trimmed(Trimmed("dev", "2026-11-30T23:24:47Z", nothing, "rows behind 49 stay: nobody has witnessed them"))
    assert told.startswith(
        "Nothing of the record of dev that is older than 2026-11-30 23:24:47Z can go. Rows behind 49"
    )
