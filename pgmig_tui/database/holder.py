"""Who holds Sqitch's lock."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import load


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The session that holds Sqitch's key. None stands for what this role may not see.

    pid: the server's process
    user: its role
    application: its application_name
    client: its address; "" = a local socket
    since: since when, in UTC
    state: what it is doing, as pg_stat_activity has it
    host: its host's name
    """

    pid: int
    user: str
    application: str
    client: str
    since: str | None
    state: str | None
    host: str | None

    @property
    def run_id(self) -> str:
        """The run of this program that holds it, "" when it is another program's: the key is Sqitch's own."""
        ours = self.application.startswith("pgmig/") and self.application.endswith("/control")
        return self.application.split("/")[1] if ours else ""

    def __str__(self) -> str:
        where = self.host or self.client or "a local connection"
        since = f" since {self.since}" if self.since else ""
        name = self.application or "no application name"
        program = "" if self.run_id else "sqitch, or whoever else uses its lock: "
        return f"{program}process {self.pid}, user {self.user or '?'}, {name}, from {where}{since}"


def lock_holder(connection: Connection) -> LockHolder | None:
    """Who holds the key in this database now, None when nobody does."""
    row = connection.one(load("queries/lock_holder"))
    return LockHolder(*row) if row else None
