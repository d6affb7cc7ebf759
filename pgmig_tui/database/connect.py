"""Connections: libpq's own rules for finding the server, session guards, and the poolers in between.

Sources: libpq's environment variables, password and service files (PostgreSQL docs, "libpq - C Library"); guards and
pooler detection as measured for this project on 15-18.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import pq

from pgmig_tui.database import own_tables, pooler, tls
from pgmig_tui.database.identity import NEWEST, OLDEST, ServerIdentity, check_server, identity_sql, product_of
from pgmig_tui.database.opening import SILENT, Kind, OpeningError, guard_sql, open_session
from pgmig_tui.display.mask import HIDDEN, mask_secrets
from pgmig_tui.errors import PgmigError, Unreachable
from pgmig_tui.project.verification import asked_of

if TYPE_CHECKING:
    from pgmig_tui.database.lookout import WaitLookout

__all__ = [
    "Connection", "ConnectionLost", "Kind", "Reachable", "Row", "ServerError", "ServerIdentity", "application_name",
    "check_server", "connect", "guard_sql", "identity_sql", "mask",
]  # fmt: skip

Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any] | None
KEEPALIVE = {"keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


class Reachable(Protocol):
    """What a connection needs of a target: libpq keywords, and the secrets apart from them."""

    @property
    def display(self) -> str: ...
    @property
    def conninfo(self) -> dict[str, str]: ...
    @property
    def password(self) -> str | None: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...


class ServerError(PgmigError):
    """The server refused a statement. Texts are masked; `sqlstate` is "" when the error came from libpq itself.

    `position` counts characters from 1 in the statement that was sent, None when unknown.
    """

    exit_status = 1

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = "",
        severity: str = "ERROR",
        detail: str = "",
        hint: str = "",
        context: str = "",
        position: int | None = None,
    ) -> None:
        details = [f"DETAIL: {detail}"] if detail else []
        details += [f"HINT: {hint}"] if hint else []
        super().__init__(f"{message} (SQLSTATE {sqlstate})" if sqlstate else message, details=details)
        self.message = message
        self.sqlstate = sqlstate
        self.severity = severity
        self.detail = detail
        self.hint = hint
        self.context = context
        self.position = position


class ConnectionLost(Unreachable):
    """The connection broke while it was in use. What the server did last is unknown to us."""

    def __init__(self, what: str, *, sqlstate: str = "") -> None:
        super().__init__(what, do="Run the command again when the server can be reached.")
        self.sqlstate = sqlstate


def application_name(run_id: str, part: str | int) -> str:
    """`pgmig/<run id>/<step number>`, `…/control` or `…/watch`, ASCII and within PostgreSQL's 63 bytes."""
    clean = run_id.encode("ascii", "replace").decode()[:20]
    return f"pgmig/{clean}/{part}"


class Connection:
    """One autocommit session. Not for use from two threads at once, but for `cancel`."""

    def __init__(self, inner: psycopg.Connection[Row], secrets: Sequence[str] = (), kind: Kind = "control") -> None:
        self._inner = inner
        self.kind = kind
        """`step`: a session for scripts, in which names are looked up by their search_path and not by ours."""
        self.pid = inner.pgconn.backend_pid
        """The server process of this session; what is announced at connecting may be a pooler's own invention."""
        self._secrets = tuple(secret for secret in secrets if secret)
        self.patience_s: float | None = None
        """How long an answer may keep us waiting; the session is given up then."""
        self.before_asking: Callable[[], None] | None = None
        """Called before each statement: what was sent without waiting is answered first (`background.Aside`)."""
        self.lookout: WaitLookout | None = None
        """Says what an answer waits for: sessions have one that change a server and may wait for a standby."""
        self.unproven = ""
        """Why the server hasn't proven who it is, in libpq's words; "" where it has, or needs not to."""
        self.beside: Callable[[], Connection] = lambda: self
        """Opens another session that looks at this one."""

    @property
    def raw(self) -> pq.abc.PGconn:
        """libpq's own connection, for whoever sends script text as bytes."""
        return self._inner.pgconn

    @property
    def pooled(self) -> bool:
        """A pooler stands in between: it has announced a process of its own, and keeps the server's when we go."""
        return self.pid != self.raw.backend_pid

    @property
    def role(self) -> str:
        """The role that we logged in as."""
        return self._inner.info.user

    @property
    def closed(self) -> bool:
        return self._inner.closed

    @property
    def server_version_num(self) -> int:
        return self._inner.pgconn.server_version

    def execute(self, sql: str | bytes, parameters: Parameters = None) -> list[Row]:
        """Run `sql`; the rows of the last statement that returned any, else an empty list.

        Without parameters the text goes out as one simple query and may hold several statements. Raises ServerError
        or ConnectionLost.
        """
        results = self.results(sql, parameters)
        return results[-1] if results else []

    def one(self, sql: str | bytes, parameters: Parameters = None) -> Row | None:
        """The first row, or None."""
        rows = self.execute(sql, parameters)
        return rows[0] if rows else None

    def results(self, sql: str | bytes, parameters: Parameters = None) -> list[list[Row]]:
        """The rows of every statement of `sql` that returns rows, in order."""
        query = self._next(sql)
        try:
            with self._bounded(), self._looked_at(), self._inner.cursor() as cursor:
                cursor.execute(query, parameters, prepare=False)
                found: list[list[Row]] = []
                while True:
                    if cursor.description is not None:
                        found.append(cursor.fetchall())
                    if not cursor.nextset():
                        return found
        except (psycopg.Error, UnicodeDecodeError) as error:
            raise self._wrapped(error) from None
        except KeyboardInterrupt:
            if self.lookout is None or not self.lookout.committed_here:
                raise
            return []  # it has ended the waiting for a standby, and nothing else

    def columns(self, sql: str | bytes, parameters: Parameters = None) -> tuple[tuple[str, ...], list[Row]]:
        """Column names and rows of one statement."""
        query = self._next(sql)
        try:
            with self._inner.cursor() as cursor:
                cursor.execute(query, parameters, prepare=False)
                names = tuple(column.name for column in cursor.description or ())
                return names, cursor.fetchall() if cursor.description is not None else []
        except (psycopg.Error, UnicodeDecodeError) as error:
            raise self._wrapped(error) from None

    def identity(self) -> ServerIdentity:
        """Ask the server who it is: one round trip, two where pg_control_system() isn't allowed."""
        before = time.time()
        try:
            row = self.one(identity_sql())
        except ServerError as error:
            if error.sqlstate != "42501":
                raise
            before = time.time()
            row = self.one(identity_sql(allowed=False))
        assert row is not None
        return self.identity_from(row, before, time.time())

    def identity_from(self, row: Row, before: float, after: float) -> ServerIdentity:
        """An identity from the row of `identity_sql()`, asked at `before` and answered at `after` (Unix seconds)."""
        version_text, version, num, database, role, system, standby, encoding, timeline, clock = row
        return ServerIdentity(
            version=version.split(" ")[0],
            version_num=num,
            database=database,
            role=role,
            host=self._inner.info.host,
            port=str(self._inner.info.port),
            system_identifier=system,
            standby=standby,
            encoding=encoding,
            timeline=timeline,
            clock_skew_s=round(clock - (before + after) / 2, 6),
            product=product_of(version_text),
            unproven=self.unproven,
        )

    def error(self, result: pq.abc.PGresult) -> ServerError:
        """The error that a raw PGresult carries, masked."""
        return self._server_error(lambda field: _field(result, field), result.error_message.decode("utf-8", "replace"))

    def on_notice(self, handler: Callable[[str, str, str], None]) -> None:
        """Call `handler(severity, message, detail)` for every notice from now on, masked."""

        def received(diagnostic: psycopg.errors.Diagnostic) -> None:
            handler(
                diagnostic.severity_nonlocalized or diagnostic.severity or "NOTICE",
                self.mask(diagnostic.message_primary or ""),
                self.mask(diagnostic.message_detail or ""),
            )

        self._inner.add_notice_handler(received)

    def on_local_commit(self, handler: Callable[[], None]) -> None:
        """Call `handler` when a COMMIT no longer waits for a synchronous standby, because of a cancel."""

        def received(diagnostic: psycopg.errors.Diagnostic) -> None:
            if diagnostic.source_function == "SyncRepWaitForLSN":
                handler()

        self._inner.add_notice_handler(received)

    def cancel(self, timeout: float = 5.0) -> None:
        """Ask the server to cancel what this session runs. May be called from another thread; errors are swallowed:
        whoever cancels watches the statement itself."""
        try:
            self._inner.cancel_safe(timeout=timeout)
        except psycopg.Error:
            return

    def cut(self) -> None:
        """Give the session up as if the network had failed: whoever waits for its answer has lost it."""
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.raw.socket)) as end:
            end.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[None]:
        """A connection whose other end has fallen silent looks alive for ever."""
        if self.patience_s is None:
            yield
            return
        timer = threading.Timer(self.patience_s, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _looked_at(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.lookout is None else self.lookout.awaiting()

    def mask(self, text: str) -> str:
        return mask(text, self._secrets)

    def close(self) -> None:
        if self.lookout is not None:
            self.lookout.close()
        self._inner.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self, sql: str | bytes) -> bytes:
        if self.before_asking is not None:
            self.before_asking()
        return sql.encode() if isinstance(sql, str) else sql

    def _wrapped(self, error: psycopg.Error | UnicodeDecodeError) -> PgmigError:
        if isinstance(error, UnicodeDecodeError):  # names and queries of databases in other encodings reach pg_stat_*
            return ServerError("the server sent text that is not valid in its encoding", sqlstate="22021")
        if self._inner.closed or self._inner.broken:
            return ConnectionLost(self.mask(f"the connection was lost: {_first(error)}"), sqlstate=error.sqlstate or "")
        diagnostic = error.diag
        fields: dict[pq.DiagnosticField, str | None] = {
            pq.DiagnosticField.SEVERITY_NONLOCALIZED: diagnostic.severity_nonlocalized,
            pq.DiagnosticField.SQLSTATE: diagnostic.sqlstate,
            pq.DiagnosticField.MESSAGE_PRIMARY: diagnostic.message_primary,
            pq.DiagnosticField.MESSAGE_DETAIL: diagnostic.message_detail,
            pq.DiagnosticField.MESSAGE_HINT: diagnostic.message_hint,
            pq.DiagnosticField.CONTEXT: diagnostic.context,
            pq.DiagnosticField.STATEMENT_POSITION: diagnostic.statement_position,
        }
        found = self._server_error(fields.get, _first(error))
        return own_tables.refused(found.message) or found

    def _server_error(self, field: Callable[[pq.DiagnosticField], str | None], otherwise: str) -> ServerError:
        def text(which: pq.DiagnosticField) -> str:
            return self.mask(field(which) or "")

        position = field(pq.DiagnosticField.STATEMENT_POSITION)
        return ServerError(
            text(pq.DiagnosticField.MESSAGE_PRIMARY) or self.mask(otherwise).strip(),
            sqlstate=text(pq.DiagnosticField.SQLSTATE),
            severity=text(pq.DiagnosticField.SEVERITY_NONLOCALIZED) or "ERROR",
            detail=text(pq.DiagnosticField.MESSAGE_DETAIL),
            hint=text(pq.DiagnosticField.MESSAGE_HINT),
            context=text(pq.DiagnosticField.CONTEXT),
            position=int(position) if position else None,
        )


def connect(
    target: Reachable,
    *,
    application_name: str,
    connect_timeout: int = 10,
    kind: Kind = "control",
    lock_timeout_ms: int = 0,
    autocommit: bool = True,
    script: bool = False,
) -> Connection:
    """Open a session on `target`; what the target leaves open is libpq's to find (PG*, .pgpass, service files).

    Its search_path is pg_catalog's and its settings are those of `opening.settings_of(kind, lock_timeout_ms)`, but
    `script` sessions run migration files: they keep what the server gives them, and psql's encoding (PGCLIENTENCODING,
    else the database's). `connect_timeout` is in seconds and yields to one that the user set; it holds for the first
    answer as well. Raises Unreachable, a wrong password included, and Refused for a pooler that keeps no sessions.
    """
    parameters: dict[str, Any] = {**KEEPALIVE, **target.conninfo, **target.secrets}
    parameters["application_name"] = application_name
    if target.password is not None:
        parameters["password"] = target.password
    if "PGCONNECT_TIMEOUT" not in os.environ:
        parameters.setdefault("connect_timeout", str(connect_timeout))
    if not script:
        parameters["client_encoding"] = "UTF8"
    secrets = [target.password or "", *target.secrets.values(), os.environ.get("PGPASSWORD", "")]

    unproven = ""

    def opened(given: Mapping[str, Any]) -> psycopg.Connection[Row]:
        return psycopg.connect("", autocommit=autocommit, prepare_threshold=None, **given)

    def dial() -> psycopg.Connection[Row]:
        nonlocal unproven
        try:
            connection, why = tls.opened(target, parameters, opened)
        except (psycopg.Error, UnicodeError, ValueError) as error:
            raise _unreachable(target, mask(str(error), secrets)) from None
        unproven = mask(why, secrets)
        return connection

    connection = Connection(dial(), secrets, "step" if script else kind)
    connection.unproven = unproven
    watching = f"{application_name.rpartition('/')[0]}/watch"
    connection.beside = lambda: connect(target, application_name=watching, kind="watch")
    try:
        _open(target, connection, lock_timeout_ms, dial, _patience(parameters, connect_timeout))
    except BaseException:
        connection.close()
        raise
    return connection


def _open(
    target: Reachable,
    connection: Connection,
    lock_timeout_ms: int,
    dial: Callable[[], psycopg.Connection[Row]],
    patience: float,
) -> None:
    """Send the first message and check its answer; again where a pooler turns out to keep its sessions."""
    raw, kind = connection.raw, connection.kind
    try:
        pid = open_session(raw, kind, lock_timeout_ms, deadline=time.monotonic() + patience)
        if pid != raw.backend_pid:
            pooler.refuse_unless_kept(target.display, raw, pid, dial, lambda: time.monotonic() + patience)
            pid = open_session(raw, kind, lock_timeout_ms, deadline=time.monotonic() + patience, pooled=True)
    except OpeningError as error:
        if error.why == SILENT:
            raise pooler.full(target.display) from None
        why = connection.mask(error.why)
        if not error.sqlstate or raw.status != pq.ConnStatus.OK:
            raise _unreachable(target, why) from None
        raise Unreachable(
            f"{target.display} doesn't give us a session as we need it: {why}",
            do=f"PostgreSQL {OLDEST} to {NEWEST} are supported.",
        ) from None
    connection.pid = pid


def _patience(parameters: Mapping[str, str], otherwise: int) -> float:
    """Seconds that the first answer may take: libpq's connect_timeout, as libpq reads it."""
    given = parameters.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT", "")
    try:
        seconds = int(given)
    except ValueError:
        return otherwise
    return max(2, seconds) if seconds > 0 else 24 * 3600.0


def _unreachable(target: Reachable, text: str) -> Unreachable:
    lines = [line.strip(" \t-") for line in text.splitlines() if line.strip()]
    reason = lines[0].removeprefix("connection failed: ") if lines else "no reason given"
    do = "Check host, port and network, and that the server is running."
    if "password" in text or "authentication" in text or "no pg_hba.conf entry" in text:
        do = "Check the user and the password (SQITCH_PASSWORD, PGPASSWORD, .pgpass) and the server's pg_hba.conf."
    elif asked_of(target) == "enforce" and tls.is_of_tls(text):
        do = 'pgmig.toml says sslmode = "verify-full" here: the server needs a certificate for its name, signed by'
        do += " whom the system trusts, or ?sslrootcert=FILE, PGSSLROOTCERT or ~/.postgresql/root.crt names."
    elif "does not exist" in text:
        do = "Check the names in the target; the server answered, but has no such database or role."
    return Unreachable(f"{target.display} can't be reached: {reason}", do=do, details=lines[1:])


def mask(text: str, secrets: Sequence[str] = ()) -> str:
    """`text` without passwords: those given, and whatever stands where SQL, conninfo strings and URIs put one."""
    for secret in secrets:
        if len(secret) > 2:
            text = text.replace(secret, HIDDEN)
    return mask_secrets(text)


def _field(result: pq.abc.PGresult, which: pq.DiagnosticField) -> str | None:
    value = result.error_field(which)
    return None if value is None else value.decode("utf-8", "replace")


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
