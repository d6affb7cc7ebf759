"""The safer form of an ALTER TABLE: the statement itself with some subcommands changed, and what runs before and after.

Several advices on one statement change one draft, so that what comes of it does all that the statement does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.safer import (
    THEN,
    SaferStep,
    Unwritable,
    copied,
    free_name,
    sql_of,
    taken_in,
    text_of,
    wrapped,
    written,
)

# Constraint nodes that say more of the one before them (transformConstraintAttrs of parse_utilcmd.c)
_ATTRIBUTES: dict[str, dict[str, bool]] = {
    "CONSTR_ATTR_DEFERRABLE": {"deferrable": True},
    "CONSTR_ATTR_NOT_DEFERRABLE": {"deferrable": False},
    "CONSTR_ATTR_DEFERRED": {"deferrable": True, "initdeferred": True},
    "CONSTR_ATTR_IMMEDIATE": {"initdeferred": False},
    "CONSTR_ATTR_ENFORCED": {"is_enforced": True},
    "CONSTR_ATTR_NOT_ENFORCED": {"is_enforced": False, "skip_validation": True, "initially_valid": False},
}


@dataclass(frozen=True, slots=True)
class OfColumn:
    """A constraint of a new column, with what follows it (DEFERRABLE and the like) in it; `places` are theirs."""

    constraint: Node
    places: tuple[int, ...]

    @property
    def kind(self) -> str:
        return nodes.enum_name("ConstrType", self.constraint.contype)


def constraints_of(definition: Node) -> list[OfColumn]:
    """The constraints of a ColumnDef, DEFAULT and NOT NULL among them."""
    found: list[OfColumn] = []
    for place, item in enumerate(definition.constraints):
        more = _ATTRIBUTES.get(nodes.enum_name("ConstrType", item.constraint.contype))
        if more is None or not found:
            found.append(OfColumn(item.constraint, (place,)))
            continue
        constraint = copied(found[-1].constraint)
        for name, setting in more.items():
            setattr(constraint, name, setting)
        found[-1] = OfColumn(constraint, (*found[-1].places, place))
    return found


Edit = Callable[["Draft"], None]


@dataclass(slots=True)
class Draft:
    """What becomes of one ALTER TABLE: `commands` is what each of its subcommands becomes, in their order."""

    node: Node
    scene: Scene
    table: Relation
    commands: list[list[Node]]
    before: list[SaferStep] = field(default_factory=list)
    fills: list[SaferStep] = field(default_factory=list)
    after: list[SaferStep] = field(default_factory=list)
    advised: list[int] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The table as the statement writes it."""
        return written(self.node.relation)

    def command(self, position: int) -> Node:
        """A subcommand (AlterTableCmd), to be changed."""
        return self.commands[position][0]

    def alter(self, *subcommands: Node | str) -> str:
        """An ALTER TABLE of its own."""
        if not all(isinstance(one, str) for one in subcommands):
            tree = copied(self.node)
            del tree.cmds[:]
            tree.cmds.extend(wrapped(command) for command in subcommands)
            return sql_of(tree)
        there = "IF EXISTS " if self.node.missing_ok else ""
        only = "" if self.node.relation.inh else "ONLY "
        return f"ALTER TABLE {there}{only}{self.name} {', '.join(map(str, subcommands))}"

    def take_out(self, position: int, own: OfColumn) -> None:
        """Take a constraint off a new column."""
        original = nodes.definition(self.node.cmds[position].alter_table_cmd).constraints
        gone = [original[place] for place in own.places]
        definition = nodes.definition(self.command(position))
        left = [copied(item) for item in definition.constraints if item not in gone]
        del definition.constraints[:]
        definition.constraints.extend(left)

    def needs_the_table(self) -> None:
        """For statements that have no IF EXISTS of a table."""
        if self.node.missing_ok and not self.scene.catalog.live:
            raise Unwritable("IF EXISTS can't be kept")

    def free(self, columns: tuple[str, ...], label: str) -> str:
        """What the server would call a constraint or index without a name. `columns` may be none."""
        taken = taken_in(self.scene.catalog, self.table)
        name = free_name(self.table.name.relation, columns, label, lambda name: name in self.made or taken(name))
        self.made.add(name)
        return name

    @property
    def adds(self) -> set[str]:
        """The columns that the statement itself makes."""
        commands = [item.alter_table_cmd for item in self.node.cmds]
        return {
            nodes.definition(command).colname
            for command in commands
            if nodes.enum_name("AlterTableType", command.subtype) == "AT_AddColumn"
        }

    def drops(self, constraint: str) -> bool:
        """Whether the statement itself drops a constraint of that name."""
        return any(
            item.alter_table_cmd.name == constraint
            and nodes.enum_name("AlterTableType", item.alter_table_cmd.subtype) == "AT_DropConstraint"
            for item in self.node.cmds
        )

    def changed(self, edit: Edit) -> bool:
        """Whether the edit could be made; else all is as before."""
        trial = replace(
            self,
            commands=[[copied(command) for command in group] for group in self.commands],
            before=[*self.before],
            fills=[*self.fills],
            after=[*self.after],
            made={*self.made},
        )
        try:
            edit(trial)
        except Unwritable:
            return False
        for name in ("commands", "before", "fills", "after", "made"):
            setattr(self, name, getattr(trial, name))
        return True

    def finish(self, out: Effect) -> None:
        """Puts the SQL into the advice that has changed the draft."""
        if not self.advised:
            return
        try:
            text = text_of(self._steps())
        except Unwritable:
            return
        for number in self.advised:
            out.advice[number] = replace(out.advice[number], safer_sql=text)

    def _steps(self) -> Iterator[SaferStep]:
        commands = [command for group in self.commands for command in group]
        yield from self.before
        if commands:
            yield SaferStep(self.alter(*commands), THEN if self.before else "")
        yield from self.fills
        yield from self.after


def draft_of(node: Node, scene: Scene, table: Relation) -> Draft | None:
    """A draft for a statement on a table; None where it is on something else."""
    if table.kind not in "rp?" or nodes.enum_name("ObjectType", node.objtype) != "OBJECT_TABLE":
        return None
    return Draft(node, scene, table, [[copied(item.alter_table_cmd)] for item in node.cmds])


def adding(constraint: Node) -> Node:
    """ADD CONSTRAINT as a subcommand."""
    command = copied(nodes.parse("ALTER TABLE t ADD CHECK (true)")[0].cmds[0].alter_table_cmd)
    getattr(command, "def").constraint.CopyFrom(constraint)
    return command


def setting_default(column: str, expression: Node) -> Node:
    """ALTER COLUMN ... SET DEFAULT as a subcommand."""
    command = copied(nodes.parse("ALTER TABLE t ALTER c SET DEFAULT 1")[0].cmds[0].alter_table_cmd)
    command.name = column
    getattr(command, "def").CopyFrom(expression)
    return command


def detached_concurrently(position: int) -> Edit:
    """DETACH PARTITION, CONCURRENTLY: which stands alone."""

    def edit(draft: Draft) -> None:
        if len(draft.node.cmds) > 1:
            raise Unwritable("CONCURRENTLY stands alone")
        nodes.definition(draft.command(position)).concurrent = True

    return edit
