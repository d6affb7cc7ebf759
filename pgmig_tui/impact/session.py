"""The script's own session: its settings, as far as they decide what a statement means.

One notion of search_path, wherever it comes from (the server, the database, the role, the connection's options, SET,
SET LOCAL, set_config, SET SCHEMA, a function's own SET). Values are texts as SHOW gives them; None is one that nobody
can tell before the script runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

SEARCH_PATH, TIME_ZONE, ROLE = "search_path", "timezone", "role"
READ_ONLY, BEGINS_READ_ONLY = "transaction_read_only", "default_transaction_read_only"
FOLLOWED = frozenset(
    {SEARCH_PATH, TIME_ZONE, ROLE, "session_replication_role", "check_function_bodies", READ_ONLY, BEGINS_READ_ONLY}
)
"""The settings that are followed; all others mean nothing here."""
OWN_ROLE = "none"
USER = "$user"

_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^\s,"]*))\s*(?:,|$)')
_UTC_NAMES = frozenset(
    {"UTC", "UCT", "GMT", "ZULU", "UNIVERSAL", "GREENWICH", "GMT0", "GMT+0", "GMT-0"}
    | {f"ETC/{name}" for name in ("UTC", "UCT", "GMT", "ZULU", "UNIVERSAL", "GREENWICH", "GMT0", "GMT+0", "GMT-0")}
)
# A number of hours, an interval, or a zone as POSIX writes it, without a daylight saving time.
_NO_OFFSET = re.compile(r"(?:<[^>]+>|[a-z]{3,})?\s*[+-]?0+(?:\.0*)?(?::0+){0,2}", re.IGNORECASE).fullmatch


class Setting(NamedTuple):
    """`base` is what RESET goes back to, `session` what SET made of it, `local` what SET LOCAL did (() = nothing)."""

    base: str | None
    session: str | None
    local: tuple[str | None, ...] = ()

    @property
    def now(self) -> str | None:
        return self.local[0] if self.local else self.session


class SessionSettings:
    """All followed settings at one moment; changing one makes a new session."""

    __slots__ = ("_settings", "path")

    def __init__(self, settings: Mapping[str, Setting], path: tuple[str, ...] | None = None) -> None:
        self._settings = dict(settings)
        self.path = path if path is not None else self._path()
        """The schemas of the search path in order, "pg_temp" and "pg_catalog" where they are named; empty where it is
        not known (see `lost`)."""

    @staticmethod
    def begun(base: Mapping[str, str | None], path: Sequence[str] = ("public",)) -> SessionSettings:
        """A new session whose settings are those that the server gives it; `path` where it doesn't say."""
        told: dict[str, str | None] = {SEARCH_PATH: path_text(path), ROLE: OWN_ROLE, **base}
        return SessionSettings({name: Setting(value, value) for name, value in told.items()})

    def get(self, name: str) -> str | None:
        """A setting's value; None when it isn't known."""
        found = self._settings.get(name)
        return None if found is None else found.now

    @property
    def settings(self) -> Mapping[str, Setting]:
        return self._settings

    @property
    def lost(self) -> bool:
        """Whether the search path is one that nobody can tell."""
        return self.get(SEARCH_PATH) is None

    @property
    def role(self) -> str | None:
        """The role that SET ROLE has named; "" for the session's own."""
        role = self.get(ROLE)
        return "" if role == OWN_ROLE else role

    @property
    def utc(self) -> bool | None:
        """Whether the time zone is one without any offset, ever; None when it isn't known."""
        zone = self.get(TIME_ZONE)
        return None if zone is None else is_utc(zone)

    def begun_as(self, read_only: bool | None) -> SessionSettings:
        """As after BEGIN, with READ ONLY or READ WRITE or neither (None)."""
        value = self.get(BEGINS_READ_ONLY) if read_only is None else "on" if read_only else "off"
        return self if value is None else self.changed(READ_ONLY, value, local=True)

    def read_only(self, *, in_block: bool) -> bool:
        """Whether a transaction is certainly a read-only one."""
        return (self.get(READ_ONLY if in_block else BEGINS_READ_ONLY) or "").lower() in {"on", "true", "yes", "1"}

    # -- changing -------------------------------------------------------------------------------------------------

    def changed(self, name: str, value: str | None, *, local: bool = False) -> SessionSettings:
        """As after SET, or SET LOCAL."""
        if name not in FOLLOWED:
            return self
        old = self._settings.get(name, Setting(None, None))
        new = old._replace(local=(value,)) if local or name == READ_ONLY else Setting(old.base, value)
        return self if new == old else SessionSettings({**self._settings, name: new})

    def reset(self, name: str, *, local: bool = False) -> SessionSettings:
        """As after RESET, or SET … TO DEFAULT."""
        old = self._settings.get(name)
        return self if old is None else self.changed(name, old.base, local=local)

    def reset_all(self) -> SessionSettings:
        """As after RESET ALL: the role isn't a setting that it takes back."""
        kept = {ROLE: self._settings[ROLE]} if ROLE in self._settings else {}
        return SessionSettings({**{name: Setting(one.base, one.base) for name, one in self._settings.items()}, **kept})

    def restored(self, name: str, before: SessionSettings) -> SessionSettings:
        """With one setting as it was `before`: what the end of a function with a SET of its own does."""
        old = before._settings.get(name)
        if old is None or self._settings.get(name) == old:
            return self
        return SessionSettings({**self._settings, name: old})

    def ended(self) -> SessionSettings:
        """As after the end of a transaction: what was set for it alone is gone."""
        if not any(one.local for one in self._settings.values()):
            return self
        return SessionSettings({name: Setting(one.base, one.session) for name, one in self._settings.items()})

    def anew(self, **bases: str | None) -> SessionSettings:
        """A new session of the same role on the same database, some of whose settings have got another base."""
        told = {name: one.base for name, one in self._settings.items()} | bases
        return SessionSettings({name: Setting(value, value) for name, value in told.items()})

    def _path(self) -> tuple[str, ...]:
        text = self.get(SEARCH_PATH)
        return () if text is None else schemas_of(text)


@lru_cache(maxsize=256)
def schemas_of(text: str) -> tuple[str, ...]:
    """The names in a search_path as SHOW gives it, in order; `$user` stays."""
    found = []
    at = 0
    while at < len(text) and (element := _ELEMENT.match(text, at)):
        quoted, plain = element[1], element[2]
        name = quoted.replace('""', '"') if quoted is not None else plain.lower()
        if name:
            found.append(name)
        if element.end() == at:
            break
        at = element.end()
    return tuple(found)


def path_text(names: Sequence[str]) -> str:
    """A search_path of these very names, as SHOW gives it."""
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)


def is_utc(zone: str) -> bool:
    """Whether a time zone has no offset, and never had one (pg_get_timezone_offset): its timestamps and timestamptz
    are the same bytes.
    """
    name = zone.strip().strip("'")
    return name.upper() in _UTC_NAMES or _NO_OFFSET(name) is not None
