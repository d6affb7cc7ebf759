"""What the role may not do as which a statement runs (42501).

Source: aclchk.c, execMain.c (ExecCheckPermissions), the object_ownercheck calls of commands/*.c, user.c. A superuser
may do anything; of a role that nobody has asked the server for nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.access import ALL, LETTERS
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import FunctionFact, Name, Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.carry import view_columns
from pgmig_tui.impact.rules.granting import ROUTINES, granted_relations
from pgmig_tui.impact.rules.sequences import feeding
from pgmig_tui.impact.rules.visible import visible
from pgmig_tui.impact.shadow_state import SYSTEM_SCHEMAS, TEMP

_WORDS = {letter: word.upper() for word, letter in LETTERS.items() if word not in {"temp"}}
_OWNED = frozenset(
    {"AlterTableStmt", "IndexStmt", "RenameStmt", "AlterObjectSchemaStmt", "RuleStmt", "CreatePolicyStmt",
     "AlterPolicyStmt", "CommentStmt", "RefreshMatViewStmt", "ClusterStmt", "ReindexStmt", "CreateStatsStmt",
     "AlterSeqStmt"}
)  # fmt: skip
"""Statements for which a relation must be the role's own."""
_MAINTAINS = frozenset({"RefreshMatViewStmt", "ClusterStmt", "ReindexStmt"})
_MADE = {"CreateStmt": "relation", "CreateTableAsStmt": "into", "ViewStmt": "view", "CreateSeqStmt": "sequence",
         "CompositeTypeStmt": "typevar"}  # fmt: skip
_NAMED = {"CreateFunctionStmt": "funcname", "CreateEnumStmt": "type_name", "CreateRangeStmt": "type_name",
          "CreateDomainStmt": "domainname"}  # fmt: skip
_WRITING = {"InsertStmt": "a", "UpdateStmt": "w", "DeleteStmt": "d"}
_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE"})


_OF_ROLES = frozenset(
    {"GrantStmt", "GrantRoleStmt", "AlterOwnerStmt", "CreatePolicyStmt", "AlterPolicyStmt", "AlterTableStmt",
     "ReassignOwnedStmt", "DropOwnedStmt", "AlterDefaultPrivilegesStmt", "AlterRoleStmt", "AlterRoleSetStmt",
     "CreateSchemaStmt"}
)  # fmt: skip
"""Statements whose roles must be there."""


def _roles_there(node: Node, scene: Scene, out: Effect) -> None:
    catalog, scope = scene.catalog, scene.catalog.facts.scope
    if scope is None:
        return
    for inner in nodes.walk(node):
        kind = nodes.kind(inner)
        role = inner.rolename if kind == "RoleSpec" else ""
        if kind == "AccessPriv" and nodes.kind(node) == "GrantRoleStmt":
            role = inner.priv_name
        asked = role in scope.asked.members or role in scope.asked.roles
        if role and asked and not role.startswith("pg_") and not catalog.has_role(role):
            out.fail(f"the role {role} does not exist", "42704")


def permitted(node: Node, scene: Scene, out: Effect) -> None:
    """Say why the role may not run a statement, if that is so."""
    catalog = scene.catalog
    if not catalog.live or catalog.uncertain:
        return
    if nodes.kind(node) in _OF_ROLES:
        _roles_there(node, scene, out)
    if out.problem or not catalog.access.judged(catalog.role):
        return
    _Judge(scene, out).statement(node)


def sequence_permitted(sequence: Relation, function: str, scene: Scene, out: Effect) -> None:
    """Why the role may not ask or set a sequence (sequence.c)."""
    catalog = scene.catalog
    if not catalog.live or catalog.uncertain or not catalog.access.judged(catalog.role):
        return
    letters = {"nextval": "Uw", "currval": "Ur"}.get(function, "w")
    _Judge(scene, out).use(sequence, letters)


def function_permitted(fact: FunctionFact, scene: Scene, out: Effect) -> bool:
    """Whether the role may run a function."""
    catalog = scene.catalog
    role = catalog.role
    if not catalog.live or not catalog.access.judged(role) or "tg_op" in scene.worth or "tg_event" in scene.worth:
        return True
    if catalog.access.may(role, "X", "function", fact.owner, fact.acl):
        return True
    out.fail(f"{role} may not run the function {fact.name}", "42501")
    return False


class _Judge:
    def __init__(self, scene: Scene, out: Effect) -> None:
        self.scene, self.out, self.catalog = scene, out, scene.catalog
        self.role = scene.catalog.role
        self.access = scene.catalog.access

    def refuse(self, what: str) -> None:
        self.out.fail(f"{self.role} {what}", "42501")

    def use(self, relation: Relation, letters: str) -> None:
        self._may(relation, letters)

    def statement(self, node: Node) -> None:
        kind = nodes.kind(node)
        if kind in {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"}:
            self._query(node)
        elif kind in {"TruncateStmt", "LockStmt"}:
            for table in self._cascaded(node) if kind == "TruncateStmt" and nodes.cascades(node) else ():
                self._may(table, "D")
            for item in node.relations:
                self._may(self.catalog.get(nodes.name_of(item.range_var)), "D" if kind == "TruncateStmt" else "rwdDm")
        elif kind in _OWNED:
            for relation in self._targets(node, kind):
                self._owns(relation, "m" if kind in _MAINTAINS and self.scene.major >= 17 else "")
        elif kind == "CreateTrigStmt":
            self._may(self.catalog.get(nodes.name_of(node.relation)), "t")
        elif kind == "DropStmt":
            self._drop(node)
        elif kind in {"CreateRoleStmt", "DropRoleStmt"} and self.role not in self.access.makers:
            self.refuse("may not make or drop roles")
        elif kind == "CreateSchemaStmt":
            database = self.access.database
            if not self.access.may(self.role, "C", "database", database.owner, database.acl):
                self.refuse("may not make schemas in this database")
        elif kind in {"AlterFunctionStmt", "AlterOwnerStmt"}:
            self._function(node)
        elif kind == "GrantStmt":
            self._grant(node)
        self._making(node, kind)
        if kind == "CreateTableAsStmt":
            self._query(nodes.statement(node.query))

    def _cascaded(self, node: Node) -> Iterator[Relation]:
        """The tables that TRUNCATE … CASCADE reaches by foreign keys."""
        todo = [self.catalog.resolve(nodes.name_of(item.range_var)) for item in node.relations]
        for name in todo:
            for key in self.catalog.incoming(name):
                if key.table not in todo:
                    todo.append(key.table)
                    yield self.catalog.relation(key.table)

    # -- rows -----------------------------------------------------------------------------------------------------

    def _query(self, node: Node) -> None:
        targets: set[int] = set()
        for inner in nodes.walk(node):
            kind = nodes.kind(inner)
            if kind in _WRITING or kind == "MergeStmt":
                targets.add(id(inner.relation))
                self._write(inner, kind)
        if nodes.kind(node) == "CopyStmt" and nodes.has(node, "relation"):
            relation = self.catalog.get(nodes.name_of(node.relation))
            self._may(relation, "a" if node.is_from else "r", nodes.strings(node.attlist) or None)
            return
        for inner, hidden in visible(node):
            if nodes.kind(inner) != "RangeVar" or id(inner) in targets:
                continue
            name = nodes.name_of(inner)
            relation = self.catalog.get(name) if name.schema or name.relation not in hidden else None
            if relation is not None:
                self._may(relation, "r", sorted(view_columns(self.catalog, node, relation)))

    def _write(self, node: Node, kind: str) -> None:
        table = self.catalog.get(nodes.name_of(node.relation))
        if kind == "MergeStmt":
            words = {
                nodes.enum_name("CmdType", item.merge_when_clause.command_type) for item in node.merge_when_clauses
            }
            for word, letter in (("CMD_INSERT", "a"), ("CMD_UPDATE", "w"), ("CMD_DELETE", "d")):
                if word in words:
                    self._may(table, letter)
            return
        columns: list[str] | None = None
        if kind == "UpdateStmt":
            columns = [item.res_target.name for item in node.target_list]
        elif kind == "InsertStmt":
            columns = [item.res_target.name for item in node.cols] or None
            if node.on_conflict_clause.target_list:
                self._may(table, "w", [item.res_target.name for item in node.on_conflict_clause.target_list])
        self._may(table, _WRITING[kind], columns)
        if kind == "InsertStmt" and table is not None and table.known:
            given = set(columns or ())
            for sequence, column in feeding(self.catalog, table) if columns else ():
                owned = any(one.name == sequence.name and one.identity for one in table.sequences)
                if column not in given and not owned:
                    self._may(sequence, "Uw")
        if kind != "InsertStmt" and table is not None and nodes.has(node, "where_clause"):
            read = view_columns(self.catalog, node.where_clause, table)
            if read:
                self._may(table, "r", sorted(read))

    def _may(self, relation: Relation | None, letters: str, columns: Iterable[str] | None = None) -> bool:
        """One of the privileges on a relation, or on each of these columns of it."""
        if relation is None or not relation.known or not self._schema(relation.name):
            return relation is None or not relation.known
        kind = "sequence" if relation.kind == "S" else "relation"
        if any(self.access.may(self.role, letter, kind, relation.owner, relation.acl) for letter in letters):
            return True
        named = list(columns or ())
        known = [relation.columns.get(name) for name in named]
        if named and all(
            one is not None and one.acl is not None and self.access.may(self.role, letters[0], kind, "-", one.acl)
            for one in known
        ):
            return True
        if columns is not None and not named and any(one.acl is not None for one in relation.columns.values()):
            return True  # any column is enough to count rows
        self.refuse(f"has no privilege {_WORDS.get(letters[0], letters)} on {relation.name}")
        return False

    def _schema(self, name: Name) -> bool:
        if name.schema in SYSTEM_SCHEMAS or name.schema == TEMP:
            return True
        if self.access.schema_allows(self.role, name.schema, "U"):
            return True
        self.refuse(f"may not use the schema {name.schema}")
        return False

    # -- objects --------------------------------------------------------------------------------------------------

    def _targets(self, node: Node, kind: str) -> Iterator[Relation]:
        names: list[Name] = []
        if kind == "CommentStmt":
            what, parts = nodes.enum_name("ObjectType", node.objtype), nodes.list_name(node.object)
            if what in _RELATIONS:
                names = [nodes.name_from(parts)]
            elif what == "OBJECT_COLUMN":
                names = [nodes.name_from(parts[:-1])]
        elif kind in {"CreatePolicyStmt", "AlterPolicyStmt"}:
            names = [nodes.name_of(node.table)]
        elif kind == "AlterSeqStmt":
            names = [nodes.name_of(node.sequence)]
        elif kind == "CreateStatsStmt":
            names = [nodes.name_of(item.range_var) for item in node.relations if item.WhichOneof("node") == "range_var"]
        elif nodes.has(node, "relation"):
            names = [nodes.name_of(node.relation)]
        for name in names:
            found = self.catalog.index(name)
            relation = found[0] if found is not None else self.catalog.get(name)
            if relation is not None:
                yield relation

    def _owns(self, relation: Relation, or_letter: str = "") -> None:
        if not relation.known or not self._schema(relation.name) or self.access.owns(self.role, relation.owner):
            return
        if or_letter and self.access.may(self.role, or_letter, "relation", relation.owner, relation.acl):
            return
        self.refuse(f"is not the owner of {relation.name}")

    def _drop(self, node: Node) -> None:
        what = nodes.enum_name("ObjectType", node.remove_type)
        for item in node.objects:
            parts = nodes.list_name(item)
            if what in _RELATIONS or what == "OBJECT_INDEX":
                self._drop_relation(nodes.name_from(parts))
            elif what in {"OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"}:
                relation = self.catalog.get(nodes.name_from(parts[:-1]))
                if relation is not None:
                    self._owns(relation)
            elif what == "OBJECT_SCHEMA":
                guard = self.access.schemas.get(parts[-1] if parts else "")
                if guard is not None and not self.access.owns(self.role, guard.owner):
                    self.refuse(f"is not the owner of the schema {parts[-1]}")
            elif what in ROUTINES:
                for fact in self.catalog.functions(parts)[:1]:
                    self._owns_function(fact)

    def _drop_relation(self, name: Name) -> None:
        """The schema's owner may do it, too."""
        found = self.catalog.index(name)
        relation = found[0] if found is not None else self.catalog.get(name)
        if relation is None or not relation.known or not self._schema(relation.name):
            return
        if not self.access.owns(self.role, relation.owner) and not self._owns_schema(relation.name.schema):
            self.refuse(f"is not the owner of {relation.name}")

    def _owns_function(self, fact: FunctionFact) -> None:
        if not self.access.owns(self.role, fact.owner) and not self._owns_schema(fact.name.schema):
            self.refuse(f"is not the owner of the function {fact.name}")

    def _owns_schema(self, schema: str) -> bool:
        guard = self.access.schemas.get(schema)
        return guard is None or self.access.owns(self.role, guard.owner)

    def _function(self, node: Node) -> None:
        kind = nodes.kind(node)
        if kind == "AlterOwnerStmt" and nodes.enum_name("ObjectType", node.object_type) not in ROUTINES:
            return
        parts = nodes.list_name(node.object) if kind == "AlterOwnerStmt" else nodes.strings(node.func.objname)
        for fact in self.catalog.functions(parts)[:1]:
            if not self.access.owns(self.role, fact.owner):
                self.refuse(f"is not the owner of the function {fact.name}")

    def _grant(self, node: Node) -> None:
        """Who grants something must own it, or have been given it himself: GRANT OPTION isn't followed."""
        if nodes.enum_name("GrantTargetType", node.targtype) != "ACL_TARGET_OBJECT":
            return
        for relation in granted_relations(node, self.catalog):
            kind = "sequence" if relation.kind == "S" else "relation"
            mine = any(self.access.may(self.role, one, kind, relation.owner, relation.acl) for one in ALL[kind])
            if relation.known and not mine:
                self.refuse(f"has no privileges on {relation.name} to grant")

    def _making(self, node: Node, kind: str) -> None:
        """What is made needs CREATE on its schema, and what it references REFERENCES."""
        name: Name | None = None
        if kind in _MADE:
            inner = getattr(node, _MADE[kind])
            inner = inner.rel if kind == "CreateTableAsStmt" else inner
            temporary = inner.relpersistence == "t"
            name = self.catalog.creation_name(nodes.name_of(inner), temporary=temporary)
        elif kind in _NAMED:
            name = self.catalog.creation_name(nodes.name_from(nodes.strings(getattr(node, _NAMED[kind]))))
        elif kind in {"RenameStmt", "IndexStmt"} and nodes.has(node, "relation"):
            relation = self.catalog.get(nodes.name_of(node.relation))
            name = relation.name if relation is not None else None
        elif kind == "AlterObjectSchemaStmt":
            name = Name(node.newschema, "")
        if (
            name is not None
            and name.schema not in (TEMP, "")
            and not self.access.schema_allows(self.role, name.schema, "C")
        ):
            self.refuse(f"may not make anything in the schema {name.schema}")
        for inner in nodes.walk(node) if kind in {"CreateStmt", "AlterTableStmt"} else ():
            if nodes.kind(inner) == "Constraint" and nodes.has(inner, "pktable"):
                self._may(self.catalog.get(nodes.name_of(inner.pktable)), "x")
