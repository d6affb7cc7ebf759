"""Who may do what: roles, their memberships, owners and privileges, and how GRANT, REVOKE and their like change them.

A role that isn't known (None of the facts name it) may be anything: nothing is said of it. Letters are those of
aclitem (acl.h): r SELECT, a INSERT, w UPDATE, d DELETE, D TRUNCATE, x REFERENCES, t TRIGGER, X EXECUTE, U USAGE,
C CREATE, m MAINTAIN (17 and later). Grants with their options and by whom are not told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from types import MappingProxyType

PUBLIC = ""
UNSURE = "?"
"""Stands among the roles of an object whose privileges aren't known: ALTER DEFAULT PRIVILEGES has given it some."""
Acl = Mapping[str, frozenset[str]]
"""The privileges of each role, PUBLIC among them."""
_ITEM = re.compile(r'(?:"((?:[^"]|"")*)"|([^="]*))=([A-Za-z*]*)/')
_BY_DEFAULT = {"function": "X", "type": "U", "database": "Tc"}
"""What PUBLIC may do with a new object of a kind."""
ALL = {"relation": "arwdDxtm", "sequence": "rwU", "schema": "UC", "function": "X", "type": "U", "database": "CTc"}
LETTERS = {
    "select": "r", "insert": "a", "update": "w", "delete": "d", "truncate": "D", "references": "x", "trigger": "t",
    "execute": "X", "usage": "U", "create": "C", "maintain": "m", "connect": "c", "temporary": "T", "temp": "T",
}  # fmt: skip
_READS, _WRITES, _MAINTAINS = "pg_read_all_data", "pg_write_all_data", "pg_maintain"
DATABASE_OWNER = "pg_database_owner"


@dataclass(frozen=True, slots=True)
class Guarded:
    """An owner and privileges; None = those that a new object has."""

    owner: str = ""
    acl: Acl | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """The roles that are known, and what schemas and the database allow. `members` are the roles that each role is a
    member of, and whether it has their privileges by itself. `holding` own something or have been given something.
    `defaults`: what new objects allow has been changed (ALTER DEFAULT PRIVILEGES)."""

    superusers: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    members: Mapping[str, Mapping[str, bool]] = field(default_factory=lambda: MappingProxyType({}))
    makers: frozenset[str] = frozenset()
    holding: frozenset[str] = frozenset()
    schemas: Mapping[str, Guarded] = field(default_factory=lambda: MappingProxyType({}))
    database: Guarded = Guarded()
    defaults: bool = False

    # -- asking ---------------------------------------------------------------------------------------------------

    def judged(self, role: str) -> bool:
        """Whether what a role may do is to be asked at all: it is known, and no superuser."""
        return bool(role) and role in self.known and role not in self.superusers

    def roles_of(self, role: str, *, inherited: bool = True) -> frozenset[str]:
        """A role with all of those whose privileges it has, or (not only `inherited`) that it may become."""
        found = {role}
        todo = [role]
        while todo:
            for other, inherits in self.members.get(todo.pop(), {}).items():
                if other not in found and (inherits or not inherited):
                    found.add(other)
                    todo.append(other)
        if self.database.owner in found:
            found.add(DATABASE_OWNER)
        return frozenset(found)

    def owns(self, role: str, owner: str) -> bool:
        """Whether a role is the owner, or acts as the owner does; True where the owner isn't known."""
        return not owner or bool(self.roles_of(role) & {owner, *self.superusers})

    def may(self, role: str, letter: str, kind: str, owner: str, acl: Acl | None) -> bool:
        """Whether a role has a privilege on an object."""
        roles = self.roles_of(role)
        if not owner or roles & {owner, *self.superusers}:
            return True
        if (
            (_READS in roles and (letter == "r" or (kind == "schema" and letter == "U")))
            or (_WRITES in roles and letter in "awd")
            or (_MAINTAINS in roles and letter == "m")
        ):
            return True
        if acl is not None and UNSURE in acl:
            return True
        if acl is None:
            return letter in _BY_DEFAULT.get(kind, "")
        return any(letter in acl.get(one, ()) for one in (*roles, PUBLIC))

    def schema_allows(self, role: str, schema: str, letter: str) -> bool:
        """USAGE ("U") or CREATE ("C"); True where nobody knows."""
        guard = self.schemas.get(schema)
        return guard is None or self.may(role, letter, "schema", guard.owner, guard.acl)

    @property
    def of_new(self) -> Acl | None:
        """The privileges of what is made now."""
        return {UNSURE: frozenset()} if self.defaults else None

    # -- changing -------------------------------------------------------------------------------------------------

    def with_role(self, role: str, *, superuser: bool | None, maker: bool | None, made: bool = False) -> Access:
        supers = self.superusers if superuser is None else self.superusers - {role}
        makers = self.makers if maker is None else self.makers - {role}
        return changed(
            self,
            superusers=supers | ({role} if superuser else frozenset()),
            makers=makers | ({role} if maker else frozenset()),
            known=self.known | ({role} if made else frozenset()),
            holding=self.holding - ({role} if made else frozenset()),
        )

    def with_member(self, member: str, role: str, *, there: bool) -> Access:
        mine = {name: inherits for name, inherits in self.members.get(member, {}).items() if name != role}
        if there:
            mine[role] = True
        return changed(self, members={**self.members, member: mine})

    def with_schema(self, schema: str, guard: Guarded) -> Access:
        return changed(self, schemas={**self.schemas, schema: guard})


def acl_of(items: Iterable[str] | None) -> Acl | None:
    """The privileges in an aclitem[] as text[]; None for NULL."""
    if items is None:
        return None
    found: dict[str, frozenset[str]] = {}
    for item in items:
        if match := _ITEM.match(item):
            role = match[1].replace('""', '"') if match[1] is not None else match[2]
            found[role] = found.get(role, frozenset()) | (frozenset(match[3]) - {"*"})
    return found


def granted(guard: Guarded, kind: str, roles: Iterable[str], letters: Iterable[str], *, there: bool) -> Acl:
    """The privileges after GRANT, or (not `there`) REVOKE."""
    acl = guard.acl
    if acl is None:
        acl = {guard.owner: frozenset(ALL[kind]), PUBLIC: frozenset(_BY_DEFAULT.get(kind, ""))}
    changes = frozenset(letters)
    after = dict(acl)
    for role in roles:
        had = after.get(role, frozenset())
        after[role] = had | changes if there else had - changes
    return after
