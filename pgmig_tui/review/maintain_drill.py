"""The recovery drill: whether a backup was restored as a test lately, and one more of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.display import words
from pgmig_tui.errors import Refused, in_a_line
from pgmig_tui.gates.backup import Backup, backup_at, backups_of
from pgmig_tui.gates.decode import Damaged
from pgmig_tui.gates.progress import Tell, untold
from pgmig_tui.gates.restored import RestoreProof, proofs_of
from pgmig_tui.rehearse.prove_restore import prove_restore
from pgmig_tui.review import backups, maintain_kept
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, Value, section, unseen
from pgmig_tui.review.maintain_kept import Drill

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_SHOWN = ("PASS", "WARN")
"""What of a restore proves that a backup can be restored."""


def drill_section(environment: Environment, identity: ServerIdentity, state_dir: Path, now: datetime) -> Section:
    """When a backup of that database was last restored as a test. `now` is UTC."""
    every = environment.maintain.drill_ms
    known = backups_of(backups.folder_of(state_dir), identity)
    drills = past(environment, identity, state_dir)
    proven = next((one for one in drills if one.state in _SHOWN), None)
    values: dict[str, Value] = {"every_days": every / 86_400_000, "backups": len(known)}
    if known:
        values["newest_backup_at"] = known[0].finished_at
    if drills:
        values |= {"last_at": drills[0].at, "last_state": drills[0].state}
    if proven is not None:
        values |= {"proven_at": proven.at, "restore_s": proven.restore_s, "proven_by": proven.by}
    due = proven is None or (now - _moment(proven.at)).total_seconds() * 1000 > every
    findings = [_due(environment, identity.database, proven, known)] if due else []
    if findings and environment.policy.backup.kind != "dump":
        kind = environment.policy.backup.kind
        why = f"backups are made by {kind}: pgmig-tui restores dumps only, so the drill is a person's"
        findings = [unseen(f"drill of {kind}", why)]
    if drills and drills[0].state == "FAIL":
        findings.append(_failed(environment, identity.database, drills[0]))
    clear = "" if proven is None else f"{proven.summary}, {words.utc(proven.at)}"
    notes = [f"the last one, {words.utc(drills[0].at)}, proved nothing: {drills[0].summary}"] if drills else []
    if drills and drills[0].state in (*_SHOWN, "FAIL"):
        notes = []
    return section(
        "drill", findings, environment, now.date(), clear=clear, found="drill due", notes=notes, values=values
    )


def past(environment: Environment, identity: ServerIdentity, state_dir: Path) -> tuple[Drill, ...]:
    """Test restores of that database by this account, be it before a deploy, the newest first."""
    kept = maintain_kept.read_drills(maintain_kept.folder_of(environment, identity, state_dir))
    seen = {(one.path, one.at) for one in kept}
    folder = backups.folder_of(state_dir)
    proofs = proofs_of(folder, identity.system_identifier, identity.database) if folder.is_dir() else []
    others = [_of_proof(one, "", "") for one in proofs if (one.path, one.started_at) not in seen]
    return tuple(sorted((*kept, *others), key=lambda one: _moment(one.at), reverse=True))


def run_drill(
    project: Project,
    environment: Environment,
    *,
    state_dir: Path,
    backup: str | None = None,
    tell: Tell = untold,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Drill, RestoreProof]:
    """Restore the newest backup of this account, or the dump `backup`, into a server of our own, and keep what came of
    it, that it can't be read included. The environment is only read. Raises Refused where there is none, and what
    `prove_restore` raises."""
    started_at = words.iso_exact(datetime.now(UTC))
    with connect(environment.target, application_name=application_name("drill", "look")) as connection:
        identity = connection.identity()
    one = _chosen(environment, identity, state_dir, backup)
    folder, by = maintain_kept.folder_of(environment, identity, state_dir), str(project.operator)
    try:
        proof = prove_restore(project, environment, one, state_dir=state_dir, tell=tell, stopping=stopping)
    except Damaged as error:
        broken = Drill(started_at, by, one.path, "FAIL", in_a_line(error.what), 0.0, 0.0, one.finished_at)
        maintain_kept.keep_drill(folder, broken)
        raise
    drill = _of_proof(proof, by, one.finished_at)
    maintain_kept.keep_drill(folder, drill)
    return drill, proof


def _chosen(environment: Environment, identity: ServerIdentity, state_dir: Path, wanted: str | None) -> Backup:
    if wanted is not None:
        named = backup_at(Path(wanted).absolute(), identity)
        known = [] if named is None else [named]
    else:
        known = backups_of(backups.folder_of(state_dir), identity)
    if known:
        return known[0]
    what = f"there is no backup of {identity.database} of this account"
    if wanted is not None:
        what = (
            f"{wanted} is no dump of {identity.database} on that server that pgmig-tui made, with its record beside it"
        )
    raise Refused(
        what,
        now="Nothing was restored.",
        do=f"`pgmig-tui deploy {environment.name} --backup` makes one before a deploy; the next drill restores it.",
    )


def _due(environment: Environment, database: str, proven: Drill | None, known: list[Backup]) -> MaintainFinding:
    every = words.duration(environment.maintain.drill_ms)
    if proven is None:
        told = "no backup of this account was ever restored as a test with success"
    else:
        told = f"the last restore that proved anything was at {words.utc(proven.at)}; one is due every {every}"
    told += "" if known else ", and there is no backup of this account to restore"
    since = "" if proven is None else proven.at
    return MaintainFinding("drill due", database, told, since=since, command=f"maintain {environment.name} --drill")


def _failed(environment: Environment, database: str, last: Drill) -> MaintainFinding:
    told = f"the last one, {words.utc(last.at)}, failed: {last.summary}"
    return MaintainFinding(
        "drill failed", database, told, since=last.at, command=f"maintain {environment.name} --drill"
    )


def _of_proof(proof: RestoreProof, by: str, backup_at: str) -> Drill:
    return Drill(
        proof.started_at, by, proof.path, proof.state, proof.summary, proof.restore_s, proof.seconds, backup_at
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
