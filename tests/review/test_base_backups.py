"""Backups that others make, asked of programs on the PATH that answer as the real ones do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.errors import Refused
from pgmig_tui.gates.accepted import accept
from pgmig_tui.gates.base_backup import command_name
from pgmig_tui.gates.checklist import BACKUP, VERIFY_BACKUP
from pgmig_tui.review import backups, prepared
from pgmig_tui.sandbox.bounded import ProgramError, answer_of
from tests.gates.test_base_backup import BARMAN, CHECKS, PGBACKREST, changed
from tests.review.test_backups import PROTECTED, reviewed
from tests.run.conftest import Workshop, workshop18, workshop_on

__all__ = ["workshop18", "workshop_on"]

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a program on the PATH, by its shell script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def make(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


def printing(document: object) -> str:
    return f"cat <<'END'\n{json.dumps(document)}\nEND"


@pytest.fixture
def box(workshop18: Workshop) -> Workshop:
    workshop18.change("one", "CREATE TABLE public.one (id int PRIMARY KEY);\n", "DROP TABLE public.one;\n")
    workshop18.toml = PROTECTED
    assert workshop18.run().status == 0
    return workshop18


def of_kind(box: Workshop, policy: str) -> None:
    box.toml = PROTECTED.replace("required = true", f"required = true, {policy}")


def states(box: Workshop) -> tuple[str, ...]:
    return tuple(one.state for one in backups.existing(box.project()[1], box.state_dir))


def here(box: Workshop, document: Any, system: str, archived: str) -> Any:
    """The document as it would be for this server, with an archive up to there."""
    ((identifier, writing),) = box.query(
        "SELECT system_identifier::text, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()"
    )
    value = int(identifier) if system.startswith("0") else identifier
    before = f"{writing[:16]}{max(0, int(writing[16:], 16) - 1):08X}"
    found = changed(changed(document, system, value), archived, before)
    return json.loads(json.dumps(found).replace('"00000003', '"00000001').replace('"timeline": 3', '"timeline": 1'))


def test_pgbackrest_and_barman_answer_for_the_backup_and_are_asked_again_at_go(
    box: Workshop, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_kind(box, 'kind = "pgbackrest", name = "main"')
    made, proven = backups.existing(box.project()[1], box.state_dir)
    assert (made.state, proven.state) == ("UNKNOWN", "UNKNOWN")
    assert "pgbackrest can't be run: No such file" in made.summary

    good = here(box, PGBACKREST, "0/db/1/system-id", "0/archive/1/max")
    heard = program("pgbackrest", f'echo "$@" > "$0.heard"; env > "$0.env"; {printing(good)}')
    monkeypatch.setenv("SQITCH_PASSWORD", "canary")
    assert states(box) == ("PASS", "PASS")
    assert Path(f"{heard}.heard").read_text() == "info --output=json --stanza=main\n"
    assert "canary" not in Path(f"{heard}.env").read_text()

    box.change("two", "SELECT 1;\n")
    environment = box.project()[1]
    seen = reviewed(box)
    assert seen.gate.open
    plan = prepared.ready(seen, environment).plan
    assert plan.backup is not None
    assert (plan.backup["path"], plan.backup["verified"]) == ("pgbackrest:20261116-154900F", "base")
    program("pgbackrest", printing(changed(good, "0/backup/0/error", True)))
    monkeypatch.setattr(backups, "ASKED_S", 0.0)
    with pytest.raises(Refused, match="Verify backup"):
        prepared.ready(seen, environment)
    program("pgbackrest", printing(good))
    (event,) = box.finish(prepared.ready(seen, environment).plan).named("backup_proven")
    assert (event["verified"], event["archived"]) == ("base", good[0]["archive"][1]["max"])

    of_kind(box, 'kind = "barman", name = "main"')
    shown = here(box, BARMAN, "main/system_id", "main/wal_information/last_available")
    failing = changed(CHECKS, "main/wal_archive/status", "FAILED")
    for checks, exit_status, state in ((CHECKS, 0, "PASS"), (failing, 1, "FAIL")):
        checking = f'if [ "$3" = check ]; then {printing(checks)}\nexit {exit_status}; fi'
        showing = f'[ "$3 $4 $5" = "show-backup main latest" ] || exit 2\n{printing(shown)}'
        program("barman", f"{checking}\n{showing}")
        assert states(box) == (state, state)


def test_a_program_sees_of_our_environment_what_it_needs(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "PGPASSFILE", "TOKEN", "AWS_SECRET_ACCESS_KEY", "PGBACKREST_REPO1_CIPHER_PASS"):
        monkeypatch.setenv(name, "cAnAry")
    asked = str(program("asked", "env"))
    shell = {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "XDG_RUNTIME_DIR",
        "PWD",
        "SHLVL",
        "_",
    }
    for prefix, own in (("", set()), ("PGBACKREST_", {"PGBACKREST_REPO1_CIPHER_PASS"})):
        seen = {one.partition("=")[0] for one in answer_of([asked], prefix=prefix).splitlines()}
        assert "PATH" in seen
        assert seen - shell == own


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo not json", "can't be understood"),
        ("echo '[{}]'", "can't be understood"),
        ("echo 'ERROR: [055]: unable to open' >&2; exit 55", "failed with exit status 55; ERROR: [055]"),
    ],
)
def test_what_a_program_does_not_say_is_unknown(box: Workshop, program: Program, script: str, why: str) -> None:
    of_kind(box, 'kind = "pgbackrest", name = "main"')
    program("pgbackrest", script)
    made, proven = backups.existing(box.project()[1], box.state_dir)
    assert (made.state, proven.state) == ("UNKNOWN", "UNKNOWN")
    assert why in made.summary


def test_a_command_is_run_only_after_this_account_has_accepted_that_very_text(box: Workshop) -> None:
    of_kind(box, 'kind = "command", command = ["./latest", "prod"]')
    script = box.root / "latest"
    touched = box.root / "touched"

    def write(document: object) -> None:
        script.write_text(f"#!/bin/sh\ntouch {touched}\n{printing(document)}\n")
        script.chmod(0o755)

    def say_yes() -> None:
        accept(box.state_dir, box.root, command_name("box"), ["./latest", "prod"], "Ann")

    ((now,),) = box.query("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    said = {"id": "snap-7", "finished_at": "2999-01-01T00:00:00Z", "ok": True}
    write(said)

    def made() -> str:
        one, _ = backups.existing(box.project()[1], box.state_dir)
        return f"{one.state}: {one.summary}"

    assert "UNKNOWN: backup.command of box" in made()
    assert "was not accepted by this account: `pgmig-tui accept box` does" in made()
    assert not touched.exists()
    say_yes()
    assert "after the time that the server's clock shows" in made()
    assert touched.exists()
    touched.unlink()
    write({**said, "finished_at": now})
    assert states(box) == ("UNKNOWN", "UNKNOWN"), "its file is another by now"
    assert not touched.exists()
    say_yes()
    assert "FAIL: " in made()
    assert "before the last change there: deploy of one" in made()
    box.query("UPDATE sqitch.events SET committed_at = now() - interval '1 hour'")
    box.query("UPDATE sqitch.changes SET committed_at = now() - interval '1 hour'")
    assert states(box) == ("PASS", "PASS")
    write({**said, "finished_at": now, "ok": False})
    say_yes()
    assert states(box) == ("FAIL", "FAIL")
    write({**said, "finished_at": "2026-01-01T00:00:00Z"})
    say_yes()
    assert "more than a day ago" in made()
    box.change("two", "SELECT 1;\n")
    assert reviewed(box, but=(BACKUP, VERIFY_BACKUP)).gate.blocking == (BACKUP, VERIFY_BACKUP)
    of_kind(box, 'kind = "command", command = ["./latest", "other"]')
    assert states(box) == ("UNKNOWN", "UNKNOWN"), "another argument is another text"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("sleep 60 & sleep 60", "didn't answer in time"),
        ("exec >&- 2>&-; sleep 60", "didn't end in time"),
        ("yes", "said more than 1,000 bytes"),
        ("yes >&2", "said more than 1,000 bytes"),
        ("echo password=hidden >&2; exit 3", "failed with exit status 3"),
    ],
)
def test_a_program_is_bounded(program: Program, script: str, why: str) -> None:
    path = program("some", script)
    with pytest.raises(ProgramError, match=why) as caught:
        answer_of([str(path)], timeout_s=0.3 if "sleep" in script else 20, most=1000)
    assert "hidden" not in str(caught.value.details)
