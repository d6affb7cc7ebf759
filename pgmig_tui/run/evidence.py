"""What became of a stepwise step that was cut off: its journal, its script, and the server's catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pgmig_tui.database import traces
from pgmig_tui.database.connect import Connection
from pgmig_tui.run.files import RecordedFiles
from pgmig_tui.run.plan import RunPlan, Step
from pgmig_tui.run.position import OpenStatement, Position
from pgmig_tui.run.reading import recorded_view
from pgmig_tui.run.rewrites import became_of
from pgmig_tui.script.statement import Statement

Outcome = Literal["recorded", "not_applied", "unrecorded", "partly", "unknown"]
Effect = Literal["applied", "not", "broken", "again", "unknown"]
"""applied, not, broken: it left something half done · again: repeating it changes nothing that doing it once hasn't."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one step. `stays` names what was committed of a script that was not carried out to its end, `line`
    where it stopped, `why` the evidence, `repair` the statements that would take away what is broken."""

    step: Step
    outcome: Outcome
    why: str
    line: int | None = None
    stays: tuple[str, ...] = ()
    repair: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What the catalog says of one statement."""

    effect: Effect
    why: str
    repair: tuple[str, ...] = ()


def stepwise_verdict(connection: Connection, plan: RunPlan, step: Step, at: Position) -> Verdict:
    """The verdict on a step without a record. Raises ServerError."""
    if at.applied:
        return Verdict(step, "unrecorded", "its script was carried out to the end, and the record is missing")
    stays = tuple(at.stays)
    last = at.line
    found = None
    if (statement := at.open) is not None:
        answered = bool(at.failed) and not at.in_doubt
        if answered and at.halves:
            why = f"line {statement.line} failed, and may have committed part of its work: {at.failed}"
            return Verdict(step, "partly", why, statement.line, (*stays, *at.halves))
        found = _trace(connection, plan, step, statement)
        if answered and found.effect != "broken":
            found = Trace("not", f"line {statement.line} failed: {at.failed}")
        elif statement.commits is False:
            found = Trace("not", f"the transaction around line {statement.line} was rolled back")
        if found.effect == "unknown":
            return Verdict(step, "unknown", found.why, statement.line, stays)
        if found.effect in ("broken", "again"):
            return Verdict(step, "partly", found.why, statement.line, stays, found.repair)
        if found.effect == "applied" and statement.kind == "COMMIT":
            last = statement.end_line
            stays = (*stays, *at.pending)
        elif found.effect == "applied":
            last = statement.end_line
            stays = (*stays, f"line {statement.line}: {' '.join(statement.sql.split())[:120].rstrip('; ')}")
    if not stays:
        return Verdict(step, "not_applied", found.why if found else "none of its statements was committed")
    statements = _statements(plan, step)
    if statements and last >= statements[-1].end_line:
        why = found.why + "; that is its last statement" if found else "all of its statements were carried out"
        return Verdict(step, "unrecorded", f"{why}, and the record is missing", stays=stays)
    upcoming = next((one.line for one in statements if one.line > last), None)
    why = f"it was carried out to line {last}" + (f", and not from line {upcoming} on" if upcoming else "")
    return Verdict(step, "partly", f"{why} ({found.why})" if found else why, upcoming or last, stays)


def _statements(plan: RunPlan, step: Step) -> list[Statement]:
    """The statements of the step's own script, as the run has read it, without those that only end a transaction."""
    assert step.script is not None
    try:
        files = RecordedFiles.of(plan)
        seen = recorded_view(plan, files, step.script)
    except (OSError, ValueError, KeyError):
        return []
    return [one for one in seen.statements if one.path == step.script and one.control is None]


def _trace(connection: Connection, plan: RunPlan, step: Step, open_: OpenStatement) -> Trace:
    """What the catalog says of the statement that was open."""
    if open_.xid is not None:
        return _transaction(connection, plan, open_)
    unknown = Trace("unknown", f"whether the {open_.kind or 'statement'} at line {open_.line} took effect is not known")
    known = [one for one in _statements(plan, step) if one.line == open_.line and one.path == open_.path]
    if not known or known[0].joined or known[0].node is None:
        return unknown
    node = known[0].node
    kind = str(node.WhichOneof("node"))
    statement = getattr(node, kind)
    if open_.files and (found := _rewritten(connection, open_, node)) is not None:
        return found
    if kind in _UPKEEP:
        return Trace("not", f"the {open_.kind} at line {open_.line} may be run again, whether it was done or not")
    if kind in _AGAIN or (kind in ("view_stmt", "create_function_stmt") and statement.replace):
        why = f"the {open_.kind} at line {open_.line} may have taken effect or not, and may be run again either way"
        return Trace("again", why)
    look = _LOOK.get(kind)
    return (look(connection, statement) if look is not None else None) or unknown


def _rewritten(connection: Connection, open_: OpenStatement, node: Any) -> Trace | None:
    """What the files say of the relations that the statement was going to rewrite."""
    done, why, repair = became_of(connection, node, open_.files)
    if not why:
        return None
    why = f"the {open_.kind} at line {open_.line}: {why}"
    if repair:
        return Trace("broken", why, repair)
    return Trace("again" if done is None else "applied" if done else "not", why)


def _transaction(connection: Connection, plan: RunPlan, open_: OpenStatement) -> Trace:
    """What became of the transaction that the COMMIT at this line would have ended."""
    if not open_.xid:
        return Trace("not", f"the transaction that line {open_.line} commits had written nothing")
    timeline = connection.identity().timeline
    status = ""
    if plan.server.timeline is None or timeline is None or timeline == plan.server.timeline:
        status = traces.transaction_status(connection, open_.xid)  # of another timeline the ID may be another's
    if status == "committed":
        return Trace("applied", f"the server says that the transaction up to line {open_.line} was committed")
    if status == "aborted":
        return Trace("not", f"the server says that the transaction up to line {open_.line} was rolled back")
    return Trace("unknown", f"the server doesn't know what became of the transaction up to line {open_.line}")


_UPKEEP = frozenset({
    "vacuum_stmt", "reindex_stmt", "cluster_stmt", "refresh_mat_view_stmt", "check_point_stmt", "variable_set_stmt",
})  # fmt: skip
"""What changes no definition."""
_AGAIN = frozenset({"comment_stmt", "grant_stmt", "sec_label_stmt"})


def _made(there: bool, what: str) -> Trace:
    return Trace("applied", f"{what} is there") if there else Trace("not", f"{what} is not there")


def _index(connection: Connection, statement: Any) -> Trace | None:
    if not statement.idxname:
        return None
    state, name = traces.index_state(connection, statement.relation.schemaname or None, statement.idxname)
    if state == "invalid":
        repair = (f"DROP INDEX CONCURRENTLY {name}", f"REINDEX INDEX CONCURRENTLY {name}")
        return Trace("broken", f"index {name} is there and INVALID", repair)
    return _made(state == "valid", f"index {name}")


def _relation(connection: Connection, statement: Any) -> Trace:
    made = statement.relation
    return _made(traces.has_relation(connection, made.schemaname or None, made.relname), f"relation {made.relname}")


def _table_as(connection: Connection, statement: Any) -> Trace:
    made = statement.into.rel
    return _made(traces.has_relation(connection, made.schemaname or None, made.relname), f"relation {made.relname}")


def _routine(connection: Connection, statement: Any) -> Trace:
    schema, name = _name(statement.funcname)
    return _made(traces.has_routine(connection, schema, name), f"routine {name}")


def _label(connection: Connection, statement: Any) -> Trace | None:
    if statement.old_val:
        return None
    schema, name = _name(statement.type_name)
    return _made(traces.has_label(connection, schema, name, statement.new_val), f"value {statement.new_val} of {name}")


def _drop(connection: Connection, statement: Any) -> Trace | None:
    kind = statement.DESCRIPTOR.fields_by_name["remove_type"].enum_type.values_by_number[statement.remove_type].name
    left = []
    for item in statement.objects:
        if kind == "OBJECT_INDEX":
            schema, name = _name(item.list.items)
            state, full = traces.index_state(connection, schema, name)
            if state == "invalid":
                repair = (f"DROP INDEX CONCURRENTLY {full}",)
                return Trace("broken", f"index {full} is half dropped: it is there and INVALID", repair)
            left.append(state == "valid")
        elif kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE"):
            left.append(traces.has_relation(connection, *_name(item.list.items)))
        elif kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
            left.append(traces.has_routine(connection, *_name(item.object_with_args.objname)))
        else:
            return None
    if not any(left):
        return Trace("applied", "what it drops is gone")
    return Trace("not", "what it drops is still there") if all(left) else None


def _alter(connection: Connection, statement: Any) -> Trace | None:
    """ALTER TABLE with one action; of several, nobody knows which name would tell."""
    if len(statement.cmds) != 1:
        return None
    command = statement.cmds[0].alter_table_cmd
    action = command.DESCRIPTOR.fields_by_name["subtype"].enum_type.values_by_number[command.subtype].name
    table = (statement.relation.schemaname or None, statement.relation.relname)
    name = command.name
    match action:
        case "AT_AddColumn":
            name = getattr(command, "def").column_def.colname
            return _made(traces.has_column(connection, *table, name), f"column {name}")
        case "AT_DropColumn":
            return _gone(traces.has_column(connection, *table, name), f"column {name}")
        case "AT_SetNotNull":
            return _made(traces.is_not_null(connection, *table, name), f"NOT NULL of {name}")
        case "AT_DropNotNull":
            return _gone(traces.is_not_null(connection, *table, name), f"NOT NULL of {name}")
        case "AT_ValidateConstraint":
            done = traces.is_validated(connection, *table, name)
            return Trace("applied" if done else "not", f"constraint {name} is {'' if done else 'not '}validated")
        case "AT_AddConstraint":
            name = getattr(command, "def").constraint.conname
            return _made(traces.has_constraint(connection, *table, name), f"constraint {name}") if name else None
        case "AT_DropConstraint":
            return _gone(traces.has_constraint(connection, *table, name), f"constraint {name}")
    return None


def _gone(there: bool, what: str) -> Trace:
    return Trace("not", f"{what} is still there") if there else Trace("applied", f"{what} is gone")


def _name(parts: Any) -> tuple[str | None, str]:
    names = [part.string.sval for part in parts]
    return (names[-2] if len(names) > 1 else None), names[-1]


_LOOK: Mapping[str, Callable[[Connection, Any], Trace | None]] = {
    "index_stmt": _index,
    "create_stmt": _relation,
    "create_seq_stmt": _relation,
    "create_table_as_stmt": _table_as,
    "create_function_stmt": _routine,
    "alter_enum_stmt": _label,
    "drop_stmt": _drop,
    "alter_table_stmt": _alter,
}
