"""SET, RESET, DISCARD and ALTER ROLE or DATABASE … SET: what the rest of the script, or the next session, goes by."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.falling import fall
from pgmig_tui.impact.session import BEGINS_READ_ONLY, FOLLOWED, OWN_ROLE, READ_ONLY, SEARCH_PATH, TIME_ZONE, path_text
from pgmig_tui.impact.shadow_state import TEMP

_TIMEOUTS = frozenset({"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"})


def set_variable(node: Node, scene: Scene, out: Effect) -> None:
    name, kind = node.name.lower(), nodes.enum_name("VariableSetKind", node.kind)
    session = scene.catalog.session
    if kind == "VAR_RESET_ALL":
        scene.catalog.session = session.reset_all()
    elif kind in {"VAR_RESET", "VAR_SET_DEFAULT"}:
        name = "role" if name == "session_authorization" else name
        scene.catalog.session = session.reset(name, local=bool(node.is_local))
    elif kind == "VAR_SET_VALUE":
        name, value = _written(node)
        if name in {"role", "session_authorization"}:
            _become(value or "", scene, out)
        set_to(name, value, scene, local=bool(node.is_local))
    elif kind == "VAR_SET_MULTI":
        _set_transaction(node, name, scene)
    if name in {"role", "session_authorization"}:
        out.notes.append("runs the following statements as another role")
    elif name in _TIMEOUTS:
        out.notes.append(f"the script's own {name} replaces the policy's until its end")


def _set_transaction(node: Node, name: str, scene: Scene) -> None:
    """SET TRANSACTION and SET SESSION CHARACTERISTICS, READ ONLY or READ WRITE."""
    option = nodes.options(node.args).get(READ_ONLY)
    if option is not None:
        local = name == "transaction"
        set_to(
            READ_ONLY if local else BEGINS_READ_ONLY,
            "on" if nodes.constant(option.arg) == "1" else "off",
            scene,
            local=local,
        )


def _written(node: Node) -> tuple[str, str | None]:
    """A setting and its new value as SHOW would give it; None for one that can't be told."""
    name, values = node.name.lower(), [nodes.constant(item) for item in node.args]
    if None in values:
        return name, None
    texts = [value or "" for value in values]
    if name == SEARCH_PATH:
        return name, path_text(texts)
    return name, ", ".join(texts)


def _become(role: str, scene: Scene, out: Effect) -> None:
    """SET ROLE wants a role that is there, and of which the session's own role is a member."""
    catalog = scene.catalog
    access, own = catalog.access, catalog.facts.role
    if not catalog.live or catalog.uncertain or role in ("", OWN_ROLE) or not access.known:
        return
    if not catalog.has_role(role):
        out.fail(f"the role {role} does not exist", "22023")
    elif access.judged(own) and role not in access.roles_of(own, inherited=False):
        out.fail(f"{own} may not become {role}", "42501")


def set_to(name: str, value: str | None, scene: Scene, *, local: bool) -> None:
    """A setting gets a value; the old one comes back at the transaction's end where it is `local`."""
    session = scene.catalog.session
    if name == "session_authorization":  # a new role altogether, as which RESET ROLE leaves us
        name, value = "role", value or OWN_ROLE
    scene.catalog.session = session.changed(name, value, local=local)


def discard(node: Node, scene: Scene, out: Effect) -> None:
    what = nodes.enum_name("DiscardMode", node.target)
    out.no_transaction = what == "DISCARD_ALL"
    if what in {"DISCARD_ALL", "DISCARD_TEMP"}:
        fallen: set[Name] = set()
        for relation in scene.catalog:
            if relation.name.schema == TEMP:
                fallen |= fall(scene, out, relation, "a temporary relation of the session", True)
        scene.catalog.drop(fallen)
    if what == "DISCARD_ALL":
        scene.catalog.prepared.clear()
        scene.catalog.session = scene.catalog.session.anew()


def for_new_sessions(node: Node, scene: Scene, out: Effect) -> None:
    """ALTER ROLE or ALTER DATABASE … SET: what a session of the next change begins with.

    A role's own setting wins over its database's; whether there is one isn't known, so the last one that is set counts.
    """
    setting = node.setstmt
    name, kind = setting.name.lower(), nodes.enum_name("VariableSetKind", setting.kind)
    if name not in FOLLOWED or not _concerns_us(node, scene):
        return
    value = _written(setting)[1] if kind == "VAR_SET_VALUE" else None
    scene.catalog.for_new_sessions(name, value)
    if name in {SEARCH_PATH, TIME_ZONE}:
        out.notes.append(f"counts from the next session on: {name}")


def _concerns_us(node: Node, scene: Scene) -> bool:
    if nodes.kind(node) == "AlterDatabaseSetStmt":
        return True
    role = node.role.rolename if nodes.has(node, "role") else ""
    return role in {"", scene.catalog.facts.role}


RULES = {
    "VariableSetStmt": set_variable,
    "DiscardStmt": discard,
    "AlterRoleSetStmt": for_new_sessions,
    "AlterDatabaseSetStmt": for_new_sessions,
}
