"""What the screen says of the scripts of changes: judged by the schema that each of them will meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.backend.protocol import ImpactFacts, PlanLine
from pgmig_tui.ui.previews import Requirements
from tests.cli.program import Checkout, environment, shop
from tests.database.places import Databases
from tests.servers import Server


def statement(facts: ImpactFacts, begins: str) -> StatementImpact:
    assert facts.impact is not None, facts.problem
    return next(one for one in facts.impact.statements if one.sql.startswith(begins))


def asked(checkout: Checkout, name: str, *, live: bool) -> ImpactFacts:
    session = ProjectSession(checkout.root, environment(checkout.home))
    change = next(line for line in session.facts.plan if line.name == name)
    return session.impact(change.change_id, "revert", "dev", live=live, pending=True)


def test_a_change_is_judged_after_the_pending_ones_that_it_requires(tmp_path: Path) -> None:
    """`total` isn't there yet: filling it overwrites nothing. Neither server nor catalog says so, the plan does."""
    checkout = shop(tmp_path, {"dev": "db:pg://nobody@127.0.0.1:1/shop"})
    plan = (checkout.root / "sqitch.plan").read_text()
    last = plan.splitlines()[-1]
    (checkout.root / "sqitch.plan").write_text(plan + last.replace("total [orders]", "fill [total]", 1) + "\n")
    checkout.change("fill", "UPDATE shop.orders SET total = 1;", "UPDATE shop.orders SET total = NULL;")
    session = ProjectSession(checkout.root, environment(checkout.home))
    lines = {line.change_id: line for line in session.facts.plan}
    ids = {line.name: line.change_id for line in lines.values()}
    before = Requirements(lines.values()).of(ids["fill"], frozenset(ids.values()))
    assert [lines[one].name for one in before][-1] == "total"
    for told, lost in ((before, False), ((), True)):
        facts = session.impact(ids["fill"], "deploy", "dev", live=False, pending=True, before=told)
        assert statement(facts, "UPDATE").data_loss.final == lost
    assert Requirements(lines.values()).of(ids["fill"], frozenset([ids["fill"]])) == (), (
        "what is deployed is there already"
    )


def test_an_error_of_several_lines_is_told_in_sentences(tmp_path: Path) -> None:
    checkout = shop(tmp_path, {"dev": "db:pg://nobody@127.0.0.1:1/shop"})
    error = ProjectSession(checkout.root, environment(checkout.home)).status("dev").error
    assert error.isprintable()
    assert "Connection refused. Is the server running" in error


def test_a_reworked_change_is_required_as_it_stood_before() -> None:
    lines = [PlanLine("a1", "a"), PlanLine("b1", "b", requires=("a",)), PlanLine("a2", "a", requires=("a@v1", "b"))]
    lines += [PlanLine("c1", "c", requires=("a", "other:a"))]
    by_id = {line.change_id: line for line in lines}
    assert Requirements(by_id.values()).of("b1", by_id) == ("a1",)
    assert Requirements(by_id.values()).of("c1", by_id) == ("a1", "b1", "a2")
    assert Requirements(by_id.values()).of("c1", {"a2"}) == ("a2",)


@pytest.mark.parametrize("live", [True, False])
def test_the_revert_of_a_pending_change_is_judged_by_the_schema_after_its_deploy(
    live: bool, tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    checkout = shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})
    assert checkout.run("deploy", "dev", "--to", "orders", "-y").status == 0
    drop = statement(asked(checkout, "total", live=live), "ALTER TABLE shop.orders DROP COLUMN")
    assert drop.data_loss.final, drop.data_loss
    assert [lock.mode.sql_name for lock in drop.locks if lock.relation == "orders"] == ["ACCESS EXCLUSIVE"]
    assert drop.risk != "none"


@pytest.mark.parametrize("live", [True, False])
def test_the_revert_of_a_table_that_is_still_to_be_made_loses_its_rows(
    live: bool, tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    checkout = shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})
    drop = statement(asked(checkout, "orders", live=live), "DROP TABLE")
    assert drop.data_loss.final, drop.data_loss
    assert [lock.mode.sql_name for lock in drop.locks if lock.relation == "orders"] == ["ACCESS EXCLUSIVE"]


def test_the_revert_of_a_deployed_change_is_judged_by_the_schema_after_the_reverts_of_those_that_came_later(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    checkout = shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})
    plan = (checkout.root / "sqitch.plan").read_text()
    (checkout.root / "sqitch.plan").write_text(plan + plan.splitlines()[-1].replace("total", "newest") + "\n")
    checkout.change("newest", "CREATE VIEW shop.newest AS SELECT id FROM shop.orders;", "DROP VIEW shop.newest;")
    assert checkout.run("deploy", "dev", "-y").status == 0
    drop = statement(asked(checkout, "orders", live=True), "DROP TABLE")
    assert drop.problem is None
    assert drop.data_loss.final
    told = json.loads(checkout.run("impact", "orders", "--revert", "--target", "dev", "--json").out)["scripts"]
    assert [script["change"] for script in told] == ["orders"]
    assert "error" not in told[0]["statements"][1], told[0]["statements"][1]


def test_impact_on_the_command_line_judges_the_revert_of_a_pending_change_alike(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    checkout = shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})
    told = json.loads(checkout.run("impact", "total", "orders", "--revert", "--target", "dev", "--json").out)["scripts"]
    assert [script["change"] for script in told] == ["total", "orders"]
    column, table = (next(one for one in script["statements"] if "shop.orders" in one["sql"]) for script in told)
    assert column["data_loss"]["what"] == ["the values of shop.orders.total"]
    assert table["data_loss"]["what"] == ["all rows of shop.orders"]


def test_environments_for_which_a_script_means_the_same_are_told_by_what_it_names(tmp_path: Path) -> None:
    checkout = shop(tmp_path, {"dev": "db:pg://nobody@127.0.0.1:1/one", "test": "db:pg://nobody@127.0.0.1:1/two"})
    conf = checkout.root / "sqitch.conf"
    conf.write_text(conf.read_text() + '\n[deploy "variables"]\n\tkeep = 90\n[target "test.variables"]\n\troom = big\n')
    scripts = {
        "plain": ("SELECT 1::int AS a, '10:15'::time, :nowhere;", True),
        "same": ("SELECT :keep;", True),
        "other": ("SELECT :'room';", False),
        "session": ('GRANT CONNECT ON DATABASE :"DBNAME" TO nobody;', False),
        "command": ("\\if true\nSELECT 1;\n\\endif", False),
    }
    plan = (checkout.root / "sqitch.plan").read_text()
    last = plan.splitlines()[-1]
    for name, (sql, _) in scripts.items():
        plan += last.replace("total [orders]", name, 1) + "\n"
        checkout.change(name, sql, "SELECT 1;")
    (checkout.root / "sqitch.plan").write_text(plan)
    session = ProjectSession(checkout.root, environment(checkout.home))
    ids = {line.name: line.change_id for line in session.facts.plan}

    def alike(name: str, before: tuple[str, ...] = ()) -> bool:
        earlier = tuple(ids[one] for one in before)
        one, other = (session.judged_alike(ids[name], "deploy", where, earlier) for where in ("dev", "test"))
        return one == other

    assert {name: alike(name) for name in scripts} == {name: same for name, (_, same) in scripts.items()}
    assert not alike("plain", ("command",)), "what runs before it counts, too"
    checkout.change("plain", "SELECT :'room';", "SELECT 1;")
    assert not alike("plain"), "the script is another one by now"
