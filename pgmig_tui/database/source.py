"""What an environment says of changes that are about to go further: its registry, our tracking rows, its marks.

Reads only. A deploy of ours has its row in the transaction that records the change, so a row belongs to the deploy that
the registry has unless it is older than that; one of `sqitch` has none, and whether it was verified isn't known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgmig_tui.database import marks, registry
from pgmig_tui.database.chain import no_links
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.deployed import read_reverted
from pgmig_tui.database.own_tables import Tables, behind_look
from pgmig_tui.database.text import bind, ident, load, text_array
from pgmig_tui.database.tracking import read_durations
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment

CONNECT_S, ANSWER_S = 3, 5.0
_SAME_DEPLOY_S = 1.0
"""Both rows of a deploy have the clock's time of one statement; a row that is older by more than this is of another."""


@dataclass(frozen=True, slots=True)
class ChangeThere:
    """A change that is deployed there. `script_hash` is the SHA-1 of its deploy script as the registry has it, None in
    an old one. `tracked`: we deployed it. `recorded_only`: its script wasn't run. `verified_at`: when its verification
    last passed, None when nobody knows that it has; `failed_at`: when it last failed, unless it has passed since. Times
    are of that server's clock."""

    change_id: str
    name: str
    script_hash: str | None
    deployed_at: datetime
    by: str = ""
    tracked: bool = False
    recorded_only: bool = False
    verified_at: datetime | None = None
    failed_at: datetime | None = None
    meaning: str = ""
    """SHA-256 of what its script says (script.meaning), "" where nobody has noted it."""
    included: str = ""
    """What stands for the files that its script included, "" where it included none, or nobody has noted it."""
    files_noted: bool = False
    """Whether `included` is known."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What an environment has said at `now` (its server's clock). `problem`: why it has said nothing. `untracked`: why
    our rows there tell nothing. `reverted`: when changes that aren't deployed were reverted (UTC), and `marked` why
    they must not be deployed, both by change ID. `durations` in milliseconds, by the first digits of change IDs."""

    name: str
    problem: str = ""
    now: datetime | None = None
    same_database: bool = False
    server: str = ""
    role: str = ""
    changes: Mapping[str, ChangeThere] = field(default_factory=dict)
    reverted: Mapping[str, str] = field(default_factory=dict)
    marked: Mapping[str, str] = field(default_factory=dict)
    untracked: str = ""
    durations: Mapping[str, float] = field(default_factory=dict)


def ask_source(
    environment: Environment, project: str, changes: Iterable[tuple[str, str]], here: tuple[str | None, str]
) -> SourceFacts:
    """Ask an environment about changes (ID and name). `here` is the system identifier and database of the one that they
    are to go to. Never raises for the server: what can't be read is told as a problem."""
    wanted = dict(changes)
    name = application_name("promotion", environment.name)
    try:
        with (
            connect(environment.target, application_name=name, connect_timeout=CONNECT_S, kind="watch") as connection,
            deadline(connection, ANSWER_S, environment.target.display),
        ):
            return _asked(connection, environment, project, wanted, here)
    except PgmigError as error:
        return SourceFacts(environment.name, error.what)


def _asked(
    connection: Connection,
    environment: Environment,
    project: str,
    wanted: Mapping[str, str],
    here: tuple[str | None, str],
) -> SourceFacts:
    identity = connection.identity()
    schema, tracking = environment.target.registry, environment.policy.tracking
    state = registry.read_state(connection, schema, project)
    row = connection.one("SELECT extract(epoch FROM pg_catalog.clock_timestamp())::float8")
    assert row is not None
    found = SourceFacts(
        environment.name,
        now=_moment(row[0]),
        same_database=None not in here and identity.key == here,
        server=environment.target.display,
        role=identity.role,
        changes={
            one.change_id: ChangeThere(
                one.change_id,
                one.name,
                one.script_hash,
                datetime.fromisoformat(one.committed_at).astimezone(UTC),
                f"{one.committer_name} <{one.committer_email}>",
            )
            for one in state.deployed
            if one.change_id in wanted
        },
    )
    missing = [one for one in wanted if one not in found.changes]
    if missing and state.info.present:
        found = replace(found, reverted=read_reverted(connection, schema, missing))
    if tracking is None:
        return replace(found, untracked="its tracking is off")
    found = _tracked(connection, tracking, found)
    if marks.there_are_marks(connection, tracking):
        held = {one.change_id: str(one) for one in marks.read_marks(connection, tracking, project)}
        found = replace(found, marked={one: why for one, why in held.items() if one in wanted})
    return found


def _tracked(connection: Connection, schema: str, found: SourceFacts) -> SourceFacts:
    """The same with what our rows there say."""
    row = connection.one(bind(load("queries/tracked_shape"), {"tracking": schema}))
    if row is None or not row[0]:
        return replace(found, untracked=f"there is no {schema}.schema_migrations")
    if not row[1]:
        to = f"SCHEMA {ident(schema)} TO {ident(found.role)};"
        grant = f"GRANT USAGE ON {to} GRANT SELECT ON ALL TABLES IN {to}"
        told = f"role {found.role} may not read {schema}.schema_migrations; to let it: {grant}"
        return replace(found, untracked=told)
    if not row[2]:
        told = f"{schema}.schema_migrations is of version 1, which doesn't say; the next deploy there upgrades it"
        return replace(found, untracked=told)
    if not found.changes:
        return found
    since = min(one.deployed_at for one in found.changes.values()).timestamp() - _SAME_DEPLOY_S
    sql = bind(load("queries/tracked_changes"), {"tracking": schema})
    names = text_array([one.name for one in found.changes.values()])
    sql = sql.replace(":names", names).replace(":since", f"{since:.6f}")
    rows = connection.execute(behind_look(sql, Tables(schema, ("schema_migrations",))))
    told_of = [
        _Told(str(of), did, how or "", digits, ok, said, _moment(at), says)
        for of, did, how, digits, ok, said, at, says, _ in rows
    ]
    if forged := no_links(connection, schema, [row[-1] for row in rows]):
        number, name = forged[0]
        told = f"row {number} ({name}) of {schema}.schema_migrations isn't what the program wrote"
        return replace(found, untracked=f"{told}: `pgmig-tui audit verify` tells more")
    changes = {key: _read_rows(one, told_of) for key, one in found.changes.items()}
    return replace(found, changes=changes, durations=read_durations(connection, schema))


@dataclass(frozen=True, slots=True)
class _Told:
    """A row of tracked_changes.sql."""

    name: str
    did: str | None
    outcome: str
    digits: str | None
    success: bool
    verified: bool | None
    at: datetime
    meaning: str


def _read_rows(change: ChangeThere, rows: Sequence[_Told]) -> ChangeThere:
    """The change with what its rows say, the last word counting."""
    for one in rows:
        if one.name != change.name or one.digits != change.change_id[:8]:
            continue
        if (change.deployed_at - one.at).total_seconds() > _SAME_DEPLOY_S:
            continue
        if one.did == "deploy" and one.outcome != "adopted":
            recorded = one.outcome == "recorded_only"
            says, _, included = one.meaning.partition("+")
            change = replace(
                change,
                tracked=True,
                recorded_only=recorded,
                meaning=says,
                included=included,
                files_noted=bool(one.meaning),
            )
        passed = one.verified if one.verified is not None or one.did != "verify" else one.success
        if passed and one.success:
            change = replace(change, verified_at=one.at, failed_at=None)
        elif passed is False:
            change = replace(change, verified_at=None, failed_at=one.at)
    return change


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
