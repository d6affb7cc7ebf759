"""What a PL/pgSQL body does, in which order and on which ways: the parser's tree as steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pgmig_tui.impact import nodes
from pgmig_tui.impact.declared import declaration, of_table, readable
from pgmig_tui.impact.steps import Assign, Block, Choice, End, Guard, Leave, Loop, RunSql, Step, Typed, named, texts_of

_ASSIGNED = re.compile(r'\s*("?)([\w$]+)\1\s*(?::=|=)\s*(.*)$', re.DOTALL).match
_EXPRESSION = re.compile(r"(?::=|=)(.*)$", re.DOTALL).search
_ROW = re.compile(r'\s*((?:new|old)\s*\.\s*"?[\w$]+"?)\s*(?::=|=)', re.IGNORECASE).match
_ERROR = 21
"""The level of RAISE EXCEPTION."""


@dataclass(frozen=True, slots=True)
class Part:
    """An object of the parser's JSON tree, by its fields: text, further objects, lists of them."""

    fields: Mapping[str, object] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str:
        """A field's text, "" where it has none."""
        return str(self.fields.get(name, ""))

    def number(self, name: str) -> int:
        found = self.fields.get(name, 0)
        return found if isinstance(found, int) else 0

    def part(self, *path: str) -> Part:
        """The object behind these fields, one in the other; without fields where there is none."""
        here: object = self.fields
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return Part(here) if isinstance(here, dict) else Part()

    def parts(self, name: str) -> list[Part]:
        """The objects of a list."""
        found = self.fields.get(name)
        return [Part(one) if isinstance(one, dict) else Part() for one in found] if isinstance(found, list) else []

    @property
    def opened(self) -> Part:
        """An object of which only the name of its kind stands around it."""
        return next((self.part(kind) for kind in self.fields), Part())

    def query(self, name: str) -> str:
        """The text of an expression or statement in SQL."""
        return self.part(name, "PLpgSQL_expr").text("query")


@lru_cache(maxsize=4096)
def steps_of(sql: str) -> Block | None:
    """The steps of a DO or CREATE FUNCTION statement; None when its body can't be read."""
    function = _function(sql)
    if function is None:
        return None
    datums = function.parts("datums")
    names = tuple(datum.opened.text("refname").lower() for datum in datums)
    return named((*_declared(datums, sql), *_steps([function.part("action")])), names)


def _function(sql: str) -> Part | None:
    tree = nodes.parse_plpgsql(sql) or next(filter(None, map(nodes.parse_plpgsql, readable(sql))), None)
    return Part(tree[0]).part("PLpgSQL_function") if tree and isinstance(tree[0], dict) else None


_ALWAYS = frozenset(
    {"found", "sqlstate", "sqlerrm", "new", "old", "tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname",
     "tg_table_name", "tg_table_schema", "tg_nargs", "tg_argv", "tg_event", "tg_tag"}
)  # fmt: skip


@lru_cache(maxsize=4096)
def variables_of(sql: str) -> frozenset[str] | None:
    """The names of all variables of a DO or CREATE FUNCTION statement; None when its body can't be read."""
    function = _function(sql)
    if function is None:
        return None
    names = {datum.opened.text("refname").lower() for datum in function.parts("datums")} - {""}
    return frozenset(names | set(map(str.lower, _labels(function.fields))) | _ALWAYS)


def _labels(value: object) -> Iterator[str]:
    """The labels of blocks and loops, which stand before their variables, and the names of loops' own variables."""
    if isinstance(value, list):
        for item in value:
            yield from _labels(item)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"label", "refname", "name"} and isinstance(inner, str):
                yield inner
            else:
                yield from _labels(inner)


def _declared(datums: Iterable[Part], sql: str) -> Iterator[Step]:
    """Variables with a value, and bound cursors; those of a type that the parser doesn't know become one of it."""
    for datum in datums:
        row = datum.opened
        written = row.part("datatype", "PLpgSQL_type").text("typname")
        of_text = written in {"text", "_text", "text[]"}
        if made := of_table(written):
            yield Typed(*made)
        if "lineno" in row and "refname" in row and (of_text or "PLpgSQL_rec" in datum):
            kind, value = declaration(sql, row.text("refname"))
            if made := of_table(kind):
                yield Typed(*made)
            elif "%" not in kind and kind.lower() not in {"", "record", "text"}:
                yield RunSql(f"SELECT NULL::{kind}")
            if value and "PLpgSQL_rec" in datum:
                yield Assign(row.text("refname"), value)
        variable = datum.part("PLpgSQL_var")
        if "default_val" in variable:
            yield Assign(variable.text("refname"), variable.query("default_val"))
        if "cursor_explicit_expr" in variable:
            yield RunSql(variable.query("cursor_explicit_expr"))


def _steps(items: Iterable[Part]) -> Block:
    found: list[Step] = []
    for item in items:
        for kind in item.fields:
            found += _STEPS.get(kind, _other)(item.part(kind))
    return tuple(found)


def _nested(value: Part) -> Iterator[Step]:
    body = _steps(value.parts("body"))
    caught = value.part("exceptions", "PLpgSQL_exception_block").parts("exc_list")
    if not caught:
        yield from body
        return
    handlers = []
    for item in caught:
        handler = item.part("PLpgSQL_exception")
        names = tuple(one.part("PLpgSQL_condition").text("condname") for one in handler.parts("conditions"))
        handlers.append((names, _steps(handler.parts("action"))))
    yield Guard(body, tuple(handlers))


def _if(value: Part) -> Iterator[Step]:
    conditions, arms = [value.query("cond")], [_steps(value.parts("then_body"))]
    for item in value.parts("elsif_list"):
        arm = item.part("PLpgSQL_if_elsif")
        conditions.append(arm.query("cond"))
        arms.append(_steps(arm.parts("stmts")))
    complete = "else_body" in value
    if complete:
        arms.append(_steps(value.parts("else_body")))
    yield Choice(tuple(conditions), tuple(arms), complete)


def _case(value: Part) -> Iterator[Step]:
    conditions, arms = [], []
    if "t_expr" in value:
        conditions.append(value.query("t_expr"))
    for item in value.parts("case_when_list"):
        arm = item.part("PLpgSQL_case_when")
        if "t_expr" not in value:
            conditions.append(arm.query("expr"))
        arms.append(_steps(arm.parts("stmts")))
    if value.fields.get("have_else"):
        arms.append(_steps(value.parts("else_stmts")))
    yield Choice(tuple(conditions), tuple(arms), True)  # without ELSE it is an error when none fits


def _for_query(value: Part) -> Iterator[Step]:
    head = (RunSql(value.query("query")),)
    yield Loop(head, _steps(value.parts("body")), _set_by(value.part("var")), per_row=True)


def _for_dynamic(value: Part) -> Iterator[Step]:
    head = (RunSql(value.query("query"), dynamic=True),)
    yield Loop(head, _steps(value.parts("body")), _set_by(value.part("var")))


def _for_cursor(value: Part) -> Iterator[Step]:
    head = (RunSql(f"SELECT {value.query('argquery')}"),) if "argquery" in value else ()
    yield Loop(head, _steps(value.parts("body")), _set_by(value.part("var")))


def _for_numbers(value: Part) -> Iterator[Step]:
    low, high = value.query("lower"), value.query("upper")
    names = _set_by(value.part("var"))
    over = turns = None
    if low.strip().isdecimal() and high.strip().isdecimal() and "step" not in value and "reverse" not in value:
        over = tuple(str(number) for number in range(int(low), min(int(high), int(low) + 1000) + 1))
        turns = max(0, int(high) - int(low) + 1)
    head = (RunSql(f"SELECT {low}"), RunSql(f"SELECT {high}"))
    bounds = (low, high) if "step" not in value and "reverse" not in value else None
    yield Loop(head, _steps(value.parts("body")), names, over, turns=turns, bounds=bounds)


def _for_each(value: Part) -> Iterator[Step]:
    over = value.query("expr")
    names = (f"#{value.number('varno')}",)
    yield Loop((RunSql(f"SELECT {over}"),), _steps(value.parts("body")), names, _elements(over))


def _elements(expression: str) -> tuple[str, ...] | None:
    """The elements of an ARRAY[…] of constants."""
    try:
        (tree,) = nodes.parse(f"SELECT {expression}")
        value = tree.target_list[0].res_target.val
    except (nodes.ParseError, ValueError, IndexError):
        return None
    if value.WhichOneof("node") == "type_cast":
        value = value.type_cast.arg
    if value.WhichOneof("node") != "a_array_expr":
        return None
    found = [nodes.constant(item) for item in value.a_array_expr.elements]
    return None if None in found else tuple(text or "" for text in found)


def _while(value: Part) -> Iterator[Step]:
    yield Loop((RunSql(f"SELECT {value.query('cond')}"),), _steps(value.parts("body")), ())


def _loop(value: Part) -> Iterator[Step]:
    yield Loop((), _steps(value.parts("body")), (), once=True)


def _assign(value: Part) -> Iterator[Step]:
    text = value.query("expr")
    if found := _ASSIGNED(text):
        yield Assign(found[2].lower(), found[3])
    elif expression := _EXPRESSION(text):
        row = _ROW(text)
        yield RunSql(f"SELECT {row[1]}, {expression[1]}" if row else f"SELECT {expression[1]}")


def _sql(value: Part) -> Iterator[Step]:
    yield RunSql(value.query("sqlstmt" if "sqlstmt" in value else "expr"), into=_set_by(value.part("target")))


def _execute(value: Part) -> Iterator[Step]:
    yield from _parameters(value)
    yield RunSql(value.query("query"), dynamic=True, into=_set_by(value.part("target")))


def _return_query(value: Part) -> Iterator[Step]:
    yield from _parameters(value)
    if "dynquery" in value:
        yield RunSql(value.query("dynquery"), dynamic=True)
    elif "query" in value:
        yield RunSql(value.query("query"))


def _open(value: Part) -> Iterator[Step]:
    yield from _return_query(value)
    if "argquery" in value:
        yield RunSql(f"SELECT {value.query('argquery')}")


def _return(value: Part) -> Iterator[Step]:
    yield from _return_next(value)
    yield Leave("return")


def _return_next(value: Part) -> Iterator[Step]:
    if "expr" in value:
        yield RunSql(f"SELECT {value.query('expr')}")


def _exit(value: Part) -> Iterator[Step]:
    if "cond" in value:
        yield Choice((value.query("cond"),), ((Leave("exit"),),), False)
    else:
        yield Leave("exit")


def _raise(value: Part) -> Iterator[Step]:
    yield from _parameters(value)
    for option in value.parts("options"):
        yield RunSql(f"SELECT {option.part('PLpgSQL_raise_option').query('expr')}")
    if value.number("elog_level") == _ERROR:
        yield Leave("raise")


def _parameters(value: Part) -> Iterator[Step]:
    for parameter in value.parts("params"):
        yield RunSql(f"SELECT {parameter.opened.text('query')}")


def _fetch(value: Part) -> Iterator[Step]:
    if names := _set_by(value.part("target")):
        yield RunSql("SELECT 1", into=names)


def _diagnostics(value: Part) -> Iterator[Step]:
    names = tuple(f"#{item.part('PLpgSQL_diag_item').number('target')}" for item in value.parts("diag_items"))
    yield RunSql("SELECT 1", into=names)


def _other(value: Part) -> Iterator[Step]:
    """A statement that this list doesn't know: whatever it holds in SQL may run."""
    for text in _texts(value.fields):
        yield RunSql(text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "PLpgSQL_expr":
                mode = inner.get("parseMode", 0)
                yield inner["query"] if mode == 0 else f"SELECT {inner['query']}"
            else:
                yield from _texts(inner)


def _set_by(target: Part) -> tuple[str, ...]:
    """The variables that a target stands for."""
    if "PLpgSQL_row" in target:
        return tuple(one.text("name").lower() for one in target.part("PLpgSQL_row").parts("fields"))
    return tuple(target.part(kind).text("refname").lower() for kind in target.fields)


_STEPS: dict[str, Callable[[Part], Iterator[Step]]] = {
    "PLpgSQL_stmt_block": _nested,
    "PLpgSQL_stmt_if": _if,
    "PLpgSQL_stmt_case": _case,
    "PLpgSQL_stmt_loop": _loop,
    "PLpgSQL_stmt_while": _while,
    "PLpgSQL_stmt_fori": _for_numbers,
    "PLpgSQL_stmt_fors": _for_query,
    "PLpgSQL_stmt_forc": _for_cursor,
    "PLpgSQL_stmt_dynfors": _for_dynamic,
    "PLpgSQL_stmt_foreach_a": _for_each,
    "PLpgSQL_stmt_assign": _assign,
    "PLpgSQL_stmt_execsql": _sql,
    "PLpgSQL_stmt_perform": _sql,
    "PLpgSQL_stmt_call": _sql,
    "PLpgSQL_stmt_dynexecute": _execute,
    "PLpgSQL_stmt_return_query": _return_query,
    "PLpgSQL_stmt_return_next": _return_next,
    "PLpgSQL_stmt_return": _return,
    "PLpgSQL_stmt_exit": _exit,
    "PLpgSQL_stmt_raise": _raise,
    "PLpgSQL_stmt_open": _open,
    "PLpgSQL_stmt_fetch": _fetch,
    "PLpgSQL_stmt_getdiag": _diagnostics,
    "PLpgSQL_stmt_commit": lambda value: iter((End(True),)),
    "PLpgSQL_stmt_rollback": lambda value: iter((End(False),)),
}


def embedded(sql: str) -> list[tuple[str, bool]]:
    """(text, dynamic) of the SQL inside a DO or CREATE FUNCTION; empty when unreadable."""
    steps = steps_of(sql)
    if steps is not None:
        return list(texts_of(steps))
    try:
        node = nodes.parse(sql)[0]
    except (nodes.ParseError, IndexError):
        return []
    body = nodes.options(node.options).get("as") if nodes.kind(node) == "CreateFunctionStmt" else None
    return [] if body is None else [(text, False) for text in nodes.strings(body.arg.list.items)[:1]]
