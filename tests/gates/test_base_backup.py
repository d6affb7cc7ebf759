"""What pgBackRest, Barman and a command say of a backup, and whether an archive of WAL leads from it to now. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pgmig_tui.database.archived import Archiver, missing_between, timeline_of
from pgmig_tui.database.identity import ServerIdentity
from pgmig_tui.gates.base_backup import BaseBackup, NoAnswer, from_barman, from_command, from_pgbackrest, judged

SYSTEM = "6569239123849665679"

# As `pgbackrest info --output=json` prints it: two versions of the cluster, the newer one's backups last.
PGBACKREST: list[dict[str, Any]] = [
    {
        "archive": [
            {"database": {"id": 1, "repo-key": 1}, "id": "9.6-1", "max": "0000000100000000000000FF", "min": None},
            {
                "database": {"id": 2, "repo-key": 1},
                "id": "16-2",
                "max": "000000030000000000000009",
                "min": "000000030000000000000001",
            },
        ],
        "backup": [
            {
                "archive": {"start": "000000030000000000000002", "stop": "000000030000000000000003"},
                "backrest": {"format": 5, "version": "2.55"},
                "database": {"id": 2, "repo-key": 1},
                "error": False,
                "info": {"delta": 26897033, "repository": {"delta": 3159, "size": 3159776}, "size": 26897033},
                "label": "20261116-154900F",
                "prior": None,
                "reference": None,
                "timestamp": {"start": 1794844140, "stop": 1794844200},
                "type": "full",
            }
        ],
        "cipher": "none",
        "db": [
            {"id": 1, "repo-key": 1, "system-id": 1, "version": "9.6"},
            {"id": 2, "repo-key": 1, "system-id": int(SYSTEM), "version": "16"},
        ],
        "name": "main",
        "repo": [{"cipher": "none", "key": 1, "status": {"code": 0, "message": "ok"}}],
        "status": {"code": 0, "lock": {"backup": {"held": False}}, "message": "ok"},
    }
]

# As `barman --format json show-backup main latest` and `check main` print it.
BARMAN: dict[str, Any] = {
    "main": {
        "backup_id": "20261116T154900",
        "status": "DONE",
        "system_id": SYSTEM,
        "postgresql_version": 160014,
        "base_backup_information": {
            "backup_size_bytes": 40288256,
            "timeline": 3,
            "begin_wal": "000000030000000000000002",
            "end_wal": "000000030000000000000003",
            "begin_time_timestamp": "1794844140",
            "end_time_timestamp": "1794844200",
        },
        "wal_information": {"no_of_files": 6, "last_available": "000000030000000000000009"},
    }
}
CHECKS: dict[str, Any] = {
    "main": {
        "postgresql": {"hint": "", "status": "OK"},
        "wal_archive": {"hint": "", "status": "OK"},
        "continuous_archiving": {"hint": "", "status": "OK"},
    }
}

IDENTITY = ServerIdentity(
    version="16.14",
    version_num=160014,
    database="shop",
    role="dba",
    host="db1",
    port="5432",
    system_identifier=SYSTEM,
    standby=False,
    encoding="UTF8",
    timeline=3,
    clock_skew_s=0.0,
)
ARCHIVER = Archiver("on", "00000003000000000000000A", 16 << 20, "000000030000000000000009", failing=False)


def test_both_tools_are_understood() -> None:
    first = from_pgbackrest(PGBACKREST, "main")
    second = from_barman(BARMAN, CHECKS, "main")
    for one in (first, second):
        assert (one.system_identifier, one.timeline, one.archived) == (SYSTEM, 3, "000000030000000000000009")
        assert (one.started_at, one.finished_at) == ("2026-11-16T15:49:00Z", "2026-11-16T15:50:00Z")
        assert (one.sound, one.trouble) == (True, "")
        assert judged(one, IDENTITY, ARCHIVER)[0] == "PASS"
    assert (first.id, first.size, first.tool_version) == ("20261116-154900F", 3159776, "2.55")
    assert "finished at 2026-11-16 15:50:00Z" in first.told


def changed(document: Any, path: str, value: object) -> Any:
    """A copy of `document` in which the value at that path is another."""
    copy = json.loads(json.dumps(document))
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    at = copy
    for part in way:
        at = at[part]
    at[last] = value
    return copy


@pytest.mark.parametrize(
    ("document", "path", "value", "state", "why"),
    [
        (PGBACKREST, "0/backup/0/error", True, "FAIL", "wrong checksums"),
        (PGBACKREST, "0/backup/0/error", None, "WARN", "whether its pages are sound"),
        (PGBACKREST, "0/db/1/system-id", 7, "FAIL", "it is of the cluster 7"),
        (PGBACKREST, "0/archive/1/max", "000000030000000000000008", "PASS", "up to 000000030000000000000008"),
        (PGBACKREST, "0/archive/1/max", "000000030000000000000005", "FAIL", "ends at 000000030000000000000005, 64 MB"),
        (PGBACKREST, "0/archive/1/max", None, "UNKNOWN", "whether WAL is whole"),
        (PGBACKREST, "0/archive/1/max", "000000020000000000000009", "UNKNOWN", "whether WAL is whole"),
        (PGBACKREST, "0/backup/0/archive/stop", "000000020000000000000003", "UNKNOWN", "of timeline 2"),
        (BARMAN, "main/system_id", "8", "FAIL", "it is of the cluster 8"),
        (BARMAN, "main/system_id", None, "UNKNOWN", "a system identifier is missing"),
        (BARMAN, "main/wal_information", {}, "UNKNOWN", "whether WAL is whole"),
        (BARMAN, "main/base_backup_information/timeline", 2, "UNKNOWN", "it is of timeline 2"),
    ],
)
def test_what_a_repository_shows_decides(document: Any, path: str, value: object, state: str, why: str) -> None:
    found = changed(document, path, value)
    one = from_pgbackrest(found, "main") if isinstance(found, list) else from_barman(found, CHECKS, "main")
    assert judged(one, IDENTITY, ARCHIVER)[0] == state
    assert why in judged(one, IDENTITY, ARCHIVER)[1]


@pytest.mark.parametrize(
    ("identity", "archiver", "state", "why"),
    [
        (IDENTITY, replace(ARCHIVER, failing=True), "FAIL", "archiver fails"),
        (IDENTITY, replace(ARCHIVER, writing=""), "UNKNOWN", "a standby"),
        (IDENTITY, replace(ARCHIVER, writing="00000004000000000000000A"), "UNKNOWN", "the server is on 4"),
        (IDENTITY, replace(ARCHIVER, writing="0000000300000001000000FF"), "FAIL", "of WAL before what is written now"),
        (replace(IDENTITY, system_identifier=None), ARCHIVER, "UNKNOWN", "system identifier is missing"),
    ],
)
def test_what_the_server_shows_decides(identity: ServerIdentity, archiver: Archiver, state: str, why: str) -> None:
    found, said = judged(from_pgbackrest(PGBACKREST, "main"), identity, archiver)
    assert (found, why in said) == (state, True), said


def test_a_failed_check_of_barman_is_told() -> None:
    checks = changed(CHECKS, "main/continuous_archiving/status", "FAILED")
    one = from_barman(BARMAN, checks, "main")
    assert judged(one, IDENTITY, ARCHIVER) == ("FAIL", "its checks fail: continuous_archiving")


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("0/name", "other", "it isn't there"),
        ("0/status", {"code": 2, "message": "no valid backups"}, "no valid backups"),
        ("0/backup", [], "no backup of the stanza main"),
    ],
)
def test_where_pgbackrest_has_none_there_is_none(path: str, value: object, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        from_pgbackrest(changed(PGBACKREST, path, value), "main")


def test_where_barman_has_none_there_is_none() -> None:
    with pytest.raises(NoAnswer, match="20261116T154900, is FAILED"):
        from_barman(changed(BARMAN, "main/status", "FAILED"), CHECKS, "main")
    with pytest.raises(NoAnswer, match="Unknown server"):
        from_barman({"_ERROR": ["Unknown server 'main'"]}, {}, "main")


def test_a_command_says_three_things() -> None:
    said = {"id": "snap-7", "finished_at": "2026-11-16T17:50:00+02:00", "ok": True}
    assert from_command(said) == BaseBackup("the command's", "snap-7", "2026-11-16T15:50:00Z", sound=True)
    assert judged(from_command({**said, "ok": False}), IDENTITY, ARCHIVER)[0] == "FAIL"
    for bad in ({"ok": "yes"}, {"id": 7}, {"id": ""}, {"finished_at": "2026-11-16T17:50:00"}, {"finished_at": 7}):
        with pytest.raises((ValueError, TypeError)):
            from_command({**said, **bad})


def test_wal_files_are_counted_across_a_log_s_end() -> None:
    assert missing_between("0000000300000000000000FE", "000000030000000100000001", 16 << 20) == 2
    assert missing_between("000000030000000000000003", "000000030000000100000000", 1 << 30) == 0
    assert missing_between("000000030000000000000005", "000000030000000000000003", 16 << 20) == 0, (
        "it has switched since"
    )
    assert missing_between("00000002.history", "000000030000000000000003", 16 << 20) is None
    assert timeline_of("nothing") is None
