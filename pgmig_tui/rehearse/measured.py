"""What a rehearsal found, as plain values; `to_json` is the shape of `rehearse --json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import Estimate, StatementImpact

Seen = Literal["in its transaction", "while it ran", "not"]
"""in its transaction: all locks, read before COMMIT · while it ran: those that a second session saw · not measured."""


@dataclass(frozen=True, slots=True)
class MeasuredLock:
    """The strongest mode that a statement took anew on one relation; `new`: the script made that relation itself."""

    name: Name
    relkind: str
    mode: LockMode
    new: bool


@dataclass(frozen=True, slots=True)
class RowWork:
    """Work on one table: sequential scans begun, tuples read by them, tuples inserted, updated and deleted."""

    name: Name
    scans: int
    read: int
    inserted: int
    updated: int
    deleted: int
    new: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """One statement as it really ran. `rewrites` are tables (and sequences) with a new file, `rebuilds` indexes.

    `held` are the modes that the transaction had before the statement: what is taken again shows nowhere. `wal_bytes`
    is None where it couldn't be read; `ms` is the time on a copy without rows.
    """

    seen: Seen = "not"
    locks: tuple[MeasuredLock, ...] = ()
    held: Mapping[Name, frozenset[LockMode]] = field(default_factory=dict)
    rewrites: tuple[Name, ...] = ()
    rebuilds: tuple[Name, ...] = ()
    rows: tuple[RowWork, ...] = ()
    wal_bytes: int | None = None
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a prediction and the measurement part. `strong`: about SHARE UPDATE EXCLUSIVE or more, or a rewrite."""

    about: Literal["lock", "rewrite", "rebuild", "scan"]
    relation: str
    predicted: str
    measured: str
    strong: bool


@dataclass(frozen=True, slots=True)
class RehearsedStatement:
    """One statement, or a run of `count` like ones of which the first was measured.

    `rows` are those it returned or changed. `of_rows`: what it does depends on rows, and there were none.
    `on_target`: the estimate with the target's own sizes.
    """

    path: str
    line: int
    end_line: int
    kind: str
    sql: str
    count: int
    rows: int
    measured: Measured
    predicted: StatementImpact | None
    differences: tuple[Difference, ...]
    of_rows: bool
    on_target: Estimate | None = None


@dataclass(frozen=True, slots=True)
class ScriptProblem:
    """Why a script stopped."""

    path: str
    line: int
    message: str
    sqlstate: str = ""
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class VerifiesNothing:
    """A verify script that passed where its change was absent. `silenced` is the reason that the script gives for it,
    "" = none."""

    path: str
    when: Literal["before the deploy", "after the revert"]
    silenced: str = ""


@dataclass(frozen=True, slots=True)
class RehearsedScript:
    """One script of one change. `verified` is None when nothing was verified; `ms` includes the measuring.

    `absent` is True when its verify script failed as it must where the change is absent, None when there is none.
    `script_hash` is the SHA-256 of its bytes, `schema` and `after` are digests of all objects but ours before and after
    it.
    """

    change: str
    change_id: str
    action: Literal["deploy", "revert", "redeploy"]
    script: str
    mode: str
    ok: bool
    ms: int
    statements: tuple[RehearsedStatement, ...] = ()
    problem: ScriptProblem | None = None
    verified: bool | None = None
    verify_problem: ScriptProblem | None = None
    absent: Literal[True] | VerifiesNothing | None = None
    notes: tuple[str, ...] = ()
    script_hash: str = ""
    schema: str = ""
    after: str = ""

    @property
    def differences(self) -> tuple[tuple[RehearsedStatement, Difference], ...]:
        return tuple((one, difference) for one in self.statements for difference in one.differences)


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """An object of which a revert left another definition than it found, or a second deploy made another one.

    `before` is what it should be, `after` what it is; "" = not there.
    """

    when: Literal["revert", "redeploy"]
    change: str
    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Digests of the whole schema: before, deployed, reverted, deployed again; "" = it didn't come to that."""

    before: str = ""
    deployed: str = ""
    reverted: str = ""
    redeployed: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A rehearsal to its end. `where` says on which server, `notes` what the copy lacks, `restore_problems` what could
    not be copied."""

    environment: str
    target: str
    target_version_num: int
    version_num: int
    where: str
    statistics: bool
    stand_in_roles: tuple[str, ...]
    stand_in_tablespaces: tuple[str, ...]
    missing_extensions: tuple[str, ...]
    restore_problems: tuple[str, ...]
    notes: tuple[str, ...]
    scripts: tuple[RehearsedScript, ...]
    fingerprints: Fingerprints
    schema_differences: tuple[SchemaDifference, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Every script ran, every verification passed, reverts took everything back and the second deploy made it
        again."""
        ran = all(one.ok and one.verified is not False for one in self.scripts)
        return ran and not self.schema_differences

    @property
    def deployed(self) -> tuple[RehearsedScript, ...]:
        return tuple(one for one in self.scripts if one.action == "deploy")

    @property
    def verify_nothing(self) -> tuple[VerifiesNothing, ...]:
        """Each verify script that passed where its change was absent, once; those that say why are left out."""
        found: dict[str, VerifiesNothing] = {}
        for one in self.scripts:
            if isinstance(one.absent, VerifiesNothing) and not one.absent.silenced:
                found.setdefault(one.absent.path, one.absent)
        return tuple(found.values())

    @property
    def differences(self) -> int:
        """How often prediction and measurement parted where it matters."""
        return sum(difference.strong for one in self.scripts for _, difference in one.differences)


def to_json(found: Rehearsal) -> dict[str, object]:
    """The document of `rehearse --json`."""
    marks = found.fingerprints
    return {
        "environment": found.environment,
        "target": found.target,
        "target_version_num": found.target_version_num,
        "server_version_num": found.version_num,
        "server": found.where,
        "ok": found.ok,
        "data": False,
        "statistics": found.statistics,
        "stand_ins": {"roles": list(found.stand_in_roles), "tablespaces": list(found.stand_in_tablespaces)},
        "missing_extensions": list(found.missing_extensions),
        "restore_problems": list(found.restore_problems),
        "notes": list(found.notes),
        "scripts": [_script_json(one) for one in found.scripts],
        "fingerprints": {
            **asdict(marks),
            "revert_restores": marks.before == marks.reverted if marks.reverted else None,
            "redeploy_repeats": marks.deployed == marks.redeployed if marks.redeployed else None,
            "differences": [asdict(one) for one in found.schema_differences],
        },
        "differences": found.differences,
        "verify_nothing": [asdict(one) for one in found.verify_nothing],
        "seconds": round(found.seconds, 3),
    }


def _script_json(one: RehearsedScript) -> dict[str, object]:
    return {
        "change": one.change,
        "change_id": one.change_id,
        "action": one.action,
        "path": one.script,
        "mode": one.mode,
        "ok": one.ok,
        "ms": one.ms,
        "problem": None if one.problem is None else asdict(one.problem),
        "verified": one.verified,
        "verify_problem": None if one.verify_problem is None else asdict(one.verify_problem),
        "absent": asdict(one.absent) if isinstance(one.absent, VerifiesNothing) else one.absent,
        "notes": list(one.notes),
        "statements": [_statement_json(statement) for statement in one.statements],
    }


def _statement_json(one: RehearsedStatement) -> dict[str, object]:
    measured, predicted = one.measured, one.predicted
    return {
        "path": one.path,
        "line": one.line,
        "end_line": one.end_line,
        "kind": one.kind,
        "sql": one.sql,
        "count": one.count,
        "rows": one.rows,
        "depends_on_rows": one.of_rows,
        "measured": {
            "seen": measured.seen,
            "locks": [
                {
                    "schema": lock.name.schema,
                    "relation": lock.name.relation,
                    "relkind": lock.relkind,
                    "mode": lock.mode.pg_name,
                    "new": lock.new,
                }
                for lock in measured.locks
            ],
            "rewrites": [str(name) for name in measured.rewrites],
            "rebuilds": [str(name) for name in measured.rebuilds],
            "tables": [
                {
                    "relation": str(rows.name),
                    "scans": rows.scans,
                    "read": rows.read,
                    "inserted": rows.inserted,
                    "updated": rows.updated,
                    "deleted": rows.deleted,
                    "new": rows.new,
                }
                for rows in measured.rows
            ],
            "wal_bytes": measured.wal_bytes,
            "ms": round(measured.ms, 2),
        },
        "predicted": None
        if predicted is None
        else {
            "locks": [
                {
                    "schema": lock.schema,
                    "relation": lock.relation,
                    "mode": lock.mode.pg_name,
                    "certainty": lock.certainty,
                    "new": lock.new,
                }
                for lock in predicted.locks
            ],
            "rewrites": list(predicted.rewrites),
            "scans": list(predicted.scans),
            "unknown": list(predicted.unknown),
        },
        "differences": [asdict(difference) for difference in one.differences],
        "estimated_ms_on_target": None
        if one.on_target is None
        else {"low": one.on_target.low, "high": one.on_target.high},
    }
