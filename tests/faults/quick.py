"""Servers that are stopped and started hundreds of times: in memory where there is room, and no wait longer than it
takes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pgmig_tui.sandbox.account import Account, server_account
from pgmig_tui.sandbox.installation import Installation
from pgmig_tui.sandbox.server import SandboxServer, scratch_folder
from tests.conftest import TEST_SETTINGS

SETTINGS = {**TEST_SETTINGS, "autovacuum": "off"}
"""Nothing is written but by us: a standby has the files of those databases only that a trial needs."""

DEADLINE_S = 60
_MEMORY = Path("/dev/shm")
_ROOM = 3 << 30
"""Bytes: two servers with twenty copies of the sample project, and their write-ahead logs."""


def until(what: str, happened: Callable[[], object]) -> None:
    """Poll until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < deadline, f"{what} didn't happen in {DEADLINE_S} s"
        time.sleep(0.01)


def quick_folder() -> Path:
    """A new folder for servers, in memory if there is room for them: a copy of a database takes a tenth of the time."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        folder = Path(tempfile.mkdtemp(prefix="pgmig-", dir=_MEMORY))
        folder.chmod(0o755)
        account = server_account()
        if account.ours or account.may_enter(folder):
            return folder
        folder.rmdir()
    return scratch_folder()


class QuickServer(SandboxServer):
    """A server that is known to be up as soon as it is: pg_ctl looks ten times a second only."""

    @property
    def programs(self) -> Installation:
        """Those that it runs from, which needn't be copied for another server of the same account."""
        if server_account().ours:
            return self.installation
        return replace(self.installation.copy_to(self.folder / "programs"), root=None)

    def _pg_ctl(self, installation: Installation, account: Account, action: str, *options: str) -> None:
        super()._pg_ctl(installation, account, action, *options, "-W")
        until("the start of the server", lambda: self.running and self._pid_file()[7:8] in (["ready"], ["standby"]))
