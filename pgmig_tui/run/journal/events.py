"""What happens in a run: one small class for each kind of event, named as its lines are (`StepFailed`: `step_failed`).

Programs read these lines (`--json-lines`), so names and fields only ever grow. A field without a default is always
written; one that is declared `= None` is left out where it is None. Below each class its fields are told in the form
`name: meaning`; docs/events.md is made of that. Steps count from 1, lines too; times in `ms` fields are milliseconds,
moments are ISO 8601 in UTC; names, SQL and messages are as the server or the project have them, with the secrets that
they mark as such replaced, and not safe to print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypedDict

from pgmig_tui.display.activity import Activity, Blocker
from pgmig_tui.run.journal.event_class import event

FORMAT = 1
"""Version of the event lines, written in `run_planned`."""

TRY = {"name": "try"}
"""The name in the line of a field whose name Python keeps for itself."""


@event
class UnknownEvent:
    """An event of a later version: its name and its fields, as they stand in its line."""

    name: str
    fields: Mapping[str, object]


# -- the run -----------------------------------------------------------------------------------------------------------


@event
class PlannedStep:
    """A step as `run_planned` tells it.

    number: which one, from 1
    action: deploy, revert or verify
    change: the change's name
    label: its name and its tags
    change_id: its ID
    mode: atomic (one transaction), stepwise (statement by statement) or record (nothing is carried out)
    mode_reason: why it isn't atomic
    script: path in the project; null where none is carried out
    verify: inside (its transaction), after or off
    verify_reason: why it is verified after COMMIT, or not at all
    ticket: that the change's note names
    """

    number: int
    action: str
    change: str
    label: str
    change_id: str
    mode: str
    mode_reason: str
    script: str | None
    verify: str
    verify_reason: str
    ticket: str | None = None


@event
class RunPlanned:
    """What was reviewed is what the run process has read: the first line of every journal.

    format: version of these lines; it grows when a reader of today could misread them
    command: deploy, revert, verify, rollback, dry-run, …
    project: the project's name, by its plan
    environment: the environment's name, or the target's
    target: its address, without a password
    database: the database's name
    server_version: such as 16.14
    system_identifier: of the cluster; null = it can't be read
    protected: whether the environment is
    log_only: only the registry changes
    baseline: ID of the newest change that was deployed; null = none was
    operator: name and e-mail address, as Sqitch has them
    os_user: account on this host
    host: this host's name
    pid: the run process, on this host
    prepared_at: when the review was made
    root: folder of the project
    lock_timeout_ms: how long a statement waits for a lock
    retries: how many further tries there are
    registry: schema of Sqitch's registry
    tracking: schema of the tracking tables; null = off
    rolls_back: the run that a rollback reverts; "" = known to none of this account, null = it is no rollback
    back_to: change or tag that a rollback goes back to, in words
    keep_schema: schema of the copies that are kept of what is destroyed; null = none is kept
    warnings: what the review said
    foretold: what a rollback was estimated to cost, as its review said it: the `total` of `rollback --json`; null = it
        is none
    steps: the steps, in their order
    """

    format: int
    command: str
    project: str
    environment: str
    target: str
    database: str
    server_version: str
    system_identifier: str | None
    protected: bool
    log_only: bool
    baseline: str | None
    operator: str
    os_user: str
    host: str
    pid: int
    prepared_at: str
    root: str
    lock_timeout_ms: int
    retries: int | None = None
    registry: str
    tracking: str | None
    rolls_back: str | None
    back_to: str | None
    keep_schema: str | None
    warnings: tuple[str, ...]
    foretold: Mapping[str, object] | None = None
    steps: tuple[PlannedStep, ...]  # last: whoever lists runs passes over them


@event
class GatePassed:
    """An item of the checklist before the run, as it was answered.

    item_id: which item
    how: attest (a person says so), override (nobody does, and it is done all the same) or emergency (the same, declared
        with --emergency)
    note: what was said
    by: who said it
    answered_at: when
    """

    item_id: str
    how: str
    note: str
    by: str
    answered_at: str


@event
class EvidenceKept:
    """What an item of the checklist hung on: what the program saw, and what a person said.

    item: which item
    list: pre, deploy, post or emergency
    title: it in words
    state: PASS, WARN, FAIL, UNKNOWN or N-A, under the answer where there is one
    summary: why
    blocks: whether it kept the run from starting
    seen: the state that the program found; "" = it has not looked
    saw: what it found
    check_name: the check that looked; "" = none
    sql: what was asked of the server
    sql_hash: SHA-256 of it
    rows: what the server answered, without secrets, up to 64 kB
    rows_left_out: how many more there were
    started_at: when it was asked
    finished_at: when it was answered
    role: as whom
    server: where
    answered_how: attest, override or emergency; "" = nobody has said anything
    note: what was said
    answered_by: who said it
    answered_at: when
    missing: what it still lacks, in words
    program_version: of pgmig-tui
    """

    item: str
    list: str
    title: str
    state: str
    summary: str
    blocks: bool
    seen: str
    saw: str
    check_name: str
    sql: str
    sql_hash: str
    rows: tuple[Mapping[str, object], ...]
    rows_left_out: int
    started_at: str
    finished_at: str
    role: str
    server: str
    answered_how: str
    note: str
    answered_by: str
    answered_at: str
    missing: str
    program_version: str


@event
class BackupProven:
    """The backup with which the run may start, as it was found.

    path: the file on this host; `pgbackrest:`, `barman:` or `command:` and the backup's ID where others have made it
    size: its size in bytes
    sha256: of its bytes; "" = not worked out
    database: which database it is of
    database_oid: that database's OID
    system_identifier: of its cluster; null = it can't be read
    server_version: the server's version
    tool_version: pg_dump's version
    started_at: when it was begun
    finished_at: when it was complete
    seconds: how long it took
    verified: how it was read back: restore (into a server), decode, list or none; base: by what has made it
    timeline: of the server when it was made
    conninfo: how the server was reached, without a password
    file: device, inode, size and time of the file when it was sealed; null = unknown
    database_size: bytes of the database when it was dumped, with its indexes
    rows: all rows of all tables in the dump's snapshot, as they were counted
    archived: the last WAL file of the archive that leads from a base backup to now
    restored: what a test restore has shown: how long it took (restore_s), rows, verify scripts and what was wrong
    """

    path: str
    size: int
    sha256: str
    database: str
    database_oid: int | None
    system_identifier: str | None
    server_version: str
    tool_version: str
    started_at: str
    finished_at: str
    seconds: float
    verified: str
    timeline: int | None
    conninfo: Mapping[str, object]
    file: Mapping[str, object] | None
    database_size: int | None = None
    rows: int | None = None
    archived: str | None = None
    restored: Mapping[str, object] | None = None


@event
class LossCounted:
    """Something that the run destroys, as it was counted for the review.

    step: the step that destroys it; null = not known
    change: that step's change
    kind: table, column, sequence, …
    relation: the table's name, as it is read
    schema: its schema
    table: its own name
    columns: the columns that go
    total: rows, or values that aren't null; null = not counted
    since_deploy: of these, written since the deploy; null = not known
    about: whether the numbers are estimates
    why: why they weren't counted
    told: all of this in a sentence
    counted_at: when
    """

    step: int | None
    change: str
    kind: str | None = None
    relation: str | None = None
    schema: str | None = None
    table: str | None = None
    columns: tuple[str, ...] | None = None
    total: int | None
    since_deploy: int | None = None
    about: bool | None = None
    why: str | None = None
    told: str
    counted_at: str


@event
class RunStarted:
    """The run holds Sqitch's lock on the database, and begins with its steps.

    steps: how many there are
    control_pid: the server's process of the session that holds the lock; null = none (a verify)
    """

    steps: int
    control_pid: int | None


@event
class RunPaused:
    """It waits between two steps or batches; no transaction is open.

    done: steps that are done
    why: as asked, or what made it wait
    rows: rows that a data migration has changed so far
    """

    done: int
    why: str | None = None
    rows: int | None = None


@event
class RunResumed:
    """It goes on after a pause."""


@event
class RunFinished:
    """How the run ended; only answers, and what is looked at afterwards, may follow.

    exit_status: that of the command
    result: done, failed, refused, stopped, in_doubt, rolled_back, crashed, settled, …
    done: steps that are done
    total: steps of the plan
    summary: the end in a sentence
    now: what is true now
    do: what to do next
    ms: how long its steps took; null = none was begun
    heard_at: of a run that was cut off and settled: when it was last heard of
    unseen: it was settled without a look at its server
    """

    exit_status: int = field(metadata={"missing": 1})
    result: str
    done: int
    total: int
    summary: str
    now: str = ""
    do: str = ""
    ms: float | None = None
    heard_at: str | None = None
    unseen: bool | None = None


@event
class RunSettled:
    """What was found out later about a step of a run that was cut off.

    step: which step
    change: its change
    action: deploy, revert or verify
    outcome: recorded, not_applied, partly, unrecorded or unknown
    line: line of the statement that was under way; null = none
    what_stays: statements that took effect
    repair: statements that put right what is left
    message: what it was told from
    by: who settled it
    """

    step: int
    change: str
    action: str
    outcome: str
    line: int | None
    what_stays: tuple[str, ...]
    repair: tuple[str, ...]
    message: str
    by: str


@event
class HookCalled:
    """Whoever pgmig.toml names is being told what this run does: what became of it is a `hook_told`.

    hook: before, after, rolled_back, ticket or override
    kind: command or webhook
    to: the program and its arguments, or the webhook's host
    text_hash: SHA-256 of what is sent
    """

    hook: str
    kind: str
    to: str
    text_hash: str


@event
class HookTold:
    """What became of it. One that failed keeps nothing from going on.

    hook: before, after, rolled_back, ticket or override
    kind: command or webhook
    to: the program and its arguments, or the webhook's host
    ok: whether it was taken: exit status 0, or HTTP 2xx
    called: whether anything was tried at all
    status: exit status, or status of HTTP; null = there was none
    tries: how often it was tried
    ms: how long that took
    text_hash: SHA-256 of what was sent
    problem: why it isn't told
    output: what it answered, without secrets, at most 1,000 characters
    started_at: when it was called
    """

    hook: str
    kind: str
    to: str
    ok: bool
    called: bool
    status: int | None
    tries: int
    ms: float
    text_hash: str
    problem: str
    output: str
    started_at: str


@event
class EarlierRunSettled:
    """Before it began, this run has settled one that was cut off.

    settled: that run's ID
    message: what became of it
    """

    settled: str
    message: str


@event
class ItemAnswered:
    """An item of the post-deployment checklist, as it was answered; the last answer counts.

    item_id: which item
    how: how it was answered
    note: what was said; "" opens the item again
    by: who said it
    answered_at: when
    """

    item_id: str
    how: str
    note: str
    by: str
    answered_at: str


@event
class Checked:
    """One check of the server's health.

    name: which check
    title: it in words
    state: PASS, WARN, FAIL, UNKNOWN or N-A
    summary: what was seen
    """

    name: str
    title: str
    state: str
    summary: str


@event
class Verified:
    """What became of one verification.

    change: the change that was verified
    ok: whether nothing failed
    ran: whether there was a script to run; null in older lines, where there was
    message: why it failed, or didn't run
    """

    change: str
    ok: bool
    ran: bool | None
    message: str


@event
class StillThere:
    """What the catalog says of something that a rollback may have destroyed.

    step: the step that would have
    relation: the table's name, as it is read
    columns: its columns; none = the table itself
    there: there, gone or some
    """

    step: int
    relation: str
    columns: tuple[str, ...]
    there: str


@event
class RollbackChecked:
    """What was looked at when a rollback had ended.

    checks: the server's health
    verified: verifications of what remains deployed
    verify_problem: why these aren't known
    schema: same, differs or unknown, against the schema before the deploy
    differences: what differs, or why it isn't known
    marked: changes that must not be deployed now
    mark_problem: why these aren't known
    losses: whether what the journal leaves open is still there
    """

    checks: tuple[Checked, ...]
    verified: tuple[Verified, ...]
    verify_problem: str
    schema: str
    differences: tuple[str, ...]
    marked: tuple[str, ...]
    mark_problem: str
    losses: tuple[StillThere, ...]


# -- steps -------------------------------------------------------------------------------------------------------------


@event
class StepStarted:
    """A step begins. The fields from `table` on are those of a data migration in batches, which is one step.

    step: which step
    action: deploy, revert, verify or backfill
    change: its change
    change_id: that change's ID
    label: its name and its tags
    mode: atomic, stepwise, record or batches
    script: path in the project; null where none is carried out
    table: the table whose rows are changed
    rows: rows that were changed before, by a run that this one continues
    seen: rows of the table that were passed before
    last_key: key of the last row that was passed
    until_key: key of the last row of all
    about_total: about how many rows the table has; -1 = unknown
    goes_on: the run that this one continues
    level: steps faster (above 0) or slower than usual
    aim_ms: how long a batch should take
    rest: how long to rest after a batch, as a share of the batch's time
    size: rows of the next batch
    """

    step: int
    action: str
    change: str
    change_id: str | None = None
    label: str | None = None
    mode: str
    script: str | None = field(default=None)
    table: str | None = None
    rows: int | None = None
    seen: int | None = None
    last_key: tuple[str, ...] | None = None
    until_key: tuple[str, ...] | None = None
    about_total: int | None = None
    goes_on: str | None = None
    level: int | None = None
    aim_ms: int | None = None
    rest: float | None = None
    size: int | None = None


@event
class StepApplied:
    """The script of a step that isn't one transaction was carried out to its end; its record follows.

    step: which step
    change: its change
    ms: how long it took so far; null = by the times of the events
    """

    step: int
    change: str
    ms: float | None


@event
class StepCommitting:
    """The registry's row and COMMIT are about to be sent.

    step: which step
    change: its change
    """

    step: int
    change: str


@event
class StepCommitted:
    """Change, verification and registry row are committed, in one transaction.

    step: which step
    change: its change
    action: deploy or revert
    ms: how long it took; null = by the times of the events
    note: how that is known where the answer to COMMIT was lost
    """

    step: int
    change: str
    action: str
    ms: float | None
    note: str | None = None


@event
class StepRecorded:
    """The registry's row of a step that isn't one transaction is committed.

    step: which step
    change: its change
    action: deploy or revert
    ms: how long it took; null = by the times of the events
    verified: whether its verification passed before; null = not verified yet, or not at all
    """

    step: int
    change: str
    action: str | None = None
    ms: float | None
    verified: bool | None = field(default=None)


@event
class StepVerified:
    """How a verification ended. The fields from `path` on are those of one that failed.

    step: which step
    ok: whether nothing failed
    where: inside (the step's transaction), after (its COMMIT) or none (there was nothing to run)
    change: its change
    message: why it failed, or wasn't run
    path: the script
    line: line of the statement; 0 = none
    sqlstate: the error's code; "" = no error of the server
    detail: the server's DETAIL
    hint: the server's HINT
    blockers: who was in the way
    """

    step: int
    ok: bool
    where: str
    change: str | None = None
    message: str | None = None
    path: str | None = None
    line: int | None = None
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    blockers: tuple[Blocker, ...] | None = None


@event
class StepFailed:
    """A step ended without success.

    step: which step
    message: why, as the server or the run says it
    change: its change
    action: deploy, revert or verify
    mode: atomic, stepwise, record or batches
    committed: whether part of its script was
    what_stays: statements that took effect, in words
    in_doubt: whether the statement at `line` took effect isn't known
    verify: it is the verification that failed
    began: whether anything was sent to the server
    ms: how long it took
    path: the script
    line: line of the statement; null or 0 = none
    sqlstate: the error's code; "" = no error of the server
    detail: the server's DETAIL
    hint: the server's HINT
    blockers: who was in the way
    halves: statements of which a part may have been committed
    applied: its script was carried out whole, and only the record is missing
    recorded: whether the registry holds it
    invalid_indexes: indexes that are left INVALID
    repair: statements that put right what is left
    do: what to do next
    """

    step: int
    message: str
    change: str | None = None
    action: str | None = None
    mode: str | None = None
    committed: bool | None = None
    what_stays: tuple[str, ...] = ()
    in_doubt: bool | None = None
    verify: bool | None = None
    began: bool | None = None
    ms: float | None = None
    path: str | None = None
    line: int | None = None
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    blockers: tuple[Blocker, ...] | None = None
    halves: tuple[str, ...] | None = None
    applied: bool | None = None
    recorded: bool | None = None
    invalid_indexes: tuple[str, ...] | None = None
    repair: tuple[str, ...] | None = None
    do: str | None = None


@event
class StepInDoubt:
    """COMMIT was sent and not answered, and the registry can't be asked.

    step: which step
    change: its change
    message: why it isn't known
    """

    step: int
    change: str
    message: str


@event
class StepExamined:
    """Somebody looks at what a step that was cut off has left; what follows is no longer the run's own.

    step: which step
    change: its change
    """

    step: int
    change: str


@event
class StepTried:
    """A dry run has carried out a step; it is rolled back in the end.

    step: which step
    change: its change
    ms: how long it took; null = by the times of the events
    """

    step: int
    change: str
    ms: float | None


@event
class RolledBack:
    """A dry run has rolled back all that it did.

    ms: how long all of it took
    message: what stays all the same
    """

    ms: float
    message: str


# -- statements --------------------------------------------------------------------------------------------------------


@event
class StatementStarted:
    """A statement is about to be sent. The fields from `start` on are notes for a run that is cut off there.

    step: which step
    path: its script
    line: line where it begins
    end_line: line where it ends
    kind: its kind, such as CREATE INDEX
    commits: it isn't part of a transaction that has yet to be committed
    sql: its first characters
    hash: first digits of the SHA-1 of its text
    start: where it begins in the file, in bytes; null = a query has made it
    repeat: why it needs no evidence: nothing (it leaves nothing) or upkeep (it may be done twice)
    files: relations that get new files, each as name, OID, file, columns
    rewrite: how they get them
    objects: what stands under the names that it is about
    xid: of a COMMIT: the transaction's ID; "" = it has written nothing
    lasting: the ID can't have been given to another since
    """

    step: int
    path: str
    line: int
    end_line: int
    kind: str
    commits: bool | None
    sql: str
    hash: str
    repeat: str | None = None
    files: tuple[tuple[str, ...], ...] | None = None
    rewrite: tuple[str, ...] | None = None
    objects: tuple[Mapping[str, object], ...] | None = None
    xid: str | None = None
    lasting: bool | None = None
    start: int | None = None


class StatementNotes(TypedDict, total=False):
    """Fields of `statement_started` that tell later what became of a statement."""

    repeat: str
    files: tuple[tuple[str, ...], ...]
    rewrite: tuple[str, ...]
    objects: tuple[Mapping[str, object], ...]
    xid: str
    lasting: bool
    start: int


@event
class StatementFinished:
    """The server has answered.

    step: which step
    line: line where the statement begins
    end_line: line where it ends
    tag: the command tag, such as CREATE TABLE
    rows: rows that it returned or changed
    ms: how long it took
    commits: it is no part of an open transaction
    """

    step: int
    line: int
    end_line: int
    tag: str
    rows: int
    ms: float
    commits: bool


@event
class StatementsFinished:
    """Many quick statements of one kind, which aren't told of one by one.

    step: which step
    from_line: line where the first of them begins
    to_line: line where the last of them ends
    count: how many
    kind: their kind
    rows: rows that they changed
    ms: how long they took
    """

    step: int
    from_line: int
    to_line: int
    count: int
    kind: str
    rows: int
    ms: float


@event
class StatementRetried:
    """A try is lost; the step, or the statement, is tried again.

    step: which step
    path: its script
    line: line of the statement that failed
    try: which try is lost, from 1
    of: how many tries there are at most
    sqlstate: the error's code
    why: it in a few words, such as lock timeout
    message: the server's message
    wait_ms: when the next try begins
    blockers: who was in the way
    """

    step: int
    path: str
    line: int
    of: int
    sqlstate: str
    why: str
    message: str
    wait_ms: float
    blockers: tuple[Blocker, ...]
    number: int = field(metadata=TRY)


@event
class LockWaited:
    """Something waited for a lock: the run for another run (`holder`), or a statement for a session.

    holder: who holds Sqitch's lock on the database
    step: which step
    line: line of the statement
    ms: how long it waited
    relation: what it waited for
    message: what it waited for, in words
    """

    holder: str | None = None
    step: int | None = None
    line: int | None = None
    ms: float | None = None
    relation: str | None = None
    message: str | None = None


@event
class LockTimeoutRaised:
    """For one try a statement waits longer for its lock.

    step: which step
    ms: how long
    why: for whom
    """

    step: int
    ms: int
    why: str


@event
class IndexInvalid:
    """A concurrent build has left an index INVALID.

    step: which step
    index: its name
    repair: statements of which either puts it right
    """

    step: int
    index: str
    repair: tuple[str, ...]


@event
class NoticeReceived:
    """The server says something.

    severity: NOTICE, WARNING, FATAL, …
    sqlstate: its code
    message: what it says
    """

    severity: str
    sqlstate: str
    message: str


@event
class Output:
    """What a script prints.

    step: which step
    text: at most 20,000 characters
    stream: out or err
    """

    step: int
    text: str
    stream: str


@event
class Warned:
    """Something that a person should know.

    message: it in a sentence
    step: which step it is about
    """

    message: str
    step: int | None = None


# -- around it ---------------------------------------------------------------------------------------------------------


@event
class SessionOpened:
    """A session that carries out steps.

    pid: the server's process
    started: when it began, by the server
    pooled: a pool stands in front of the server
    """

    pid: int
    started: str
    pooled: bool | None = None


@event
class RegistryPrepared:
    """Sqitch's registry, or the tracking tables, were made or brought up to date.

    message: what was done
    """

    message: str


@event
class SchemaNoted:
    """The schema before the first step is kept, so that it can be compared after a rollback.

    objects: how many there are; null = they couldn't be read
    digest: SHA-256 of all
    ms: how long it took
    why: why they couldn't be read
    """

    objects: int | None
    digest: str | None = None
    ms: float | None = None
    why: str | None = None


@event
class RowsSaved:
    """What a step destroys was copied; the copy stands if the step commits.

    step: which step
    table: what it is of
    keep: the table that holds the copy
    rows: its rows
    checksum: of them
    kind: table, column or sequence
    """

    step: int
    table: str
    keep: str
    rows: int
    checksum: str
    kind: str


@event
class Restored:
    """One copy that was brought back.

    source: the table
    columns: its columns
    kind: table, column or sequence
    kept_rows: rows of the copy
    rows: rows that were written
    other: rows that have other values by now
    gone: rows that are no longer there
    equal: whether all is as it was kept
    """

    source: str
    columns: tuple[str, ...]
    kind: str
    kept_rows: int
    rows: int
    other: int
    gone: int
    equal: bool


@event
class RowsRestored:
    """An `undo` has brought back what was kept.

    by: who did that
    overwrite: whether newer values were written over
    accepted: what was accepted to be lost by it
    restored: what was brought back
    """

    by: str
    overwrite: bool
    accepted: str
    restored: tuple[Restored, ...]


@event
class CommandReceived:
    """Somebody who watches has asked for something.

    command: pause, resume, cancel, stop, retry, faster, slower, …, with its arguments
    """

    command: str


@event
class SettingsChanged:
    """As asked, from the next try on.

    lock_timeout_ms: how long a statement waits for a lock
    retries: how many further tries there are
    """

    lock_timeout_ms: int
    retries: int


@event
class BlockerEnded:
    """As asked, a session that was in the way was ended, or wasn't.

    pid: its process
    how: cancel or terminate
    ok: whether it is out of the way
    message: what became of it
    """

    pid: int
    how: str
    ok: bool
    message: str


@event
class WatcherCame:
    """Somebody watches the run.

    who: account, host, terminal and process
    started: whether it is who started the run
    """

    who: str
    started: bool


@event
class WatcherLeft:
    """Nobody watches any more.

    who: who was the last
    policy: what the run does then: continue, pause or stop
    """

    who: str
    policy: str


@event
class HostSlept:
    """This host was suspended.

    seconds: for how long
    """

    seconds: int


# -- batches -----------------------------------------------------------------------------------------------------------


@event
class BatchDone:
    """A batch is committed.

    step: always 1
    batch: which one, from 1
    rows: rows that it changed
    total: rows that were changed so far
    seen: rows of the table that were passed so far
    last_key: key of the last of them
    ms: how long it took
    size: rows that it was to pass
    next_size: rows of the next one
    about_total: about how many rows the table has; -1 = unknown
    """

    step: int
    batch: int
    rows: int
    total: int
    seen: int
    last_key: tuple[str, ...]
    ms: float
    size: int
    next_size: int
    about_total: int


@event
class BatchRetried:
    """A try of a batch is lost; it is tried again.

    step: always 1
    batch: which one, from 1
    try: which try is lost, from 1
    of: how many tries there are at most
    sqlstate: the error's code
    why: it in words
    size: rows of the next try
    wait_ms: when that begins
    """

    step: int
    batch: int
    number: int = field(metadata=TRY)
    of: int
    sqlstate: str
    why: str
    size: int
    wait_ms: float


@event
class BatchThrottled:
    """The run gives way to something, goes slower because of it, or no longer does.

    step: always 1
    reason: what it gives way to
    wait_ms: how long it has waited
    over: it goes on
    slower: it doesn't wait, and goes slower
    """

    step: int
    reason: str
    wait_ms: int
    over: bool
    slower: bool


@event
class PaceChanged:
    """As asked, from the next batch on.

    step: always 1
    level: steps faster (above 0) or slower than usual
    aim_ms: how long a batch should take
    rest: how long to rest after a batch, as a share of the batch's time
    size: rows of the next batch
    """

    step: int
    level: int
    aim_ms: int
    rest: float
    size: int


@event
class BackfillDone:
    """All rows were passed.

    step: always 1
    rows: rows that were changed
    batches: in how many batches
    ms: how long this run took
    left: rows that are left to do, by the declared condition; null = not known
    analyzed: whether the table was analysed
    table: the table
    """

    step: int
    rows: int
    batches: int
    ms: float
    left: int | None
    analyzed: bool
    table: str


AnyEvent = (
    Activity | BackfillDone | BackupProven | BatchDone | BatchRetried | BatchThrottled | BlockerEnded | CommandReceived
    | EarlierRunSettled | EvidenceKept | GatePassed | HookCalled | HookTold
    | HostSlept | IndexInvalid | ItemAnswered | LockTimeoutRaised
    | LockWaited | LossCounted | NoticeReceived | Output | PaceChanged | RegistryPrepared | RollbackChecked | RolledBack
    | RowsRestored | RowsSaved | RunFinished | RunPaused | RunPlanned | RunResumed | RunSettled | RunStarted
    | SchemaNoted | SessionOpened | SettingsChanged | StatementFinished | StatementRetried | StatementStarted
    | StatementsFinished | StepApplied | StepCommitted | StepCommitting | StepExamined | StepFailed | StepInDoubt
    | StepRecorded | StepStarted | StepTried | StepVerified | UnknownEvent | Warned | WatcherCame | WatcherLeft
)  # fmt: skip
