"""Database URIs: `db:pg://user@host:port/name?key=value`, in all the ways in which Sqitch takes them.

Sources: the `db:` URI draft (https://github.com/libwww-perl/uri-db); Perl's URI::db 0.20 as observed in Sqitch 1.3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

from pgmig_tui.errors import UsageError

_PG_ENGINES = frozenset({"pg", "postgres", "postgresql"})
_ENGINE_NAMES = {"sqlite3": "sqlite", "maria": "mysql", "mariadb": "mysql", "cockroachdb": "cockroach"}
SECRET_PARAMETERS = frozenset({"password", "sslpassword", "oauth_client_secret"})
_OTHER_ENGINES = frozenset(
    {"clickhouse", "cockroach", "exasol", "firebird", "mysql", "oracle", "snowflake", "sqlite", "vertica", "yugabyte"}
)
ENGINES = _OTHER_ENGINES | {"pg"}
"""Sqitch's names of the databases that it works on."""
_URI = re.compile(r"db:(?:([A-Za-z][A-Za-z0-9+.-]*):)?(.*)", re.I | re.S)
_BARE_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.S)
_REST = re.compile(r"(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.S)


@dataclass(frozen=True, slots=True)
class DatabaseUri:
    """The parts of a `db:` URI, percent-decoded. Empty parts are left to libpq.

    `engine` is Sqitch's name of it, whichever of its names the URI had.
    """

    engine: str
    user: str
    password: str | None = field(repr=False)
    host: str
    port: str
    database: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)

    def text(self) -> str:
        """Return the URI again, without password and other secrets."""
        authority = quote(self.user, safe="") + ("@" if self.user else "")
        authority += f"[{self.host}]" if ":" in self.host and "," not in self.host else quote(self.host, safe=",")
        authority += f":{self.port}" if self.port else ""
        name = quote(self.database, safe="" if authority else "/")
        path = f"//{authority}/{name}" if authority else name
        shown = [(key, value) for key, value in self.parameters if key not in SECRET_PARAMETERS]
        query = "&".join(f"{quote(key, safe='')}={quote(value, safe='/:')}" for key, value in shown)
        return f"db:{self.engine}:{path}" + (f"?{query}" if query else "")


def readable(text: str) -> str:
    """A URI for people: in words where it would be percent-encoded, as with the folder of a socket. Any other text as
    it is; nothing that is secret.

    >>> readable("db:pg://ana@%2Frun%2Fpostgresql:5433/documents")
    'documents on /run/postgresql:5433 as ana'
    >>> readable("db:pg://ana@db.example/documents")
    'db:pg://ana@db.example/documents'
    """
    if "%" not in text or not is_uri(text):
        return text
    try:
        uri = parse_uri(text)
    except UsageError:
        return text
    where = f"{uri.host}:{uri.port}" if uri.port else uri.host
    return " ".join(f"{word}{part}" for word, part in (("", uri.database), ("on ", where), ("as ", uri.user)) if part)


def is_uri(text: str) -> bool:
    """True when Sqitch would take `text` for a URI rather than a target's name."""
    return ":" in text


def parse_uri(text: str) -> DatabaseUri:
    """Read a `db:engine:…` URI; `db:` may be left out before an engine that is known, as in `postgres://host/name`.

    Raises UsageError, without showing what may be a password.
    """
    text = text.strip()
    found = _URI.fullmatch(with_prefix(text))
    if not found:
        raise UsageError(f'Unknown argument "{_without_secret(text)}"', do="A database URI begins with db:pg:.")
    if not found[1]:
        raise UsageError(
            f'No engine specified by URI {_without_secret(text)}; URI must start with "db:$engine:"',
            do="Write db:pg:name, or db:pg://host/name.",
        )
    engine = _engine(found[1])
    parts = _REST.fullmatch(found[2])
    assert parts  # it matches any text
    authority, path, query = parts.groups()
    user, password, host, port = _authority(authority or "")
    # What stands where a port or name should be may be the rest of a password: never show it, never use it as a name.
    if authority is not None and ("@" in path or "@" in (query or "").partition("=")[0] or _bad_port(authority)):
        raise UsageError(
            f"A db:{engine}: URI can't be read: its port is no number, or an @ stands behind the host.",
            do="In user, password and names write %40 for @, %3A for :, %2F for /, %3F for ? and %23 for #.",
        )
    database = unquote(path.removeprefix("/") if authority is not None else path)
    return DatabaseUri(engine, user, password, host, port, database, _parameters(query or ""))


def with_prefix(text: str) -> str:
    """Return `text` with the `db:` that may be left out before the name of an engine."""
    bare = _BARE_URI.match(text)
    known = bare is not None and _engine(bare[1]) in ENGINES
    return f"db:{text}" if known else text


def _engine(name: str) -> str:
    name = name.lower()
    return "pg" if name in _PG_ENGINES else _ENGINE_NAMES.get(name, name)


def _parameters(query: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a query, which `;` separates as well as `&`."""
    pairs = (pair for part in query.split(";") for pair in parse_qsl(part, keep_blank_values=True))
    return tuple(pairs)


def _authority(text: str) -> tuple[str, str | None, str, str]:
    """Split `user:password@host:port`; return the decoded parts."""
    login, at, server = text.rpartition("@")
    user, colon, password = login.partition(":") if at else ("", "", "")
    found = re.fullmatch(r"(\[[^\]]*\]|.*?)(?::([0-9]*))?", server, re.S)
    assert found  # the host may be any text
    host = found[1][1:-1] if found[1].startswith("[") else found[1]
    return unquote(user), unquote(password) if colon and password else None, unquote(host), found[2] or ""


def _bad_port(authority: str) -> bool:
    server = authority.rpartition("@")[2]
    return ":" in re.sub(r"^\[[^\]]*\]", "", re.sub(r":[0-9]*$", "", server)) and "," not in server


def _without_secret(text: str) -> str:
    """Return what may be shown of a text that can't be read, and so may hold a password anywhere."""
    return f"{text.partition(':')[0]}:…" if "@" in text or "password" in text.lower() else text
