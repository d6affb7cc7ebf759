"""The catalog of a server of ours that a dump's schema was loaded into, as facts of the server that the dump is of.

What ours says of itself (sizes, roles, settings, what could be made there) isn't so there: it is taken out, so that
nothing is claimed of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed

from pgmig_tui.database.catalog import Executes, read_script_facts
from pgmig_tui.impact.access import Access
from pgmig_tui.impact.facts import DatabaseFacts, FunctionFact, Index, Relation, replace
from pgmig_tui.impact.session import SEARCH_PATH
from pgmig_tui.impact.wanted import Names

_BLOCK = 8192
_NAMED_NOT_NULL = 180000
"""From this version on a NOT NULL is a constraint in the catalog."""


@dataclass(frozen=True, slots=True)
class DumpedCatalog:
    """Reads facts where a dump was loaded.

    `version_num` is that of the server the dump is of, `extensions` those that it has, loaded or not, `sizes` pages and
    rows by schema and name, as far as the dump tells them, `stand_ins` the extensions for whose functions others stand,
    by schema and name of these. `incomplete` says why something may be there that isn't found, "" where all of the dump
    is loaded.
    """

    connection: Executes
    version_num: int
    extensions: frozenset[str] = frozenset()
    sizes: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    stand_ins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    incomplete: str = ""

    def read(self, names: Names) -> DatabaseFacts:
        """What the dump tells of these names. Raises what the connection raises."""
        facts = read_script_facts(self.connection, names)
        relations = {name: self._relation(one) for name, one in facts.relations.items()}
        scope = facts.scope
        if scope is not None:  # whether another extension could be made there nobody knows
            scope = changed(
                scope,
                extensions=scope.extensions | self.extensions,
                available=frozenset(scope.asked.extensions),
                tablespaces=frozenset(),
                methods=frozenset(),
            )
        return changed(
            facts,
            relations=relations,
            functions={name: self._function(one) for name, one in facts.functions.items()},
            settings={SEARCH_PATH: facts.settings.get(SEARCH_PATH)},
            role="",
            roles=frozenset(names.roles | names.members),
            access=Access(),
            scope=scope,
            incomplete=self.incomplete,
        )

    def _relation(self, one: Relation) -> Relation:
        pages, rows = self.sizes.get((one.name.schema, one.name.relation), (-1, -1))
        known = pages > 0 or rows > 0
        return replace(
            one,
            bytes=pages * _BLOCK if known else -1,
            rows=rows if known else -1,
            populated=True,
            owner="",
            acl=None,
            indexes=tuple(self._index(index) for index in one.indexes),
            checks=tuple(check for check in one.checks if check.kind != "n" or self.version_num >= _NAMED_NOT_NULL),
        )

    def _function(self, one: FunctionFact) -> FunctionFact:
        extension = self.stand_ins.get((one.name.schema, one.name.relation))
        if extension is None:
            return one
        overloads = tuple(changed(each, extension=extension, language="c", body="") for each in one.overloads)
        return changed(one, extension=extension, language="c", body="", overloads=overloads)

    def _index(self, one: Index) -> Index:
        pages, _ = self.sizes.get((one.name.schema, one.name.relation), (0, 0))
        return replace(one, bytes=max(pages, 0) * _BLOCK)
