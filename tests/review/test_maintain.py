"""Maintenance on projects that were really deployed: our own leftovers, retention, old migrations, the drill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.database import backfill
from pgmig_tui.database.connect import connect
from pgmig_tui.errors import Refused
from pgmig_tui.gates.backup import make_backup
from pgmig_tui.gates.decode import Damaged
from pgmig_tui.gates.progress import BackupProgress
from pgmig_tui.project.maintain_policy import DAY_MS, MaintainPolicy
from pgmig_tui.review.backups import folder_of
from pgmig_tui.review.maintain import SECTIONS, Section, for_primary, maintain
from pgmig_tui.review.maintain_drill import drill_section, run_drill
from pgmig_tui.review.maintain_facts import MaintainFinding
from pgmig_tui.review.maintain_leftovers import Patience, leftovers
from pgmig_tui.review.maintain_old import Foldable, foldable
from tests.database.places import plan, role, session
from tests.run.conftest import Workshop, workshop18, workshop_on
from tests.run.test_keep import look_at, with_orders

__all__ = ["workshop18", "workshop_on"]

TODAY = datetime(2026, 1, 1, tzinfo=UTC).date()


def look(
    workshop: Workshop, *names: str, keep: int | None = None, who: dict[str, str] | None = None
) -> dict[str, Section]:
    project, environment = workshop.project()
    target = replace(environment.target, conninfo={**environment.target.conninfo, **(who or {})})
    there = replace(environment, target=target, maintain=MaintainPolicy(keep_ms=keep))
    wanted = [one for one in SECTIONS if one in names]
    return {one.name: one for one in maintain(project, there, state_dir=workshop.state_dir, names=wanted).sections}


def left(workshop: Workshop, **who: str) -> dict[str, MaintainFinding]:
    project, environment = workshop.project()
    parts = {**environment.target.conninfo, **who}
    target = replace(environment.target, conninfo=parts)
    with connect(target, application_name="pgmig/maintain/read") as connection:
        found = leftovers(project, environment, connection, workshop.state_dir, TODAY, Patience(0, 0))
    return {one.name: one for one in found.findings}


def test_what_runs_of_ours_have_left_is_found_or_said_to_be_hidden(workshop18: Workshop) -> None:
    with_orders(workshop18)
    workshop18.change("more", "ALTER TABLE orders ADD more int;", "DROP TABLE orders CASCADE;")
    assert workshop18.run().status == 0
    done = workshop18.finish(look_at(workshop18).plan)
    assert done.status == 0, done.named("step_failed")
    workshop18.query("UPDATE pgmig_keep.kept SET expires_at = now() - interval '1 day'")
    run = done.plan.run_id
    workshop18.query(f"UPDATE pgmig.runs SET state = 'running', finished_at = NULL WHERE run_id = '{run}'")
    with session(workshop18.server, workshop18.dbname) as connection:
        backfill.create(connection, "pgmig", backfill.missing(connection, "pgmig"))
        backfill.begin(
            connection, "pgmig", "20260101-000000-0001", "hash", "UPDATE", "public.orders", ["id"], ("9",), "ana"
        )
    found = left(workshop18)
    kinds = {one.kind for one in found.values()}
    assert kinds == {"expired keep", "run", "backfill"}
    assert found[f"run {run}"].command.startswith("reconcile ")
    assert found["backfill 20260101-000000-0001"].command.endswith("--resume 20260101-000000-0001")
    (kept,) = (one for one in found.values() if one.kind == "expired keep")
    assert kept.summary.startswith("5,000 rows of public.orders, kept before more was reverted by ")
    assert (kept.every, kept.lock) == (True, "ACCESS EXCLUSIVE")
    with role(workshop18.server) as who:
        hidden = left(workshop18, **who)
        assert {one.name for one in hidden.values()} == {
            "unseen pgmig.runs", "unseen pgmig.backfill_progress", "unseen pgmig_keep.kept",
        }  # fmt: skip
        assert {one.state for one in hidden.values()} == {"UNKNOWN"}
        retention = look(workshop18, "retention", who=who)["retention"]
        assert (retention.state, retention.findings[0].name) == ("UNKNOWN", "unseen record")
    for sql in kept.sql:
        workshop18.query(sql)
    assert "expired keep" not in {one.kind for one in left(workshop18).values()}
    workshop18.query(
        "CREATE VIEW pgmig.kept AS SELECT 1; DROP TABLE pgmig.runs; CREATE VIEW pgmig.runs AS SELECT 1 AS a"
    )
    assert "unseen pgmig.runs" in left(workshop18), "a table of that name that isn't ours is never read"

    at_all = look(workshop18, "history", "retention", keep=DAY_MS)
    assert (at_all["history"].state, at_all["retention"].state) == ("PASS", "PASS")
    values = at_all["history"].values
    assert (values["deploys"], values["reverts"], values["failures"]) == (2, 1, 0)
    workshop18.query("UPDATE pgmig.schema_migrations SET installed_on = installed_on - interval '3 days'")
    old = look(workshop18, "retention", keep=DAY_MS)["retention"]
    (due,) = old.findings
    assert old.values["trimmed"] == 3
    assert due.command == f"audit trim {workshop18.uri} --before {old.values['before']} --export FILE"
    assert "3 rows are older than 24 h 00 min: 3 of schema_migrations" in due.summary
    workshop18.query("DELETE FROM sqitch.tags; DELETE FROM sqitch.dependencies; DELETE FROM sqitch.changes")
    contradicted = look(workshop18, "history")["history"]
    assert [one.name for one in contradicted.findings] == ["contradiction base"]


PLAN = """\
a 2024-01-01T00:00:00Z A <a@x> # a
b [a] 2024-01-01T00:00:01Z A <a@x> # b
@v1 2024-01-01T00:00:02Z A <a@x> # v1
c 2024-01-01T00:00:03Z A <a@x> # c
b [b@v1] 2024-01-01T00:00:04Z A <a@x> # again
d [a c other:x] 2024-01-01T00:00:05Z A <a@x> # d
@v2 2024-01-01T00:00:06Z A <a@x> # v2
"""


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ("11111", Foldable(5, "d", "v2", (), ())),
        ("11100", Foldable(2, "b", "v1", ("b", "d"), ("b",))),
        ("10111", Foldable(1, "a", "", ("b", "d"), ())),
        ("00000", Foldable(0, "", "", (), ())),
    ],
)
def test_what_could_be_folded_ends_at_a_tag_and_names_what_is_built_on_it(ages: str, expected: Foldable) -> None:
    made = plan(PLAN)
    at = {one.change_id: "2025" if age == "1" else "2027" for one, age in zip(made.changes, ages, strict=True)}
    everywhere = {one.change_id: "2024" for one in made.changes}
    assert foldable(made, [everywhere, at], "2026") == expected
    if ages == "11111":
        del everywhere[made.changes[4].change_id]
        assert foldable(made, [everywhere, at], "2026").count == 2, "not deployed is not old"


def test_a_drill_is_due_until_a_backup_was_restored_and_again_when_its_time_is_over(
    workshop18: Workshop, tmp_path: Path
) -> None:
    workshop18.change("orders", "CREATE TABLE public.orders (id int);", "", "SELECT id FROM public.orders WHERE false;")
    assert workshop18.run().status == 0
    project, environment = workshop18.project()
    state_dir, now = workshop18.state_dir, datetime.now(UTC)
    with connect(environment.target, application_name="pgmig/test") as connection:
        identity = connection.identity()
    due = drill_section(environment, identity, state_dir, now)
    assert (due.state, due.findings[0].name) == ("WARN", f"drill due {workshop18.dbname}")
    assert "there is no backup of this account" in due.findings[0].summary
    with pytest.raises(Refused, match="there is no backup of"):
        run_drill(project, environment, state_dir=state_dir)

    made, _ = make_backup(environment.target, folder_of(state_dir), "run", verify="restore")
    with pytest.raises(Refused, match="is no dump of"):
        run_drill(project, environment, state_dir=state_dir, backup=str(Path(made.path).with_name("other.dump")))
    told: list[BackupProgress] = []
    drill, proof = run_drill(project, environment, state_dir=state_dir, backup=made.path, tell=told.append)
    assert (proof.state, drill.path, drill.restore_s) == ("PASS", made.path, proof.restore_s)
    assert "restoring" in {one.doing for one in told}
    done = drill_section(environment, identity, state_dir, now)
    assert (done.state, done.values["restore_s"], done.values["proven_by"]) == ("PASS", proof.restore_s, drill.by)
    later = drill_section(environment, identity, state_dir, now + timedelta(days=91))
    assert (later.state, later.findings[0].since) == ("WARN", drill.at)
    elsewhere = tmp_path / Path(made.path).name
    elsewhere.write_bytes(Path(made.path).read_bytes()[:-2000])
    elsewhere.with_suffix(".json").write_text(Path(made.path).with_suffix(".json").read_text())
    with pytest.raises(Damaged, match=str(elsewhere)):
        run_drill(project, environment, state_dir=state_dir, backup=str(elsewhere))
    failed = drill_section(environment, identity, state_dir, now)
    assert (failed.state, failed.findings[0].name) == ("WARN", f"drill failed {workshop18.dbname}")
    assert "can't be read" in failed.findings[0].summary or "SHA-256 differs" in failed.findings[0].summary
    Path(made.path).replace(elsewhere)
    assert run_drill(project, environment, state_dir=state_dir, backup=str(elsewhere))[0].path == str(elsewhere)
    assert drill_section(environment, identity, state_dir, now).state == "PASS"
    elsewhere.replace(made.path)
    Path(made.path).with_suffix(".restored").unlink()
    assert drill_section(environment, identity, state_dir, now).state == "PASS", "it outlives the backup"
    others = replace(environment.policy, backup=replace(environment.policy.backup, kind="pgbackrest", name="main"))
    theirs = drill_section(replace(environment, policy=others), identity, state_dir, now + timedelta(days=91))
    assert (theirs.state, theirs.findings[0].name) == ("UNKNOWN", "unseen drill of pgbackrest")


def test_a_session_that_is_cut_leaves_what_was_not_asked_unknown(workshop18: Workshop) -> None:
    """Nothing waits, and nothing is green that was not seen."""
    workshop18.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\n'
    workshop18.change("one", "SELECT 1;")
    project, environment = workshop18.project()

    def heard(one: Section) -> None:
        if one.name == "leftovers":
            with psycopg.connect(workshop18.server.conninfo("postgres"), autocommit=True) as killer:
                killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [workshop18.dbname]
                )

    found = maintain(project, environment, state_dir=workshop18.state_dir, heard=heard)
    states = {one.name: one.state for one in found.sections}
    assert {name for name, state in states.items() if state == "UNKNOWN"} == {"retention", "drill", "access"}
    assert found.unreachable


def test_statements_for_a_standby_are_said_to_be_for_its_primary() -> None:
    drop = MaintainFinding("invalid index", "a.b", "INVALID", sql=("DROP INDEX a.b",))
    silent = MaintainFinding("no expiry", "ana", "for ever")
    for findings, standby, notes in (((drop, silent), True, 1), ((silent,), True, 0), ((drop,), False, 0)):
        found = for_primary(Section("leftovers", "WARN", "", findings, ("one",)), standby=standby)
        assert len(found.notes) == 1 + notes, (findings, standby)
        assert all("its primary" in one for one in found.notes[1:])
