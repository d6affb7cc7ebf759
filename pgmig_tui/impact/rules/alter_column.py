"""ALTER TABLE's subcommands on columns."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types
from pgmig_tui.impact.effect import fk_sides, trigger_sides
from pgmig_tui.impact.facts import Column, Relation, replace
from pgmig_tui.impact.modes import AE, SRE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules import alter_constraint, safer_constraint, sequences
from pgmig_tui.impact.rules.alter_constraint import columns_in
from pgmig_tui.impact.rules.altering import Altering
from pgmig_tui.impact.rules.cascade import depends_still, lose_columns, lose_relation, part_key
from pgmig_tui.impact.rules.falling import fall, views_of_functions
from pgmig_tui.impact.rules.safer_alter import Edit, OfColumn, constraints_of
from pgmig_tui.impact.rules.safer_column import filled_later, not_null_later, serial_later
from pgmig_tui.impact.rules.types import SERIALS, type_schema
from pgmig_tui.impact.rules.values import is_null
from pgmig_tui.impact.typechange import TypeName, type_name
from pgmig_tui.impact.volatility import default_volatility, volatility


def add_column(at: Altering, cmd: Node) -> None:
    definition = nodes.definition(cmd)
    name, table, out = definition.colname, at.table, at.out
    if name in table.columns:
        if not cmd.missing_ok:
            out.fail(f"column {name} of {table.name} exists already", "42701")
        else:
            out.notes.append(f"column {name} is there already; the lock is taken all the same")
        return
    written = type_name(definition.type_name)
    constraints = constraints_of(definition)
    kinds = {one.kind: one for one in constraints}
    rewrite = _why_rewritten(at, written, kinds)
    if rewrite:
        _rewritten(at, name, rewrite, written, constraints)
    default = kinds.get("CONSTR_DEFAULT")
    fact = at.scene.catalog.type([written.schema, written.name] if written.schema else [written.name])
    filled = (default is not None and not is_null(default.constraint.raw_expr)) or bool(rewrite)
    filled = filled or (default is None and fact is not None and bool(fact.default))
    not_null = "CONSTR_NOTNULL" in kinds or "CONSTR_PRIMARY" in kinds
    generated = kinds["CONSTR_GENERATED"].constraint.generated_kind if "CONSTR_GENERATED" in kinds else ""
    if not_null and (generated == "v" or not filled):
        at.scan_members()
        if generated != "v" and not table.new and table.rows != 0:
            out.breaks.append(f"INSERTs that do not name {name}; it fails with 23502 unless {table.name} is empty")
            wanted = kinds.get("CONSTR_NOTNULL")
            at.advise(
                "not-null-without-default",
                f"{name} NOT NULL without a default fails unless {table.name} is empty: add it nullable, fill it, "
                "then prove that no row lacks it, and SET NOT NULL",
                not_null_later(at.position, name, wanted) if wanted is not None else None,
            )
    made = Column(
        name,
        SERIALS.get(written.name, ("_" if written.array else "") + written.name),
        written.typmod,
        type_schema(at.scene.catalog, written),
        not_null or written.name in SERIALS or "CONSTR_IDENTITY" in kinds,
        filled and "CONSTR_IDENTITY" not in kinds,
        kinds["CONSTR_IDENTITY"].constraint.generated_when if "CONSTR_IDENTITY" in kinds else "",
        generated,
        fresh=True,
        made_of=frozenset(columns_in(kinds["CONSTR_GENERATED"].constraint.raw_expr) if generated else ()),
        default_type=default_type(default.constraint.raw_expr, written) if default is not None else "",
    )
    for member in at.members:
        if at.current(member).known or member is table:
            at.put_column(at.current(member), made)
    if (written.name in SERIALS and not written.schema) or "CONSTR_IDENTITY" in kinds:
        sequences.make(at.scene.catalog, table.name, name, identity="CONSTR_IDENTITY" in kinds)
    elif default is not None:
        sequences.default_set(at.scene.catalog, table.name, name, default.constraint.raw_expr)
    for one in constraints:
        if one.kind in {"CONSTR_CHECK", "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_FOREIGN"}:
            alter_constraint.add_constraint(at, one.constraint, name, filled=filled, own=one)


def default_type(expression: Node, written: TypeName) -> str:
    """The type of pg_catalog that a default is of by itself: of a constant its column's; "" where it isn't known."""
    known = nodes.constant(expression) is not None and not written.array and written.name in builtin_types()
    return written.name if known else ""


def _why_rewritten(at: Altering, written: TypeName, kinds: dict[str, OfColumn]) -> str:
    """Why ADD COLUMN rewrites the table, "" when it does not."""
    if written.name in SERIALS and not written.schema:
        return f"{written.name} fills every row from a sequence"
    if "CONSTR_IDENTITY" in kinds:
        return "an identity column fills every row from a sequence"
    if "CONSTR_GENERATED" in kinds:
        virtual = kinds["CONSTR_GENERATED"].constraint.generated_kind == "v"
        return "" if virtual else "a stored generated column is computed for every row"
    fact = at.scene.catalog.type([written.schema, written.name] if written.schema else [written.name])
    if fact is not None and fact.kind == "d" and fact.constrained and not written.array:
        return f"the domain {fact.name} has constraints to check"
    if fact is None and written.schema not in {"", "pg_catalog"} and not at.scene.catalog.live:
        at.out.unknown.append(f"whether {written.schema}.{written.name} is a domain with constraints (then: rewrite)")
    if "CONSTR_DEFAULT" in kinds:
        verdict = volatility(at.scene, kinds["CONSTR_DEFAULT"].constraint.raw_expr)
        whose = "its default"
    elif fact is not None and fact.default and not written.array:
        verdict = default_volatility(at.scene, fact)
        whose = f"the default of the domain {fact.name}"
    else:
        return ""
    if verdict == "unknown":
        at.out.unknown.append(f"whether {whose} is volatile (then: rewrite)")
    return f"{whose} is volatile" if verdict == "yes" else ""


def _rewritten(at: Altering, column: str, why: str, written: TypeName, constraints: list[OfColumn]) -> None:
    at.rewrite_members()
    at.out.notes.append(f"rewrites the table: {why}")
    if at.table.new:
        return
    way, edit = _other_way(at, column, written, constraints)
    at.advise("add-column-rewrite", f"adding {column} rewrites {at.name} ({why}): {way}", edit)


def _other_way(at: Altering, column: str, written: TypeName, constraints: list[OfColumn]) -> tuple[str, Edit | None]:
    """What to do instead, and how, as far as it comes to the same."""
    kinds = {one.kind for one in constraints}
    if "CONSTR_IDENTITY" in kinds:
        return "fill a plain column in batches first, and make it the identity then", None
    if "CONSTR_GENERATED" in kinds:
        return "a plain column that a trigger fills needs no rewrite", None
    fact = at.scene.catalog.type([written.schema, written.name] if written.schema else [written.name])
    if fact is not None and fact.kind == "d" and fact.constrained:
        return "a column of the base type with a CHECK of its own, added NOT VALID, needs no rewrite", None
    way = "add it without, set the default, fill old rows in batches"
    runs = sorted({t.name for member in at.members for t in member.triggers if t.fires_on("UPDATE")})
    if runs:
        way += f" (the triggers {', '.join(runs)} run for each)"
    if written.name in SERIALS and not written.schema:
        return way, serial_later(at.position, column, SERIALS[written.name], constraints)
    unknown = fact is None and not at.scene.catalog.live and written.name not in builtin_types()
    may_default = unknown or (fact is not None and bool(fact.default))
    return way, filled_later(at.position, column, constraints, of_domain=may_default)


def drop_column(at: Altering, cmd: Node) -> None:
    column, out = cmd.name, at.out
    cascade = nodes.cascades(cmd)
    if at.table.columns and column not in at.table.columns:
        if not cmd.missing_ok:
            out.fail(f"column {column} of {at.table.name} does not exist", "42703")
        return
    gone = set()
    for member in at.members:
        current = at.current(member)
        for index in current.indexes:
            if column in index.columns:
                out.lock_index(current, index, AE, f"index on {column}")
                gone.add(index.name)
        for sequence in current.sequences:
            if sequence.column == column:
                own = replace(at.scene.catalog.relation(sequence.name, "S"), new=current.new)
                gone |= fall(at.scene, out, own, f"owned by {current.name}.{column}", cascade)
        for key in current.foreign_keys:
            if column in key.columns:
                for other in trigger_sides(at.scene, key.referenced):
                    out.lock(other, AE, f"referenced by {key.name}, which is dropped with {column}")
        _column_dependents(at, current, column, cascade)
        lose_columns(out, current, [column])
    if at.table.kind == "c" and not at.table.fresh:
        out.lose(3, f"the attribute {column} of values of the type {at.name}")
    if cascade:
        gone |= views_of_functions(at.scene, out, [part_key(at.table, column, "column", at.scene.catalog)], at.table)
    if not at.table.known and not at.scene.catalog.live:
        out.unknown.append(f"foreign keys, views and indexes on {at.name}.{column} (no catalog)")
    at.scene.catalog.drop(gone)
    for member in at.members:
        for computed in _computed_of(at, at.current(member), column) if cascade else ():
            lose_columns(out, at.current(member), [computed])
            _forget_column(at, at.current(member), computed)
        _forget_column(at, at.current(member), column)
    if not at.table.new:
        out.breaks.append(f"statements that name {at.name}.{column}")


def _computed_of(at: Altering, current: Relation, column: str) -> list[str]:
    """The generated columns that go with a column."""
    told = {
        name
        for fallen in at.scene.catalog.facts.cascades.get(part_key(current, column, "column", at.scene.catalog), ())
        if at.scene.catalog.called_now(fallen.name) == current.name
        for name in fallen.columns
    }
    return [
        name
        for name, known in current.columns.items()
        if name != column and known.generated and (name in told or column in known.made_of)
    ]


def _column_dependents(at: Altering, current: Relation, column: str, cascade: bool) -> None:
    if not cascade:
        return
    for key in at.scene.catalog.incoming(current.name):
        if column in key.referenced_columns:
            for other in fk_sides(at.scene, key.table):
                at.out.lock(other, AE, f"its {key.name} references {current.name}.{column}")
            if key.table != current.name:
                alter_constraint.forget_key(at.scene.catalog, key)
    fallen = set()
    for dependent in current.dependents:
        if dependent.kind == "f" or (dependent.columns and column not in dependent.columns):
            continue
        if dependent.kind == "rule" and not depends_still(at.scene.catalog, dependent):
            continue
        other = at.scene.catalog.relation(dependent.name, dependent.relkind)
        if dependent.kind in {"v", "m"}:
            fallen |= fall(at.scene, at.out, other, f"uses {current.name}.{column}", True)
        else:
            at.out.lock(other, AE, f"uses {current.name}.{column}")
    at.scene.catalog.drop(fallen)


def _forget_column(at: Altering, current: Relation, column: str) -> None:
    if not current.known:
        return
    at.scene.catalog.forget_statistics(current.name, column)
    fallen = {
        one.part for one in current.dependents if one.kind == "y" and one.name == current.name and column in one.columns
    }
    at.scene.catalog.put(
        replace(
            current,
            policies=tuple(policy for policy in current.policies if policy not in fallen),
            columns={name: value for name, value in current.columns.items() if name != column},
            foreign_keys=tuple(k for k in current.foreign_keys if column not in k.columns),
            checks=tuple(c for c in current.checks if column not in c.columns),
        )
    )


def column_default(at: Altering, cmd: Node) -> None:
    given = nodes.raw_definition(cmd) if nodes.has(cmd, "def") else None
    for member in at.members:
        sequences.default_set(at.scene.catalog, member.name, cmd.name, given)
    column = at.table.columns.get(cmd.name)
    own = "" if column is None or given is None or nodes.constant(given) is None else column.type
    at.change_column(cmd.name, has_default=given is not None, redefault=True, default_type=own)


def add_identity(at: Altering, cmd: Node) -> None:
    sequences.make(at.scene.catalog, at.table.name, cmd.name, identity=True)
    at.change_column(cmd.name, identity=nodes.definition(cmd).generated_when)


def set_not_null(at: Altering, cmd: Node) -> None:
    column, out = cmd.name, at.out
    scanned = False
    for member in at.members:
        current = at.current(member)
        known = current.columns.get(column)
        if known is not None and known.not_null and known.not_null_valid:
            continue
        if any(check.valid and column in check.proves_not_null for check in current.checks):
            continue
        out.scan(current)
        scanned = scanned or current.kind != "p"
    if scanned and not at.table.new:
        out.breaks.append(f"statements that leave {column} NULL")
        at.advise(
            "set-not-null",
            f"SET NOT NULL reads all of {at.name} while nobody else can: prove it before, with a constraint that is "
            "validated meanwhile",
            safer_constraint.set_not_null(at.position, column),
        )
    at.change_column(column, not_null=True, not_null_valid=True)


def drop_not_null(at: Altering, cmd: Node) -> None:
    at.change_column(cmd.name, not_null=False)


def set_expression(at: Altering, cmd: Node) -> None:
    column = at.table.columns.get(cmd.name)
    if column is not None and column.generated == "v":
        return
    at.rewrite_members()
    if not (at.table.fresh or (column is not None and column.fresh)):
        at.out.lose(3, f"values of {at.name}.{cmd.name}: computed again", LostData("values", at.name, (cmd.name,)))


def drop_expression(at: Altering, cmd: Node) -> None:
    column = at.table.columns.get(cmd.name)
    if not (at.table.fresh or (column is not None and column.fresh)):
        at.out.lose(3, f"how {at.name}.{cmd.name} is computed: its values stay as they are")
    at.change_column(cmd.name, generated="", has_default=False)


def set_identity(at: Altering, cmd: Node) -> None:
    items = nodes.definition(cmd).items
    for item in items:
        if item.def_elem.defname == "generated":
            at.change_column(cmd.name, identity=chr(item.def_elem.arg.integer.ival))
    for sequence in at.table.sequences:
        if sequence.column == cmd.name:
            out = at.out
            out.lock_name(sequence.name, "S", SRE, f"the identity of {at.name}.{cmd.name}", new=at.table.new)
            if any(item.def_elem.defname != "generated" for item in items):
                out.rewrite(at.scene.catalog.relation(sequence.name, "S"))
            if any(item.def_elem.defname == "restart" for item in items) and not at.table.fresh:
                out.lose(3, f"the state of the sequence {sequence.name}", LostData("sequence", sequence.name))


def drop_identity(at: Altering, cmd: Node) -> None:
    column = at.table.columns.get(cmd.name)
    if column is not None and not column.identity:
        return  # IF EXISTS: the sequence of a serial stays
    for sequence in at.table.sequences:
        if sequence.column == cmd.name:
            at.out.lock_name(sequence.name, "S", AE, f"the identity of {at.name}.{cmd.name}", new=at.table.new)
            at.out.rewrites.pop(sequence.name, None)  # it goes before anything else is done to it
            lose_relation(at.out, at.scene.catalog.relation(sequence.name, "S"))
            at.scene.catalog.drop([sequence.name])
    at.change_column(cmd.name, identity="")
