"""A schema dump, loaded into a server of our own: catalog facts without access to the server that it is of.

The dump is a stranger's. What makes its schema is carried out as a role without any rights (`plan_owner`), statement by
statement where one of them fails; the rest of it isn't carried out at all (`script.dump_text`). What could not be
loaded is told, and nothing is claimed to be absent then.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from pgmig_tui.database.connect import Connection, ServerError, connect
from pgmig_tui.database.dumped import DumpedCatalog
from pgmig_tui.database.identity import NEWEST, let_write
from pgmig_tui.database.text import ident, literal
from pgmig_tui.display import words
from pgmig_tui.errors import Refused, UsageError
from pgmig_tui.rehearse import stand_ins
from pgmig_tui.rehearse.plan_owner import OWNER, let_own, make_extension, make_owner, make_roles, own
from pgmig_tui.rehearse.scratch import Say, ScratchServer, available, embedded, scratch_database
from pgmig_tui.sandbox.programs import find_tools, run_program, work_folder
from pgmig_tui.script.dump_text import DumpStatement, DumpText, publication, read_dump

_NOTHING = "Nothing was looked at."
_REACH_OUT = frozenset({"dblink", "postgres_fdw", "file_fdw", "adminpack"})
"""Extensions that lead to other servers, or to files: none of them is made for a stranger's dump."""
_WRAPPERS = frozenset({"postgres_fdw", "file_fdw"})
"""Of these a schema has foreign servers, which are made without them."""
_TOGETHER = 100
"""So many statements are sent at once."""
_STATEMENT_MS = 60_000
_OF_SERVER = re.compile(r"pg_|information_schema$").match
_MAKES_NO_NAME = re.compile(r"line \d+: (?:(?:CREATE|ALTER) (?:EVENT TRIGGER|SUBSCRIPTION)|COPY|DO)\b").match
_NO_ROLE = re.compile(r'role "(.+)" does not exist')
_TOLD = 5


@dataclass(frozen=True, slots=True)
class SchemaDump:
    """A dump that is loaded.

    `version` is that of the server it is of, "" where the dump doesn't say so; `deployed` are the IDs of the changes in
    its registry, by project (None: it holds no rows of it), `lacking` what could not be loaded, each in a line.
    """

    name: str
    version: str
    loaded_on: str
    catalog: DumpedCatalog
    deployed: Mapping[str, frozenset[str]] | None
    lacking: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> str:
        """What is known of sizes, in words."""
        return "sizes from the statistics in the dump" if self.catalog.sizes else "size unknown: from a schema dump"

    def to_json(self) -> dict[str, object]:
        """The field `schema` of `impact --json`."""
        return {
            "dump": self.name,
            "version": self.version or None,
            "loaded_on": self.loaded_on,
            "sizes": "statistics" if self.catalog.sizes else "unknown",
            "not_loaded": list(self.lacking),
            "notes": list(self.notes),
        }

    def lines(self, *, every: bool = False) -> list[str]:
        """What a reader has to know of it, a line each."""
        told = list(self.lacking if every else self.lacking[:_TOLD])
        if len(told) < len(self.lacking):
            told.append(f"… and {words.count(len(self.lacking) - len(told), 'more statement')}, which --json names")
        told = [f"not loaded: {one}" for one in told]
        if told:
            absent = ", and nothing is said to be absent" if self.catalog.incomplete else ""
            told.append(f"what hangs on these isn't looked at{absent}")
        return [*self.notes, *told]


@contextmanager
def loaded(dump: Path, registry: str, *, state_dir: Path, say: Say) -> Iterator[SchemaDump]:
    """Load a dump: plain SQL, packed with gzip or not, or an archive that pg_restore reads. `registry` is the schema of
    Sqitch's registry.

    Raises UsageError where it can't be read, is cut off, or holds what pg_dump doesn't write; PgmigError without a
    server of our own.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder())
        text = _text_of(dump, registry, folder)
        major = text.version_num // 10000 or NEWEST
        wanted = [one for one in text.extensions if one not in _REACH_OUT]
        scratch = stack.enter_context(embedded(major, state_dir / "rehearsal", say, extensions=wanted))
        password = make_owner(scratch, makes=False)
        database = stack.enter_context(scratch_database(scratch, "UTF8"))
        own(scratch, database)
        say(f"loading {dump.name}")
        prepared = _prepared(scratch, database, text)
        lacking = [*prepared.lacking]
        lacking += [f"{one}: it is not carried out" for one in text.left_out]
        endpoint = scratch.endpoint(database, OWNER, password)
        with connect(endpoint, application_name="pgmig/rehearsal/load") as session:
            lacking += _Loading(session, scratch, database, text).run()
        admin = stack.enter_context(scratch.session(database))
        admin.execute("SET default_transaction_read_only = on")
        version_num = text.version_num or scratch.version_num
        absent = [one for one in lacking if not _MAKES_NO_NAME(one)]
        incomplete = "not all of the dump could be loaded" if absent else ""
        catalog = DumpedCatalog(
            admin, version_num, frozenset(text.extensions), text.sizes, prepared.functions, incomplete
        )
        yield SchemaDump(
            dump.name, text.version, scratch.description, catalog, text.deployed, tuple(lacking),
            (*version_notes(text, scratch), *prepared.notes),
        )  # fmt: skip


def version_notes(text: DumpText, scratch: ScratchServer) -> Iterator[str]:
    """What has to be said of the version that a dump is of."""
    ours, theirs = scratch.version_num // 10000, text.version_num // 10000
    if not theirs:
        yield f"the dump doesn't say of which version it is; the rules of PostgreSQL {ours} count"
    elif theirs > ours:
        yield f"the dump is of PostgreSQL {theirs}, and was loaded into {ours}, the newest that is here"


# -- reading the file ----------------------------------------------------------------------------------------------


def _text_of(dump: Path, registry: str, folder: Path) -> DumpText:
    """What is in the dump. Raises UsageError."""
    try:
        if dump.is_dir():
            return _from_archive(dump, registry, folder)
        with dump.open("rb") as file:  # once: it may be a pipe
            start = file.peek(262)
            if not (start.startswith(b"PGDMP") or start[257:262] == b"ustar"):
                return _read(file, dump.name, registry, packed=start.startswith(b"\x1f\x8b"))
        if not dump.is_file():
            raise UsageError(f"{dump} is an archive in a pipe.", now=_NOTHING, do="Write it to a file before.")
        return _from_archive(dump, registry, folder)
    except OSError as error:
        raise UsageError(f"{dump} can't be read: {error.strerror or error}.", now=_NOTHING) from error


def _read(file: BinaryIO, name: str, registry: str, *, packed: bool = False) -> DumpText:
    try:
        return read_dump(cast("BinaryIO", gzip.open(file)) if packed else file, name, registry)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(
            f"{name} can't be unpacked: {error}.", now=_NOTHING, do="Make the dump anew; it was cut off or changed."
        ) from error


def _from_archive(dump: Path, registry: str, folder: Path) -> DumpText:
    """The schema in an archive of pg_dump, with the rows of the registry's changes where it has them."""
    try:
        tools = find_tools(0)
    except Refused as error:
        raise UsageError(
            f"{dump.name} is an archive, and there is no pg_restore here.",
            now=_NOTHING,
            do="Where there is one: pg_restore --schema-only --file=schema.sql ARCHIVE; then give schema.sql.",
        ) from error
    schema, rows = folder / "schema.sql", folder / "rows.sql"
    program = str(tools.folder / "pg_restore")
    common = [program, "--no-owner", "--no-privileges"]
    environment = {**os.environ, "LC_ALL": "C"}
    status, said = run_program([*common, "--schema-only", f"--file={schema}", str(dump)], environment)
    if status:
        raise UsageError(
            f"{dump.name} can't be read by pg_restore {tools.version}: {said[0] if said else 'it failed'}.",
            now=_NOTHING,
            do="Make it plain where it comes from: pg_restore --schema-only --file=schema.sql ARCHIVE.",
        )
    with schema.open("rb") as file:
        text = _read(file, dump.name, registry)
    table = [f"--schema={registry}", "--table=changes"]
    status, _ = run_program([*common, "--data-only", *table, f"--file={rows}", str(dump)], environment)
    if status:
        return text
    with rows.open("rb") as file:
        return replace(text, deployed=_read(file, dump.name, registry).deployed)


# -- loading -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Prepared:
    """What a superuser has made before anything of a stranger's is there, what of it is missing, and the functions that
    stand for those of an extension."""

    lacking: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    functions: dict[tuple[str, str], str] = field(default_factory=dict)


def _prepared(scratch: ScratchServer, database: str, text: DumpText) -> _Prepared:
    """Make the extensions of the dump, or stand-ins for them, and foreign servers that lead nowhere."""
    wanted = {name: schema or "public" for name, schema in text.extensions.items() if name != "plpgsql"}
    there = available(scratch, [name for name in wanted if name not in _REACH_OUT])
    found = _Prepared()
    with scratch.session(database) as admin:
        admin.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
        for schema in [one for one in {*wanted.values()} if not _OF_SERVER(one)]:
            admin.execute(f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}")
            admin.execute(f"ALTER SCHEMA {ident(schema)} OWNER TO {OWNER}")
        for name, schema in wanted.items():
            try:
                _extension(admin, name, schema, there, found)
            except ServerError as error:
                found.lacking.append(f"the extension {name}: {error.message}")
        for wrapper in {*text.servers.values()}:
            admin.execute(f"CREATE FOREIGN DATA WRAPPER {ident(wrapper)}")
        for server, wrapper in text.servers.items():
            admin.execute(f"CREATE SERVER {ident(server)} FOREIGN DATA WRAPPER {ident(wrapper)}")
            admin.execute(f"GRANT USAGE ON FOREIGN SERVER {ident(server)} TO {OWNER}")
    return found


def _extension(admin: Connection, name: str, schema: str, there: Collection[str], found: _Prepared) -> None:
    if name in _REACH_OUT:
        if name not in _WRAPPERS:
            found.lacking.append(f"the extension {name}: it leads out of its database")
    elif name in there:
        make_extension(admin, name, schema)
    elif stand_ins.has_functions(name):
        functions = stand_ins.make_functions(admin, name, schema)
        found.functions.update({(schema, one): name for one in functions})
        found.notes.append(f"the extension {name} is not installed here; its functions are stand-ins")
    else:
        types = stand_ins.make_types(admin, name, schema)
        more = f"; its types {words.listing(types)} are stand-ins" if types else ""
        found.lacking.append(f"the extension {name}: it is not installed here, and what uses it can't be loaded{more}")


class _Loading:
    """The statements of a dump on their way into a database of ours."""

    def __init__(self, session: Connection, scratch: ScratchServer, database: str, text: DumpText) -> None:
        self.session, self.scratch, self.database, self.text = session, scratch, database, text
        self.made: set[str] = set()
        """Roles that were missed."""

    def run(self) -> list[str]:
        """Carry them out in their order; what can't be."""
        let_write(self.session, scratch=True)
        self.session.execute(
            f"SET statement_timeout = {_STATEMENT_MS}; SET check_function_bodies = off;"
            f" SET client_encoding TO {literal(self.text.encoding)}"
        )
        failed: list[str] = []
        statements = self.text.statements
        for at in range(0, len(statements), _TOGETHER):
            failed += self._group(statements[at : at + _TOGETHER])
        return failed

    def _group(self, group: Sequence[DumpStatement]) -> list[str]:
        try:
            self.session.execute(b"\n".join(one.sql for one in group))
        except ServerError:  # none of them is there now
            return [told for one in group if (told := self._one(one))]
        return []

    def _one(self, statement: DumpStatement) -> str:
        """Why it can't be carried out, "" where it is."""
        while True:
            try:
                self.session.execute(statement.sql)
            except ServerError as error:
                missed = _NO_ROLE.fullmatch(error.message)
                if missed is not None and missed[1] not in self.made:
                    self.made.add(missed[1])
                    make_roles(self.scratch, [], [missed[1]])
                    let_own(self.scratch, self.database, [missed[1]])
                    continue
                title = statement.title(self.text.encoding)
                if error.sqlstate == "42501" and (ours := publication(statement.sql, self.text.encoding)):
                    if not (why := self._as_admin(ours)):
                        return ""
                    return f"line {statement.line}: {title}: {why}"
                there = error.sqlstate == "42P06" and title.upper().startswith("CREATE SCHEMA")
                if there or title.upper().startswith("SET "):
                    return ""  # ours has it already, or hasn't that setting
                return f"line {statement.line}: {title}: {error.message}"
            return ""

    def _as_admin(self, sql: str) -> str:
        """Carry out a statement of our own that only a superuser may; why that can't be."""
        with self.scratch.session(self.database) as admin:
            try:
                admin.execute(sql)
            except ServerError as error:
                return error.message
        return ""
