"""What is looked at before a rollback: what goes, in which order and to which point, what that costs, and whether it
was ever tried. Command line and screen show the same lines.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import CheckResult
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Span, line
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sql_colors import colored
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.gates.loss import Losses
from pgmig_tui.review.now import RightNow, ask, read_twice, wanted_by
from pgmig_tui.review.prepared import Review, answered, looked_again, review
from pgmig_tui.review.rollback_steps import StepRow, row_lines, step_rows, total_document
from pgmig_tui.run.journal.frozen import RecordedFiles, require_as_read
from pgmig_tui.run.planning.losses import Receipt, count_losses, filled, loose_of
from pgmig_tui.run.planning.tried import TriedRevert, tried_before
from pgmig_tui.run.process.keep import Saving, plan_saving

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange
    from pgmig_tui.gates.gate import Answer
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.clients.extent import Extent
    from pgmig_tui.run.journal.run_plan import RunPlan, Step


_WIDE = 160
"""Columns of a list that nobody has said a width for."""
_SCRIPT = 100_000
"""Characters of a script that are shown."""


@dataclass(frozen=True, slots=True)
class RollbackReview:
    """Everything that is known before. `tried` is by change ID; `silent` are environments that didn't answer."""

    extent: Extent
    review: Review
    now: RightNow
    receipt: Receipt
    tried: Mapping[str, TriedRevert]
    silent: tuple[str, ...]
    asked_at: datetime
    saving: Saving | None = None

    @property
    def plan(self) -> RunPlan:
        return self.review.plan

    @property
    def rows(self) -> tuple[StepRow, ...]:
        """The list of its steps."""
        return step_rows(self.plan, self.review.impacts, self.receipt)

    @property
    def losses(self) -> Losses:
        """What has to be accepted: empty where nothing is lost that no script brings back."""
        if self.receipt.nothing or self.saving is not None:
            return Losses()
        return self.receipt.told if not self.receipt.problem else self.review.told_losses

    @property
    def loses(self) -> tuple[str, ...]:
        return self.losses.all

    def saved(self, environment: Environment) -> RollbackReview:
        """The same, keeping first what it destroys. Raises Refused, NotPermitted, ServerError, Unreachable."""
        impacts = [one.impact if one is not None else None for one in self.review.impacts]
        name = application_name("rollback", "keep")
        with connect(environment.target, application_name=name, kind="watch") as connection:
            schema = environment.policy.keep_schema
            saving = plan_saving(self.plan, self.receipt, impacts, connection, schema)
        return replace(self, review=replace(self.review, plan=saving.plan), saving=saving)

    def still_last(self, deployed: Sequence[DeployedChange]) -> bool:
        """Whether nothing has been deployed or reverted since it was looked at: what goes first is still the newest."""
        return bool(deployed) and deployed[-1] == self.extent.changes[0]

    def answered(self, environment: Environment, answers: Sequence[Answer]) -> RollbackReview:
        return replace(self, review=answered(self.review, environment, answers))

    def looked_again(self, environment: Environment, answers: Sequence[Answer]) -> RollbackReview:
        """The same as the server answers now: its checks, and who is in the way. Never raises for the server."""
        found = looked_again(replace(self.review, answers=tuple(answers)), environment)
        return replace(self, review=found, now=_in_the_way(self.review, environment))


def look(
    project: Project,
    environment: Environment,
    extent: Extent,
    plan: RunPlan,
    answers: Sequence[Answer] = (),
    *,
    state_dir: Path,
    save: bool = False,
) -> RollbackReview:
    """Look at a planned rollback. What can't be told is said to be unknown; only what can't be saved although `save` is
    wanted raises Refused or NotPermitted."""
    scripts = deployed_scripts(project, extent)
    reviewed = review(plan, environment, answers, (scripts,))
    tried, silent = tried_before(project, environment, plan, state_dir, reviewed.rehearsed)
    now, receipt = _ask(reviewed, environment)
    asked_at = datetime.now(UTC)
    counted = replace(
        plan,
        losses=tuple(_loss_fields(reviewed, receipt, asked_at)),
        foretold=total_document(step_rows(plan, reviewed.impacts, receipt)),
    )
    counted.save()
    found = RollbackReview(extent, replace(reviewed, plan=counted), now, receipt, tried, silent, asked_at)
    return found.saved(environment) if save else found


def require_shown(found: RollbackReview, environment: Environment) -> None:
    """Right before a rollback starts: its scripts are those that were read, and nothing that was shown as empty holds
    anything by now, for who types a word has looked a while ago. Raises Refused, naming what does, and PgmigError where
    the server can't be asked."""
    require_as_read(found.plan)
    if found.saving is not None or not any(loss.count.total == 0 for loss in found.receipt.losses):
        return
    with connect(environment.target, application_name=application_name("rollback", "watch")) as connection:
        new = filled(found.receipt, connection, found.plan.registry)
    if new:
        raise Refused(
            "what was shown as empty is not empty any more",
            details=[safe(loss.sentence) for loss in new],
            now="Nothing was reverted.",
            do="Look at what is lost now, then start it again.",
        )


def _loss_fields(reviewed: Review, receipt: Receipt, asked_at: datetime) -> Iterator[dict[str, object]]:
    """The fields of the `loss_counted` events: each with the step that destroys it, for only that step's end says
    whether it was lost."""
    at = words.iso(asked_at)
    for loss in receipt.losses:
        if loss.count.total != 0:
            yield {**loss.to_json(), "counted_at": at}
    told: set[str] = set()
    for step, one in zip(reviewed.plan.steps, reviewed.impacts, strict=True):
        if one is None:
            continue
        texts = list(loose_of(one.impact, reviewed.evidence))
        if receipt.problem and one.impact.data_loss.final:
            texts += [f"{what} (not counted: {receipt.problem})" for what in one.impact.data_loss.what or ("data",)]
        for text in texts:
            if text not in told:
                told.add(text)
                yield {"step": step.number, "change": step.change, "told": text, "total": None, "counted_at": at}


def deployed_scripts(project: Project, extent: Extent) -> CheckResult:
    """Whether the deploy scripts on disk are those that were deployed: else the revert scripts may be others, too."""
    changed, unknown = [], []
    for change in extent.changes:
        planned = project.plan.by_id.get(change.change_id)
        if planned is None:
            unknown.append(f"{change.name} isn't in the plan")
        elif change.script_hash in (None, change.change_id):
            unknown.append(f"the registry has no script hash of {change.name}")
        elif (now := project.script_hash(planned)) != change.script_hash:
            changed.append(change.name if now is not None else f"{change.name} (no file)")
    title = "What was deployed is what the files say"
    if changed:
        summary = f"not the script that was deployed: {words.listing(changed)}"
        return CheckResult("deployed_scripts", title, "FAIL", summary)
    if unknown:
        return CheckResult("deployed_scripts", title, "UNKNOWN", words.listing(unknown))
    same = words.count(len(extent.changes), "deploy script")
    return CheckResult("deployed_scripts", title, "PASS", f"{same} as deployed, by hash")


def _in_the_way(reviewed: Review, environment: Environment) -> RightNow:
    """Who is in the way now."""
    impacts = [one.impact for one in reviewed.impacts if one is not None]
    try:
        with connect(environment.target, application_name=application_name("rollback", "watch")) as connection:
            return ask(connection, environment.name, impacts)
    except PgmigError as error:
        return RightNow(environment.name, datetime.now(UTC), problem=error.what)


def _ask(reviewed: Review, environment: Environment) -> tuple[RightNow, Receipt]:
    """Who is in the way now, and what will be lost."""
    plan = reviewed.plan
    impacts = [one.impact if one is not None else None for one in reviewed.impacts]
    try:
        with connect(environment.target, application_name=application_name("rollback", "watch")) as connection:
            wanted = wanted_by(one for one in impacts if one is not None)
            now = read_twice(connection, environment.name, wanted)  # before we read the tables ourselves
            return now, count_losses(plan.steps, impacts, connection, plan.registry, reviewed.evidence)
    except PgmigError as error:
        now = RightNow(environment.name, datetime.now(UTC), problem=error.what)
        return now, Receipt((), reviewed.losses.known, reviewed.losses.unknown, error.what)


# -- in words ----------------------------------------------------------------------------------------------------------


def headline(extent: Extent, asked_at: datetime) -> Line:
    """Such as `Roll back run 20261122-… (Maria Berg, 4 min 10 s ago, FAILED, 3 of 4), back to orders @v2.8`."""
    if not extent.run_id:
        what = f"{words.count(len(extent.changes), 'change')} to a chosen point"
        return line(("Roll back ", "strong"), (f"{what}: back to {safe(extent.point)}", "strong"))
    return line(("Roll back ", "strong"), (f"{run_words(extent, asked_at)}, back to {safe(extent.point)}", "strong"))


def run_words(extent: Extent, asked_at: datetime) -> str:
    """The run that made an extent: who, when, how it ended, and how much of it stands."""
    facts = [safe(extent.by.partition(" <")[0]), _age(extent.at, asked_at)]
    if extent.alive:
        facts[1] = "STILL RUNNING"
    elif extent.heard_at:
        facts[1:] = [f"last heard of {_age(extent.heard_at, asked_at)}", "CUT OFF"]
    elif extent.result and extent.result != "done":
        facts.append(extent.result.upper().replace("_", " "))
    many = len(extent.changes)
    facts.append(f"{many} of {extent.steps}" if extent.steps else words.count(many, "change"))
    return f"run {extent.run_id} ({', '.join(fact for fact in facts if fact)})"


def candidate_lines(extent: Extent, environment: str) -> list[Line]:
    """Where nothing is rolled back by itself: what may be meant, and the command that says so."""
    one = extent.candidate
    if one is None:
        return []
    what = one.guess or run_words(one, datetime.now(UTC))
    names = words.listing([safe(change.name) for change in one.changes], 10)
    command: Span = (to_command(one, environment), "strong")
    return [
        line(("  ? ", "stale"), f"perhaps {safe(what)}"),
        line(("    newest first: ", "muted"), names),
        line(("    ", "muted"), f"back to {safe(one.point)}: ", command),
    ]


def to_command(extent: Extent, environment: str) -> str:
    """The command that rolls back to the point of `extent`, whatever else has happened since."""
    return f"pgmig-tui rollback {_quoted(environment)} {_point_option(extent)}"


def _point_option(extent: Extent) -> str:
    return f"--to {_quoted(extent.spec)}" if extent.keep is not None else "--all"


def _quoted(text: str) -> str:
    """For a shell, and safe to draw."""
    return shlex.quote(safe(text))


def nothing_document(extent: Extent, environment: str) -> dict[str, object]:
    """As JSON values, where nothing is rolled back. `candidate` is for a person to choose."""
    one = extent.candidate
    return {
        "environment": environment,
        "nothing": extent.nothing,
        "undecided": extent.undecided,
        "candidate": None
        if one is None
        else {
            **_undoes(one),
            "changes": [{"name": change.name, "change_id": change.change_id} for change in one.changes],
            "keep": _keep(one),
            "command": to_command(one, environment),
        },
        "steps": [],
    }


def _undoes(extent: Extent) -> dict[str, object]:
    return {
        "run": extent.run_id or None,
        "by": extent.by,
        "host": extent.host,
        "at": extent.at,
        "result": extent.result,
        "alive": extent.alive,
        "guess": extent.guess,
    }


def _keep(extent: Extent) -> dict[str, object] | None:
    keep = extent.keep
    return None if keep is None else {"name": keep.name, "change_id": keep.change_id, "tags": list(keep.tags)}


def _age(at: str, now: datetime) -> str:
    try:
        return words.ago(max(0.0, (now - datetime.fromisoformat(at)).total_seconds()))
    except ValueError:
        return ""


def statements(found: RollbackReview) -> list[tuple[Step, int, str]]:
    """(step, line, SQL without secrets) of every statement that will run, transaction control aside."""
    told = []
    for step, inspected in zip(found.plan.steps, found.review.impacts, strict=True):
        for one in inspected.impact.statements if inspected is not None else ():
            if not one.transaction_control:
                told.append((step, one.line, " ".join(mask_secrets(one.sql).split())))
    return told


def script_lines(found: RollbackReview) -> list[Line]:
    """The scripts that will be run, as they were read, without secrets and coloured; safe to draw."""
    files = RecordedFiles.of(found.plan)
    told: list[Line] = []
    for step in found.plan.steps:
        told += [()] if told else []
        told.append(line((f"{step.number}  {safe(step.script or 'no script is run')}", "title")))
        if step.script is None:
            continue
        text = mask_secrets(files.script(step.script).decode("utf-8", "replace"))
        if len(text) > _SCRIPT:
            text = text[:_SCRIPT].rpartition("\n")[0] + "\n-- ... the rest is in the file"
        told += [tuple((safe(part), role) for part, role in one) for one in colored(text.expandtabs(4).rstrip())]
    return told


def loss_lines(found: RollbackReview) -> list[Line]:
    """The receipt: what is lost, counted."""
    receipt = found.receipt
    told = [
        line(("  empty ", "muted"), (safe(loss.sentence), "muted"))
        if loss.count.total == 0
        else line(("  LOSES ", "failed"), safe(loss.sentence))
        for loss in receipt.shown
    ]
    told += Losses(receipt.loose, receipt.unknown).lines()
    if receipt.problem:
        told = found.review.told_losses.lines()
        told.append(line(("  ? ", "stale"), f"not counted: {safe(receipt.problem)}"))
    if found.saving is not None and found.saving.saves:
        told.append(line(("  SAVES ", "done"), safe(found.saving.sentence)))
        told.append(
            line(("        ", "plain"), f"`pgmig-tui undo {found.plan.run_id}` brings it back after a redeploy")
        )
    return told


def evidence_lines(found: RollbackReview) -> list[Line]:
    """Whether the scripts are those that were deployed, and whether these reverts have passed anywhere."""
    told = []
    scripts = next((one for one in found.review.checks if one.name == "deployed_scripts"), None)
    if scripts is not None:
        marks: dict[str, Span] = {"PASS": ("+ ", "done"), "FAIL": ("x ", "failed")}
        told.append(line(marks.get(scripts.state, ("? ", "stale")), safe(scripts.summary)))
    never = [step.change for step in found.plan.steps if step.change_id not in found.tried]
    for step in found.plan.steps:
        tried = found.tried.get(step.change_id)
        if tried is not None:
            sure: Span = ("+ ", "done") if tried.same else ("? ", "stale")
            told.append(line(sure, safe(f"{step.change}: {tried.sentence}, {words.utc(tried.at)}")))
    if never:
        asked = f" ({words.listing(found.silent)} didn't answer)" if found.silent else ""
        told.append(line(("! ", "waiting"), safe(f"never tried, as far as is known: {words.listing(never)}{asked}")))
    return told


def lines(found: RollbackReview, columns: int = _WIDE, *, sql: bool = True) -> list[Line]:
    """All of it, for a terminal that scrolls."""
    extent = found.extent
    told = [headline(extent, found.asked_at)]
    told += [line(("! ", "waiting"), safe(warning)) for warning in found.plan.warnings]
    told += row_lines(found.rows, columns)
    if sql:
        for step, number, text in statements(found):
            text = text if len(text) <= 160 else text[:157] + "..."
            told.append(line((f"      {step.number}:{number:<4} ", "muted"), safe(text)))
    if not found.review.catalog:
        told.append(line(("? ", "stale"), f"the locks are told from the text alone: {safe(found.review.reason)}"))
    told += loss_lines(found)
    told += found.now.lines()
    return told + evidence_lines(found)


def dry_lines(found: RollbackReview, columns: int = _WIDE) -> list[Line]:
    """What `rollback --dry-run` tells: all of it, and the command that would do it. Nothing is done by that."""
    plan = found.plan
    where = f"{safe(plan.environment)} ({safe(plan.server.display)}, as {safe(plan.server.role)})"
    head: Span = (where, "tier-prod" if plan.protected else "strong")
    done = f"Nothing was done. It would be: {command_line(found)}"
    return [line(("ROLL BACK on ", "strong"), head), *lines(found, columns), (), line((done, "plain"))]


def command_line(found: RollbackReview) -> str:
    """The command that does the same without a screen and without questions."""
    plan = found.plan
    parts = ["pgmig-tui rollback", _quoted(plan.environment)]
    if not found.extent.run_id:
        parts.append(_point_option(found.extent))
    if found.saving is not None:
        parts.append("--save")
    if plan.protected and found.loses:
        parts.append("--accept-data-loss")
    parts.append(f"--confirm {_quoted(plan.confirm_word)}" if plan.protected else "--yes")
    return " ".join(parts)


def document(found: RollbackReview) -> dict[str, object]:
    """As JSON values."""
    extent, plan = found.extent, found.plan
    files = RecordedFiles.of(plan)
    return {
        "environment": plan.environment,
        "protected": plan.protected,
        "nothing": "",
        "undoes": _undoes(extent),
        "keep": _keep(extent),
        "warnings": list(plan.warnings),
        "steps": [
            {
                "number": step.number,
                "change": step.change,
                "change_id": step.change_id,
                "mode": step.mode,
                "script": step.script,
                "sql": files.script(step.script).decode("utf-8", "replace") if step.script is not None else "",
                "data": row.data,
                "estimated_ms": None if row.low_ms is None else {"low": row.low_ms, "high": row.high_ms},
                "rewrites": list(row.rewrites),
                "impact": inspected.to_json() if inspected is not None else None,
                "tried": None if (tried := found.tried.get(step.change_id)) is None else tried.sentence,
            }
            for step, inspected, row in zip(plan.steps, found.review.impacts, found.rows, strict=True)
        ],
        "total": total_document(found.rows),
        "loses": {
            "counted": [loss.to_json() for loss in found.receipt.losses],
            "uncounted": [*found.receipt.loose, *found.receipt.unknown],
            "problem": found.receipt.problem,
        },
        "saves": None
        if found.saving is None
        else {"schema": found.plan.keep_schema, "what": list(found.saving.saves), "bytes": found.saving.bytes},
        "now": found.now.to_json(),
        "gate": {
            "open": found.review.gate.open,
            "blocking": list(found.review.gate.blocking),
            "results": [
                {"item": one.item.id, "state": one.state, "summary": one.summary, "blocks": one.blocks}
                for one in found.review.gate.results
            ],
        },
    }
