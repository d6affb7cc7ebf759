"""Whether a verify script verifies: it has to fail where its change is absent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_functions, builtin_types
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.plpgsql import steps_of
from pgmig_tui.impact.steps import Block, Choice, Guard, Leave, Loop, texts_of
from pgmig_tui.lint.effects import ScriptEffects, Thing
from pgmig_tui.lint.rule import Example, Rule
from pgmig_tui.lint.rules.script import Placed
from pgmig_tui.script.preview import Preview
from pgmig_tui.script.statement import Statement

_ADD = "ALTER TABLE app.t ADD COLUMN c text;"
_INDEX = "CREATE INDEX CONCURRENTLY i ON app.t (c);"
_RAISES = """DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_index
                    WHERE indexrelid = pg_catalog.to_regclass('app.i') AND indisvalid) THEN
        RAISE EXCEPTION 'index app.i is missing or invalid';
    END IF;
END
$$;"""

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "verify-missing", "warning", "a change without a verify script",
        "It is called verified by nobody: that the statements have run says nothing of what is there.",
        "Write one that fails where the change is absent.",
        Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", None),
        Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", "SELECT c FROM app.t WHERE FALSE;"),
    ),
    Rule(
        "verify-cannot-fail", "error", "a verify script that can't fail",
        "A query that finds nothing is no error. Sqitch and this program take the script's success for the proof.",
        "Name what the change makes (SELECT column FROM table WHERE FALSE), or raise: 1/count(*), RAISE EXCEPTION.",
        Example(_INDEX, "DROP INDEX CONCURRENTLY app.i;", "SELECT indexname FROM pg_indexes WHERE indexname = 'i';"),
        Example(_INDEX, "DROP INDEX CONCURRENTLY app.i;", _RAISES),
    ),
    Rule(
        "verify-proves-nothing", "error", "a verify script that passes where its change is absent",
        "It can fail, but what it names is there with and without the change.",
        "Ask the catalog for what the change makes (its type, constraint, default), and raise where it isn't so.",
        Example(
            "ALTER TABLE app.t ALTER COLUMN c TYPE bigint;", "ALTER TABLE app.t ALTER COLUMN c TYPE integer;",
            "SELECT c FROM app.t WHERE FALSE;",
        ),
        Example(
            "ALTER TABLE app.t ALTER COLUMN c TYPE bigint;", "ALTER TABLE app.t ALTER COLUMN c TYPE integer;",
            "SELECT 1 / count(*) FROM pg_catalog.pg_attribute\n WHERE attrelid = 'app.t'::pg_catalog.regclass AND"
            " attname = 'c' AND atttypid = 'pg_catalog.int8'::pg_catalog.regtype;",
        ),
    ),
    Rule(
        "verify-in-part", "info", "a verify script that looks at a part of its change alone",
        "What it doesn't name may be missing, and the change is called verified.",
        "Name everything that the change makes.",
        Example(
            "ALTER TABLE app.t ADD COLUMN first_name text, ADD COLUMN last_name text;",
            "ALTER TABLE app.t DROP COLUMN first_name, DROP COLUMN last_name;",
            "SELECT first_name FROM app.t WHERE FALSE;",
        ),
        Example(
            "ALTER TABLE app.t ADD COLUMN first_name text, ADD COLUMN last_name text;",
            "ALTER TABLE app.t DROP COLUMN first_name, DROP COLUMN last_name;",
            "SELECT first_name, last_name FROM app.t WHERE FALSE;",
        ),
    ),
    Rule(
        "verify-commits", "warning", "a verify script that commits what it writes",
        "It is run again and again, on production too, to look and not to leave something behind.",
        "End it in ROLLBACK.",
        Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", "BEGIN;\nINSERT INTO app.t (c) VALUES ('x');\nCOMMIT;"),
        Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", "BEGIN;\nINSERT INTO app.t (c) VALUES ('x');\nROLLBACK;"),
    ),
)  # fmt: skip

_SYSTEM = ("pg_catalog", "information_schema")
_LOOKING = re.compile(
    r"has_\w+_privilege|pg_has_role|pg_get_serial_sequence|current_setting|nextval|setval|currval|pg_sequence_last_value"
    r"|pg_relation_size|col_description|row_security_active|pg_column_is_updatable"
)
_RAISE = re.compile(r"\braise\s+(?!debug|log|info|notice|warning)|\bassert\b|\bstrict\b", re.IGNORECASE)
_HARMLESS = frozenset({"VariableSetStmt", "TransactionStmt", "VariableShowStmt", "DiscardStmt", "CheckPointStmt"})
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "CopyStmt"})
_REGS = frozenset({
    "regclass", "regproc", "regprocedure", "regtype", "regrole", "regnamespace", "regoper", "regoperator", "regconfig",
    "regdictionary", "regcollation",
})  # fmt: skip
_PROVEN_BY_NAME = frozenset({"schema", "table", "view", "column", "function", "type", "sequence", "enum value", "role"})


@dataclass(slots=True)
class Proof:
    """What lets a verify script fail: `anything` = it raises by a condition of its own, or nobody can tell; else the
    absence of one of `names`."""

    anything: bool = False
    names: set[str] = field(default_factory=set)

    @property
    def can_fail(self) -> bool:
        return self.anything or bool(self.names)


def proof_of(view: Preview) -> Proof:
    proof = Proof()
    if any(meta.name in ("if", "gset", "gexec", "i", "ir", "include") for meta in view.metas) or view.refused:
        proof.anything = True
    for one in view.statements:
        if one.problem is not None or one.variables or one.then in ("gset", "gexec"):
            proof.anything = True
        for tree in one.nodes if one.control is None else ():
            _statement(nodes.statement(tree), one, proof)
    return proof


def _statement(node: Node, one: Statement, proof: Proof) -> None:
    kind = nodes.kind(node)
    if kind in _HARMLESS:
        return
    if kind == "DoStmt":
        block = steps_of(one.text)
        if block is None or _RAISE.search(one.text) or _raises(block):
            proof.anything = True
            return
        for text, dynamic in texts_of(block):
            if dynamic:
                proof.anything = True
                continue
            try:
                for inner in nodes.parse(text):
                    _query(inner, proof)
            except nodes.ParseError:
                proof.anything = True
    elif kind in ("SelectStmt", "ExplainStmt", "LockStmt", *_WRITES):
        _query(node, proof)
    else:
        proof.anything = True


def _raises(block: Block) -> bool:
    for step in block:
        match step:
            case Leave("raise"):
                return True
            case Choice(_, arms) if any(map(_raises, arms)):
                return True
            case Loop(_, body) if _raises(body):
                return True
            case Guard(body, handlers) if _raises(body) or any(_raises(one) for _, one in handlers):
                return True
    return False


def _query(node: Node, proof: Proof) -> None:
    """The relations, columns, functions and types that a query names, and whether one of its operations can fail."""
    hidden: set[str] = set()
    columns: list[str] = []
    own = False
    for one in nodes.walk(node):
        kind = nodes.kind(one)
        if kind == "RangeVar":
            system = one.schemaname in _SYSTEM or (not one.schemaname and one.relname.startswith("pg_"))
            if not system and one.relname not in hidden:
                own = True
                proof.names.add(one.relname)
                proof.names.update({one.schemaname} - {""})
        elif kind == "CommonTableExpr":
            hidden.add(one.ctename)
            proof.names.discard(one.ctename)
        elif kind == "ColumnRef":
            columns += nodes.strings(one.fields)[-1:]
        elif kind == "ResTarget" and one.name and not one.HasField("val"):
            columns.append(one.name)
        elif kind == "FuncCall":
            _call(one, proof)
        elif kind == "TypeCast":
            _cast(one, proof)
        elif kind == "A_Expr" and nodes.strings(one.name)[-1:] in (["/"], ["%"]):
            proof.anything = True
    proof.names -= hidden
    if own:
        proof.names.update(columns)


def _call(call: Node, proof: Proof) -> None:
    parts = nodes.strings(call.funcname)
    if _LOOKING.fullmatch(parts[-1]):
        for argument in call.args:
            text = nodes.constant(argument)
            if text:
                proof.names.update(re.findall(r"\w+", text))
        proof.names.add(parts[-1])
    elif parts[-1] not in builtin_functions() or (len(parts) > 1 and parts[0] not in _SYSTEM):
        proof.names.update(parts)


def _cast(cast: Node, proof: Proof) -> None:
    names = nodes.strings(cast.type_name.names)
    if names[-1] in _REGS:
        text = nodes.constant(cast.arg)
        if text is None:
            proof.anything = True
        else:
            proof.names.update(re.findall(r"[^\W\d]\w*", text))
    elif len(names) > 1 and names[0] not in _SYSTEM:
        proof.names.update(names)
        if text := nodes.constant(cast.arg):
            proof.names.add(text)
    elif len(names) == 1 and names[0] not in builtin_types() and names[0] not in ("serial", "bigserial"):
        proof.names.add(names[0])
    elif nodes.constant(cast.arg) is None and names[-1] in (
        "bool",
        "int4",
        "int8",
        "int2",
        "numeric",
        "float8",
        "date",
    ):
        proof.anything = True


def verify_script(view: Preview, effects: ScriptEffects, text: str) -> Iterator[Placed]:
    """What is wrong with a verify script; `effects` are those of its deploy script, `text` is what it says."""
    working = [one for one in view.statements if one.keywords != "EMPTY" and one.control is None]
    proof = proof_of(view)
    if not view.refused and not proof.can_fail:
        what = "it has no statement" if not working else "each of its statements succeeds whatever is there"
        yield Placed("verify-cannot-fail", what, working[0] if working else None)
    elif not proof.anything and effects.things and effects.known and not _proves(proof, effects):
        told = ", ".join(str(one) for one in list(effects.things)[:3])
        yield Placed("verify-proves-nothing", f"it passes without what the change does: {told}", working[0])
    elif effects.known and working:
        yield from _in_part(effects, text)
    yield from _commits(view)


def _proves(proof: Proof, effects: ScriptEffects) -> bool:
    """Whether a name that only the change makes is named. What is made or replaced may not have been there before."""
    return any(
        (done == "made" or (done == "changed" and thing.kind in ("view", "function")))
        and thing.kind in _PROVEN_BY_NAME
        and thing.name[-1] in proof.names
        for thing, done in effects.things.items()
    )


def _in_part(effects: ScriptEffects, text: str) -> Iterator[Placed]:
    words = {word.lower() for word in re.findall(r"[^\W]+", text)}
    missing: list[Thing] = []
    for thing, done in effects.things.items():
        inside = any(effects.things.get(one) == "made" for one in effects.parents.get(thing, ()))
        if done != "made" or inside or thing.kind in ("constraint", "grant", "rows", "comment"):
            continue
        if not set(re.findall(r"[^\W]+", thing.name[-1].lower())) <= words:
            missing.append(thing)
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield Placed("verify-in-part", f"it doesn't name {', '.join(map(str, missing[:3]))}{more}")


def _commits(view: Preview) -> Iterator[Placed]:
    wrote: Statement | None = None
    open_ = False
    for one in view.statements:
        if one.control == "begin":
            open_ = True
        elif one.control == "rollback":
            open_, wrote = False, None
        elif one.control == "commit":
            if wrote is not None:
                yield Placed("verify-commits", "what it writes stays", one)
            open_, wrote = False, None
        elif any(nodes.kind(nodes.statement(tree)) in _WRITES for tree in one.nodes):
            if open_:
                wrote = wrote or one
            else:
                yield Placed("verify-commits", "it writes outside of a transaction", one)
