"""The oldest part of an environment's record taken away, after it was exported: what would go, and its going.

What another environment has not witnessed doesn't go: its witness of a later row is what proves that a beginning was
trimmed, not cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui import __version__
from pgmig_tui.database.chain import read_chain
from pgmig_tui.database.connect import Connection, ConnectionLost, application_name, connect
from pgmig_tui.database.evidence import WITNESS, EvidenceRow, Witnessed, evidence_sql, read_witnesses
from pgmig_tui.database.registry import take_lock
from pgmig_tui.database.retention import (
    CHECKPOINT,
    Prefix,
    hold_head,
    read_prefix,
    require_owner,
    rows_of,
    take_away,
)
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.display import words
from pgmig_tui.errors import InDoubt, PgmigError, Refused, UsageError
from pgmig_tui.review.audit import contradicted, witnesses_of
from pgmig_tui.run.planning.door import enter

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

FORMAT = 1
_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What went, or would go: `prefix`; `held` says why not more of it, "" when all that is older does. `path` is the
    export, `sha256` of its bytes; both "" where nothing went."""

    environment: str
    before: str
    prefix: Prefix
    held: str = ""
    path: str = ""
    sha256: str = ""


def would_trim(project: Project, environment: Environment, before: datetime) -> Trimmed:
    """What `export_and_trim` would take away. Reads only. Raises Refused, Unreachable, ServerError."""
    with connect(environment.target, application_name=application_name("trim", "look")) as connection:
        return _look(project, environment, connection, before)[0]


def export_and_trim(
    project: Project,
    environment: Environment,
    before: datetime,
    export_to: Path,
    *,
    state_dir: Path,
    tell: Callable[[str], None] = lambda text: None,
) -> Trimmed:
    """Write all rows that are older than `before` into the new file `export_to`, as lines of JSON, then take them away:
    one transaction, under Sqitch's lock, by the owner of the tables. The chain goes on behind a checkpoint.

    Raises Refused (the record isn't whole, another run works), NotPermitted, UsageError (the file), Unreachable,
    ServerError: nothing was taken away then.
    """
    name = application_name("trim", environment.name)
    with connect(environment.target, application_name=name, lock_timeout_ms=5000) as connection:
        identity = connection.identity()
        enter(project, environment, connection, identity, state_dir, tell)
        take_lock(connection)
        found, schema = _look(project, environment, connection, before)
        require_owner(connection, schema)
        if found.prefix.empty:
            return found
        connection.execute("BEGIN")
        written = False
        try:
            hold_head(connection, schema)
            chain = read_chain(connection, schema)
            if chain is None or not chain.whole:
                raise _not_whole(environment)
            prefix = read_prefix(connection, schema, before, found.prefix.until)
            digest = _export(connection, schema, prefix, export_to, found, identity.database)
            written = True
            seen = read_witnesses(connection, schema)
            take_away(connection, schema, prefix)
            done = Trimmed(environment.name, found.before, prefix, found.held, str(export_to), digest)
            kept = [_checkpoint(done, project, identity.role), *_again(seen, read_witnesses(connection, schema))]
            connection.execute(evidence_sql(schema, kept))
        except BaseException as error:
            if written:
                export_to.unlink(missing_ok=True)  # it says of rows that they are gone
            if isinstance(error, PgmigError) and not connection.closed:
                connection.execute("ROLLBACK")
            raise
        _commit(connection, environment, export_to)
    return done


def _commit(connection: Connection, environment: Environment, path: Path) -> None:
    try:
        connection.execute("COMMIT")
    except ConnectionLost as error:
        raise InDoubt(
            f"the connection was lost at COMMIT: {error.what}",
            now=f"Whether the rows are gone isn't known; {path} has them.",
            do=f"Look at it: pgmig-tui audit verify {environment.name}. Where they are still there, remove that file.",
        ) from error
    except PgmigError:
        path.unlink(missing_ok=True)
        raise


def _look(project: Project, environment: Environment, connection: Connection, before: datetime) -> tuple[Trimmed, str]:
    schema = environment.policy.tracking
    if before.tzinfo is None or before > datetime.now(UTC):
        raise UsageError("rows can only go that are older than a time that has passed.", now=_NOTHING)
    if schema is None:
        raise Refused(f"tracking is off for {environment.name}: there is no record", now=_NOTHING)
    found = read_tracking(connection, schema, environment.target.registry)
    if found.schema is None or found.version != 2 or found.creates not in ("", "runs"):
        why = found.reason or "there are no tracking tables of version 2"
        raise Refused(f"the record of {environment.name} can't be trimmed: {why}", now=_NOTHING)
    whole = read_prefix(connection, schema, before)
    seen, silent = witnesses_of(project, environment)
    chain = read_chain(connection, schema)
    if chain is None or not chain.whole:
        raise _not_whole(environment)
    if contradiction := contradicted(connection, schema, chain, seen):
        raise _not_whole(environment, (contradiction[1],), "--all")
    places = [one.seq for one in seen if one.chain == whole.chain]
    prefix, held = whole, ""
    if places and max(places) < whole.until:
        prefix = read_prefix(connection, schema, before, max(places))
        held = f"rows behind {prefix.until} stay: no other environment has witnessed them yet"
    elif silent:
        held = f"whether {', '.join(silent)} has witnessed less isn't known: it doesn't answer"
    at = words.iso(before)
    return Trimmed(environment.name, at, prefix, held), schema


def _not_whole(environment: Environment, why: Sequence[str] = (), everywhere: str = "") -> Refused:
    return Refused(
        f"the record of {environment.name} isn't whole: taking rows away would hide that",
        now=_NOTHING,
        do=f"Look at it: pgmig-tui audit verify {everywhere or environment.name}",
        details=why,
    )


def _export(connection: Connection, schema: str, prefix: Prefix, path: Path, found: Trimmed, database: str) -> str:
    """Write the file; the SHA-256 of its bytes. Raises UsageError where it can't be written, or is there already."""
    digest = hashlib.sha256()
    head = {
        "format": FORMAT, "environment": found.environment, "database": database, "before": found.before,
        "program_version": __version__, **asdict(prefix),
    }  # fmt: skip
    made = False
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made = True
        with os.fdopen(handle, "wb") as file:

            def put(text: str) -> None:
                line = text.encode() + b"\n"
                digest.update(line)
                file.write(line)

            put(json.dumps(head, ensure_ascii=False))
            for table, row in rows_of(connection, schema, prefix):
                put(f'{{"table": "{table}", "row": {row}}}')
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException as error:
        if made:
            path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise UsageError(
            f"the export can't be written: {error.strerror or error} ({path})",
            now=_NOTHING,
            do="Name a new file where there is room.",
        ) from error
    return digest.hexdigest()


def _again(before: Sequence[Witnessed], after: Sequence[Witnessed]) -> list[EvidenceRow]:
    """What this environment has seen of others, and whose row went: it is told once more, or nobody would vouch for
    them."""
    left = {(one.environment, one.chain) for one in after}
    return [
        EvidenceRow(
            "",
            f"{WITNESS}{one.environment}",
            "PASS",
            f"the run {one.by} saw at {one.at} that the chain of {one.environment} ends at row {one.seq}",
            check_name="witness",
            rows={"chain": one.chain, "seq": one.seq, "hash": one.hash},
        )
        for one in before
        if (one.environment, one.chain) not in left
    ]


def _checkpoint(done: Trimmed, project: Project, role: str) -> EvidenceRow:
    prefix = done.prefix
    gone = prefix.migrations + prefix.statements + prefix.evidence
    return EvidenceRow(
        "",
        CHECKPOINT,
        "PASS",
        f"{gone} rows up to {prefix.until}, older than {done.before}, were exported and taken away",
        check_name="retention",
        rows={
            "base_seq": str(prefix.until), "base_hash": prefix.hash, "since": prefix.since, "before": done.before,
            "migrations": prefix.migrations, "statements": prefix.statements, "evidence": prefix.evidence,
            "export": Path(done.path).name, "sha256": done.sha256,
        },
        role=role,
        answered_how="said",
        answered_by=str(project.operator),
    )  # fmt: skip
