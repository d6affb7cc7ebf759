"""Is the record of an environment whole: its own chain, and what other environments have witnessed of it.

Whoever owns the tables can compute a chain anew, a superuser of one server included. So a run keeps, in its own
target, the heads of the other environments' chains as it saw them (evidence of the item `witness:ENVIRONMENT`): to
rewrite one database unseen, all that have witnessed it would have to be rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.chain import Chain, hashes_at_sql, read_chain
from pgmig_tui.database.changed import database_oid
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.evidence import Witnessed, read_witnesses
from pgmig_tui.database.own_tables import behind_look, tracking_tables
from pgmig_tui.database.retention import read_checkpoint
from pgmig_tui.database.text import bind
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.events import StepCommitted, StepRecorded, Warned
from pgmig_tui.run.journal.file import JournalReader
from pgmig_tui.run.journal.listing import folders
from pgmig_tui.run.journal.run_plan import RunPlan

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_RUNS = 200
"""So many of this account's newest runs are looked at."""

State = Literal["intact", "altered", "shortened", "re-created", "not kept", "unreachable", "unknown"]


@dataclass(frozen=True, slots=True)
class Audited:
    """What is known of one environment's record. `links` are rows in its chain, `chain` names the making of its tables;
    `witnessed_at` is when another environment last saw its head (UTC), "" for never or not asked."""

    environment: str
    state: State
    summary: str
    details: tuple[str, ...] = ()
    links: int = 0
    chain: str = ""
    seq: int = 0
    witnessed_at: str = ""


def audit_one(environment: Environment, state_dir: Path | None = None) -> Audited:
    """The environment's own chain. Where it is gone, the runs of this account, in `state_dir`, may know that there was
    one. Raises nothing: what can't be asked is a state."""
    return _look(environment, (), state_dir)[0]


def audit_all(project: Project) -> tuple[Audited, ...]:
    """All environments of pgmig.toml, against what each has witnessed of the others."""
    environments = list(project.environments)
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(environments)))) as pool:
        first = list(pool.map(lambda one: _look(one, ()), environments))
        seen = [witness for _, witnesses in first for witness in witnesses]
        again = list(pool.map(lambda one: _look(one, [w for w in seen if w.environment == one.name])[0], environments))
    chains = {one.chain: one.environment for one in again if one.chain}
    return tuple(_told(one, [w for w in seen if w.environment == one.environment], chains) for one in again)


def witnesses_of(project: Project, environment: Environment) -> tuple[tuple[Witnessed, ...], tuple[str, ...]]:
    """(What other environments have witnessed of this one, those that can't be asked)."""
    others = [one for one in project.environments if one.name != environment.name]
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(others)))) as pool:
        found = list(pool.map(_witnessed, others))
    seen = tuple(one for each in found for one in each or () if one.environment == environment.name)
    return seen, tuple(one.name for one, each in zip(others, found, strict=True) if each is None)


def _witnessed(environment: Environment) -> tuple[Witnessed, ...] | None:
    schema = environment.policy.tracking
    if schema is None:
        return ()
    try:
        with connect(environment.target, application_name=application_name("audit", environment.name)) as connection:
            found = read_tracking(connection, schema, environment.target.registry)
            if found.version == 1 or found.creates in ("schema", "tables"):
                return ()
            return read_witnesses(connection, schema, every=True)
    except PgmigError:
        return None


def _look(
    environment: Environment, witnesses: Sequence[Witnessed], state_dir: Path | None = None
) -> tuple[Audited, tuple[Witnessed, ...]]:
    """(What is known of the environment, what it has witnessed of others)."""
    name, schema = environment.name, environment.policy.tracking
    if schema is None:
        return Audited(name, "not kept", "its policy has turned tracking off"), ()
    try:
        with connect(environment.target, application_name=application_name("audit", name)) as connection:
            found = read_tracking(connection, schema, environment.target.registry)
            if found.creates in ("schema", "tables"):
                return _nothing(
                    name, "there are no tracking tables", witnesses, _own(connection, schema, state_dir)
                ), ()
            if found.version == 1:
                return _nothing(name, "its tables are of version 1, which no chain protects", witnesses), ()
            if found.reason and ("half upgraded" in found.reason or "not ours" in found.reason):
                return Audited(name, "unknown", found.reason), ()
            chain = read_chain(connection, schema)
            seen = tuple(replace(one, by=name) for one in read_witnesses(connection, schema, every=True))
            if chain is None:
                return Audited(name, "altered", "the head of its chain is gone"), seen
            judged = _judge(connection, schema, name, chain, witnesses)
            return _with_own(connection, schema, judged, chain, state_dir), seen
    except PgmigError as error:
        unreachable = error.exit_status == 5
        return Audited(name, "unreachable" if unreachable else "unknown", error.what), ()


def _own(connection: Connection, schema: str, state_dir: Path | None) -> str:
    """Which run of this account was recorded in that schema of this very database, in a sentence; "" for none."""
    return next((told for _, _, told in _recorded(connection, schema, state_dir)), "")


def _with_own(connection: Connection, schema: str, found: Audited, chain: Chain, state_dir: Path | None) -> Audited:
    """With what the runs of this account know: one that was recorded here, and has no row in a record that was never
    trimmed. Where the newest has none, the record ends before it. Raises ServerError, Refused."""
    if found.state != "intact" or chain.base_seq:
        return found
    runs = sorted(_recorded(connection, schema, state_dir), reverse=True)  # two of one second have no order by name
    if not runs:
        return found
    sql = bind('SELECT DISTINCT m.run_id FROM ONLY :"schema".schema_migrations AS m', {"schema": schema})
    there = {row[0] for row in connection.execute(behind_look(sql, tracking_tables(schema)))}
    missing = [run for run in runs if run[1] not in there]
    if not missing:
        return found
    told = f"{missing[0][2]}, and no row of it is there: were the tables made anew, or an older backup restored?"
    return replace(found, state="shortened" if missing[0] == runs[0] else found.state, details=(told,))


def _recorded(connection: Connection, schema: str, state_dir: Path | None) -> Iterator[tuple[str, str, str]]:
    """(when, run, in a sentence that it was recorded in that schema of this very database) of this account's newest
    runs."""
    if state_dir is None:
        return
    identity, oid = connection.identity(), database_oid(connection)
    for folder in folders(state_dir)[:_RUNS]:
        try:
            plan = RunPlan.load(folder)
            here = (plan.server.system_identifier, plan.server.database, plan.server.database_oid, plan.tracking)
            if plan.dry_run or here != (identity.system_identifier, identity.database, oid, schema):
                continue
            entries = JournalReader(folder).poll()
        except (OSError, ValueError, TypeError, KeyError, PgmigError):
            continue
        if any(isinstance(one.event, Warned) and one.event.message.startswith("tracking is off") for one in entries):
            continue
        done = [one for one in entries if isinstance(one.event, StepCommitted | StepRecorded)]
        if done:
            told = f"the run {plan.run_id} of this account recorded a step in schema {schema} at {done[-1].at}"
            yield done[-1].at, plan.run_id, told


def _nothing(name: str, summary: str, witnesses: Sequence[Witnessed], own: str = "") -> Audited:
    """No chain: not kept so far, or gone since another environment, or a run of this account, saw one."""
    newest = max(witnesses, key=lambda one: one.at, default=None)
    if newest is None and own:
        return Audited(name, "shortened", summary, (f"{own}, and all of it is gone: were the tables dropped?",))
    if newest is None:
        return Audited(name, "not kept", summary)
    told = (
        f"{newest.by} saw row {newest.seq} of a chain at {newest.at}, and all of it is gone:"
        " were the tables dropped, or an older backup restored?"
    )
    return Audited(name, "shortened", summary, (told,))


def _judge(connection: Connection, schema: str, name: str, chain: Chain, witnesses: Sequence[Witnessed]) -> Audited:
    rows = f"{chain.links} rows since {chain.created_at}"
    if chain.base_seq:
        rows = f"{chain.links} rows behind the checkpoint at row {chain.base_seq}"
    more = f"; {chain.pending} waits for its verification" if chain.pending else ""
    found = Audited(name, "intact", f"{rows}{more}", (), chain.links, chain.chain, chain.seq)
    left_behind = all(one.relation == "schema_audit" for one in chain.wrong)
    shortened = any(one.chain == chain.chain and one.seq > chain.seq for one in witnesses)
    if chain.wrong and not (left_behind and shortened):
        details = tuple(f"row {one.id} of {one.relation} ({one.name}): {_problem(one.problem)}" for one in chain.wrong)
        problems = {one.problem for one in chain.wrong}
        known = {"missing before": "missing", "outside": "there that no run has written"}
        what = known.get(problems.pop(), "") if len(problems) == 1 else ""
        return replace(
            found, state="altered", details=details, summary=f"{rows}; rows are {what or 'not what was written'}"
        )
    if not chain.ends:
        return replace(found, state="shortened", summary=f"{rows}; the last rows, up to {chain.seq}, are gone")
    same = [one for one in witnesses if one.chain == chain.chain]
    if chain.base_seq and (told := _checkpoint(connection, schema, chain, same)):
        return replace(found, state="shortened", summary=rows, details=(told,))
    if contradiction := contradicted(connection, schema, chain, same):
        return replace(found, state=contradiction[0], summary=rows, details=(contradiction[1],))
    newest = max(same, key=lambda one: one.at, default=None)
    return replace(found, witnessed_at=newest.at if newest is not None else "")


def contradicted(
    connection: Connection, schema: str, chain: Chain, witnesses: Sequence[Witnessed]
) -> tuple[State, str] | None:
    """What the chain is by what others saw of it, and in which words; None where they bear it out. Raises ServerError,
    Refused."""
    same = [one for one in witnesses if one.chain == chain.chain]
    last = max(same, key=lambda one: one.seq, default=None)
    if last is None:
        return None
    if last.seq > chain.seq:
        told = f"{last.by} saw row {last.seq} at {last.at}, and there are {chain.seq}: was an older backup restored?"
        return "shortened", told
    sql = hashes_at_sql(schema, sorted({one.seq for one in same}))
    there: dict[int, str] = dict(connection.execute(behind_look(sql, tracking_tables(schema))))
    other = [one for one in same if there.get(one.seq, one.hash) != one.hash]
    if not other:
        return None
    first = min(other, key=lambda one: one.seq)
    told = f"{first.by} saw another row {first.seq} at {first.at}: the chain was computed anew"
    return "altered", f"{told}, or went on from an older backup"


def _checkpoint(connection: Connection, schema: str, chain: Chain, witnesses: Sequence[Witnessed]) -> str:
    """Why the beginning of a chain was cut off, not trimmed; "" where it was trimmed."""
    if read_checkpoint(connection, schema) is None:
        return f"the rows up to {chain.base_seq} are gone, and no checkpoint of theirs is in the record"
    newest = max(witnesses, key=lambda one: one.seq, default=None)
    if newest is not None and newest.seq < chain.base_seq:
        return (
            f"the rows up to {chain.base_seq} are gone behind a checkpoint that nobody has witnessed: {newest.by} saw"
            f" row {newest.seq} at {newest.at}"
        )
    return ""


def _problem(problem: str) -> str:
    return {
        "altered": "it, or a row of schema_audit that belongs to it, isn't what was written",
        "missing before": "rows before it are gone",
        "not the next": "it doesn't follow the row before it",
        "outside": "it has no place in the chain: it was put there by hand",
        "behind the head": "it comes after the end of the chain",
    }.get(problem, problem)


def _told(one: Audited, witnesses: Sequence[Witnessed], chains: dict[str, str]) -> Audited:
    """With what the others know: another chain than they saw, and whether it is a copy; when they last saw it."""
    if not one.chain:
        return one
    others = [w for w in witnesses if w.chain != one.chain]
    newest = max(witnesses, key=lambda w: w.at, default=None)
    if one.state == "intact" and others and newest is not None and newest.chain != one.chain:
        owner = chains.get(one.chain, one.environment)
        copied = f"; it is a copy of {owner}'s" if owner != one.environment else ""
        told = f"{newest.by} saw the chain {newest.chain} at {newest.at}, and this is {one.chain}{copied}"
        return replace(one, state="re-created", details=(told,))
    owner = chains.get(one.chain, one.environment)
    if one.state == "intact" and owner != one.environment:
        return replace(one, state="re-created", details=(f"its chain is that of {owner}: it was copied from there",))
    if one.state == "intact":
        told = f"witnessed until {one.witnessed_at}" if one.witnessed_at else "not witnessed by another environment yet"
        return replace(one, summary=f"{one.summary}; {told}")
    return one
