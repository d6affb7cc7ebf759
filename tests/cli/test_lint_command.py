"""`lint`: changes, files and folders, its formats and exit statuses, silenced and known findings, hostile input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Checkout

FOUND = 3
GOOD = "20260131_0001_add_orders"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "project", tmp_path / "home")
    made.root.mkdir()
    made.home.mkdir()
    made.targets({})
    made.plan(f"{GOOD} {{at}} # Orders", "total {at} # Total")
    why = "-- Why: orders are kept.\n"
    made.write(f"deploy/{GOOD}.sql", why + "BEGIN;\nCREATE TABLE shop.orders (id bigint PRIMARY KEY);\nCOMMIT;\n")
    made.write(f"revert/{GOOD}.sql", why + "DROP TABLE shop.orders;\n")
    made.write(f"verify/{GOOD}.sql", why + "SELECT id FROM shop.orders WHERE FALSE;\n")
    made.change("total", "ALTER TABLE shop.orders ADD COLUMN total int;", "SELECT 1;", "SELECT 1;")
    return made


def codes(text: str) -> list[str]:
    return [str(one["code"]) for one in json.loads(text)["findings"]]


def test_a_change_without_a_finding_and_one_with(checkout: Checkout) -> None:
    assert checkout.run("lint", GOOD).out == "no findings in 1 change or file\n"
    done = checkout.run("lint")
    assert done.status == FOUND
    assert "revert/total.sql:1:1: error revert-incomplete: column shop.orders.total stays" in done.out
    assert "verify/total.sql:2:1: error verify-cannot-fail" in done.out
    assert done.out.endswith("of information alone in 2 changes or files\n")


def test_a_file_and_a_folder_need_no_project(checkout: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "flyway"
    folder.mkdir()
    (folder / "V10__b.sql").write_text("DROP TABLE app.b;")
    (folder / "V9__a.sql").write_text("DROP TABLE app.a;")
    (folder / "20_dbmate.sql").write_text("-- migrate:up\nDROP TABLE app.c;\n-- migrate:down\nDROP TABLE app.d;\n")
    outside = Checkout(folder, checkout.home)
    done = outside.run("lint", ".", "--json")
    assert done.status == 0, done
    told = [(one["path"], one["line"]) for one in json.loads(done.out)["findings"] if one["code"] == "drop-table"]
    assert told == [("20_dbmate.sql", 2), ("V9__a.sql", 1), ("V10__b.sql", 1)]
    done = outside.run("impact", ".", "--json")
    assert [one["path"] for one in json.loads(done.out)["scripts"]] == ["20_dbmate.sql", "V9__a.sql", "V10__b.sql"]
    done = checkout.run("impact", "total", "verify/total.sql")
    assert (done.status, "stands instead of changes" in done.err) == (2, True)
    assert codes(outside.run("lint", "--file", "V9__a.sql", "--json").out) == ["drop-table"]
    assert codes(checkout.run("lint", "verify/total.sql", "--json").out) == codes(
        checkout.run("lint", "total", "--json").out
    ), "the script of a change stands for the change"


def test_pgmig_toml_decides_what_counts(checkout: Checkout) -> None:
    environment = '[[environment]]\nname = "dev"\ntarget = "db:pg:dev"\n'
    severity = 'severity = { "revert-incomplete" = "info", "verify-cannot-fail" = "off" }'
    checkout.write("pgmig.toml", f'{environment}[lint]\nname = ""\n{severity}\n')
    done = checkout.run("lint", "total", "--json")
    assert done.status == 0
    assert "change-name" not in codes(done.out)
    assert "verify-cannot-fail" not in codes(done.out)
    assert checkout.run("lint", "total", "--fail-on", "info").status == FOUND
    checkout.write("pgmig.toml", f'{environment}[lint]\nseverity = {{ "drop-tabel" = "off" }}\n')
    done = checkout.run("lint", "total")
    assert (done.status, "there is no rule drop-tabel" in done.err) == (2, True)
    assert "drop-table" in done.err
    checkout.write("pgmig.toml", f'{environment}[lint]\nfail_on = "never"\n')
    assert "lint.fail_on: expected one of" in checkout.run("lint", "total").err
    assert "lint.fail_on: expected one of" in checkout.run("plan").err


def test_a_baseline_keeps_what_is_known_wherever_its_line_goes(checkout: Checkout) -> None:
    assert checkout.run("lint", "--write-baseline", "known.json").status == 0
    assert checkout.run("lint", "--baseline", "known.json").status == 0
    script = checkout.root / "verify/total.sql"
    script.write_text("\n\n-- moved down\n" + script.read_text())
    assert checkout.run("lint", "--baseline", "known.json").status == 0
    script.write_text("SELECT 2;\n")
    done = checkout.run("lint", "--baseline", "known.json", "--json")
    assert (done.status, codes(done.out)) == (FOUND, ["verify-cannot-fail"])
    assert json.loads(done.out)["in_baseline"] > 0
    checkout.write("known.json", "[]")
    done = checkout.run("lint", "--baseline", "known.json")
    assert (done.status, "can't be read" in done.err) == (2, True)


def test_github_and_gitlab_read_it(checkout: Checkout) -> None:
    done = checkout.run("lint", "total", "--format", "github")
    assert done.status == FOUND
    assert "::error file=revert/total.sql,line=1,col=1,title=revert-incomplete::column shop.orders.total" in done.out
    report = json.loads(checkout.run("lint", "total", "--format", "gitlab").out)
    assert {one["severity"] for one in report} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({one["fingerprint"] for one in report}) == len(report)
    assert all(isinstance(one["location"]["lines"]["begin"], int) for one in report)


def test_sarif_is_as_version_2_1_0_wants_it(checkout: Checkout) -> None:
    document = json.loads(checkout.run("lint", "--format", "sarif").out)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "pgmig-tui"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert run["results"]
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert not place["artifactLocation"]["uri"].startswith("/")
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())


def test_usage_is_told(checkout: Checkout) -> None:
    for words, said in {
        "lint totl": 'did you mean "total"',
        "lint total --file x.sql": "--file stands instead",
        "lint --json --format sarif": "can't both be",
        "lint nowhere.sql": "can't be read",
    }.items():
        done = checkout.run(*words.split())
        assert (done.status, said.lower() in done.err.lower()) == (2, True), (words, done)


def test_what_steers_a_terminal_is_shown(checkout: Checkout) -> None:
    checkout.write("evil\x1b[2J.sql", 'DROP TABLE app."a\x1b]0;owned\x07";\n')
    for style in ("text", "json", "sarif", "github", "gitlab"):
        done = checkout.run("lint", "evil\x1b[2J.sql", "--format", style)
        assert "owned" in done.out
        assert "\x1b" not in done.out
