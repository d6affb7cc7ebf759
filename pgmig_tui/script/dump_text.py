"""A schema dump as plain SQL, as pg_dump writes it: what of it makes the schema, told apart from all the rest.

The file is a stranger's. Nothing of it is carried out because it stands there: a statement is handed on only if it is
one of those with which pg_dump makes a schema, every command of psql's but `\\restrict`, `\\unrestrict` and `\\connect`
ends the reading, and rows are passed over. Owners, privileges and comments are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from pgmig_tui.errors import UsageError
from pgmig_tui.script.lexer import Lexer, Stop, mask
from pgmig_tui.script.statement import decode

READ_BYTES = 16 << 30
"""So much is read, rows and all that a packed file becomes."""
KEPT_BYTES = 256 << 20
"""So much of it may be a schema."""
_LINE_BYTES = 64 << 20
_NOTHING = "Nothing was looked at."

_LEAD = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_MAKES = re.compile(
    r"""CREATE\ (?:OR\ REPLACE\ )?(?:
        SCHEMA|(?:(?:UNLOGGED|FOREIGN)\ )?TABLE|(?:RECURSIVE\ )?VIEW|MATERIALIZED\ VIEW|(?:UNIQUE\ )?INDEX|SEQUENCE
        |FUNCTION|PROCEDURE|AGGREGATE|TYPE|DOMAIN|(?:CONSTRAINT\ )?TRIGGER|RULE|POLICY|STATISTICS|CAST|COLLATION
        |OPERATOR|TEXT\ SEARCH|CONVERSION|TRANSFORM|PUBLICATION|ACCESS\ METHOD)\b
    | ALTER\ (?:(?:FOREIGN\ )?TABLE|INDEX|SEQUENCE|VIEW|MATERIALIZED\ VIEW|TYPE|DOMAIN|FUNCTION|PROCEDURE|ROUTINE
        |AGGREGATE|OPERATOR|TEXT\ SEARCH|STATISTICS|COLLATION|PUBLICATION)\b""",
    re.VERBOSE | re.IGNORECASE,
).match
"""Statements that a schema is made with, as a role without rights."""
_NO_SCHEMA = re.compile(
    r"""(?:GRANT|REVOKE|COMMENT\ ON|SECURITY\ LABEL|INSERT\ INTO|REFRESH\ MATERIALIZED\ VIEW|BEGIN|COMMIT
        |START\ TRANSACTION|SET|ALTER\ DEFAULT\ PRIVILEGES|(?:CREATE|ALTER)\ (?:DATABASE|EXTENSION|LANGUAGE|SCHEMA)
        |(?:CREATE|ALTER)\ (?:USER\ MAPPING|FOREIGN\ DATA\ WRAPPER)|ALTER\ SERVER
        |CREATE\ (?:OR\ REPLACE\ )?(?:TRUSTED\ )?(?:PROCEDURAL\ )?LANGUAGE|ALTER\ LARGE\ OBJECT
        |SELECT\ pg_catalog\.(?:setval|lo_create|lo_open|lowrite|lo_close|lo_unlink|pg_restore_attribute_stats
            |pg_restore_extended_stats|binary_upgrade\w+)\s*\(
        |SELECT\ \*\ FROM\ pg_catalog\.pg_restore_(?:attribute|extended)_stats\s*\()(?:\b|(?<=\())""",
    re.VERBOSE | re.IGNORECASE,
).match
"""What pg_dump writes, too, and what a schema's tables, columns, keys and indexes don't hang on."""
_OWNER = re.compile(rf"ALTER [A-Z ]+\s.*\sOWNER TO {_NAME};\s*", re.IGNORECASE | re.DOTALL).fullmatch
_SERVER = re.compile(
    rf"CREATE SERVER (?:IF NOT EXISTS )?({_NAME})(?: (?:TYPE|VERSION) '(?:[^']|'')*')* FOREIGN DATA WRAPPER ({_NAME})",
    re.IGNORECASE,
).match
_ALL_TABLES = re.compile(
    rf"CREATE PUBLICATION ({_NAME}) FOR ALL TABLES(?: WITH \(publish = '([a-z, ]*)'(?:, publish_via_partition_root ="
    r" (?:true|false))?\))?;\s*"
).fullmatch
_SCHEMA_TABLES = re.compile(rf"ALTER PUBLICATION ({_NAME}) ADD TABLES IN SCHEMA ({_NAME});\s*").fullmatch
_QUERIES = re.compile(
    rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?{_NAME}(?:\.{_NAME})?\s*(?:\([^()]*\)\s*)?AS\b", re.IGNORECASE
).match
_EMPTY_VIEW = re.compile(r"\sWITH NO DATA\s*;\s*\Z", re.IGNORECASE).search
_COPY = re.compile(
    rf"COPY (?P<table>{_NAME}(?:\.{_NAME})?)\s*(?:\((?P<columns>[^()]*)\))?\s+FROM\s+stdin\b[^;]*;\s*\Z", re.IGNORECASE
).match
_PATH = re.compile(r"SELECT pg_catalog\.set_config\('search_path', '((?:[^'\\]|'')*)', (?:false|true)\);\s*").fullmatch
_SETTING = re.compile(r"SET (\w+) (?:=|TO) ([^\n;]*);\s*", re.IGNORECASE).fullmatch
_KEPT_SETTINGS = frozenset({"default_table_access_method", "xmloption", "search_path", "standard_conforming_strings"})
_EXTENSION = re.compile(
    rf"CREATE EXTENSION (?:IF NOT EXISTS )?({_NAME})(?:\s+(?:WITH\s+)?SCHEMA\s+({_NAME}))?[^;]*;\s*", re.IGNORECASE
).fullmatch
_STATISTICS = re.compile(r"SELECT \* FROM pg_catalog\.pg_restore_relation_stats\s*\(").match
_PAIR = re.compile(r"'(schemaname|relname|relation|relpages|reltuples)',\s*'((?:[^']|'')*)'")
_FROM = re.compile(r"-- Dumped from database version (\d+(?:\.\d+)*\S*)").match
_NUMBERS = re.compile(r"(\d+)(?:\.(\d+))?").match
_PRINTED = 100
_PLAIN_INSERT = (b"INSERT INTO ", b");")


@dataclass(frozen=True, slots=True)
class DumpStatement:
    """A statement that makes part of the schema, in the dump's encoding, and the line where it begins."""

    line: int
    sql: bytes

    def title(self, encoding: str) -> str:
        """Its beginning in a line: `CREATE TABLE app.places`."""
        return titled(decode(self.sql[: 4 * _PRINTED], encoding))


@dataclass(frozen=True, slots=True)
class DumpText:
    """What a dump holds of a schema.

    `version` is what the server that it is of called itself, "" where the dump doesn't say so; `extensions` are those
    that it makes, each with its schema ("" = none named); `left_out` is what isn't handed on although a schema may hang
    on it, in words. `deployed` are the changes in its registry, by project (None: it holds no rows of the registry),
    `sizes` pages and rows of relations, by schema and name, where it has statistics; `servers` are the foreign servers
    that it makes, each with its wrapper.
    """

    version: str
    encoding: str
    statements: tuple[DumpStatement, ...]
    extensions: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    deployed: Mapping[str, frozenset[str]] | None = None
    sizes: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)

    @property
    def version_num(self) -> int:
        """As server_version_num; 0 where it isn't known."""
        found = _NUMBERS(self.version)
        return int(found[1]) * 10000 + int(found[2] or 0) if found else 0


def read_dump(file: BinaryIO, name: str, registry: str = "sqitch") -> DumpText:
    """Read a dump to its end, line by line. Raises UsageError for what is no whole dump of one database, or holds what
    pg_dump doesn't write; OSError, EOFError and zlib.error as the file does."""
    return _Reading(file, name, registry).read()


def registry_rows(file: BinaryIO, name: str, registry: str) -> Mapping[str, frozenset[str]] | None:
    """The changes in the registry of a dump of rows alone, by project. Raises as `read_dump`."""
    return read_dump(file, name, registry).deployed


class _Reading:
    def __init__(self, file: BinaryIO, name: str, registry: str) -> None:
        self.file, self.name = file, name
        self.registry = {f"{registry}.changes", f'"{registry}".changes'}
        self.lexer = Lexer()
        self.number = 0
        self.start = 0
        self.parts: list[bytes] = []
        self.kept = 0
        self.version, self.encoding, self.standard = "", "UTF8", True
        self.begun = self.ended = self.connected = 0
        self.statements: list[DumpStatement] = []
        self.extensions: dict[str, str] = {}
        self.left_out: list[str] = []
        self.deployed: dict[str, set[str]] | None = None
        self.sizes: dict[tuple[str, str], tuple[int, int]] = {}
        self.servers: dict[str, str] = {}
        self.columns: list[str] | None = None
        """Of the registry's rows that are being read."""
        self.in_rows = False

    def read(self) -> DumpText:
        for line in self._lines():
            if self.in_rows:
                self._row(line)
            elif self.parts or not self._between(line):
                self._scan(line)
        rest = _LEAD.sub("", decode(b"".join(self.parts), self.encoding), count=1)
        if self.in_rows or rest.strip() or self.lexer.in_quote or self.ended < self.begun:
            if self.begun:
                raise self._refused("ends in the middle", "Make the dump anew; it was cut off.")
            raise self._refused("is no dump, or ends in the middle", "It must be what pg_dump --schema-only writes.")
        if not (self.statements or self.extensions or self.deployed is not None or self.begun):
            raise self._refused("holds no schema", "It must be what pg_dump --schema-only writes.")
        deployed = None if self.deployed is None else {one: frozenset(ids) for one, ids in self.deployed.items()}
        return DumpText(
            self.version, self.encoding, tuple(self.statements), self.extensions, tuple(self.left_out), deployed,
            self.sizes, self.servers,
        )  # fmt: skip

    def _refused(self, why: str, do: str = "", *, at: int = 0) -> UsageError:
        place = f"{self.name}, line {at}," if at else self.name
        return UsageError(f"{place} {why}.", now=_NOTHING, do=do)

    def _lines(self) -> Iterator[bytes]:
        """The lines without their ends; a row may be longer than a line of a schema."""
        total, first = 0, True
        while raw := self.file.readline(_LINE_BYTES):
            total += len(raw)
            if total > READ_BYTES:
                raise self._refused(f"holds more than {READ_BYTES >> 30} GB", "Dump the schema alone: --schema-only.")
            whole = raw.endswith(b"\n")
            if not whole and len(raw) == _LINE_BYTES:
                if not self.in_rows:
                    raise self._refused("holds a line that is too long", "It must be what pg_dump writes.")
                while raw and not raw.endswith(b"\n"):
                    raw = self.file.readline(_LINE_BYTES)
                    total += len(raw)
                raw = b"\t"
            self.number += 1
            if first:
                raw, first = raw.removeprefix(b"\xef\xbb\xbf"), False
            yield raw.removesuffix(b"\n").removesuffix(b"\r")

    # -- between statements ----------------------------------------------------------------------------------------

    def _between(self, line: bytes) -> bool:
        """Whether a line that begins outside of any statement is none itself."""
        begins = line.lstrip()
        if not begins:
            return True
        if begins.startswith(b"--"):
            self._comment(decode(begins.rstrip(), self.encoding))
            return True
        if begins.startswith(b"\\"):
            self._command(decode(begins, "UTF8"))
            return True
        self.start = self.number
        return self._is_whole_insert(line)

    def _comment(self, text: str) -> None:
        if text == "-- PostgreSQL database cluster dump":
            raise self._refused("is of a whole server", "Dump the one database: pg_dump --schema-only DATABASE.")
        if text == "-- PostgreSQL database dump":
            self.begun += 1
        elif text == "-- PostgreSQL database dump complete":
            self.ended += 1
        elif (found := _FROM(text)) and not self.version:
            self.version = found[1]

    def _command(self, text: str) -> None:
        word = text.split(None, 1)[0] if text.strip() else text
        if word == "\\connect":
            self.connected += 1
        if word not in ("\\restrict", "\\unrestrict", "\\connect") or self.connected > 1:
            raise self._refused(
                f"has the command {word} of psql", "Look at the file: pg_dump doesn't write that.", at=self.number
            )

    def _is_whole_insert(self, line: bytes) -> bool:
        """A row on one line, as --inserts writes it: it isn't looked at any closer."""
        before, after = _PLAIN_INSERT
        return line.startswith(before) and line.endswith(after) and not line.count(b"'") % 2 and b"\\" not in line

    # -- rows ------------------------------------------------------------------------------------------------------

    def _row(self, line: bytes) -> None:
        if line == b"\\.":
            self.in_rows, self.columns = False, None
        elif self.columns is not None and self.deployed is not None:
            row = dict(zip(self.columns, decode(line, self.encoding).split("\t"), strict=False))
            if "change_id" in row and "project" in row:
                self.deployed.setdefault(row["project"], set()).add(row["change_id"])

    # -- statements ------------------------------------------------------------------------------------------------

    def _scan(self, line: bytes) -> None:
        text, at = mask(line, self.encoding), 0
        while True:
            stop, _, end = self.lexer.scan(text, at, self.standard)
            if stop in (Stop.BACKSLASH, Stop.ESCAPED):
                raise self._refused(
                    "has a command of psql in a statement", "Look at the file: pg_dump doesn't write that.",
                    at=self.number,
                )  # fmt: skip
            if stop is Stop.END:
                if line[at:].strip() or self.parts:
                    self._keep(line[at:] + b"\n")
                return
            self._keep(line[at:end])
            at = end
            if stop is Stop.SEMICOLON:
                sql, self.parts = b"".join(self.parts), []
                self._statement(sql)
                self.start = self.number

    def _keep(self, part: bytes) -> None:
        self.parts.append(part)
        self.kept += len(part)
        if self.kept > KEPT_BYTES:
            raise self._refused(
                f"holds more than {KEPT_BYTES >> 20} MB of schema", "Dump the schema alone: --schema-only."
            )

    def _statement(self, sql: bytes) -> None:
        text = _LEAD.sub("", decode(sql, self.encoding), count=1)
        if copy := _COPY(text):
            self._copy(copy)
        elif found := _SETTING(text):
            self._setting(found[1].lower(), found[2], sql)
        elif found := _EXTENSION(text):
            self.extensions[unquoted(found[1])] = unquoted(found[2] or "")
        elif found := _SERVER(text):
            self.servers[unquoted(found[1])] = unquoted(found[2])
        elif _PATH(text):
            self._hand_on(sql)
        elif _STATISTICS(text):
            self._size(text)
        elif _OWNER(text):
            return
        elif (made := _MAKES(text)) and not _QUERIES(text):
            if made[0].upper().endswith("MATERIALIZED VIEW") and made[0][0] in "Cc" and not _EMPTY_VIEW(text):
                self._leave_out(text)
            else:
                self._hand_on(sql)
        elif not _NO_SCHEMA(text):
            self._leave_out(text)

    def _hand_on(self, sql: bytes) -> None:
        self.statements.append(DumpStatement(self.start, sql))

    def _leave_out(self, text: str) -> None:
        self.left_out.append(f"line {self.start}: {titled(text)}")

    def _copy(self, copy: re.Match[str]) -> None:
        self.in_rows = True
        if copy["table"] in self.registry:
            self.deployed = self.deployed if self.deployed is not None else {}
            self.columns = [unquoted(one.strip()) for one in (copy["columns"] or "").split(",")]

    def _setting(self, name: str, value: str, sql: bytes) -> None:
        if name == "client_encoding":
            self.encoding = value.strip("'\" ").upper()
        if name == "standard_conforming_strings":
            self.standard = value.strip("'\" ").lower() not in ("off", "false", "no", "0")
        if name in _KEPT_SETTINGS:
            self._hand_on(sql)

    def _size(self, text: str) -> None:
        found = {key: value.replace("''", "'") for key, value in _PAIR.findall(text)}
        schema, name = found.get("schemaname", ""), found.get("relname", "")
        if schema and name and "relpages" in found and "reltuples" in found:
            self.sizes[schema, name] = int(found["relpages"]), int(float(found["reltuples"]))


def publication(sql: bytes, encoding: str) -> str:
    """The same publication FOR ALL TABLES, or of a schema's, in words of our own; "" for any other statement."""
    text = _LEAD.sub("", decode(sql, encoding), count=1)
    if every := _ALL_TABLES(text):
        published = "" if every[2] is None else f" WITH (publish = '{every[2]}')"
        return f"CREATE PUBLICATION {every[1]} FOR ALL TABLES{published}"
    if schema := _SCHEMA_TABLES(text):
        return f"ALTER PUBLICATION {schema[1]} ADD TABLES IN SCHEMA {schema[2]}"
    return ""


def titled(text: str) -> str:
    """A statement's beginning, as far as it says what it makes."""
    head = " ".join(text[: 4 * _PRINTED].split())
    if head[:6].upper() == "CREATE":
        head = re.split(r"\s*\(|\sAS\s|;", head, maxsplit=1)[0]
    head = head.rstrip("; ")
    return head if len(head) <= _PRINTED else head[: _PRINTED - 2].rstrip() + " .."


def unquoted(name: str) -> str:
    """A name as the catalog has it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
