"""The eight table lock modes of PostgreSQL and what each keeps out (PostgreSQL documentation, 13.3.1)."""

from __future__ import annotations

from enum import IntEnum


class LockMode(IntEnum):
    """A table lock mode; the order is the one of PostgreSQL's sources, weakest first."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def pg_name(self) -> str:
        """The name in `pg_locks.mode`, such as "AccessExclusiveLock"."""
        return _PG_NAMES[self]

    @property
    def sql_name(self) -> str:
        """The name in the documentation and in LOCK TABLE, such as "ACCESS EXCLUSIVE"."""
        return _SQL_NAMES[self]

    @property
    def conflicts(self) -> frozenset[LockMode]:
        """The modes that wait for this one, and that this one waits for."""
        return _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        """A plain SELECT waits."""
        return self is LockMode.ACCESS_EXCLUSIVE

    @property
    def blocks_writes(self) -> bool:
        """INSERT, UPDATE and DELETE wait."""
        return self >= LockMode.SHARE

    @property
    def blocks_ddl(self) -> bool:
        """Most DDL waits, and VACUUM, ANALYZE and concurrent index builds with it."""
        return self >= LockMode.SHARE_UPDATE_EXCLUSIVE

    @classmethod
    def from_pg_name(cls, name: str) -> LockMode:
        """The mode of a `pg_locks.mode` value; raises KeyError for any other text."""
        return _BY_PG_NAME[name]


_SQL_NAMES = {mode: mode.name.replace("_", " ") for mode in LockMode}
_PG_NAMES = {mode: mode.name.title().replace("_", "") + "Lock" for mode in LockMode}
_BY_PG_NAME = {name: mode for mode, name in _PG_NAMES.items()}

# One row a mode: the weakest-to-strongest modes that conflict with it.
_MATRIX = {1: "8", 2: "78", 3: "5678", 4: "45678", 5: "34678", 6: "345678", 7: "2345678", 8: "12345678"}
_CONFLICTS = {LockMode(mode): frozenset(LockMode(int(other)) for other in row) for mode, row in _MATRIX.items()}

AS = LockMode.ACCESS_SHARE
RS = LockMode.ROW_SHARE
RE = LockMode.ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
S = LockMode.SHARE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
E = LockMode.EXCLUSIVE
AE = LockMode.ACCESS_EXCLUSIVE
