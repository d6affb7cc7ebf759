"""The oldest rows of the record are exported and taken away; who has witnessed a later row still calls it intact, and a
checkpoint that hides more than a trim is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.errors import NotPermitted, PgmigError, Refused, UsageError
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.review.audit import Audited, audit_all, audit_one
from pgmig_tui.review.history import read_history
from pgmig_tui.review.retention import Trimmed, export_and_trim, would_trim
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.run.planning.prepare import prepare
from tests.database.places import role
from tests.run.conftest import ENV, Workshop

TOML = '[[environment]]\nname = "{}"\ntarget = "{}"\n'


class Two:
    """Two environments, `box` and `stage`, that witness each other."""

    def __init__(self, workshop: Workshop, other: str) -> None:
        self.workshop, self.other = workshop, other
        for name in "abcd":
            workshop.change(name, f"BEGIN;\nCREATE TABLE public.{name} ();\nCOMMIT;\n")
        workshop.toml = TOML.format("stage", workshop.server.uri(other)) + TOML.format("box", "$URI")
        workshop.project()

    @property
    def project(self) -> Project:
        return load_project(self.workshop.root, ENV)

    def deploy(self, name: str, to: str) -> None:
        environment = self.project.environment(name)
        plan = prepare(self.project, environment, "deploy", Options(to=to), state_dir=self.workshop.state_dir)
        assert self.workshop.finish(plan).status == 0

    def stage(self, sql: str) -> list[tuple[object, ...]]:
        return self.workshop.server.execute(sql, self.other)

    @property
    def place(self) -> Environment:
        return self.project.environment("stage")

    def now(self) -> datetime:
        ((at,),) = self.stage("SELECT clock_timestamp()")
        assert isinstance(at, datetime)
        return at.astimezone(UTC)

    def trim(self, before: datetime, path: Path) -> Trimmed:
        return export_and_trim(self.project, self.place, before, path, state_dir=self.workshop.state_dir)

    def judged(self) -> Audited:
        (found,) = [one for one in audit_all(self.project) if one.environment == "stage"]
        return found


@pytest.fixture
def two(workshop18: Workshop) -> Iterator[Two]:
    other = workshop18.server.create_database()
    try:
        yield Two(workshop18, other)
    finally:
        workshop18.server.drop_database(other)


def test_a_beginning_is_exported_and_goes_behind_a_checkpoint(two: Two, tmp_path: Path) -> None:
    two.deploy("box", "a")
    two.deploy("stage", "a")
    two.deploy("stage", "b")
    early = two.now()
    two.deploy("stage", "c")
    before = {name: two.stage(f"SELECT count(*) FROM pgmig.{name}")[0][0] for name in ("schema_audit", "evidence")}
    none = would_trim(two.project, two.place, datetime(2020, 1, 1, tzinfo=UTC))
    assert none.prefix.empty
    told = would_trim(two.project, two.place, early)
    assert (told.prefix.migrations, told.prefix.statements, told.held) == (2, 2, "")
    path = tmp_path / "old.jsonl"
    done = two.trim(early, path)
    lines = path.read_bytes().splitlines()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == done.sha256
    assert path.stat().st_mode & 0o777 == 0o600
    head, *rows = (json.loads(line) for line in lines)
    assert (head["until"], head["hash"], head["environment"]) == (done.prefix.until, done.prefix.hash, "stage")
    names = [one["row"]["version"] for one in rows if one["table"] == "schema_migrations"]
    assert names == ["a", "b"]
    kept = two.stage("SELECT version, (SELECT count(*) FROM pgmig.schema_audit) FROM pgmig.schema_migrations")
    assert kept == [("c", int(str(before["schema_audit"])) - 2)]
    found = audit_one(two.place)
    assert (found.state, "behind the checkpoint at row" in found.summary) == ("intact", True)
    assert read_history(two.project, two.place).contradictions == ()
    two.deploy("stage", "d")
    assert two.stage("SELECT count(*) FROM pgmig.schema_migrations WHERE operation = 'adopt'") == [(0,)]
    assert audit_one(two.place).state == "intact"
    again = two.trim(two.now(), tmp_path / "later.jsonl")
    assert (again.prefix.since, again.prefix.migrations) == (done.prefix.until, 2)
    assert audit_one(two.place).state == "intact"
    assert two.stage("SELECT item, state FROM pgmig.evidence ORDER BY id") == [
        ("checkpoint", "PASS"),
        ("witness:box", "PASS"),
    ], "what it has seen of another environment isn't forgotten"


def test_witnesses_tell_a_trim_from_what_a_checkpoint_would_hide(two: Two, tmp_path: Path) -> None:
    two.deploy("stage", "a")
    two.deploy("box", "a")  # sees stage's head
    early = two.now()
    two.deploy("stage", "b")
    unseen = would_trim(two.project, two.place, two.now())
    assert unseen.held.endswith("no other environment has witnessed them yet")
    assert unseen.prefix.migrations == 1
    two.trim(early, tmp_path / "old.jsonl")
    assert two.judged().state == "intact"
    two.deploy("box", "b")
    assert two.judged().state == "intact", "whoever has seen a later row vouches for the checkpoint"

    def forged(*statements: str) -> Audited:
        with psycopg.connect(two.workshop.server.conninfo(two.other)) as owner:
            for one in statements:
                owner.execute(one.encode())
            owner.commit()
        return two.judged()

    saved = two.stage("SELECT base_hash, base_seq, hash, seq FROM pgmig.tracking_head")[0]
    assert forged("UPDATE pgmig.tracking_head SET base_hash = repeat('0', 64)").state == "altered"
    forged(f"UPDATE pgmig.tracking_head SET base_hash = '{saved[0]}'")
    hidden = forged(
        "DELETE FROM pgmig.schema_migrations",
        "DELETE FROM pgmig.schema_audit",
        "DELETE FROM pgmig.evidence",
        "UPDATE pgmig.tracking_head SET base_seq = seq, base_hash = hash",
    )
    assert (hidden.state, "no checkpoint of theirs" in hidden.details[0]) == ("shortened", True)
    beyond = forged(
        "UPDATE pgmig.tracking_head SET base_seq = seq + 5, seq = seq + 5, base_hash = repeat('1', 64),"
        " hash = repeat('1', 64)",
        "SELECT pgmig.record_evidence(jsonb_build_array(jsonb_build_object('item', 'checkpoint', 'state', 'PASS',"
        " 'rows', (SELECT jsonb_build_object('base_seq', base_seq::text, 'base_hash', base_hash, 'before', '2030')"
        " FROM pgmig.tracking_head))))",
    )
    assert (beyond.state, "nobody has witnessed" in beyond.details[0]) == ("shortened", True)


def test_what_was_seen_first_is_held_against_a_chain_that_was_computed_anew(two: Two, tmp_path: Path) -> None:
    """A later witness of the other environment doesn't vouch for what its earlier one contradicts."""
    two.deploy("stage", "a")
    two.deploy("box", "a")
    with psycopg.connect(two.workshop.server.conninfo(two.other)) as owner:
        owner.execute("DELETE FROM pgmig.schema_audit; DELETE FROM pgmig.schema_migrations")
        owner.execute(
            "UPDATE pgmig.tracking_head SET (seq, hash) ="
            " (SELECT seq, hash FROM pgmig.evidence ORDER BY seq DESC LIMIT 1)"
        )
        owner.execute("""SELECT pgmig.record_evidence('[{"item": "own:x", "state": "PASS"}]')""")
    two.deploy("stage", "b")
    two.deploy("box", "b")
    found = two.judged()
    assert (found.state, "saw another row" in found.details[0]) == ("altered", True)
    path = tmp_path / "old.jsonl"
    with pytest.raises(Refused, match="isn't whole"):
        would_trim(two.project, two.place, two.now())
    with pytest.raises(Refused, match="saw another row"):
        two.trim(two.now(), path)
    assert not path.exists()


def test_an_export_of_rows_that_have_stayed_is_removed(two: Two, tmp_path: Path) -> None:
    two.deploy("stage", "a")
    two.stage("ALTER TABLE pgmig.evidence ADD CHECK (item <> 'checkpoint')")
    path = tmp_path / "old.jsonl"
    with pytest.raises(PgmigError, match="check constraint"):
        two.trim(two.now(), path)
    assert not path.exists(), "it says of rows that they are gone"
    assert two.stage("SELECT count(*) FROM pgmig.schema_migrations") == [(1,)]


def test_what_stands_in_the_way_takes_nothing_away(two: Two, tmp_path: Path) -> None:
    two.deploy("stage", "b")
    later = two.now()
    there = tmp_path / "there.jsonl"
    there.write_text("mine")
    refused: list[tuple[type[PgmigError], datetime, Path]] = [
        (UsageError, later, there),
        (UsageError, later, tmp_path / "no" / "such"),
        (UsageError, datetime(2999, 1, 1, tzinfo=UTC), tmp_path / "a"),
    ]
    for error, before, path in refused:
        with pytest.raises(error):
            two.trim(before, path)
    assert there.read_text() == "mine"
    with psycopg.connect(two.workshop.server.conninfo(two.other), autocommit=True) as run:
        run.execute("SELECT pg_advisory_lock(75474063)")
        with pytest.raises(Refused, match="another run works on this database"):
            two.trim(later, tmp_path / "b")
    with role(two.workshop.server) as deployer, pytest.MonkeyPatch.context() as patch:
        user = f'"{deployer["user"]}"'
        two.stage(f"GRANT USAGE ON SCHEMA pgmig TO {user}")
        two.stage(f"GRANT SELECT ON ALL TABLES IN SCHEMA pgmig TO {user}")
        two.stage(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pgmig TO {user}")
        mine = f"//{two.workshop.server.parameters['user']}@"
        uri = two.workshop.server.uri(two.other).replace(mine, f"//{deployer['user']}@")
        patch.setenv("PGPASSWORD", deployer["password"])
        two.workshop.toml = TOML.format("stage", uri) + TOML.format("box", "$URI")
        two.workshop.project()
        with pytest.raises(NotPermitted, match="only their owner may take rows away"):
            two.trim(later, tmp_path / "c")
    two.workshop.toml = TOML.format("stage", two.workshop.server.uri(two.other)) + TOML.format("box", "$URI")
    two.workshop.project()
    two.stage("UPDATE pgmig.schema_migrations SET outcome = 'failed' WHERE version = 'a'")
    with pytest.raises(Refused, match="isn't whole"):
        two.trim(later, tmp_path / "d")
    assert two.stage("SELECT count(*) FROM pgmig.schema_migrations") == [(2,)]


def test_a_record_that_is_gone_is_missed_by_the_runs_of_this_account(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    two.deploy("stage", "a")
    state = two.workshop.state_dir
    assert audit_one(two.place, state).state == "intact"
    two.stage("DROP SCHEMA pgmig CASCADE")
    assert audit_one(two.place).state == "not kept"
    gone = audit_one(two.place, state)
    assert (gone.state, "of this account recorded a step in schema pgmig" in gone.details[0]) == ("shortened", True)
    assert audit_one(two.project.environment("box"), state).state == "not kept"
    others = two.workshop.state_dir.parent / "of another account"
    plan = prepare(two.project, two.place, "deploy", Options(to="b"), state_dir=others)
    assert two.workshop.finish(plan).status == 0
    anew = audit_one(two.place, state)
    assert (anew.state, "no row of it is there" in anew.details[0]) == ("shortened", True), "its newest run has no row"
    two.deploy("stage", "c")
    later = audit_one(two.place, state)
    assert (later.state, "no row of it is there" in later.details[0]) == ("intact", True), "the record began anew"
    monkeypatch.setattr("pgmig_tui.review.audit._RUNS", 1)
    assert audit_one(two.place, state).details == (), "of many runs the newest are asked"
