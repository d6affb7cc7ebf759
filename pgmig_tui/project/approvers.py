"""Who approves a deploy, as pgmig.toml says it: roles of people, and the identities that speak for them.

An identity is the name of a database role, or the fingerprint of an SSH key (`SHA256:…`, as `ssh-keygen -l` shows it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DEFAULT_EXPIRES_MS = 7 * 86_400_000
_OPTIONS = ("expires", "four_eyes")
_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_EXAMPLE = 'roles with their identities, as in { dba = ["ana", "SHA256:…"], lead = ["bo"], expires = "7d" }'


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as `[people]` of pgmig.toml knows them: database roles, SSH keys and e-mail addresses that are
    theirs."""

    name: str
    roles: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()

    @property
    def identities(self) -> tuple[str, ...]:
        return (*self.roles, *self.keys)


@dataclass(frozen=True, slots=True)
class Approvers:
    """`roles` in the order of the file, each with its identities. An approval holds for `expires_ms`; with `four_eyes`
    none counts of whoever wrote a change or runs the deploy. `people` are whose those identities are."""

    roles: tuple[tuple[str, tuple[str, ...]], ...]
    expires_ms: int = DEFAULT_EXPIRES_MS
    four_eyes: bool = False
    people: tuple[Person, ...] = ()

    def person_of(self, identity: str) -> str:
        """Whose an identity is; "" where pgmig.toml doesn't say."""
        return next((one.name for one in self.people if identity in one.identities), "")

    def person_at(self, email: str) -> str:
        """Whose an e-mail address is; "" where pgmig.toml doesn't say."""
        return next((one.name for one in self.people if email and email.lower() in one.emails), "")

    def roles_of(self, identity: str) -> tuple[str, ...]:
        """The roles that an identity may speak for."""
        return tuple(role for role, identities in self.roles if identity in identities)

    @property
    def database_roles(self) -> tuple[str, ...]:
        """The identities that are database roles."""
        found = (one for _, identities in self.roles for one in identities if not is_key(one))
        return tuple(dict.fromkeys(found))


def is_key(identity: str) -> bool:
    """Whether an identity is an SSH key rather than a database role."""
    return identity.startswith("SHA256:")


def read_approvers(value: object, duration: Callable[[object], int]) -> Approvers | tuple[str, ...]:
    """A table of roles, or a list of names that nobody can check. Raises ValueError saying what was expected."""
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    if not isinstance(value, Mapping):
        raise ValueError('a list of texts, as in ["dba", "lead"]')
    roles = []
    for role, identities in value.items():
        if role in _OPTIONS:
            continue
        if not _ROLE.fullmatch(role):
            raise ValueError(f"{_EXAMPLE}; {role!r} is no name of a role (a-z, 0-9, - and _)")
        if not isinstance(identities, list) or not all(isinstance(one, str) and one for one in identities):
            raise ValueError(f"{_EXAMPLE}; {role} wants a list of texts")
        if not identities:
            raise ValueError(f"{_EXAMPLE}; nobody can speak for {role}: it has no identity")
        wrong = [one for one in identities if is_key(one) and not _FINGERPRINT.fullmatch(one)]
        if wrong:
            raise ValueError(f"{_EXAMPLE}; {wrong[0]} is no fingerprint of a key (`ssh-keygen -l -f KEY` shows it)")
        roles.append((role, tuple(dict.fromkeys(identities))))
    if not roles:
        raise ValueError(f"{_EXAMPLE}, one role at least")
    four_eyes = value.get("four_eyes", False)
    if not isinstance(four_eyes, bool):
        raise ValueError(f"{_EXAMPLE}; four_eyes is true or false")
    expires = duration(value["expires"]) if "expires" in value else DEFAULT_EXPIRES_MS
    return Approvers(tuple(roles), expires, four_eyes)


def read_people(value: object) -> tuple[tuple[Person, ...], list[str]]:
    """The people of `[people]`, and what is wrong with them, a sentence each."""
    if not isinstance(value, Mapping):
        return (), [f"people is a table, as in {_PEOPLE}"]
    found: list[Person] = []
    errors: list[str] = []
    owners: dict[str, str] = {}
    for name, table in value.items():
        try:
            one = _person(name, table)
        except ValueError as error:
            errors.append(f"people.{name}: {error}")
            continue
        for what in (*one.identities, *one.emails):
            if what in owners:
                errors.append(f"people.{name}: {what} is {owners[what]}'s already, and one person's only")
            owners.setdefault(what, name)
        found.append(one)
    return tuple(found), errors


_PEOPLE = '{ ana = { roles = ["ana"], keys = ["SHA256:…"], emails = ["ana@example.org"] } }'


def _person(name: str, table: object) -> Person:
    if not isinstance(table, Mapping):
        raise ValueError(f"expected a table, as in {_PEOPLE}")
    if not name.strip():
        raise ValueError("a person has a name: without one its identities would be nobody's")
    if unknown := sorted(set(table) - {"roles", "keys", "emails"}):
        raise ValueError(f'unknown key "{unknown[0]}"; known: roles, keys, emails')
    parts = []
    for key in ("roles", "keys", "emails"):
        texts = table.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(one, str) and one.strip() for one in texts):
            raise ValueError(f"{key} is a list of texts")
        parts.append(tuple(dict.fromkeys(texts)))
    roles, keys, emails = parts
    if wrong := [one for one in keys if not _FINGERPRINT.fullmatch(one)]:
        raise ValueError(f"{wrong[0]} is no fingerprint of a key (`ssh-keygen -l -f KEY` shows it)")
    if wrong := [one for one in roles if is_key(one)]:
        raise ValueError(f"{wrong[0]} is a key, and stands among the roles")
    if not (roles or keys or emails):
        raise ValueError("nothing is said of them: roles, keys or emails")
    return Person(name, roles, keys, tuple(one.lower() for one in emails))
