"""What others did to a registry that is tracked: told in the tracking tables at the next run, as adopted.

A deploy by `sqitch` leaves an event in the registry and no row of ours. Without this, tracking's last word would be
"reverted" where the registry says deployed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.deployed import DeployedChange, RegistryEvent, read_events
from pgmig_tui.database.history import read_last_words, word_of
from pgmig_tui.database.own_tables import look_sql, tracking_tables
from pgmig_tui.database.retention import trimmed_before
from pgmig_tui.database.tracking_rows import Migration, record_call
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.project import Operator

_AT_ONCE = 500


def missing_rows(
    connection: Connection,
    schema: str,
    registry: str,
    project: str,
    deployed: Sequence[DeployedChange],
    *,
    run_id: str = "",
    environment: str = "",
) -> list[Migration]:
    """The rows that tracking lacks: of changes that are deployed and of which its last word is another, and the other
    way round. Empty where this role may not read its rows. Raises nothing but the loss of the connection."""
    try:
        words = read_last_words(connection, schema, project)
        found = []
        trimmed: str | None = None
        for change in deployed:
            word = word_of(words, change.change_id)
            if word is None:
                if trimmed is None:
                    trimmed = trimmed_before(connection, schema)
                if change.committed_at < trimmed:
                    continue  # its row was exported and taken away
            if word is None or word.says != "deployed":
                found.append(_deployed(change, project, run_id, environment))
        here = {change.change_id for change in deployed} | {change.change_id[:8] for change in deployed}
        gone = [
            word for word in words.values()
            if word.says == "deployed" and (word.change_id or word.change_prefix) not in here
        ]  # fmt: skip
        if gone:
            events = read_events(connection, registry, project=project)
            found += [
                _reverted(word.change, word.change_id, word.change_prefix, events, project, run_id, environment)
                for word in gone
            ]
    except ServerError as error:
        if error.sqlstate == "42501":
            return []
        raise
    return found


def adopt(connection: Connection, schema: str, rows: Sequence[Migration], operator: Operator) -> str:
    """Write these rows, on a session that may write. Returns why they aren't written, "" when they are."""
    try:
        for first in range(0, len(rows), _AT_ONCE):
            calls = ", ".join(record_call(schema, row, (), operator) for row in rows[first : first + _AT_ONCE])
            guard = f"guard AS MATERIALIZED ({look_sql(tracking_tables(schema))})"
            connection.execute(f"WITH {guard}\nSELECT {calls} FROM guard")
    except PgmigError as error:
        return error.what
    return ""


def _deployed(change: DeployedChange, project: str, run_id: str, environment: str) -> Migration:
    who = f"{change.committer_name} <{change.committer_email}>"
    return Migration(
        change.change_id, change.name, "adopt", change.note, True, 0, "adopted", project=project, run_id=run_id,
        environment=environment, started_at=change.committed_at,
        message=f"deployed by {who} at {change.committed_at}, without a row here",
    )  # fmt: skip


def _reverted(
    name: str, change_id: str, prefix: str, events: Sequence[RegistryEvent], project: str, run_id: str, environment: str
) -> Migration:
    event = next(
        (one for one in events if one.event == "revert" and one.change_id.startswith(change_id or prefix or "?")), None
    )
    told = "not deployed any more, and the registry has no event of it"
    if event is not None:
        told = (
            f"reverted by {event.committer_name} <{event.committer_email}> at {event.committed_at}, without a row here"
        )
    found_id = event.change_id if event is not None else change_id or prefix
    return Migration(
        found_id, name, "adopt", event.note if event is not None else "", False, 0, "adopted",
        project=project, run_id=run_id, environment=environment, message=told,
        started_at=event.committed_at if event is not None else None,
    )  # fmt: skip
