"""Backups as evidence for a checklist: the newest one of this host that counts, proven again, or one made now.

A dump counts for a run when it was begun after the last change of other runs, on the same cluster, timeline and
database. What runs have changed that were started with this very dump and didn't get to their end is no change of
others: a run that goes on where they stopped keeps their proof. Where pgmig.toml wants it restored as a test, the last
test restore of these very bytes is what shows it. Backups that others make are `base_backups`'.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.changed import changes_since, database_oid, server_time
from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.database.probe import Address, address_of, probe
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.gates import backup
from pgmig_tui.gates.backup import Backup
from pgmig_tui.gates.decode import Damaged, Seal, Verified
from pgmig_tui.gates.progress import Tell, untold
from pgmig_tui.gates.restored import RestoreProof, kept
from pgmig_tui.rehearse.prove_restore import prove_restore
from pgmig_tui.review import base_backups
from pgmig_tui.review.base_backups import MADE, MAX_AGE_S, PROVEN
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.listing import list_runs
from pgmig_tui.run.journal.position import positions
from pgmig_tui.run.journal.run_plan import RunPlan

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection, ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_TITLES = {MADE: "Backup database", PROVEN: "Verify backup"}
ASKED_S = 60.0
"""For so long what pgBackRest, Barman or a command has said is taken for what is true now."""
_PROOF: dict[Verified, tuple[State, str]] = {
    "restore": ("UNKNOWN", "not restored as a test yet; fully decoded"),
    "decode": ("PASS", "fully decoded"),
    "list": ("WARN", "only its table of contents was read"),
    "none": ("UNKNOWN", "not verified"),
}


@dataclass(frozen=True, slots=True)
class _ServerNow:
    """What a dump is measured by: who the server is, and its clock (UTC)."""

    identity: ServerIdentity
    database_oid: int
    now: str


def folder_of(state_dir: Path) -> Path:
    """Where the backups of this account are kept."""
    return state_dir / "backups"


def wanted(environment: Environment) -> Verified:
    """How a dump of this environment is proven: as its policy says, else decoded to its end."""
    policy = environment.policy.backup
    if policy.verify == "restore":
        return "restore"
    return "list" if policy.required and policy.verify == "list" else "decode"


def known_for(
    command: str,
    environment: Environment,
    state_dir: Path,
    *,
    before: Sequence[CheckResult] = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[CheckResult, ...]:
    """`existing`, before a run of that command; the checklist of a revert asks for none."""
    return () if command == "revert" else existing(environment, state_dir, before=before, told=told)


def existing(
    environment: Environment,
    state_dir: Path,
    *,
    before: Sequence[CheckResult] = (),
    told: Callable[[str], None] = lambda text: None,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[CheckResult, ...]:
    """The evidence of the newest backup that this host has of the environment and that counts; none when it has none.

    It is proven again where a gate hangs on it, but for a file that is the very one that was proven for the results
    `before`. Never raises for the server or the file: what can't be told is UNKNOWN.
    """
    if environment.policy.backup.kind != "dump":
        return base_backups.evidence(environment, state_dir)
    try:
        newest, counting, why = _counting(environment, state_dir)
    except PgmigError as error:
        return _both("UNKNOWN", error.what)
    if newest is None:
        return ()
    if counting is None:
        return _both("FAIL", f"{newest.path} doesn't count: {why}", newest)
    if (still := _still(before, counting)) is not None:
        return still
    if not (environment.policy.protected or environment.policy.backup.required):
        proven = _result(PROVEN, "UNKNOWN", "not verified again: nothing here hangs on it", counting)
        return _result(MADE, "PASS", _summary(counting), counting), proven
    told(f"verifying the backup {counting.path} ({words.size(counting.size)})")
    return _proven_again(counting, wanted(environment), stopping)


def _counting(environment: Environment, state_dir: Path) -> tuple[Backup | None, Backup | None, str]:
    """The newest backup of that database here, the newest one that counts, and why the newest one doesn't. Raises
    Unreachable, ServerError."""
    from pgmig_tui.database.connect import application_name, connect

    folder, reasons = folder_of(state_dir), [""]
    if not folder.is_dir():
        return None, None, ""
    name = application_name("backup", "watch")
    with connect(environment.target, application_name=name, kind="watch") as connection:
        server = _ServerNow(connection.identity(), database_oid(connection), server_time(connection))
        known = backup.backups_of(folder, server.identity)
        for one in known:
            why = _why_not(connection, environment, one, server, state_dir)
            if not why:
                return known[0], one, ""
            reasons.append(why)
    return (known[0], None, reasons[1]) if known else (None, None, "")


def _still(before: Sequence[CheckResult], one: Backup) -> tuple[CheckResult, ...] | None:
    """The results of before, where they are of this dump and its file has been left alone since."""
    proof = proof_of(before)
    if (
        proof is None
        or proof["file"] is None
        or proof["sha256"] != one.sha256
        or Seal(**proof["file"]).broken(one.path)
    ):
        return None
    return tuple(result for result in before if result.name in (MADE, PROVEN))


def make(
    project: Project,
    environment: Environment,
    state_dir: Path,
    run_id: str,
    *,
    progress: Tell = untold,
    stopping: Callable[[], bool] = lambda: False,
    told: Callable[[str], None] = lambda text: None,
) -> tuple[CheckResult, ...]:
    """Dump the environment's database now and prove the dump, be it by restoring it. `told` hears of what another has
    left that was killed. Where others make the backups, they are asked again instead; and a dump that counts and lacks
    nothing but a test restore, which was cut off, is restored.

    Raises Refused (no fitting pg_dump, no room), Unreachable, BackupError.
    """
    if environment.policy.backup.kind != "dump":
        return base_backups.evidence(environment, state_dir)
    tier = wanted(environment)
    if tier == "restore" and (whole := _unrestored(environment, state_dir)) is not None:
        told(f"{whole.path} counts and was not restored yet: it is restored, and nothing is dumped")
        return _restored(project, environment, state_dir, whole, None, progress, stopping)
    made, seal = backup.make_backup(
        environment.target,
        folder_of(state_dir),
        run_id,
        verify=tier,
        progress=progress,
        stopping=stopping,
        told=told,
    )
    if tier != "restore":
        return results(made, seal)
    return _restored(project, environment, state_dir, made, seal, progress, stopping)


def _unrestored(environment: Environment, state_dir: Path) -> Backup | None:
    """A dump that counts, with the rows that a restore is compared with, and no restore that has shown anything."""
    _, counting, _ = _counting(environment, state_dir)
    return counting if counting is not None and counting.rows is not None and kept(counting) is None else None


def _restored(
    project: Project,
    environment: Environment,
    state_dir: Path,
    made: Backup,
    seal: Seal | None,
    progress: Tell,
    stopping: Callable[[], bool],
) -> tuple[CheckResult, ...]:
    """What a test restore of it shows. Raises BackupError when it is stopped."""
    try:
        if seal is None:
            seal = backup.prove_again(made, "decode", stopping=stopping)
        proof = prove_restore(
            project, environment, made, state_dir=state_dir, seal=seal, tell=progress, stopping=stopping
        )
    except PgmigError as error:
        if stopping():
            raise
        # What came in the way of its restore shows nothing of the dump, but for damage.
        state: State = "FAIL" if isinstance(error, Damaged) else "UNKNOWN"
        return _result(MADE, "PASS", _summary(made), made, seal), _result(PROVEN, state, error.what, made)
    return results(made, seal, proof)


def results(made: Backup, seal: Seal, restored: RestoreProof | None = None) -> tuple[CheckResult, ...]:
    """A proven dump as the evidence of the items "Backup database" and "Verify backup"."""
    state, said = _PROOF[made.verified]
    if restored is not None:
        state, said = restored.state, restored.summary
    proof = _result(PROVEN, state, f"{said}, SHA-256 {made.sha256[:16]}…", made, seal, restored)
    return _result(MADE, "PASS", _summary(made), made, seal), proof


def proof_of(checks: Sequence[CheckResult]) -> dict[str, Any] | None:
    """The record of the dump that was proven, with the file that it was; None where none was."""
    found = next((one for one in checks if one.name == PROVEN and one.state in ("PASS", "WARN") and one.rows), None)
    return None if found is None else dict(found.rows[0])


def asked_again(checks: Sequence[CheckResult], environment: Environment, state_dir: Path) -> tuple[CheckResult, ...]:
    """What others make the backups say now, where what they said before `checks` is old; else nothing."""
    said = next((one for one in checks if one.name == PROVEN), None)
    if environment.policy.backup.kind == "dump" or said is None:
        return ()
    age = (datetime.now(UTC) - _moment(said.finished_at)).total_seconds()
    return base_backups.evidence(environment, state_dir) if age >= ASKED_S else ()


def require_unchanged(checks: Sequence[CheckResult]) -> None:
    """Raise Refused when the dump that was proven isn't the file any more that it was then."""
    proof = proof_of(checks)
    if proof is None or proof["file"] is None:
        return
    broken = Seal(**proof["file"]).broken(proof["path"])
    if broken:
        raise Refused(f"the backup has changed: {broken}", now="Nothing was changed.", do="Make the backup anew.")


def _proven_again(one: Backup, verify: Verified, stopping: Callable[[], bool]) -> tuple[CheckResult, ...]:
    try:
        seal = backup.prove_again(one, verify, stopping=stopping)
    except Damaged as error:
        found = _result(PROVEN, "FAIL", error.what, one)
        return _result(MADE, "PASS", _summary(one), one), found
    except PgmigError as error:
        return _result(MADE, "PASS", _summary(one), one), _result(PROVEN, "UNKNOWN", error.what, one)
    restored = kept(one) if verify == "restore" else None
    if restored is not None:
        return results(one, seal, restored)
    state, said = _PROOF[verify]
    proof = _result(PROVEN, state, f"{said} again, SHA-256 {one.sha256[:16]}…", one, seal)
    return _result(MADE, "PASS", _summary(one), one, seal), proof


def _why_not(connection: Connection, environment: Environment, one: Backup, server: _ServerNow, state_dir: Path) -> str:
    """Why a dump doesn't count for a run that starts now, "" when it does. Raises ServerError."""
    if why := _of_another_server(connection, environment, one, server.identity):
        return why
    if one.timeline != server.identity.timeline:
        return f"it is of timeline {one.timeline or 'unknown'}, the server is on {server.identity.timeline}"
    if one.database_oid != server.database_oid:
        return f"the database {one.database} is another one now, under the same name"
    age = (_moment(server.now) - _moment(one.started_at)).total_seconds()
    if age < 0:
        return "it was begun after the time that the server's clock shows now"
    if age > MAX_AGE_S:
        return f"it was begun at {words.utc(one.started_at)}, more than a day ago"
    policy = environment.policy
    changes = changes_since(
        connection, one.started_at, environment.target.registry, policy.tracking, policy.keep_schema
    )
    own = _of_unfinished_runs(environment, one, state_dir) if changes else frozenset()
    for change in changes:
        if (change.what.split(" ")[0], change.run_id or change.change_id) not in own:
            return f"it was begun before the last change there: {change.what} at {words.utc(change.at)}"
    return ""


def _of_another_server(connection: Connection, environment: Environment, one: Backup, identity: ServerIdentity) -> str:
    """Why a dump is not known to be of the server that answers: a copy of its cluster has its identity, and other rows.
    Raises ServerError."""
    there = Address(one.conninfo.get("host", ""), dict(one.conninfo))
    if there.key == address_of(environment.target, identity.host, identity.port, identity.database).key:
        return ""
    if not one.conninfo:
        return "it is of an earlier version, which didn't note the address of its server"
    probed = probe(connection, there)
    if probed.relation == "other":
        return f"it is of another server: {there.display}"
    return f"whether it is of this server can't be told: {probed.why}" if probed.relation == "unknown" else ""


def _of_unfinished_runs(environment: Environment, one: Backup, state_dir: Path) -> frozenset[tuple[str, str]]:
    """What runs of this account have done that were started with this very dump as their proof and haven't got to their
    end: (event, change ID) of their steps, or ("backfill", run ID)."""
    found: set[tuple[str, str]] = set()
    for run in list_runs(state_dir):
        if run.environment != environment.name or run.exit_status == 0 or run.state == "running":
            continue
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            plan = RunPlan.load(state_dir / "runs" / run.run_id)
            if plan.backup is None or plan.backup["sha256"] != one.sha256:
                continue
            found.add((plan.command, plan.run_id))
            at = positions(JournalReader(plan.folder).poll())
            for step in plan.steps:
                if (position := at.get(step.number)) is not None:
                    found.add((step.action if position.recorded else "fail", step.change_id))
    return frozenset(found)


def _summary(one: Backup) -> str:
    return f"{one.path}, {words.size(one.size)}, begun at {words.utc(one.started_at)}"


def _both(state: State, summary: str, one: Backup | None = None) -> tuple[CheckResult, ...]:
    return _result(MADE, state, summary, one), _result(PROVEN, "UNKNOWN", "no backup that counts", one)


def _result(
    name: str,
    state: State,
    summary: str,
    one: Backup | None,
    seal: Seal | None = None,
    restored: RestoreProof | None = None,
) -> CheckResult:
    rows: tuple[dict[str, Any], ...] = ()
    if one is not None:
        found = {**asdict(one), "file": None if seal is None else asdict(seal)}
        if restored is not None:
            found |= {"verified": "restore", "restored": asdict(restored)}
        rows = (found,)
    now = words.iso(datetime.now(UTC))
    return CheckResult(name, _TITLES[name], state, summary, rows, "", one.started_at if one else now, now)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
