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
class Approvers:
    """`roles` in the order of the file, each with its identities. An approval holds for `expires_ms`; with `four_eyes`
    none counts of whoever wrote a change or runs the deploy."""

    roles: tuple[tuple[str, tuple[str, ...]], ...]
    expires_ms: int = DEFAULT_EXPIRES_MS
    four_eyes: bool = False

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
