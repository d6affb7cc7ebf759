"""Which server answers, and whether it is one that we work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.lookout import Tell, WaitLookout
from pgmig_tui.database.opening import LET_WRITE, NOT_WAITING
from pgmig_tui.database.text import load
from pgmig_tui.errors import Refused
from pgmig_tui.script.actions import ServerFacts

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.project.environments import Policy

OLDEST, NEWEST = 13, 18
"""PostgreSQL versions that are supported."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Which server and database answered. `clock_skew_s` = server clock minus ours, in seconds (± half a round trip).

    `system_identifier` is None where the role may not read it; `timeline` is None on a standby.
    """

    version: str
    version_num: int
    database: str
    role: str
    host: str
    port: str
    system_identifier: str | None
    standby: bool
    encoding: str
    timeline: int | None
    clock_skew_s: float
    product: str = "PostgreSQL"
    unproven: str = ""
    """Why it hasn't proven who it is, in libpq's words; "" where it has, or needs not to."""

    @property
    def key(self) -> tuple[str | None, str]:
        """What makes two targets one database, whatever address leads there."""
        return (self.system_identifier, self.database)

    @property
    def facts(self) -> ServerFacts:
        """What psql would know of a session of ours there."""
        return ServerFacts(self.version_num, self.database, self.role, self.host, self.port, self.encoding)


def identity_sql(*, allowed: bool = True) -> str:
    """The identity query; `allowed=False` leaves out the system identifier, for roles that may not read it."""
    sql = load("queries/identity")
    if allowed:
        return sql
    return sql.replace("(SELECT s.system_identifier::text FROM pg_catalog.pg_control_system() AS s)", "NULL::text")


def product_of(version: str) -> str:
    """Whose server it is, from what version() says: products that speak PostgreSQL's protocol claim its version too."""
    if "-YB-" in version or "YugabyteDB" in version:
        return "YugabyteDB"
    for name in ("Redshift", "Greenplum"):
        if name in version:
            return name
    return version.split(" ")[0]


def check_server(identity: ServerIdentity, policy: Policy | None) -> None:
    """Refuse what we can't or mustn't work on: other products and versions, a standby, another cluster.

    Raises Refused; nothing was changed.
    """
    found = refusal(identity, policy.system_identifier if policy is not None else None)
    if found is not None:
        raise Refused(found[0], now="Nothing was changed.", do=found[1])


_READ_ONLY_SQL = (
    "SELECT s.reset_val = 'on', pg_catalog.current_database(), session_user::text, EXISTS (SELECT FROM"
    " pg_catalog.pg_db_role_setting AS d JOIN pg_catalog.pg_roles AS r ON r.oid = d.setrole, unnest(d.setconfig) AS c"
    " WHERE r.rolname = session_user AND c ~ '^default_transaction_read_only=')"
    " FROM pg_catalog.pg_settings AS s WHERE s.name = 'default_transaction_read_only'"
)
"""What a session begins with, whatever ours has set since: PostgreSQL's manual, "System Views", pg_settings."""


def refuse_unwritable(connection: Connection, identity: ServerIdentity, policy: Policy | None) -> None:
    """As `check_server`; and somebody has made a database, a role or a server read-only by its default, where psql
    would change nothing, and neither do we. Raises Refused."""
    check_server(identity, policy)
    _refuse_read_only(connection)


def admit(connection: Connection, identity: ServerIdentity, policy: Policy | None, tell: Tell | None = None) -> None:
    """The door to a server that is written to: a session of our own is read-only before it. `tell` is told of a
    synchronous standby that is waited for; without it none is. Raises Refused."""
    check_server(identity, policy)
    let_write(connection, tell)


def let_write(connection: Connection, tell: Tell | None = None, *, scratch: bool = False) -> None:
    """The door for one more session on a server that `admit` has looked at, or for a `scratch` database. Where nobody
    would be told what it waits for, it waits for no synchronous standby. Raises Refused."""
    global _changing
    _refuse_read_only(connection)
    _changing = _changing or not scratch
    if tell is None:
        connection.execute(f"{LET_WRITE}; {NOT_WAITING}")
        return
    connection.execute(LET_WRITE)
    connection.lookout = WaitLookout(connection, tell)


_changing = False


def may_have_changed() -> bool:
    """Whether a session of this process might have changed a server."""
    return _changing


def _refuse_read_only(connection: Connection) -> None:
    row = connection.one(_READ_ONLY_SQL)
    if row is not None and row[0] and row[3]:
        raise Refused(
            f"database {row[1]} is read-only for {row[2]}: default_transaction_read_only is on for this role",
            now="Nothing was changed.",
            do=f"{row[2]} is made to look on, as an observer is. Log in as the role that deploys here: `pgmig-tui roles"
            " TARGET --print` names it and says what it needs.",
        )
    if row is not None and row[0]:
        raise Refused(
            f"database {row[1]} is read-only for {row[2]}: default_transaction_read_only is on",
            now="Nothing was changed.",
            do="Take that setting back where it was made (ALTER DATABASE, ALTER ROLE or postgresql.conf), or, where it"
            " is meant for others, say it in the target: ?options=-c%20default_transaction_read_only=off",
        )


def refusal(identity: ServerIdentity, pinned: str | None) -> tuple[str, str] | None:
    """Why that server is refused, and what to do; None when it isn't. `pinned` is the system identifier wanted."""
    if identity.product != "PostgreSQL":
        return f"{identity.product} is not supported: PostgreSQL {OLDEST} to {NEWEST} are", ""
    if not OLDEST <= identity.version_num // 10000 <= NEWEST:
        return f"PostgreSQL {identity.version} is not supported: {OLDEST} to {NEWEST} are", ""
    if identity.standby:
        return (
            f"the server at {identity.host} is a standby: it can't be written to",
            "Point the target at the primary, or add target_session_attrs=read-write to it.",
        )
    if pinned is not None and identity.system_identifier != pinned:
        return (
            f"this is another cluster: its system identifier is {identity.system_identifier or 'hidden from us'},"
            f" pgmig.toml pins {pinned}",
            "Check the target; if the cluster was rebuilt on purpose, change system_identifier in pgmig.toml.",
        )
    return None
