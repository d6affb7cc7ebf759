"""What the handlers of ALTER TABLE's subcommands share."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.impact.cost import JOIN
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Column, Name, Relation, replace
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.rules.safer_alter import Draft, Edit
from pgmig_tui.impact.selectivity import exactly


@dataclass(slots=True)
class Altering:
    """One subcommand at work: `members` are the table and all that it reaches, the table first.

    `draft` is the safer form of the statement, in which the subcommand stands at `position`; None where there is none.
    """

    scene: Scene
    out: Effect
    table: Relation
    members: list[Relation]
    mode: LockMode
    only: bool
    words: str
    draft: Draft | None = None
    position: int = 0

    def advise(self, rule: str, message: str, edit: Edit | None = None) -> None:
        """Advice; with SQL where the draft can be changed by `edit`."""
        self.out.advise(rule, message)
        if edit is not None and self.draft is not None and self.draft.changed(edit):
            self.draft.advised.append(len(self.out.advice) - 1)

    def current(self, member: Relation) -> Relation:
        """The member as earlier subcommands of this statement left it."""
        return self.scene.catalog.relation(member.name, member.kind)

    def change_column(self, column: str, **changes: object) -> None:
        """Carry a column's change forward on every member that is known."""
        for member in self.members:
            known = self.scene.catalog.get(member.name)
            if known is not None and column in known.columns:
                self.put_column(known, replace(known.columns[column], **changes))

    def put_column(self, relation: Relation, column: Column) -> None:
        self.scene.catalog.put(replace(relation, columns={**relation.columns, column.name: column}))

    def scan_members(self) -> None:
        for member in self.members:
            self.out.scan(member)

    def join_members(self) -> None:
        """Each row is looked for in the table that it references."""
        self.scan_members()
        rows = sum(max(member.rows, 0) for member in self.members if not member.new)
        self.out.spend(exactly(rows * JOIN))

    def rewrite_members(self) -> None:
        for member in self.members:
            self.out.rewrite(member)

    @property
    def name(self) -> Name:
        return self.table.name
