"""Audit rows of type `observed`: what the catalogs say a step has changed, where its statements don't tell.

Only a step with a DO block, a CALL, an EXECUTE or a SELECT of somebody's function is looked at, once, at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database import observed
from pgmig_tui.database.connect import Connection, ConnectionLost
from pgmig_tui.database.tracking import AuditRow
from pgmig_tui.errors import PgmigError
from pgmig_tui.impact import nodes
from pgmig_tui.script.parse import parse

if TYPE_CHECKING:
    from pgmig_tui.database.wire import Wire
    from pgmig_tui.run.process.executor import Executed
    from pgmig_tui.run.process.session import StepSession

_MOST = 200
_OPAQUE = frozenset({"DO", "CALL", "EXECUTE"})
_PARSED = 10_000
_BUILT_IN = frozenset({
    "set_config", "setval", "nextval", "currval", "lastval", "now", "count", "sum", "min", "max", "clock_timestamp",
    "current_setting", "version", "current_database", "to_regclass", "to_regprocedure", "to_regtype", "format",
})  # fmt: skip
_BEGIN = (
    "SAVEPOINT pgmig_observed; SELECT pg_catalog.set_config('statement_timeout','2s',true),"
    " pg_catalog.set_config('client_encoding','UTF8',true)"
)
"""The tables of the step are locked meanwhile."""
_BACK = b"ROLLBACK TO SAVEPOINT pgmig_observed; RELEASE SAVEPOINT pgmig_observed"


def is_opaque(executed: Sequence[Executed]) -> bool:
    """Whether a statement is among these that doesn't say what it changes."""
    return any(
        one.kind in _OPAQUE or (one.kind == "SELECT" and _calls(one.sent)) for one in executed if not one.sqlstate
    )


def _calls(sql: str) -> bool:
    """Whether it calls a function that may be anybody's: built-in ones change no schema."""
    if "(" not in sql or len(sql) > _PARSED:
        return False
    for node in parse(sql, 1).nodes:
        for name, _ in nodes.functions_in(node):
            if len(name) > 1 and name[0] != "pg_catalog":
                return True
            if len(name) == 1 and name[0] not in _BUILT_IN and not name[0].startswith("pg_"):
                return True
    return False


def atomic(wire: Wire, session: StepSession) -> tuple[AuditRow, ...]:
    """What the transaction that is open on `wire` has changed; it is as it was afterwards, whatever happens here. Never
    raises: what can't be told is a row that says so."""
    wire.unhurried()
    begun = wire.run(_BEGIN.encode())
    if begun.error is not None or begun.lost:
        return ()

    def inside(sql: str) -> Sequence[Sequence[object]]:
        exchange = wire.run(sql.encode(), row_limit=None)
        if exchange.error is not None or exchange.lost:
            raise exchange.error or ConnectionLost("the connection was lost")
        return exchange.last.rows

    try:
        ((number,),) = inside(observed.NUMBER_SQL)
        if not number:
            return ()
        with session.connect("observe", kind="watch") as beside:
            return _rows(observed.observe(inside, beside.execute, str(number)), "when the step was recorded")
    except PgmigError as error:
        return (_untold(error.what),)
    finally:
        if wire.alive and wire.in_transaction:
            wire.run(_BACK)


def next_number(control: Connection) -> str:
    """The mark that `stepwise` looks from; "" where it can't be had."""
    try:
        ((number,),) = control.execute(observed.NEXT_SQL)
    except PgmigError:
        return ""
    return str(number)


def stepwise(session: StepSession, number: str) -> tuple[AuditRow, ...]:
    """What has been created or altered, by anybody, since `number` was the next transaction's."""
    if not number:
        return ()
    try:
        with session.connect("observe", kind="watch") as beside:
            found = observed.observe_since(beside.execute, number)
    except PgmigError as error:
        return (_untold(error.what),)
    return _rows(found, "while the step worked, by it or by others; what was dropped isn't seen")


def _untold(why: str) -> AuditRow:
    return AuditRow("observed", description=f"what the catalogs say was changed isn't known: {why}")


def _rows(found: Sequence[observed.Observed], when: str) -> tuple[AuditRow, ...]:
    rows = [
        AuditRow(
            "observed",
            one.kind.upper(),
            one.name,
            f"{one.how}, by the catalogs, {when}",
            objects=((one.kind.upper(), one.name, ""),),
        )
        for one in found[:_MOST]
    ]
    if len(found) > _MOST:
        rows.append(AuditRow("observed", description=f"{len(found) - _MOST} more objects were changed"))
    return tuple(rows)
