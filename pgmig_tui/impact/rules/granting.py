"""GRANT, REVOKE, roles and owners: who may do what from then on.

Source: aclchk.c, user.c, and aclnewowner of acl.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace as changed

from pgmig_tui.impact import nodes
from pgmig_tui.impact.access import ALL, LETTERS, PUBLIC, Acl, Guarded, granted
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation, replace
from pgmig_tui.impact.known import is_known
from pgmig_tui.impact.modes import AS
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import Catalog

ROUTINES = frozenset({"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"})


def grant(node: Node, scene: Scene, out: Effect) -> None:
    """GRANT and REVOKE: no relation before 18, ACCESS SHARE from then on."""
    if not node.is_grant:
        out.lose(1, "privileges")
    if scene.catalog.live:
        _grant_functions(node, scene, out)
        privileges_changed(node, scene.catalog)
    if nodes.enum_name("GrantTargetType", node.targtype) != "ACL_TARGET_OBJECT":
        return
    what = nodes.enum_name("ObjectType", node.objtype)
    if what not in {"OBJECT_TABLE", "OBJECT_SEQUENCE"}:
        return
    for item in node.objects:
        if item.WhichOneof("node") != "range_var":
            continue
        name = nodes.name_of(item.range_var)
        if not scene.absent(name, out) and scene.major >= 18:
            relation = scene.catalog.relation(name, "S" if what == "OBJECT_SEQUENCE" else "r")
            out.lock(relation, AS, "GRANT" if node.is_grant else "REVOKE")


def _grant_functions(node: Node, scene: Scene, out: Effect) -> None:
    """What GRANT … ON FUNCTION names must be there, with the arguments that are named."""
    what = nodes.enum_name("ObjectType", node.objtype)
    named = nodes.enum_name("GrantTargetType", node.targtype) == "ACL_TARGET_OBJECT"
    if not named or what not in {"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"}:
        return
    for item in node.objects:
        parts = nodes.list_name(item)
        told = item.object_with_args
        count = None if told.args_unspecified else len(told.objargs)
        facts = scene.catalog.functions(parts)
        if scene.catalog.uncertain or not scene.catalog.asked(nodes.name_from(parts)) or is_known(parts):
            continue
        if not any(count is None or len(fact.takes) == count for fact in facts):
            out.fail(f"the function {'.'.join(parts)} does not exist", "42883")


def grant_role(node: Node, scene: Scene, out: Effect) -> None:
    if not node.is_grant:
        out.lose(1, "privileges")
    membership_changed(node, scene.catalog)


def default_privileges(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER DEFAULT PRIVILEGES: what new objects allow isn't known from now on."""
    scene.catalog.access = changed(scene.catalog.access, defaults=True)


def create_role(node: Node, scene: Scene, out: Effect) -> None:
    catalog = scene.catalog
    scope = catalog.facts.scope
    if catalog.live and scope is not None and node.role in catalog.access.known and catalog.has_role(node.role):
        out.fail(f"the role {node.role} exists already", "42710")
        return
    catalog.put_role(node.role, there=True)
    role_changed(node, catalog)


def alter_role(node: Node, scene: Scene, out: Effect) -> None:
    role_changed(node, scene.catalog)


def granted_relations(node: Node, catalog: Catalog) -> list[Relation]:
    what = nodes.enum_name("ObjectType", node.objtype)
    if what not in {"OBJECT_TABLE", "OBJECT_SEQUENCE"}:
        return []
    if nodes.enum_name("GrantTargetType", node.targtype) == "ACL_TARGET_ALL_IN_SCHEMA":
        schemas = {part for item in node.objects for part in nodes.strings([item])}
        kinds = "S" if what == "OBJECT_SEQUENCE" else "rpvmf"
        return [one for one in catalog if one.name.schema in schemas and one.kind in kinds]
    names = [nodes.name_of(item.range_var) for item in node.objects if item.WhichOneof("node") == "range_var"]
    return [one for one in map(catalog.get, names) if one is not None]


def _roles(items: Iterable[Node], catalog: Catalog) -> list[str]:
    """The roles that are named; PUBLIC as "", CURRENT_USER and its like as the role itself."""
    found = []
    for item in items:
        role = item.role_spec
        kind = nodes.enum_name("RoleSpecType", role.roletype)
        found.append(PUBLIC if kind == "ROLESPEC_PUBLIC" else role.rolename or catalog.role)
    return found


def privileges_changed(node: Node, catalog: Catalog) -> None:
    """GRANT and REVOKE."""
    if node.grant_option and not node.is_grant:
        return  # GRANT OPTION FOR
    roles, there = _roles(node.grantees, catalog), bool(node.is_grant)
    what = nodes.enum_name("ObjectType", node.objtype)
    for relation in granted_relations(node, catalog):
        kind = "sequence" if relation.kind == "S" else "relation"
        whole = [LETTERS.get(item.access_priv.priv_name, "") for item in node.privileges if not item.access_priv.cols]
        letters = "".join(whole) if node.privileges else ALL[kind]
        columns = dict(relation.columns)
        for item in node.privileges:
            for name in nodes.strings(item.access_priv.cols):
                if name in columns:
                    guard = Guarded("-", columns[name].acl or {})
                    letter = LETTERS.get(item.access_priv.priv_name, "")
                    columns[name] = replace(columns[name], acl=granted(guard, kind, roles, letter, there=there))
        acl = relation.acl
        if letters:
            acl = granted(Guarded(relation.owner, acl), kind, roles, letters, there=there)
        catalog.put(replace(relation, acl=acl, columns=columns))
    if not there:  # what else they hold isn't known
        catalog.access = changed(catalog.access, holding=catalog.access.holding - set(roles))
    letters = "".join(LETTERS.get(item.access_priv.priv_name, "") for item in node.privileges)
    if what == "OBJECT_SCHEMA":
        for item in node.objects:
            for schema in nodes.strings([item]):
                known = catalog.access.schemas.get(schema)
                if known is not None:
                    acl = granted(known, "schema", roles, letters or ALL["schema"], there=there)
                    catalog.access = catalog.access.with_schema(schema, changed(known, acl=acl))
    elif what in ROUTINES:
        _functions_changed(node, catalog, roles, there=there)
    elif what == "OBJECT_DATABASE":
        guard = catalog.access.database
        acl = granted(guard, "database", roles, letters or ALL["database"], there=there)
        catalog.access = changed(catalog.access, database=changed(guard, acl=acl))


def _functions_changed(node: Node, catalog: Catalog, roles: list[str], *, there: bool) -> None:
    if nodes.enum_name("GrantTargetType", node.targtype) == "ACL_TARGET_ALL_IN_SCHEMA":
        schemas = {part for item in node.objects for part in nodes.strings([item])}
        facts = [one for one in catalog.all_functions() if one.name.schema in schemas]
    else:
        facts = [one for item in node.objects for one in catalog.functions(nodes.list_name(item))]
    for fact in facts:
        acl = granted(Guarded(fact.owner, fact.acl), "function", roles, "X", there=there)
        catalog.put_function(changed(fact, acl=acl))


def owner_changed(node: Node, catalog: Catalog) -> None:
    """ALTER SCHEMA, FUNCTION and DATABASE … OWNER TO."""
    what, parts = nodes.enum_name("ObjectType", node.object_type), nodes.list_name(node.object)
    owner = node.newowner.rolename or catalog.role
    if what == "OBJECT_SCHEMA" and parts and (guard := catalog.access.schemas.get(parts[-1])) is not None:
        catalog.access = catalog.access.with_schema(parts[-1], handed_over(guard, owner))
    elif what in ROUTINES:
        for fact in catalog.functions(parts):
            guard = handed_over(Guarded(fact.owner, fact.acl), owner)
            catalog.put_function(changed(fact, owner=guard.owner, acl=guard.acl))


def handed_over(guard: Guarded, owner: str) -> Guarded:
    """As after OWNER TO: what the old owner was allowed the new one is (aclnewowner)."""
    if guard.acl is None:
        return Guarded(owner)
    mine = guard.acl.get(guard.owner, frozenset()) | guard.acl.get(owner, frozenset())
    return Guarded(
        owner, {**{role: letters for role, letters in guard.acl.items() if role != guard.owner}, owner: mine}
    )


def membership_changed(node: Node, catalog: Catalog) -> None:
    """GRANT role TO role, and REVOKE."""
    if nodes.options(node.opt) and not node.is_grant:
        return  # ADMIN OPTION FOR and its like
    for item in node.granted_roles:
        for member in _roles(node.grantee_roles, catalog):
            catalog.access = catalog.access.with_member(member, item.access_priv.priv_name, there=bool(node.is_grant))


def role_changed(node: Node, catalog: Catalog) -> None:
    """CREATE and ALTER ROLE: superusers, who may make roles, and of which others it is a member."""
    made = nodes.kind(node) == "CreateRoleStmt"
    role = node.role if made else node.role.rolename or catalog.role
    options = nodes.options(node.options)

    def flag(name: str) -> bool | None:
        return nodes.is_on(options[name]) if name in options else (False if made else None)

    access = catalog.access.with_role(role, superuser=flag("superuser"), maker=flag("createrole"), made=made)
    for name, element in options.items():
        others = _roles(element.arg.list.items, catalog) if name in {"addroleto", "rolemembers", "adminmembers"} else []
        for other in others:
            pair = (role, other) if name == "addroleto" else (other, role)
            access = access.with_member(*pair, there=True)
    catalog.access = access


def reassigned(role: str, owner: str, catalog: Catalog) -> None:
    """REASSIGN OWNED BY: schemas and functions, too."""
    for schema, guard in catalog.access.schemas.items():
        if guard.owner == role:
            catalog.access = catalog.access.with_schema(schema, handed_over(guard, owner))
    for fact in catalog.all_functions():
        if fact.owner == role:
            now = handed_over(Guarded(fact.owner, fact.acl), owner)
            catalog.put_function(changed(fact, owner=now.owner, acl=now.acl))


def released(role: str, catalog: Catalog, *, dropping: bool) -> None:
    """DROP OWNED BY takes all privileges of a role in this database, REASSIGN OWNED BY its objects."""
    catalog.access = changed(catalog.access, holding=catalog.access.holding - {role})
    for relation in catalog if dropping else ():
        columns = {name: replace(one, acl=_without(one.acl, role)) for name, one in relation.columns.items()}
        if columns != relation.columns or (relation.acl and role in relation.acl):
            catalog.put(replace(relation, acl=_without(relation.acl, role), columns=columns))
    for schema, guard in catalog.access.schemas.items() if dropping else ():
        catalog.access = catalog.access.with_schema(schema, changed(guard, acl=_without(guard.acl, role)))
    for fact in catalog.all_functions() if dropping else ():
        if fact.acl and role in fact.acl:
            catalog.put_function(changed(fact, acl=_without(fact.acl, role)))


def _without(acl: Acl | None, role: str) -> Acl | None:
    return acl if acl is None or role not in acl else {name: one for name, one in acl.items() if name != role}


def held_by(role: str, catalog: Catalog) -> str:
    """What keeps a role from being dropped beside what it owns: what it has been given (2BP01), "" for nothing."""
    for relation in catalog:
        if any(acl and acl.get(role) for acl in (relation.acl, *(one.acl for one in relation.columns.values()))):
            return f"privileges on {relation.name}"
    for schema, guard in catalog.access.schemas.items():
        if guard.owner == role:
            return f"the schema {schema}"
        if guard.acl and guard.acl.get(role):
            return f"privileges on the schema {schema}"
    for fact in catalog.all_functions():
        if fact.owner == role:
            return f"the function {fact.name}"
        if fact.acl and fact.acl.get(role):
            return f"privileges on the function {fact.name}"
    return ""


RULES = {
    "GrantStmt": grant,
    "CreateRoleStmt": create_role,
    "AlterRoleStmt": alter_role,
    "GrantRoleStmt": grant_role,
    "AlterDefaultPrivilegesStmt": default_privileges,
}
