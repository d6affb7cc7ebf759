"""`pgmig-tui impact` from the text alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgmig_tui.cli import main
from tests.cli.program import Checkout, shop

NOWHERE = "db:pg://localhost:1/nowhere"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return shop(tmp_path, {"dev": NOWHERE})


def test_the_json_of_impact_has_the_shape_that_is_promised(checkout: Checkout) -> None:
    done = checkout.run("impact", "total", "--json")
    assert (done.status, done.err) == (0, "")
    document = json.loads(done.out)
    assert document["catalog"] is False
    assert document["server_version_num"] == 180000
    (script,) = document["scripts"]
    assert (script["change"], script["path"], script["transactional"]) == ("total", "deploy/total.sql", True)
    begin, alter, commit = script["statements"]
    assert (begin["transaction_control"], commit["transaction_control"]) == ("begin", "commit")
    (lock,) = alter["locks"]
    assert {key: lock[key] for key in ("schema", "relation", "relkind", "mode", "certainty")} == {
        "schema": "shop",
        "relation": "orders",
        "relkind": "?",
        "mode": "AccessExclusiveLock",
        "certainty": "certain",
    }
    assert alter["blocks"] == {"reads": True, "writes": True, "ddl": True}
    assert alter["held_until_line"] == 3
    assert alter["data_loss"] == {"class": 0, "what": []}
    promised = {"line", "end_line", "sql", "kind", "transaction_control", "locks", "rewrites", "scans", "blocks"}
    promised |= {"held_until_line", "estimated_ms", "rows", "bytes", "data_loss", "risk", "advice"}
    assert promised <= set(alter)
    assert script["cumulative"] == [
        {"schema": "shop", "relation": "orders", "mode": "AccessExclusiveLock", "from_line": 2, "to_line": 3}
    ]


@pytest.mark.parametrize("line", ["\\! ls", "\\i deploy/nothing.sql"])
def test_what_is_refused_is_never_called_harmless(checkout: Checkout, line: str) -> None:
    (checkout.root / "deploy" / "total.sql").write_text(f"{line}\nSELECT 1;\n")
    done = checkout.run("impact", "total", "--fail-on", "high")
    assert done.status == 3, done.out
    assert "which locks it takes is unknown, risk high" in done.out
    assert json.loads(checkout.run("impact", "total", "--json").out)["scripts"][0]["risk"] == "high"


def test_format_json_is_the_same(checkout: Checkout) -> None:
    assert checkout.run("impact", "--format", "json").out == checkout.run("impact", "--json").out


def test_the_table_names_lock_relation_and_what_it_blocks(checkout: Checkout) -> None:
    out = checkout.run("impact", "total").out
    row = next(line for line in out.splitlines() if "ALTER TABLE" in line)
    assert "ACCESS EXCLUSIVE" in row
    assert "shop.orders" in row
    assert "reads, writes, DDL" in row


def test_without_changes_it_is_the_whole_plan_in_its_order(checkout: Checkout) -> None:
    scripts = json.loads(checkout.run("impact", "--json").out)["scripts"]
    assert [script["change"] for script in scripts] == ["schema", "orders", "total"]
    backwards = json.loads(checkout.run("impact", "--json", "--revert").out)["scripts"]
    assert [script["path"] for script in backwards] == ["revert/total.sql", "revert/orders.sql", "revert/schema.sql"]


def test_a_revert_that_loses_data_says_so(checkout: Checkout) -> None:
    (script,) = json.loads(checkout.run("impact", "total", "--revert", "--json").out)["scripts"]
    assert script["statements"][1]["data_loss"]["class"] >= 3
    assert "LOSES" in checkout.run("impact", "total", "--revert").out


def test_a_file_that_belongs_to_no_change(checkout: Checkout) -> None:
    checkout.write("loose.sql", "TRUNCATE shop.orders;\n")
    (script,) = json.loads(checkout.run("impact", "--file", "loose.sql", "--json").out)["scripts"]
    assert (script["change"], script["path"]) == ("", "loose.sql")
    assert script["statements"][0]["locks"][0]["mode"] == "AccessExclusiveLock"


@pytest.mark.parametrize(("limit", "status"), [("low", 3), ("critical", 0)])
def test_a_risk_can_fail_a_build(checkout: Checkout, limit: str, status: int) -> None:
    assert checkout.run("impact", "total", "--fail-on", limit).status == status


@pytest.mark.parametrize(
    ("files", "warned"),
    [
        ({}, False),
        ({"sqitch.conf": "[core]\n\tengine = pg\n"}, False),
        ({"sqitch.plan": "no plan at all"}, False),
        ({"sqitch.conf": "[core"}, True),
        ({"pgmig.toml": "x = = "}, True),
    ],
)
def test_a_file_needs_no_project_around_it(tmp_path: Path, files: dict[str, str], warned: bool) -> None:
    (tmp_path / "folder").mkdir()
    here = Checkout(tmp_path / "folder", tmp_path)
    for name, text in files.items():
        here.write(name, text)
    here.write("loose.sql", "\\i more.sql\nALTER TABLE public.a ADD COLUMN b int;\n")
    here.write("more.sql", "DROP TABLE public.c;\n")
    done = here.run("impact", "--file", "loose.sql", "--json")
    assert done.status == 0
    assert ("can't be" in done.err) is warned
    (script,) = json.loads(done.out)["scripts"]
    assert [one["kind"] for one in script["statements"]] == ["DROP TABLE", "ALTER TABLE"]
    refused = here.run("impact")
    assert refused.status == 2, "without --file it needs a project as ever"


def test_a_file_is_looked_at_from_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "loose.sql").write_text("DROP TABLE public.c;\n")
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setenv("PWD", str(tmp_path))
    assert main(["impact", "--json", "--file", str(tmp_path / "loose.sql")], lambda *_: 0) == 0
    assert main(["impact", "--json", "--file", "loose.sql"], lambda *_: 0) == 2


def test_a_silenced_advice_fails_no_build_and_says_why(checkout: Checkout) -> None:
    sql = "CREATE INDEX total_id ON shop.orders (id);"
    checkout.change("total", sql)
    assert checkout.run("impact", "total", "--fail-on", "medium").status == 3
    checkout.change("total", f"-- pgmig: allow index-concurrently it has 40 rows\n{sql}")
    done = checkout.run("impact", "total", "--fail-on", "medium")
    assert done.status == 0
    assert "index-concurrently is silenced: it has 40 rows" in done.out
    (script,) = json.loads(checkout.run("impact", "total", "--json").out)["scripts"]
    assert script["statements"][1]["silenced"] == {"index-concurrently": "it has 40 rows"}
    assert script["findings"] == []
    checkout.change("total", f"-- pgmig: allow index-concurrently\n{sql}")
    done = checkout.run("impact", "total", "--fail-on", "medium")
    assert done.status == 3
    assert "line 2: this gives no reason" in done.out
    (script,) = json.loads(checkout.run("impact", "total", "--json").out)["scripts"]
    assert [(one["line"], one["code"]) for one in script["findings"]] == [(2, "silence")]


def test_what_can_not_be_parsed_is_named_with_line_and_column(checkout: Checkout) -> None:
    checkout.change("total", "ALTER TABEL shop.orders ADD x int;")
    done = checkout.run("impact", "total", "--json")
    statement = json.loads(done.out)["scripts"][0]["statements"][1]
    assert (statement["kind"], statement["risk"]) == ("UNPARSED", "high")
    assert statement["problem"]["line"] == 2
    assert statement["problem"]["column"] > 0
    assert checkout.run("impact", "total", "--fail-on", "high").status == 3
    assert "UNPARSED" in checkout.run("impact", "total").out


def test_what_psql_knows_of_its_session_has_stand_ins(checkout: Checkout) -> None:
    checkout.change(
        "total",
        'GRANT CONNECT ON DATABASE :"DBNAME" TO :"USER";\n'
        "GRANT SELECT ON shop.orders TO :USER;\n"
        "ALTER DATABASE :DBNAME SET work_mem = '1MB';\n"
        "SELECT :'HOST', :PORT, :'ENCODING', :SERVER_VERSION_NUM;\n",
    )
    done = checkout.run("impact", "total", "--json", "--fail-on", "high")
    kinds = [one["kind"] for one in json.loads(done.out)["scripts"][0]["statements"]]
    assert (done.status, kinds[1:5]) == (0, ["GRANT", "GRANT", "ALTER DATABASE", "SELECT"]), done


def test_markdown_for_a_pull_request(checkout: Checkout) -> None:
    out = checkout.run("impact", "total", "--format", "markdown").out
    assert out.startswith("<!-- pgmig-tui impact -->\n# Lock impact\n")
    assert "| total | ACCESS EXCLUSIVE | shop.orders |  | medium |" in out
    assert "<details>\n<summary>total deploy/total.sql one transaction, ACCESS EXCLUSIVE on" in out
    assert "| 2 | ALTER TABLE | ACCESS EXCLUSIVE | shop.orders |" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["impact", "nothing"], "nothing"),
        (["impact", "--file", "none.sql"], "none.sql"),
        (["impact", "total", "--file", "deploy/total.sql"], "--file"),
        (["impact", "--json", "--format", "table"], "--json"),
        (["impact", "--target", "nowhere"], "nowhere"),
    ],
)
def test_what_can_not_be_is_refused(checkout: Checkout, arguments: list[str], named: str) -> None:
    done = checkout.run(*arguments)
    assert done.status == 2
    assert named in done.err
    assert done.out == ""


def test_a_missing_script_is_named(checkout: Checkout) -> None:
    (checkout.root / "deploy/orders.sql").unlink()
    done = checkout.run("impact")
    assert done.status == 2
    assert "deploy/orders.sql" in done.err


def test_hostile_names_do_not_steer_the_terminal(checkout: Checkout) -> None:
    checkout.change("total", 'DROP TABLE "[red]\x1b[31m[/foo]";')
    for style in ("table", "markdown"):
        done = checkout.run("impact", "total", "--format", style)
        assert done.status == 0
        assert "\x1b" not in done.out
        assert "red" in done.out
