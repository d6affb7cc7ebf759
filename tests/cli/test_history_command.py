"""`history` and `audit verify` as they are typed: table, JSON, CSV, exit status."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

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
    for words in (("--csv", "--json"), ("--since", "yesterday"), ("--outcome", "good")):
        assert made.run("history", "dev", *words).status == 2
    whole = made.run("audit", "verify", "dev", "--json")
    assert (whole.status, json.loads(whole.out)["environments"][0]["state"]) == (0, "intact")
    pg18.execute("UPDATE pgmig.schema_audit SET sql_statement = 'SELECT 1'", database)
    altered = made.run("audit", "verify", "dev")
    assert (altered.status, "dev: altered" in altered.out) == (1, True)
    assert "isn't what was written" in altered.out
    pg18.execute("DROP TABLE pgmig.evidence CASCADE", database)
    unknown = made.run("audit", "verify", "dev")
    assert (unknown.status, "dev: unknown" in unknown.out) == (1, True), "what can't be judged is never green"
