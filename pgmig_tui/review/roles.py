"""The roles that work with an environment, as SQL for whoever makes them: each may do what it is there for, no more.

Nobody is given a password here, and none of them is a superuser. What the registry and the tracking tables need is
measured as these roles (tests/cli/test_roles_command.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.text import ident, literal

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment

_LONGEST = 63
"""Bytes of a name that PostgreSQL keeps."""

KINDS = ("observer", "monitor", "deployer", "approver")
_RECORD = ("record_step(jsonb, text[])", "answer_step(jsonb)", "record_evidence(jsonb)", "tables_shape(oid[])")


@dataclass(frozen=True, slots=True)
class RolePlace:
    """Where the roles work: the database, Sqitch's registry, and the tracking schema (None: off)."""

    database: str
    registry: str
    tracking: str | None


def place_of(environment: Environment) -> RolePlace:
    """As pgmig.toml and the target say it."""
    policy, target = environment.policy, environment.target
    database = target.address.database or target.conninfo.get("dbname", "")
    return RolePlace(database, target.registry, policy.tracking)


def name_of(kind: str, database: str) -> str:
    """A role is of one database: what it may do elsewhere is another matter.

    The server cuts names at 63 bytes, by which the roles of a long name would all be one: that name is cut here, and a
    hash of it tells it from others that begin alike.
    """
    if len(f"{database}_{kind}".encode()) > _LONGEST:
        cut = database.encode()[: _LONGEST - len(kind) - 10].decode(errors="ignore")
        database = f"{cut}_{hashlib.sha256(database.encode()).hexdigest()[:8]}"
    return f"{database}_{kind}"


def script(place: RolePlace, owner: str, kinds: Iterable[str] = KINDS, prefix: str = "") -> str:
    """SQL that makes these roles, for psql, to be run once by a superuser or who may create roles. `owner` is the role
    that owns the tables which changes alter; the roles' names begin with `prefix`, or with the database's. It may be
    run again: what is there stays."""
    parts = [_HEADER.format(database=ident(place.database))]
    for kind in kinds:
        parts += [f"-- {kind}: {_FOR[kind]}", *_MAKERS[kind](place, name_of(kind, prefix or place.database), owner), ""]
    return "\n".join(parts)


_HEADER = """\
-- Roles for {database}. Each can log in; give them a password, a certificate or peer authentication, and an end:
-- ALTER ROLE … VALID UNTIL '…'. Run it in {database} as a superuser, after the first deploy: its tables must be there.
"""
_FOR = {
    "observer": "sees what is deployed, pending and recorded, and changes nothing",
    "monitor": "an observer that also sees other roles' sessions, statements and replicas: check, watch, locks",
    "deployer": "deploys, reverts and rolls back; owns nothing by itself, but is a member of the owner",
    "approver": "an observer that may approve: writes rows of approvals in its own name, and nothing else",
}


def _made(role: str, *options: str) -> Iterator[str]:
    """CREATE ROLE, unless it is there."""
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    yield (
        f"DO $$BEGIN IF pg_catalog.to_regrole({literal(ident(role))}) IS NULL THEN"
        f" CREATE ROLE {ident(role)} {rights}; END IF; END$$;"
    )
    for option in options:
        yield f"ALTER ROLE {ident(role)} {option};"


def _reads(place: RolePlace, role: str) -> Iterator[str]:
    yield f"GRANT CONNECT ON DATABASE {ident(place.database)} TO {ident(role)};"
    schemas = [place.registry] + ([place.tracking] if place.tracking else [])
    for schema in schemas:
        yield f"GRANT USAGE ON SCHEMA {ident(schema)} TO {ident(role)};"
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {ident(schema)} TO {ident(role)};"


def _observer(place: RolePlace, role: str, owner: str) -> Iterator[str]:
    yield from _made(role, "SET default_transaction_read_only = on")
    yield from _reads(place, role)


def _monitor(place: RolePlace, role: str, owner: str) -> Iterator[str]:
    yield from _observer(place, role, owner)
    yield f"GRANT pg_monitor TO {ident(role)};"


def _deployer(place: RolePlace, role: str, owner: str) -> Iterator[str]:
    """CREATE on the database lets changes make schemas; terminating who is in the way takes pg_signal_backend, which
    can't end a superuser's session."""
    yield from _made(role)
    yield from _reads(place, role)
    yield f"GRANT {ident(owner)} TO {ident(role)};"
    yield f"GRANT CREATE ON DATABASE {ident(place.database)} TO {ident(role)};"
    yield f"GRANT pg_read_all_stats, pg_signal_backend TO {ident(role)};"
    yield f"GRANT USAGE, CREATE ON SCHEMA {ident(place.registry)} TO {ident(role)};"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {ident(place.registry)} TO {ident(role)};"
    if place.tracking:
        schema = ident(place.tracking)
        functions = ", ".join(f"{schema}.{one}" for one in _RECORD)
        yield f"GRANT EXECUTE ON FUNCTION {functions} TO {ident(role)};"
        yield f"GRANT SELECT, INSERT, UPDATE ON {schema}.runs TO {ident(role)};"


def _approver(place: RolePlace, role: str, owner: str) -> Iterator[str]:
    yield from _made(role)
    yield from _reads(place, role)
    if place.tracking:
        from pgmig_tui.database.approvals import TABLE, WRITTEN

        table = f"{ident(place.tracking)}.{ident(TABLE)}"
        yield (
            f"DO $$BEGIN IF pg_catalog.to_regclass({literal(table)}) IS NOT NULL THEN"
            f" GRANT SELECT, INSERT ({', '.join(WRITTEN)}) ON {table} TO {ident(role)}; END IF; END$$;"
        )


_MAKERS = {"observer": _observer, "monitor": _monitor, "deployer": _deployer, "approver": _approver}
