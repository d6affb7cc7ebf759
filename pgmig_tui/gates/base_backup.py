"""Base backups that others make: what pgBackRest, Barman or a command of the project's says of the newest one, and
whether the WAL archive leads from it to now.

Sources: `pgbackrest info --output=json` (pgBackRest's command reference, and the examples of its tests for 2.0 to
2.55); `barman --format json show-backup SERVER latest` and `check SERVER` (Barman's JsonOutputWriter, 2.12 to 3.16).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pgmig_tui.database.archived import Archiver, missing_between, timeline_of
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.sandbox.bounded import answer_of

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import BackupPolicy

T = TypeVar("T")
State = Literal["PASS", "WARN", "FAIL", "UNKNOWN"]
_COMMAND_SAYS = 64 << 10


class NoAnswer(PgmigError):
    """A backup program says nothing that can be understood."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """The newest finished base backup. Times are UTC. `sound`: what made it found no damage in it, None where it
    doesn't say; `trouble`: what it says is wrong. `archived` is the last WAL file of its archive, "" where unknown;
    `size` in bytes."""

    kind: str
    id: str
    finished_at: str
    started_at: str = ""
    sound: bool | None = None
    trouble: str = ""
    system_identifier: str | None = None
    timeline: int | None = None
    archived: str = ""
    size: int = 0
    tool_version: str = ""

    @property
    def told(self) -> str:
        """Which one, in a sentence."""
        size = f", {words.size(self.size)}" if self.size else ""
        return f"{self.kind} backup {self.id}, finished at {words.utc(self.finished_at)}{size}"


def newest(policy: BackupPolicy) -> BaseBackup:
    """Ask whatever makes the backups there. Raises ProgramError, NoAnswer."""
    if policy.kind == "pgbackrest":
        said = answer_of(["pgbackrest", "info", "--output=json", f"--stanza={policy.name}"], prefix="PGBACKREST_")
        return _told(said, lambda found: from_pgbackrest(found, policy.name), "pgbackrest")
    if policy.kind == "barman":
        shown = answer_of(["barman", "--format", "json", "show-backup", policy.name, "latest"])
        checked = answer_of(["barman", "--format", "json", "check", policy.name], fine=1)  # 1: a check has failed
        checks: object = _told(checked, lambda found: found, "barman")
        return _told(shown, lambda found: from_barman(found, checks, policy.name), "barman")
    said = answer_of(policy.command, most=_COMMAND_SAYS, cwd=Path(policy.root))
    return _told(said, from_command, policy.command[0])


def from_pgbackrest(stanzas: Any, name: str) -> BaseBackup:
    """By `pgbackrest info --output=json`. Raises NoAnswer, and KeyError, TypeError, ValueError for another form."""
    stanza = next((one for one in stanzas if one["name"] == name), None)
    if stanza is None or stanza["status"]["code"] not in (0, 4):  # 4: repositories differ
        said = "it isn't there" if stanza is None else stanza["status"]["message"]
        raise NoAnswer(f"pgBackRest says of the stanza {name}: {said}")
    if not stanza["backup"]:
        raise NoAnswer(f"pgBackRest has no backup of the stanza {name}")
    last = max(stanza["backup"], key=lambda one: int(one["timestamp"]["stop"]))
    of = (last["database"]["id"], last["database"].get("repo-key"))
    archive: Mapping[str, Any] = next(
        (one for one in stanza["archive"] if (one["database"]["id"], one["database"].get("repo-key")) == of), {}
    )
    server: Mapping[str, Any] = next((one for one in stanza["db"] if (one["id"], one.get("repo-key")) == of), {})
    stop, error = last["archive"]["stop"] or "", last.get("error")
    return BaseBackup(
        "pgBackRest",
        str(last["label"]),
        _moment(last["timestamp"]["stop"]),
        _moment(last["timestamp"]["start"]),
        sound=None if error is None else not error,
        trouble="pages of it have wrong checksums" if error else "",
        system_identifier=str(server["system-id"]) if "system-id" in server else None,
        timeline=timeline_of(stop),
        archived=str(archive.get("max") or ""),
        size=int(last["info"]["repository"].get("size") or last["info"]["size"]),
        tool_version=str(last["backrest"]["version"]),
    )


def from_barman(shown: Any, checked: Any, name: str) -> BaseBackup:
    """By `show-backup latest` and `check`. Raises NoAnswer, and KeyError, TypeError, ValueError for another form."""
    if name not in shown:
        said = [str(one) for one in (*shown.get("_ERROR", ()), *shown.get("_EXCEPTION", ()))]
        raise NoAnswer(f"Barman says of the server {name}: {'; '.join(said) or 'nothing'}")
    found = shown[name]
    if found["status"] != "DONE":
        raise NoAnswer(f"Barman's newest backup of {name}, {found['backup_id']}, is {found['status']}")
    base = found["base_backup_information"]
    failed = [key for key, one in checked[name].items() if isinstance(one, Mapping) and one.get("status") != "OK"]
    return BaseBackup(
        "Barman",
        str(found["backup_id"]),
        _moment(base["end_time_timestamp"]),
        _moment(base["begin_time_timestamp"]),
        sound=not failed,
        trouble=f"its checks fail: {words.listing(failed)}" if failed else "",
        system_identifier=str(found["system_id"]) if found.get("system_id") else None,
        timeline=int(base["timeline"]),
        archived=str(found.get("wal_information", {}).get("last_available") or ""),
        size=int(base.get("backup_size_bytes") or base.get("disk_usage_bytes") or 0),
    )


def from_command(said: Any) -> BaseBackup:
    """By `{"id": …, "finished_at": …, "ok": …}`, and `"started_at"` where it is told. Raises KeyError, TypeError,
    ValueError for another form."""
    if not isinstance(said["ok"], bool) or not isinstance(said["id"], str) or not said["id"]:
        raise ValueError("ok is true or false, and id a text")
    finished = _utc(said["finished_at"])
    started = _utc(said["started_at"]) if "started_at" in said else ""
    trouble = "" if said["ok"] else "the command says that it is not ok"
    return BaseBackup("the command's", said["id"], finished, started, sound=said["ok"], trouble=trouble)


def _utc(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return words.iso(moment)


def judged(one: BaseBackup, identity: ServerIdentity, archiver: Archiver) -> tuple[State, str]:
    """Whether the server of now can be had again by it: the backup of this cluster, and every WAL file since in its
    archive, up to the one that is written now. Pure."""
    if one.trouble:
        return "FAIL", one.trouble
    if one.kind == "the command's":
        return "PASS", "the command says that it is ok"
    if identity.system_identifier is None or one.system_identifier is None:
        return "UNKNOWN", "which cluster it is of can't be told: a system identifier is missing"
    if one.system_identifier != identity.system_identifier:
        return "FAIL", f"it is of the cluster {one.system_identifier}, this is {identity.system_identifier}"
    if archiver.failing:
        return "FAIL", "the server's archiver fails: WAL since then is not in the archive"
    if not archiver.writing:
        return "UNKNOWN", "a standby doesn't tell how far its primary has written"
    timeline = timeline_of(archiver.writing)
    if one.timeline != timeline or timeline_of(one.archived) != timeline:
        told = f"it is of timeline {one.timeline or 'unknown'}, the server is on {timeline}"
        return "UNKNOWN", f"{told}: whether WAL is whole in between can't be told"
    missing = missing_between(one.archived, archiver.writing, archiver.segment)
    if missing is None or missing > 1:  # the one before is still on its way
        behind = words.size((missing or 0) * archiver.segment)
        return "FAIL", f"its archive ends at {one.archived}, {behind} of WAL before what is written now"
    upto = f"WAL is archived up to {one.archived}, the file before the one that is written now"
    return ("PASS", upto) if one.sound else ("WARN", f"{upto}; whether its pages are sound isn't told")


def _told(said: str, read: Callable[[Any], T], program: str) -> T:
    try:
        return read(json.loads(said))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoAnswer(f"what {program} says can't be understood: {error}") from error


def _moment(seconds: Any) -> str:
    return words.iso(datetime.fromtimestamp(int(seconds), UTC))


def command_name(environment: str) -> str:
    """What the command of an environment is called where it is accepted."""
    return f"backup.command of {environment}"
