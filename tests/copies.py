"""A cluster and a copy of its files, both running: whatever a server stores about itself is the same on both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import installed
from tests.faults.quick import SETTINGS, QuickServer, quick_folder
from tests.installations import clients_of
from tests.servers import Server, server_of


@dataclass(frozen=True, slots=True)
class Pair:
    """The `original` and its `copy`, and the servers as they are started and stopped."""

    original: Server
    copy: Server
    sandboxes: tuple[QuickServer, QuickServer]

    def database(self) -> str:
        """A fresh database of one name on both."""
        name = self.original.create_database()
        self.copy.execute(f'CREATE DATABASE "{name}"')
        return name


@contextmanager
def copied_cluster(major: int) -> Iterator[Pair]:
    """A new cluster of that version, stopped, copied, and both started."""
    installation = installed(major)
    folder = quick_folder()
    original = QuickServer(folder / "original", installation, settings=SETTINGS)
    copy = QuickServer(folder / "copy", installation, settings=SETTINGS)
    try:
        original.start()
        original.stop()
        copy_files(original, copy)
        original.start()
        copy.start()
        first, second = (server_of(one.conninfo("postgres"), clients_of(installation)) for one in (original, copy))
        yield Pair(first, second, (original, copy))
    finally:
        for one in (original, copy):
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)


def copy_files(original: QuickServer, copy: QuickServer) -> None:
    """Copy the files of a server that is stopped; whoever owns them owns the copies."""
    copy.start()  # makes the folders, with their owner and mode
    copy.stop()
    source, target = (Path(one.conninfo("x").split()[0].removeprefix("host=")) / "data" for one in (original, copy))
    owner = target.stat()
    shutil.rmtree(target)
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(0o700 if path.is_dir() else 0o600)
