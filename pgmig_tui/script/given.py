"""What a person gives for a place in a script that is to be written: a name, a type, an expression. Each is read by
PostgreSQL's own grammar, and refused where it is more than that: `text; DROP TABLE t` is no type.

All functions raise UsageError for what they refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from pgmig_tui.errors import UsageError
from pgmig_tui.script.parse import parse
from pgmig_tui.script.quoting import quote

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from postgast import pg_query_pb2

NOTHING: Final = "Nothing was changed."
LONGEST_NAME: Final = 63
"""Bytes of a name that the server keeps."""

_PART = r'"(?:[^"]|"")+"|[^\W\d][\w$]*'
_NAME = re.compile(rf"\s*({_PART})\s*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_VARIABLE = re.compile(r":['\"\w{]")
_LONGEST = 10_000


@dataclass(frozen=True, slots=True, order=True)
class QualifiedName:
    """A relation or type with its schema, both as the server knows them: without quotes."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"

    def beside(self, name: str) -> QualifiedName:
        """Another name in the same schema."""
        return QualifiedName(self.schema, name)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as it was given, without blanks at its ends. `columns` are those that it names, in its order,
    `calls` whether it calls a function."""

    text: str
    columns: tuple[str, ...] = ()
    calls: bool = False


def identifiers(text: str, separator: str = ".") -> tuple[str, ...]:
    """The names in a text such as `shop."Order Items"`, as the server reads them: what isn't quoted in lower case, by
    the letters of ASCII alone. A word that SQL keeps for itself may be given without quotes, too."""
    found: list[str] = []
    at = 0
    while name := _NAME.match(text, at):
        found.append(_name(name[1]))
        at = name.end()
        if at == len(text):
            return tuple(found)
        if text[at] != separator:
            break
        at += 1
    _refuse(text, "a name" if separator == "." else "a list of names", 'Write "..." around a name with blanks in it.')


def _name(word: str) -> str:
    name = word[1:-1].replace('""', '"') if word.startswith('"') else word.translate(_TO_LOWER)
    if _UNPRINTABLE.search(name):
        _refuse(name, "a name", "A name must not hold line ends and the like.")
    if len(name.encode()) > LONGEST_NAME:
        _refuse(name, "a name", f"The server keeps {LONGEST_NAME} bytes of a name; take a shorter one.")
    return name


def qualified(text: str) -> QualifiedName:
    """A name with its schema."""
    parts = identifiers(text)
    if len(parts) == 1:
        _refuse(text, "a name with its schema", f"Say which schema it is in: public.{quote(parts[0])}, for example.")
    if len(parts) != 2:
        _refuse(text, "a name with its schema", "Say SCHEMA.NAME.")
    return QualifiedName(*parts)


def one_name(text: str) -> str:
    """A name without a schema: of a column, a constraint, an index, a role."""
    parts = identifiers(text)
    if len(parts) != 1:
        _refuse(text, "one name", 'Say it without schema or table; write "..." around a name with a dot in it.')
    return parts[0]


def names(texts: Sequence[str]) -> tuple[str, ...]:
    """Names one by one, or several in a text with commas between them. Raises for one that is given twice."""
    found = tuple(name for text in texts for name in identifiers(text, ","))
    if len(set(found)) < len(found):
        _refuse(", ".join(texts), "a list of names", "One of them stands there twice.")
    return found


def type_name(text: str) -> str:
    """A type, as it was given."""
    text = _plain(text, "a type")
    node = _target(f"SELECT CAST(NULL AS {text})", text, "a type")
    kind = node.WhichOneof("node")
    cast = node.type_cast
    if kind != "type_cast" or not cast.arg.a_const.isnull or cast.type_name.setof:
        _refuse(text, "a type")
    if cast.type_name.names[-1].string.sval in _SERIALS:
        _refuse(text, "a type of its own", "Take bigint, and make it an identity column by hand.")
    return text


def type_words(text: str) -> tuple[str, ...]:
    """What a type is called, without length and precision, for two to be compared."""
    node = _target(f"SELECT CAST(NULL AS {text})", text, "a type").type_cast.type_name
    return (*(str(one.string.sval) for one in node.names), *("[]" for _ in node.array_bounds))


def type_text(node: pg_query_pb2.TypeName) -> str:
    """The type of a tree as SQL."""
    import postgast

    tree = postgast.parse("SELECT CAST(NULL AS text)")
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.type_cast.type_name.CopyFrom(node)
    return postgast.deparse(tree).removeprefix("SELECT NULL::")


def expression_text(node: pg_query_pb2.Node) -> str:
    """The expression of a tree as SQL."""
    import postgast

    tree = postgast.parse("SELECT 1")
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return postgast.deparse(tree).removeprefix("SELECT ")


def expression(text: str, *, columns: bool = True, queries: bool = False) -> Expression:
    """An expression. Without `columns` it must name none (a default), without `queries` hold no SELECT (a CHECK)."""
    text = _plain(text, "an expression")
    _target(f"SELECT ({text})", text, "an expression")
    node = _target(f"SELECT {text}", text, "an expression")
    named: list[str] = []
    calls = False
    for one in _walk(node):
        kind = one.DESCRIPTOR.name
        if kind == "ColumnRef":
            last = one.fields[-1]
            if last.WhichOneof("node") == "a_star":
                _refuse(text, "an expression", "It must not hold *.")
            named.append(str(last.string.sval))
        elif kind == "ParamRef":
            _refuse(text, "an expression", "It must not hold parameters such as $1.")
        elif kind == "SubLink" and not queries:
            _refuse(text, "an expression without a query in it", "PostgreSQL allows no SELECT there.")
        elif kind == "SetToDefault":
            _refuse(text, "an expression", "DEFAULT stands for no value there.")
        elif kind == "FuncCall":
            calls = True
    if named and not columns:
        _refuse(text, "a value", f"{quote(named[0])} is a column there. A text stands in quotes: 'new'.")
    return Expression(text, tuple(dict.fromkeys(named)), calls)


def as_default(given: Expression) -> str:
    """An expression behind DEFAULT: in parentheses where the grammar takes it for more or less than that otherwise."""
    parsed = parse(f"CREATE TABLE t (c int DEFAULT {given.text})", 1)
    if parsed.problem is None and len(parsed.nodes) == 1:
        elements = parsed.nodes[0].create_stmt.table_elts
        column = elements[0].column_def
        if len(elements) == len(column.constraints) == 1 and not column.HasField("coll_clause"):
            return given.text
    return f"({given.text})"


def index_elements(text: str) -> tuple[str, tuple[str, ...]]:
    """What stands between the parentheses of CREATE INDEX, as it was given, and the columns that it names."""
    text = _plain(text, "what an index is on")
    node = _statement(f"CREATE INDEX ON t ({text})", text, "what an index is on").index_stmt
    _only(node, text, "what an index is on", "relation", "access_method", "index_params")
    found: list[str] = []
    for one in _walk(node):
        if one.DESCRIPTOR.name == "IndexElem" and one.name:
            found.append(str(one.name))
        elif one.DESCRIPTOR.name == "ColumnRef":
            found.append(str(one.fields[-1].string.sval))
    return text, tuple(dict.fromkeys(found))


def assignments(text: str) -> tuple[str, tuple[str, ...]]:
    """What stands behind SET in an UPDATE, as it was given, and the columns that get a value."""
    text = _plain(text, "a list of assignments")
    node = _statement(f"UPDATE t SET {text}", text, "a list of assignments").update_stmt
    _only(node, text, "a list of assignments", "relation", "target_list")
    return text, tuple(str(one.res_target.name) for one in node.target_list)


def label(text: str) -> str:
    """A value of an enum type."""
    if not text or _UNPRINTABLE.search(text) or len(text.encode()) > LONGEST_NAME:
        _refuse(text, "a value of an enum", f"It has 1 to {LONGEST_NAME} bytes, without line ends and the like.")
    return text


_COLUMN = re.compile(rf"\s*(?:{_PART})\s*(?:\.\s*(?:{_PART})\s*)*")


def columns_of(texts: Sequence[str]) -> tuple[tuple[QualifiedName, str], ...]:
    """Columns with their tables and schemas, one by one, or several in a text with commas between them."""
    found = []
    for text in texts:
        at = 0
        while at <= len(text):
            one = _COLUMN.match(text, at)
            parts = identifiers(one[0]) if one else ()
            if one is None or len(parts) != 3 or text[one.end() : one.end() + 1] not in ("", ","):
                _refuse(text, "a column with its table", "Say SCHEMA.TABLE.COLUMN.")
            found.append((QualifiedName(*parts[:2]), parts[2]))
            at = one.end() + 1
    return tuple(found)


def value_list(text: str) -> tuple[str, ...]:
    """Values with commas between them, each as it was given."""
    import postgast

    text = _plain(text, "a list of values")
    node = _target(f"SELECT c IN ({text})", text, "a list of values")
    if node.WhichOneof("node") != "a_expr" or node.a_expr.rexpr.WhichOneof("node") != "list":
        _refuse(text, "a list of values")
    items = node.a_expr.rexpr.list.items
    cuts = [0]
    depth = 0
    data = text.encode()
    for token in postgast.scan(text).tokens:
        word = data[token.start : token.end]
        depth += (word in (b"(", b"[")) - (word in (b")", b"]"))
        if word == b"," and depth == 0:
            cuts.append(token.end)
    pieces = [data[a:b].decode().rstrip(",").strip() for a, b in zip(cuts, [*cuts[1:], len(data)], strict=True)]
    if len(pieces) != len(items):
        _refuse(text, "a list of values")
    for one in pieces:
        expression(one, columns=False)
    return tuple(pieces)


_DEFINES = frozenset({
    "create_stmt", "alter_table_stmt", "index_stmt", "create_seq_stmt", "alter_seq_stmt", "create_trig_stmt",
    "comment_stmt", "grant_stmt", "create_policy_stmt", "create_stats_stmt", "alter_owner_stmt",
})  # fmt: skip


def definition(text: str) -> str:
    """SQL that makes a table, such as `pg_dump --schema-only --table` writes it; its settings are left out later."""
    statements = _defining(text)
    if not any(kind == "create_stmt" for kind, _, _ in statements):
        _refuse(text, "what makes a table", "There is no CREATE TABLE in it.")
    return text


def definition_of(text: str, table: QualifiedName) -> tuple[str, ...]:
    """The statements of a definition, without semicolons. Raises UsageError where it makes another table."""
    found = _defining(text)
    made = {QualifiedName(node.create_stmt.relation.schemaname, node.create_stmt.relation.relname)
            for kind, node, _ in found if kind == "create_stmt"}  # fmt: skip
    if made != {table}:
        names = ", ".join(one.sql for one in sorted(made))
        _refuse(names, f"the table {table.sql}", "The definition must make this table, and no other.")
    return tuple(statement for _, _, statement in found)


def _defining(text: str) -> list[tuple[str, pg_query_pb2.Node, str]]:
    """The statements that make something: their kind, tree and text. psql's own commands and settings are left out."""
    import postgast

    sql = "\n".join(line for line in text.splitlines() if not line.startswith("\\"))
    if len(sql) > 100 * _LONGEST or "\0" in sql:
        _refuse(text, "what makes a table", "It is too long.")
    try:
        tree = postgast.parse(sql)
    except postgast.PgQueryError as error:
        _refuse(text, "what makes a table", f"PostgreSQL's grammar says: {error.message}.")
    data = sql.encode()
    found = []
    for raw in tree.stmts:
        kind = str(raw.stmt.WhichOneof("node"))
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(data)
        statement = _uncommented(data[raw.stmt_location : end].decode())
        if kind == "variable_set_stmt" or (kind == "select_stmt" and "set_config" in statement):
            continue
        if kind not in _DEFINES or (kind == "index_stmt" and raw.stmt.index_stmt.concurrent):
            _refuse(statement, "a part of what makes a table", "Leave it out of the file.")
        found.append((kind, raw.stmt, statement))
    return found


def _uncommented(statement: str) -> str:
    """A statement without the lines of comments before it."""
    lines = statement.splitlines()
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        del lines[0]
    return "\n".join(lines).strip()


def _plain(text: str, what: str) -> str:
    """The text without blanks at its ends. Comments are refused, and what psql would take for a variable."""
    import postgast

    text = text.strip()
    if not text or len(text) > _LONGEST or "\0" in text:
        _refuse(text, what, "It is empty." if not text else "It is too long.")
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        _refuse(text, what, "It isn't UTF-8.")
    try:
        tokens = postgast.scan(text).tokens
    except postgast.PgQueryError as error:
        _refuse(text, what, f"PostgreSQL's grammar says: {error.message}.")
    data = text.encode()
    for token in tokens:
        word = data[token.start : token.end]
        if word == b";":
            _refuse(text, what, "There is a ; in it.")
        if word.startswith((b"--", b"/*")):
            _refuse(text, what, "It must not hold a comment.")
        if word == b":" and _VARIABLE.match(data[token.start :].decode()):
            _refuse(text, what, "psql would take what is behind : for a variable; write a blank between them.")
    return text


def _target(sql: str, given: str, what: str) -> pg_query_pb2.Node:
    """The one value of a SELECT that has nothing else."""
    select = _statement(sql, given, what).select_stmt
    _only(select, given, what, "target_list", "limit_option", "op")
    if len(select.target_list) != 1:
        _refuse(given, what, "There is a comma in it.")
    target = select.target_list[0].res_target
    if target.name or target.indirection:
        _refuse(given, what, "It must not have a name of its own.")
    return target.val


def _statement(sql: str, given: str, what: str) -> pg_query_pb2.Node:
    parsed = parse(sql, 1)
    if parsed.problem is not None:
        _refuse(given, what, f"PostgreSQL's grammar says: {parsed.problem.message}.")
    if len(parsed.nodes) != 1:
        _refuse(given, what, "There is a ; in it.")
    return parsed.nodes[0]


def _only(node: Message, given: str, what: str, *fields: str) -> None:
    more = [one.name for one, _ in node.ListFields() if one.name not in fields]
    if more:
        _refuse(given, what, "More than that stands there.")


def _walk(node: Message) -> Iterator[Message]:
    """All messages of a tree, in the order of the text as far as the grammar keeps it."""
    yield node
    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for one in value if descriptor.is_repeated else [value]:
                yield from _walk(one)


def _refuse(text: str, what: str, do: str = "") -> NoReturn:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= 80 else f"{shown[:78]}.."
    raise UsageError(f"This is not {what}: {shown or '(nothing)'}.", now=NOTHING, do=do)
