"""A statement that is carried out in batches: what its comment declares, and where the range of a batch goes.

A script declares it above the statement, which plain psql and Sqitch still run whole:

    -- pgmig: backfill table=public.documents key=id batch=1000 left="search_vector IS NULL"
    UPDATE public.documents SET search_vector = to_tsvector(body) WHERE search_vector IS NULL;

An UPDATE or DELETE gets `AND key in range` added to its WHERE. Where the range belongs elsewhere (INSERT … SELECT, a
subquery, a WITH) the comment `/* pgmig: range */` says so: it stands for `AND key in range` there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pgmig_tui.errors import ProjectError
from pgmig_tui.script.parse import parse

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from postgast import pg_query_pb2

    from pgmig_tui.script.preview import Preview
    from pgmig_tui.script.statement import Statement

Scope: TypeAlias = "pg_query_pb2.UpdateStmt | pg_query_pb2.DeleteStmt | pg_query_pb2.SelectStmt"
"""A statement or query that has a WHERE."""

HOW = '-- pgmig: backfill table=SCHEMA.TABLE key=COLUMN[,COLUMN] [batch=ROWS] [left="CONDITION"]'
RANGE = "/* pgmig: range */"

_HEADER = re.compile(rb"^[ \t]*--[ \t]*pgmig:[ \t]*backfill\b[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_WORDS = re.compile(r'(?:"(?:[^"]|"")*"|[^\s"])+|"')
_MARK = re.compile(r"/\*\s*pgmig:\s*range\s*\*/", re.IGNORECASE)
_SENTINEL = "pgmig range"
_NAME = re.compile(r'"(?:[^"]|"")+"|[^".]+')
_LOCAL = re.compile(r"SET\s+LOCAL\b", re.IGNORECASE)
_SETTINGS = ("SET", "SET ROLE", "SET SESSION AUTHORIZATION")
_QUIET = (*_SETTINGS, "SET CONSTRAINTS", "SET TRANSACTION", "SET SESSION CHARACTERISTICS")
_STATEMENTS = {"update_stmt": "UPDATE", "delete_stmt": "DELETE", "insert_stmt": "INSERT"}
_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Declaration:
    """`table` and `key` as they were written; `batch` 0 = not said. `left` is a condition on the table's columns that
    is true of rows that are still to be done, "" = not said."""

    table: str
    key: tuple[str, ...]
    batch: int = 0
    left: str = ""
    line: int = 0

    @property
    def relation(self) -> tuple[str, str]:
        """(schema, name) as the server knows them; schema "" = by the search_path. Raises ProjectError."""
        parts = names(self.table)
        if len(parts) not in (1, 2):
            raise ProjectError(f"{self.table} is not the name of a table", now=_NOTHING, do="Say SCHEMA.TABLE.")
        return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])

    @property
    def columns(self) -> tuple[str, ...]:
        """The key's columns as the server knows them."""
        return tuple(name for column in self.key for name in names(column))


@dataclass(frozen=True, slots=True)
class Batched:
    """A statement with a place for the range. `alias` is what the table is called there, `kind` UPDATE, DELETE or
    INSERT. `settings` are the SET statements that stand before it in the script, for the session."""

    declaration: Declaration
    kind: str
    before: str
    after: str
    alias: str
    text: str
    settings: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def sql(self, condition: str) -> str:
        """The statement over the rows for which `condition` holds."""
        return f"{self.before}{condition}{self.after}"


def names(text: str) -> tuple[str, ...]:
    """The parts of a dotted name: unquoted ones folded to lower case, as the server does."""
    parts = (part.strip() for part in _NAME.findall(text))
    return tuple(p[1:-1].replace('""', '"') if p.startswith('"') else p.lower() for p in parts if p)


def declarations(path: str, data: bytes) -> list[Declaration]:
    """What the comments of a script declare, in its order. Raises ProjectError naming the line."""
    return [
        _declaration(f"{path}:{line}", line, found[1].decode("utf-8", "replace"))
        for found in _HEADER.finditer(data)
        if (line := data.count(b"\n", 0, found.start()) + 1)
    ]


def declares(data: bytes) -> bool:
    """Whether a script declares a statement for batches, rightly or not."""
    return b"backfill" in data and _HEADER.search(data) is not None


def _declaration(where: str, line: int, text: str) -> Declaration:
    said: dict[str, str] = {}
    for word in _WORDS.findall(text):
        name, equals, value = word.partition("=")
        if not equals or name not in ("table", "key", "batch", "left") or not value:
            raise _wrong(where, f"{word[:40]!r} is not understood")
        said[name] = value
    for name in ("table", "key"):
        if name not in said:
            raise _wrong(where, f"it doesn't say {name}=")
    batch = said.get("batch", "0").replace("_", "")
    if not batch.isdecimal():
        raise _wrong(where, f"batch={batch[:20]} is not a number of rows")
    left = said.get("left", "")
    if len(left) > 1 and left[0] == left[-1] == '"':
        left = left[1:-1].replace('""', '"')
    return Declaration(said["table"], tuple(c for c in said["key"].split(",") if c), int(batch), left, line)


def _wrong(where: str, what: str) -> ProjectError:
    return ProjectError(f"{where}: the declaration can't be read: {what}", now=_NOTHING, do=f"It reads: {HOW}")


def batched_script(path: str, data: bytes, view: Preview) -> Batched:
    """The statement of a script that is declared for batches. Raises ProjectError."""
    found = declarations(path, data)
    if not found:
        raise ProjectError(
            f"{path} declares no statement for batches", now=_NOTHING, do=f"Write above the statement: {HOW}"
        )
    if len(found) > 1:
        raise ProjectError(
            f"{path} declares {len(found)} statements for batches",
            now=_NOTHING,
            do="Give each of them a change of its own: a run goes on where its statement was, and a change has one.",
        )
    declaration = found[0]
    below = [one for one in view.statements if one.path == path and one.line > declaration.line]
    if not below:
        raise ProjectError(f"{path}:{declaration.line}: no statement follows the declaration", now=_NOTHING)
    chosen = below[0]
    before = view.statements[: view.statements.index(chosen)]
    others = [
        one for one in view.statements if one is not chosen and one.control is None and one.keywords not in _QUIET
    ]
    notes = [f"{one.path}:{one.line}: {one.keywords} is not part of the backfill; a deploy runs it" for one in others]
    settings = tuple(_LOCAL.sub("SET", one.text, count=1) for one in before if one.keywords in _SETTINGS)
    return batched(chosen, declaration, settings, tuple(notes))


def batched(
    statement: Statement, declaration: Declaration, settings: tuple[str, ...] = (), notes: tuple[str, ...] = ()
) -> Batched:
    """The statement with a place for the range of a batch. Raises ProjectError where that can't be right."""
    where = f"{statement.path}:{statement.line}"
    if statement.variables:
        unknown = ", ".join(statement.variables)
        raise ProjectError(f"{where}: variables without a value: {unknown}", now=_NOTHING, do="Give them with --set.")
    text = statement.text.strip().rstrip(";").rstrip()
    kind = _kind(where, text)
    before, after = _place(where, text, kind)
    scope = _scope(where, before, after)
    alias = _alias(where, scope, declaration)
    if kind == "UPDATE" and (touched := _sets(scope, declaration)):
        raise ProjectError(
            f"{where}: the statement changes {touched}, a column of its own key",
            now=_NOTHING,
            do="Batch by a key that stays as it is: a row that moves could be changed twice, or never.",
        )
    if kind == "INSERT" and scope.DESCRIPTOR.name == "SelectStmt" and (scope.group_clause or scope.distinct_clause):
        notes = (*notes, f"{where}: groups and DISTINCT count within each batch, not over the whole table")
    return Batched(declaration, kind, before, after, alias, text, settings, notes)


def _kind(where: str, text: str) -> str:
    parsed = parse(text, 1)
    if parsed.problem is not None:
        raise ProjectError(f"{where}: the statement can't be read: {parsed.problem.message}", now=_NOTHING)
    kind = _STATEMENTS.get(str(parsed.nodes[0].WhichOneof("node"))) if len(parsed.nodes) == 1 else None
    if kind is None:
        raise ProjectError(
            f"{where}: only one UPDATE, DELETE or INSERT … SELECT can be carried out in batches", now=_NOTHING
        )
    return kind


def _place(where: str, text: str, kind: str) -> tuple[str, str]:
    marks = list(_MARK.finditer(text))
    if len(marks) > 1:
        raise ProjectError(f"{where}: {RANGE} stands there {len(marks)} times; once is meant", now=_NOTHING)
    if marks:
        return f"{text[: marks[0].start()]} AND (", f") {text[marks[0].end() :]}"
    if kind == "INSERT":
        raise ProjectError(
            f"{where}: where an INSERT … SELECT reads a range of its table has to be said",
            now=_NOTHING,
            do=f"Write {RANGE} at the end of the WHERE that restricts it (WHERE true {RANGE}).",
        )
    condition, end = _where(text)
    if condition is None:
        return f"{text[:end]}\nWHERE (", f")\n{text[end:]}"
    return f"{text[:condition]} (", f") AND ({text[condition:end]}\n)\n{text[end:]}"


def _where(text: str) -> tuple[int | None, int]:
    """(where the condition of the outermost WHERE begins, where it ends), in characters."""
    import postgast

    data = text.encode()
    depth, condition, end = 0, None, len(data)
    for token in postgast.scan(text).tokens:
        word = data[token.start : token.end].upper()
        if word in (b"(", b"["):
            depth += 1
        elif word in (b")", b"]"):
            depth -= 1
        elif depth == 0 and token.keyword_kind and word == b"WHERE":
            condition = token.end
        elif depth == 0 and token.keyword_kind and word == b"RETURNING":
            end = token.start
            break
    return (None if condition is None else len(data[:condition].decode())), len(data[:end].decode())


# -- the tree ------------------------------------------------------------------------------------------------------


def _scope(where: str, before: str, after: str) -> Scope:
    """The statement or query whose WHERE the range is an AND part of. Raises ProjectError where it is none."""
    from postgast import pg_query_pb2

    parsed = parse(f'{before}"{_SENTINEL}"{after}', 1)
    if parsed.problem is not None or len(parsed.nodes) != 1:
        message = parsed.problem.message if parsed.problem else "it is none"
        raise ProjectError(f"{where}: with a range in its place the statement can't be read: {message}", now=_NOTHING)
    for node in _walk(parsed.nodes[0]):
        if not isinstance(node, pg_query_pb2.UpdateStmt | pg_query_pb2.DeleteStmt | pg_query_pb2.SelectStmt):
            continue
        if _holds(node.where_clause):
            if isinstance(node, pg_query_pb2.SelectStmt) and (
                node.HasField("limit_count") or node.HasField("limit_offset")
            ):
                raise ProjectError(f"{where}: LIMIT and OFFSET can't be combined with batches", now=_NOTHING)
            return node
    raise ProjectError(
        f"{where}: {RANGE} doesn't restrict the statement there",
        now=_NOTHING,
        do="Put it at the end of a WHERE, and parentheses around an OR before it.",
    )


def _holds(condition: pg_query_pb2.Node) -> bool:
    """The sentinel is the condition, or one of those that AND joins."""
    kind = condition.WhichOneof("node")
    if kind == "column_ref":
        fields = condition.column_ref.fields
        return len(fields) == 1 and bool(fields[0].string.sval == _SENTINEL)
    if kind == "bool_expr" and condition.bool_expr.boolop == 1:  # AND_EXPR
        return any(_holds(part) for part in condition.bool_expr.args)
    return False


def _walk(node: Message) -> Iterator[Message]:
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        for descriptor, value in here.ListFields():
            if descriptor.message_type is not None:
                stack += list(value) if descriptor.is_repeated else [value]


def _alias(where: str, scope: Scope, declaration: Declaration) -> str:
    """What the declared table is called where the range stands."""
    schema, name = declaration.relation
    found = []
    for table in _tables(scope):
        if table.relname == name and (not schema or table.schemaname in ("", schema)):
            found.append(table.alias.aliasname or table.relname)
    if len(found) == 1:
        return str(found[0])
    what = "isn't read" if not found else f"is read {len(found)} times"
    raise ProjectError(
        f"{where}: {declaration.table} {what} where the range of a batch belongs",
        now=_NOTHING,
        do="The declared table must be the one that is changed or read there, once.",
    )


def _tables(scope: Scope) -> Iterator[pg_query_pb2.RangeVar]:
    from postgast import pg_query_pb2

    if not isinstance(scope, pg_query_pb2.SelectStmt):
        yield scope.relation
    stack = list(scope.using_clause if isinstance(scope, pg_query_pb2.DeleteStmt) else scope.from_clause)
    while stack:
        item = stack.pop()
        which = item.WhichOneof("node")
        if which == "range_var":
            yield item.range_var
        elif which == "join_expr":
            stack += [item.join_expr.larg, item.join_expr.rarg]


def _sets(scope: Scope, declaration: Declaration) -> str:
    """The column of the key that an UPDATE sets, or ""."""
    from postgast import pg_query_pb2

    if not isinstance(scope, pg_query_pb2.UpdateStmt) or scope.relation.relname != declaration.relation[1]:
        return ""
    keys = set(declaration.columns)
    return next((target.res_target.name for target in scope.target_list if target.res_target.name in keys), "")


def from_command(sql: str, table: str, key: Sequence[str], batch: int, left: str) -> Batched:
    """The statement of the command line (`--statement --table --key`). Raises ProjectError."""
    from pgmig_tui.script.statement import Statement

    found = Declaration(table, tuple(key), batch, left)
    return batched(Statement("--statement", 1, sql.count("\n") + 1, sql), found)
