"""Base backups of pgBackRest, Barman or a command as evidence for a checklist: asked when a review opens and at GO.

They count with an unbroken archive of WAL from then to now; what a command says is taken as a dump is, by its time.
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.archived import archiver
from pgmig_tui.database.changed import changes_since, database_oid, server_time
from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.accepted import is_accepted
from pgmig_tui.gates.base_backup import BaseBackup, command_name, judged, newest

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment

MADE, PROVEN = "backup", "backup_verified"
MAX_AGE_S = 24 * 3600
_TITLES = {MADE: "Backup database", PROVEN: "Verify backup"}


def evidence(environment: Environment, state_dir: Path) -> tuple[CheckResult, ...]:
    """What the environment's backups show now. Never raises: what can't be told is UNKNOWN."""
    policy = environment.policy.backup
    if policy.kind == "command":
        what, root = command_name(environment.name), Path(policy.root)
        if not is_accepted(state_dir, root, what, policy.command):
            return _unknown(
                f"{what}, `{shlex.join(policy.command)}`, was not accepted by this account:"
                f" `pgmig-tui accept {environment.name}` does"
            )
    from pgmig_tui.database.connect import application_name, connect

    try:
        found = newest(policy)
        name = application_name("backup", "watch")
        with connect(environment.target, application_name=name, kind="watch") as connection:
            identity = connection.identity()
            state: State
            state, why = judged(found, identity, archiver(connection))
            if policy.kind == "command" and state == "PASS":
                state, why = _by_its_time(connection, environment, found)
            row = _row(found, identity, database_oid(connection), environment)
    except PgmigError as error:
        return _unknown("; ".join([error.what, *error.details[:1]]))
    if state in ("PASS", "WARN"):
        return _result(MADE, "PASS", found.told, row), _result(PROVEN, state, why, row)
    return _result(MADE, state, f"{found.told}: {why}", row), _result(PROVEN, state, why, row)


def _by_its_time(connection: Connection, environment: Environment, found: BaseBackup) -> tuple[State, str]:
    """Without an archive it must be of after the last change there, and not older than a day. Raises ServerError."""
    policy, since = environment.policy, found.started_at or found.finished_at
    age = (datetime.fromisoformat(server_time(connection)) - datetime.fromisoformat(since)).total_seconds()
    if age > MAX_AGE_S:
        return "FAIL", f"it was made at {words.utc(since)}, more than a day ago"
    if age < 0:
        return "FAIL", "it was made after the time that the server's clock shows now"
    changes = changes_since(connection, since, environment.target.registry, policy.tracking, policy.keep_schema)
    if changes:
        return "FAIL", f"it was made before the last change there: {changes[0].what} at {words.utc(changes[0].at)}"
    return "PASS", "the command says that it is ok, and nothing was changed there since"


def _row(found: BaseBackup, identity: ServerIdentity, oid: int, environment: Environment) -> dict[str, Any]:
    """In the form of a dump's record, which the run's journal has for it."""
    return {
        "path": f"{environment.policy.backup.kind}:{found.id}",
        "size": found.size,
        "sha256": "",
        "verified": "base",
        "database": identity.database,
        "database_oid": oid,
        "system_identifier": found.system_identifier,
        "server_version": identity.version,
        "tool_version": found.tool_version,
        "started_at": found.started_at or found.finished_at,
        "finished_at": found.finished_at,
        "seconds": 0.0,
        "timeline": found.timeline,
        "conninfo": {},
        "file": None,
        "archived": found.archived,
    }


def _unknown(why: str) -> tuple[CheckResult, ...]:
    return _result(MADE, "UNKNOWN", why, None), _result(PROVEN, "UNKNOWN", "no backup that counts", None)


def _result(name: str, state: State, summary: str, row: dict[str, Any] | None) -> CheckResult:
    now = words.iso(datetime.now(UTC))
    return CheckResult(name, _TITLES[name], state, summary, () if row is None else (row,), "", now, now)
