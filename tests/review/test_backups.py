"""Which dump counts for a run, that it is proven again when the review opens, and that it stays so until GO."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.database.checks import CheckResult
from pgmig_tui.errors import Refused
from pgmig_tui.gates.checklist import BACKUP, VERIFY_BACKUP
from pgmig_tui.gates.decode import BackupError
from pgmig_tui.gates.gate import Answer
from pgmig_tui.gates.progress import BackupProgress
from pgmig_tui.review import backups
from pgmig_tui.review import prepared as review
from pgmig_tui.review.prepared import Review, answered, ready
from tests.run.conftest import Workshop, workshop, workshop18, workshop_on

__all__ = ["workshop", "workshop18", "workshop_on"]

PROTECTED = """
[[environment]]
name = "box"
target = "$URI"
protected = true
confirm_word = "box"
backup = { required = true }
"""


@pytest.fixture
def box(workshop18: Workshop) -> Workshop:
    """A protected environment with one change deployed."""
    workshop18.toml = PROTECTED
    workshop18.change("one", "CREATE TABLE public.one (id int PRIMARY KEY);\n", "DROP TABLE public.one;\n")
    assert workshop18.run().status == 0
    return workshop18


def make(box: Workshop) -> Path:
    made = backups.make(*box.project(), box.state_dir, "run")
    assert [one.state for one in made] == ["PASS", "PASS"]
    return Path(made[0].rows[0]["path"])


def states(box: Workshop) -> tuple[str, ...]:
    return tuple(one.state for one in found(box))


def found(box: Workshop) -> tuple[CheckResult, ...]:
    return backups.existing(box.project()[1], box.state_dir)


def reviewed(box: Workshop, *, but: tuple[str, ...] = ()) -> Review:
    """The review of what is pending, with everything answered that the program can't see, but those items."""
    environment = box.project()[1]
    seen = review.review(box.plan(), environment, performed=found(box))
    answers = [
        Answer(one.item.id, "attest" if one.attestable else "override", "said in a test", "Ann", "2026-01-01T00:00:00Z")
        for one in seen.gate.results
        if one.blocks and one.item.id not in but
    ]
    return answered(seen, environment, answers)


def test_without_a_backup_nothing_is_known(box: Workshop) -> None:
    assert found(box) == ()
    (box.state_dir / "backups").mkdir()
    assert found(box) == ()


def test_a_dump_of_before_the_last_change_does_not_count(box: Workshop) -> None:
    make(box)
    assert states(box) == ("PASS", "PASS")
    box.change("two", "CREATE TABLE public.two ();\n", "DROP TABLE public.two;\n")
    assert box.run().status == 0
    made, proven = found(box)
    assert (made.state, proven.state) == ("FAIL", "UNKNOWN")
    assert "it was begun before the last change there: deploy of two" in made.summary
    box.change("three", "SELECT 1;\n")
    seen = reviewed(box, but=(BACKUP, VERIFY_BACKUP))
    assert seen.gate.blocking == (BACKUP, VERIFY_BACKUP)
    make(box)
    assert states(box) == ("PASS", "PASS"), "the older one doesn't stand in the way of the newer"


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        (
            "INSERT INTO pgmig.runs (run_id, command, project, environment, host, os_user, operator, steps, state)"
            " VALUES ('x', 'backfill', 'p', 'box', 'h', 'u', 'Bo', 1, 'running')",
            "backfill by Bo",
        ),
        (
            "CREATE SCHEMA pgmig_keep; CREATE TABLE pgmig_keep.kept (change text, restored_at timestamptz);"
            " INSERT INTO pgmig_keep.kept VALUES ('one', now())",
            "undo of one",
        ),
        ("UPDATE sqitch.events SET committed_at = now()", "deploy of one"),
    ],
)
def test_whatever_a_run_changes_is_a_change(box: Workshop, sql: str, what: str) -> None:
    make(box)
    box.query(sql)
    assert what in found(box)[0].summary
    assert states(box)[0] == "FAIL"


def change_record(path: Path, **values: Any) -> None:
    record = path.with_suffix(".json")
    record.write_text(json.dumps({**json.loads(record.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"timeline": 7}, "it is of timeline 7"),
        ({"timeline": None}, "it is of timeline unknown"),
        ({"database_oid": 1}, "is another one now"),
        ({"started_at": "2026-01-01T00:00:00Z"}, "more than a day ago"),
        ({"started_at": "2926-01-01T00:00:00Z"}, "after the time that the server's clock shows"),
    ],
)
def test_a_dump_of_another_time_or_database_does_not_count(box: Workshop, values: dict[str, Any], why: str) -> None:
    change_record(make(box), **values)
    made, _ = found(box)
    assert made.state == "FAIL"
    assert why in made.summary


@pytest.mark.parametrize("values", [{"system_identifier": "1"}, {"system_identifier": None}, {"database": "other"}])
def test_a_dump_of_another_cluster_is_none(box: Workshop, values: dict[str, Any]) -> None:
    change_record(make(box), **values)
    assert found(box) == ()


def test_damage_is_found_when_the_review_opens(box: Workshop) -> None:
    path = make(box)
    whole = path.read_bytes()
    size, middle = len(whole), len(whole) // 2
    for damaged in (
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],  # one bit, the size unchanged
        whole[: size // 3] + bytes(size // 3) + whole[size // 3 * 2 :],
        whole[: size // 10],
        b"",
    ):
        path.write_bytes(damaged)
        made, proven = found(box)
        assert (made.state, proven.state) == ("PASS", "FAIL"), len(damaged)
    box.change("two", "SELECT 1;\n")
    assert reviewed(box, but=(VERIFY_BACKUP,)).gate.blocking == (VERIFY_BACKUP,)


def replaced(path: Path) -> None:
    """By the very same bytes."""
    path.with_suffix(".new").write_bytes(path.read_bytes())
    path.with_suffix(".new").rename(path)


@pytest.mark.parametrize("touch", [Path.touch, Path.unlink, replaced])
def test_a_backup_that_is_touched_after_the_review_starts_nothing(
    box: Workshop, touch: Callable[[Path], object]
) -> None:
    path = make(box)
    box.change("two", "SELECT 1;\n")
    seen, environment = reviewed(box), box.project()[1]
    assert ready(seen, environment).plan.backup is not None
    touch(path)
    with pytest.raises(Refused, match="the backup has changed"):
        ready(seen, environment)


def test_what_holds_a_table_or_was_written_since_the_review_is_found_at_go(
    box: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(box)
    box.change("two", "ALTER TABLE public.one ADD COLUMN a int;\n")
    seen, environment = reviewed(box), box.project()[1]
    with box.connect() as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM public.one")
        other.execute(b"PREPARE TRANSACTION '" + box.dbname.encode() + b"'")
        try:
            assert ready(seen, environment).gate.open, "what was just asked isn't asked again"
            monkeypatch.setattr(review, "FRESH_S", 0.0)
            with pytest.raises(Refused, match="Nobody holds the affected tables"):
                ready(seen, environment)
            assert "check:blockers" in answered(seen, environment, seen.answers).gate.blocking
        finally:
            other.execute(b"ROLLBACK PREPARED '" + box.dbname.encode() + b"'")
    assert ready(seen, environment).gate.open
    # What lies on disk by then isn't what was shown: neither the one nor the other is run.
    script = box.root / "deploy" / "two.sql"
    shown = script.read_bytes()
    for written in (shown + b"-- more\n", shown.replace(b" a ", b" b ")):
        script.write_bytes(written)
        with pytest.raises(Refused, match=r"written since they were read for this run: deploy/two\.sql"):
            ready(seen, environment)
    script.write_bytes(shown)
    assert ready(seen, environment).gate.open


def test_a_run_that_goes_on_keeps_its_proof_until_it_is_done(box: Workshop) -> None:
    box.change("two", "CREATE TABLE public.two ();\n", "DROP TABLE public.two;\n")
    box.change("three", "SELECT 1/0;\n", "SELECT 1;\n")
    make(box)
    environment = box.project()[1]
    failed = box.finish(ready(reviewed(box), environment).plan)
    assert (failed.status, box.deployed()) == (1, ["one", "two"])
    assert [event["verified"] for event in failed.named("backup_proven")] == ["decode"]
    assert states(box) == ("PASS", "PASS"), "two was deployed with this dump in hand, and three has failed"

    (box.root / "deploy" / "three.sql").write_text("SELECT 3;\n")
    done = box.finish(ready(reviewed(box), environment).plan)
    assert (done.status, box.deployed()) == (0, ["one", "two", "three"])
    assert "deploy of three" in found(box)[0].summary, "what comes now is another run"


def test_a_proof_is_not_kept_when_others_have_changed_something_since(box: Workshop) -> None:
    box.change("two", "CREATE TABLE public.two ();\n", "DROP TABLE public.two;\n")
    box.change("three", "SELECT 1/0;\n", "SELECT 1;\n")
    make(box)
    assert box.finish(ready(reviewed(box), box.project()[1]).plan).status == 1
    assert states(box)[0] == "PASS"
    assert box.run("revert", to="one").status == 0
    assert "revert of two" in found(box)[0].summary
    assert states(box)[0] == "FAIL"


RESTORED = PROTECTED.replace("required = true", 'required = true, verify = "restore"')


def test_a_policy_that_wants_a_restore_is_answered_by_one_and_by_nothing_less(box: Workshop) -> None:
    make(box)
    box.toml = RESTORED
    box.change("two", "CREATE TABLE public.two ();\n", "DROP TABLE public.two;\n", "SELECT 1 FROM public.two;\n")
    made, proven = found(box)
    assert (made.state, proven.state) == ("PASS", "UNKNOWN")
    assert "not restored as a test yet" in proven.summary
    assert VERIFY_BACKUP in reviewed(box, but=(VERIFY_BACKUP,)).gate.blocking

    told: list[BackupProgress] = []
    _, proven = backups.make(*box.project(), box.state_dir, "run", progress=told.append)
    assert (proven.state, proven.rows[0]["verified"]) == ("PASS", "restore"), proven
    assert "as dumped" in proven.summary
    assert {"dumping", "restoring", "verifying"} <= {one.doing for one in told}
    assert {Path(one.path).parent for one in told} == {box.state_dir / "backups"}
    assert states(box) == ("PASS", "PASS"), "the review that opens later keeps it, by the bytes"
    done = box.finish(ready(reviewed(box), box.project()[1]).plan)
    assert done.status == 0
    (event,) = done.named("backup_proven")
    assert (event["verified"], event["restored"]["verified"], event["rows"]) == (
        "restore",
        0,
        event["restored"]["rows"],
    )


def test_a_restore_that_was_cut_off_is_done_without_another_dump(box: Workshop) -> None:
    box.toml = RESTORED
    seen: list[str] = []
    with pytest.raises(BackupError, match="test restore was stopped"):
        backups.make(
            *box.project(),
            box.state_dir,
            "run",
            progress=lambda one: seen.append(one.doing),
            stopping=lambda: "starting a server" in seen,
        )
    assert states(box) == ("PASS", "UNKNOWN")
    told: list[str] = []
    made, proven = backups.make(*box.project(), box.state_dir, "run", told=told.append)
    assert (made.state, proven.state) == ("PASS", "PASS")
    assert "it is restored, and nothing is dumped" in told[0]
    assert len(list((box.state_dir / "backups").glob("*.dump"))) == 1
    backups.make(*box.project(), box.state_dir, "run")
    assert len(list((box.state_dir / "backups").glob("*.dump"))) == 2, "with nothing lacking it is another dump"


def test_a_restore_that_fails_or_can_not_be_tried_opens_no_gate(box: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    box.toml = RESTORED
    (box.root / "verify").mkdir()
    (box.root / "verify" / "one.sql").write_text("SELECT lost FROM public.one;\n")
    _, proven = backups.make(*box.project(), box.state_dir, "run")
    assert proven.state == "FAIL"
    assert 'verify one: column "lost" does not exist' in proven.summary
    assert states(box) == ("PASS", "FAIL")
    monkeypatch.setattr("pgmig_tui.rehearse.scratch.find_installations", list)
    _, proven = backups.make(*box.project(), box.state_dir, "run")
    assert proven.state == "UNKNOWN"
    assert "needs the programs of a PostgreSQL server" in proven.summary


def test_what_was_proven_stands_when_the_review_is_read_again(box: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file isn't decoded again while it is the very one, also where nothing would hang on it."""
    box.toml = PROTECTED.replace("protected = true", "").replace("backup = { required = true }", "")
    environment = box.project()[1]
    before = backups.make(*box.project(), box.state_dir, "run")
    path = Path(before[0].rows[0]["path"])
    assert backups.existing(environment, box.state_dir, before=before) == before
    path.touch()
    again = backups.existing(environment, box.state_dir, before=before)
    assert [one.state for one in again] == ["PASS", "UNKNOWN"]
    before = backups.make(*box.project(), box.state_dir, "run")
    box.change("two", "SELECT 1;\n")
    assert box.run().status == 0
    assert backups.existing(environment, box.state_dir, before=before)[0].state == "FAIL", "it is too old by now"


def test_where_nothing_hangs_on_it_no_large_dump_is_decoded(box: Workshop) -> None:
    path = make(box)
    box.toml = PROTECTED.replace("protected = true", "").replace("backup = { required = true }", "")
    path.write_bytes(b"damaged")
    made, proven = found(box)
    assert (made.state, proven.state) == ("PASS", "UNKNOWN")
    assert "not verified again" in proven.summary
