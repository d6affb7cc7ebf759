"""What a test of changes found, as plain values; `to_json` is the shape of `test --json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from pgmig_tui.rehearse.data import DataFound
from pgmig_tui.rehearse.measured import ScriptProblem

StepName = Literal["absent", "deploy", "verify", "fingerprint", "revert", "reverted", "absent_again", "redeploy"]
When = Literal["deploy", "revert", "redeploy"]
Outcome = Literal["passed", "failed", "declared", "none", "not_run"]
"""passed · failed · declared: the script says that it is so, and why · none: there is no verify script · not_run: a
step before it failed."""

STEPS: Final[dict[StepName, str]] = {
    "absent": "verify must fail",
    "deploy": "deploy",
    "verify": "verify",
    "fingerprint": "fingerprint",
    "revert": "revert",
    "reverted": "fingerprint as at first",
    "absent_again": "verify must fail again",
    "redeploy": "deploy again, the same",
}
"""The steps in their order, in words."""
NO_DATA: Final = DataFound()


@dataclass(frozen=True, slots=True)
class CycleStep:
    """One of the steps. `told` says what was found, "" where the outcome says all; `ms` milliseconds."""

    name: StepName
    outcome: Outcome
    told: str = ""
    ms: int = 0
    problem: ScriptProblem | None = None


@dataclass(frozen=True, slots=True)
class Apart:
    """An object that isn't as it should be, or that the change made; "" = not there.

    `when`: deploy, against before it · revert, against before the deploy · redeploy, against the first deploy.
    `counts`: it makes the step fail. The order of columns never does, nor a role, which is the whole cluster's.
    """

    when: When
    kind: str
    name: str
    before: str
    after: str
    counts: bool = True

    @property
    def told(self) -> str:
        """Such as `table app.t is gone`."""
        return (
            f"{self.kind} {self.name} {'is gone' if not self.after else 'is there' if not self.before else 'differs'}"
        )


@dataclass(frozen=True, slots=True)
class ChangeTest:
    """One change. `not_tested` says why it didn't come to its steps, "" where it did."""

    change: str
    change_id: str
    steps: tuple[CycleStep, ...] = ()
    apart: tuple[Apart, ...] = ()
    not_tested: str = ""
    ms: int = 0
    data: DataFound = NO_DATA
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of its scripts that are there, by "deploy", "revert" and "verify"."""
    stands: bool = False
    """Whether its database has it deployed at the end."""

    @property
    def ok(self) -> bool:
        return not self.not_tested and all(one.outcome not in ("failed", "not_run") for one in self.steps)

    @property
    def outcome(self) -> Literal["passed", "failed", "not_tested"]:
        return "not_tested" if self.not_tested else "passed" if self.ok else "failed"

    def step(self, name: StepName) -> CycleStep | None:
        """The step of that name; None where it didn't come to the steps."""
        return next((one for one in self.steps if one.name == name), None)


@dataclass(frozen=True, slots=True)
class ChangeTests:
    """A test of changes, in the plan's order. `where` is the server, `notes` what else there is to know of it."""

    project: str
    where: str
    version_num: int
    changes: tuple[ChangeTest, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for was done, and went well."""
        return all(one.ok for one in self.changes) and not self.unfilled and not self.unasked

    @property
    def unfilled(self) -> dict[str, str]:
        """Tables that never had rows although some were wanted, with the reason that was told last."""
        had = {table.table for one in self.changes for table in one.data.filled if table.rows}
        found = {table.table: table.reason for one in self.changes for table in one.data.unfilled}
        return {table: reason for table, reason in found.items() if table not in had}

    @property
    def unasked(self) -> dict[str, str]:
        """Critical queries that failed before and after every change, by their names, with the error."""
        every = [query for one in self.changes for query in one.data.queries]
        asked = {one.name for one in every if one.before_plan or one.after_plan}
        return {one.name: one.after_error or one.before_error for one in every if one.name not in asked}

    def count(self, outcome: Literal["passed", "failed", "not_tested"]) -> int:
        return sum(one.outcome == outcome for one in self.changes)


@dataclass(frozen=True, slots=True)
class StepBegun:
    """How far it is: `done` of `of` changes, and the step that has begun now."""

    done: int
    of: int
    change: str
    step: StepName

    @property
    def number(self) -> int:
        """Of the step, from 1."""
        return [*STEPS].index(self.step) + 1


def to_json(found: ChangeTests) -> dict[str, object]:
    """The document of `test --json`."""
    return {
        "project": found.project,
        "server": found.where,
        "server_version_num": found.version_num,
        "ok": found.ok,
        "passed": found.count("passed"),
        "failed": found.count("failed"),
        "not_tested": found.count("not_tested"),
        "notes": list(found.notes),
        "unfilled": [{"table": table, "reason": reason} for table, reason in found.unfilled.items()],
        "unasked": [{"query": name, "error": error} for name, error in found.unasked.items()],
        "changes": [_change_json(one) for one in found.changes],
        "seconds": round(found.seconds, 3),
    }


def _change_json(one: ChangeTest) -> dict[str, object]:
    return {
        "change": one.change,
        "change_id": one.change_id,
        "outcome": one.outcome,
        "reason": one.not_tested or None,
        "ms": one.ms,
        "steps": [
            {
                "step": step.name,
                "outcome": step.outcome,
                "told": step.told,
                "ms": step.ms,
                "problem": None if step.problem is None else asdict(step.problem),
            }
            for step in one.steps
        ],
        "objects": [asdict(each) for each in one.apart],
        "data": asdict(one.data),
    }
