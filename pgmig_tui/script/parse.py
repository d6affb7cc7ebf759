"""PostgreSQL's own grammar (postgast, libpg_query 18), with its traps kept in one place.

- positions of errors are characters, positions in trees are bytes;
- a tree nested deeper than about a hundred levels can't be decoded, though the grammar has accepted it; one of tens of
  thousands, as `1+1+1+…` gives it, ends the whole process: such text is not handed to the parser at all;
- text that isn't UTF-8 can't be parsed, and NUL ends the text (the reader refuses NUL before).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value

    from postgast import pg_query_pb2
else:
    from pgmig_tui.script.values import value

_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 5000
_TOKEN = re.compile(
    r"""(?P<open>[(\[]) | (?P<close>[)\]]) | (?P<next>[,;] | (?:and|or)\b)
      | '(?:[^']|'')*' | "[^"]*" | (?P<tag>\$(?:[a-z_]\w*)?\$).*?(?P=tag) | --[^\n]* | /\*.*?\*/
      | [\w.$]+ | [^\s\w'"(\[)\],;$]+ | \S""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PLACE = re.compile(r"""(?<!:):(?:'(?P<literal>\w+)'|"(?P<identifier>\w+)"|(?P<plain>\w+))""")


@dataclass(frozen=True, slots=True)
class ParseProblem:
    """What the grammar says; `line` in the file, `column` in characters, both from 1."""

    message: str
    line: int
    column: int


@value(frozen=True, slots=True)
class Parsed:
    """`origin` is the place, in bytes, that positions in the trees give to the statement's first character."""

    nodes: tuple[pg_query_pb2.Node, ...]
    problem: ParseProblem | None = None
    too_deep: bool = False
    origin: int = 0


def parse(text: str, line: int, variables: tuple[str, ...] = ()) -> Parsed:
    """Parses a statement that starts in `line`; unknown psql `variables` in it are taken for names or literals."""
    import postgast
    from google.protobuf.message import DecodeError

    sql = text if text.isascii() else _SURROGATE.sub("?", text)
    if variables:
        sql = _PLACE.sub(lambda found: _stand_in(found, variables), sql)
    if bottomless(sql):
        return Parsed((), ParseProblem("too long a chain of operators to be looked at", line, 1), too_deep=True)
    try:
        return Parsed(tuple(raw.stmt for raw in postgast.parse(sql).stmts))
    except DecodeError:
        return Parsed((), ParseProblem("too deep to show; the grammar accepts it", line, 1), too_deep=True)
    except postgast.PgQueryError as error:
        before = sql[: max((error.cursorpos or 1) - 1, 0)]
        return Parsed((), ParseProblem(error.message, line + before.count("\n"), len(before) - before.rfind("\n")))


def bottomless(sql: str) -> bool:
    """Whether the tree of a text may be so deep that the parser would overflow its stack.

    Counted are the words and operators since the last comma, AND or OR, on each level of parentheses: never fewer than
    the tree has levels.
    """
    if len(sql) <= 2 * _DEEPEST:
        return False
    depth = here = 0
    outer: list[int] = []
    for found in _TOKEN.finditer(sql):
        what = found.lastgroup
        if what == "close":
            depth -= here
            here = outer.pop() if outer else 0
        elif what == "next":
            depth -= here
            here = 0
        else:
            depth += 1
            here += 1
            if depth > _DEEPEST:
                return True
            if what == "open":
                outer.append(here)
                here = 0
    return False


def _stand_in(found: re.Match[str], variables: tuple[str, ...]) -> str:
    """Of the same length, so that positions stay: `:v` -> `_v`, `:'v'` -> ` 'v'`, `:"v"` -> ` "v"`."""
    if found["plain"] or "":
        return "_" + found["plain"] if found["plain"] in variables else found[0]
    name = found["literal"] or found["identifier"]
    return " " + found[0][1:] if name in variables else found[0]


def output_names(node: pg_query_pb2.Node | None) -> list[str] | None:
    """The column names of a query, as the server gives them; None where the text alone can't tell (`SELECT *`)."""
    if node is None or not node.HasField("select_stmt"):
        return None
    names: list[str] = []
    for target in node.select_stmt.target_list:
        result = target.res_target
        value = result.val
        if result.name:
            names.append(result.name)
        elif value.HasField("column_ref") and value.column_ref.fields[-1].HasField("string"):
            names.append(value.column_ref.fields[-1].string.sval)
        elif value.HasField("func_call"):
            names.append(value.func_call.funcname[-1].string.sval)
        else:
            return None
    return names
