"""The plan of one run: which scripts, in which order, and how each is carried out.

A RunPlan is made once (`planning.prepare`), written into the run's folder together with the bytes of every script, and
then only read: by the review, by the run process, by `attach` and by reports. What was reviewed
is therefore what is run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.display.mask import hider, without_values
from pgmig_tui.project.hooks import shown_address
from pgmig_tui.project.identity import Operator
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.file import PLAN
from pgmig_tui.run.journal.folder import writing
from pgmig_tui.script.actions import ServerFacts

Command = Literal["deploy", "revert", "verify"]
Carried = Literal["deploy", "revert", "verify", "backfill"]
"""What a run process carries out: the commands of `planning.prepare`, and that of `backfill.planning`."""
Mode = Literal["atomic", "stepwise", "record", "batches"]
"""atomic: script, verification and record in one transaction · stepwise: statement by statement · record: no script ·
batches: one statement over a range of rows at a time (backfill.runner)."""
Verify = Literal["inside", "after", "off"]
NO_VERIFY_SCRIPT = "there is no verify script"
"""The `verify_reason` of a step that nothing could verify."""

_TOLD = ("warnings", "losses", "loss", "findings", "verify_reason", "mode_reason")
"""Fields of a plan and its steps that tell of what scripts hold."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asked for beside the command. `since` is the first change to verify; `modified`: revert to what
    stands before the first change whose deploy script has changed. `verify` None = as configured; `lock_wait_s` = how
    long to poll for Sqitch's advisory lock (seconds); `variables` are `--set` pairs, the last word over all configured
    ones."""

    to: str | None = None
    since: str | None = None
    revert_all: bool = False
    modified: bool = False
    log_only: bool = False
    verify: bool | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    lock_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One script of one change.

    `wraps`: we add BEGIN and COMMIT around its only statement. `expected_last`: the change ID that must be the last
    deployed
    one when this step records itself (None = nothing deployed). `rows_sql` are the registry rows, `fail_sql` the `fail`
    event ("" = none is written). `script` and `verify_script` are names in the run's files; None = there is none.
    """

    number: int
    action: Carried
    change_id: str
    change: str
    label: str
    note: str
    mode: Mode
    mode_reason: str
    verify: Verify
    verify_reason: str
    script: str | None = None
    verify_script: str | None = None
    script_hash: str | None = None
    wraps: bool = False
    new_session: bool = False
    expected_last: str | None = None
    rows_sql: str = ""
    fail_sql: str = ""
    findings: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the change's scripts as they lay in the checkout at planning, by "deploy", "revert" and "verify". Of
    a deploy whose scripts include files, also what stands for these (planning.reading.included_digests)."""
    meaning: str = ""
    """SHA-256 of what its script says (script.meaning), where another environment promotes from this one; behind a plus
    sign what stands for the files that it includes."""
    planner: str = ""
    """Who wrote the change, as the plan says: `Name <e-mail>`."""
    mark_sql: str = ""
    """The mark of a change that is rolled back, as one more of `rows_sql`; "" = it isn't marked in the database."""
    ticket: str = ""
    """The ticket that its note names, by the pattern of pgmig.toml; "" = none."""
    save_sql: tuple[str, ...] = ()
    """Statements of our own that an atomic step runs in its transaction before the script (process.keep)."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the run goes: libpq keywords without a password, and who must answer there."""

    conninfo: Mapping[str, str]
    display: str
    database: str
    role: str
    version: str
    version_num: int
    system_identifier: str | None
    timeline: int | None
    encoding: str
    host: str = ""
    """What has answered at planning: a name, an address or a socket's folder, as libpq found it; "" in old plans."""
    port: str = ""
    database_oid: int | None = None
    """Another one for a database that was made anew under its name."""

    @property
    def where(self) -> str:
        """As a sentence names it: the target, and the address that has answered where the target leaves that to PG*
        variables or a service, which may lead elsewhere by now."""
        given = all(self.conninfo.get(part) for part in ("host", "port"))
        return self.display if given or not self.host else f"{self.display} ({self.host}:{self.port})"

    @property
    def facts(self) -> ServerFacts:
        """What psql would know of a session there, its address aside."""
        return ServerFacts(self.version_num, self.database, self.role, encoding=self.encoding)


@dataclass(frozen=True)
class Endpoint:
    """Where the run process connects to: libpq keywords, and the secrets that came through its standard input."""

    display: str
    conninfo: dict[str, str]
    password: str | None = field(default=None, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """`refusals` are reasons that no answer can lift; `creates` names every schema that this run will create."""

    run_id: str
    command: Carried
    project: str
    uri: str | None
    root: str
    environment: str
    protected: bool
    confirm_word: str
    server: Server
    registry: str
    registry_present: bool
    tracking: str | None
    steps: tuple[Step, ...]
    folder: Path
    baseline: str | None
    operator_name: str
    operator_email: str
    host: str
    os_user: str
    prepared_at: str
    variables: Mapping[str, str]
    lock_timeout_ms: int
    lock_wait_s: float
    allow_shell: bool
    allow_files: bool
    given: tuple[str, ...] = ()
    """Variables of the command line (--set). Their values may be secrets: they stand in `variables` in memory only."""
    setup_sql: str = ""
    """Registry rows to write once before the first step: missing tags of the last deployed change."""
    beside: tuple[str, ...] = ()
    """What `setup_sql` records, each as `the tag @v1 of users`."""
    creates: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    log_only: bool = False
    witnessed: tuple[Mapping[str, Any], ...] = ()
    """Heads of other environments' chains, as `planning.witnesses.Head` has them."""
    tracking_version: int = 1
    """That of the tables in the schema `tracking`, as they are when the first step begins."""
    dry_run: bool = False
    """One transaction that ends in ROLLBACK (process.dry_run)."""
    on_hangup: str = "finish"
    """What the run does when whoever controls it is gone without a detach: finish (end the current change, then pause),
    continue or abort (cancel the statement that runs, unless it is a COMMIT, and end)."""
    retries: int = 8
    """How often a step, or a statement of a stepwise one, is tried again after a lost lock."""
    guard_waiters: int = 10
    guard_oldest_ms: int = 300
    """The queue guard (process.guard.Limits)."""
    rolls_back: str | None = None
    """A revert in an emergency (clients.rollback): the ID of the run that it rolls back, "" where none is known. None:
    it is no rollback."""
    back_to: str | None = None
    """Of a rollback: the change that stays as the last one, with its tags, or that nothing stays, in words."""
    mark_reason: str | None = None
    """Of a rollback whose marks can't be rows of the database: why its changes must not be deployed
    (planning.marks)."""
    losses: tuple[Mapping[str, Any], ...] = ()
    """What it destroys, as counted before: the fields of `loss_counted` events (planning.losses)."""
    foretold: Mapping[str, Any] | None = None
    """What a rollback costs in time by its review (review.rollback_steps.total_document); None = nobody has looked."""
    marks: str | None = None
    """Where its steps mark what they revert as not to be deployed (planning.marks); None = they don't."""
    mark_said: str = ""
    """Why they are marked there, as the operator said it."""
    keep_schema: str | None = None
    """Where rows are kept that the reverts would destroy; None = nothing is kept."""
    backup: Mapping[str, Any] | None = None
    """The record of the backup with which it may start (gates.backup.Backup), and which file that was; None = none."""
    schedule: Mapping[str, Any] | None = None
    """When its steps may begin, and how long each may take (gates.window); None = at any time."""
    approved: tuple[str, ...] = ()
    """Tables that the approvals of this run are bound to: what it leaves of them is noted at its end."""
    approvals: Mapping[str, Any] | None = None
    """The approvals that it starts with, where some are asked for: `ids` of those that count, `last` number that was
    read, `until` when the first of them expires, `roles` with who may speak for each (review.approving.decided)."""
    hooks: tuple[Mapping[str, Any], ...] = ()
    """Whom it tells what it does: the fields of each project.hooks.Hook. plan.json has of an address the host alone."""
    hooked: tuple[Mapping[str, Any], ...] = ()
    """What became of the hooks that were called before it: the fields of `hook_told` events."""
    settles: tuple[str, ...] = ()
    """Earlier runs that were cut off here, and that this one settles before its first step."""

    @property
    def does_something(self) -> bool:
        """Whether there is anything to carry out: steps, or rows of the registry beside them."""
        return bool(self.steps or self.setup_sql)

    @property
    def told(self) -> str:
        """The command as events and people call it."""
        return "dry-run" if self.dry_run else self.command

    @property
    def gate(self) -> str:
        """The name of the checklist that is asked before it."""
        return self.command if self.rolls_back is None else "rollback"

    @property
    def operator(self) -> Operator:
        return Operator(self.operator_name, self.operator_email)

    @property
    def values_given(self) -> dict[str, str]:
        """The values of --set, where they are known."""
        return {name: self.variables[name] for name in self.given if name in self.variables}

    def save(self) -> None:
        """Write plan.json into the run's folder; values of the command line's variables are not in it."""
        data = _fields(self)
        data |= {"folder": str(self.folder), "server": _fields(self.server), "steps": [_fields(s) for s in self.steps]}
        if hide := hider(self.values_given):
            for part in (data, *data["steps"]):
                part |= without_values({name: part[name] for name in _TOLD if name in part}, hide)
        # What stands behind the host in an address may be a secret: the run process is told it otherwise.
        data["hooks"] = [{**one, "webhook": shown_address(str(one["webhook"]))} for one in self.hooks]
        data["variables"] = {name: value for name, value in self.variables.items() if name not in self.given}
        with writing(self.folder):
            private.write(self.folder / PLAN, json.dumps(data, ensure_ascii=False))

    @staticmethod
    def load(folder: Path, given: Mapping[str, str] | None = None) -> RunPlan:
        """Read plan.json of a run's folder; `given` are the values that it doesn't hold. Raises OSError, ValueError."""
        data: dict[str, Any] = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        data["folder"] = folder
        data["server"] = Server(**data["server"])
        data["steps"] = tuple(
            Step(**{**step, **{name: tuple(step.get(name, ())) for name in ("findings", "save_sql")}})
            for step in data["steps"]
        )
        for name in (
            "creates",
            "warnings",
            "losses",
            "beside",
            "settles",
            "given",
            "approved",
            "witnessed",
            "hooks",
            "hooked",
        ):
            data[name] = tuple(data.get(name, ()))
        data["variables"] |= given or {}
        return RunPlan(**data)


def _fields(value: RunPlan | Server | Step) -> dict[str, Any]:
    """What `dataclasses.asdict` gives for plain fields, at a tenth of its time: plans may have thousands of steps."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
