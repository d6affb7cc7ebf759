"""PgBouncer in front of the server: a run through a pool, and what happens to the pool meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pgmig_tui.database import pooler
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.sandbox.account import server_account
from tests.faults.bench import Bench, Fault
from tests.faults.faults import KilledRun, Standing
from tests.faults.proxy import Proxy
from tests.faults.quick import QuickServer, until
from tests.faults.stopping import Phase, Point, start


class Pool:
    """A PgBouncer for all databases of a server, on a free port of 127.0.0.1."""

    def __init__(self, sandbox: QuickServer, proxy: Proxy, mode: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        account = server_account()
        self._folder = sandbox.folder.with_name(f"pool-{self.port}")
        self._folder.mkdir()
        self._as: dict[str, Any] = {}
        if not account.ours:
            os.chown(self._folder, account.uid, account.gid)
            self._as = {"user": account.uid, "group": account.gid, "extra_groups": []}
        # It logs in as the tests do, whose account the server knows.
        self._upstream = proxy.port
        self._running: subprocess.Popen[bytes] | None = None
        self.set_mode(mode)

    @property
    def _config(self) -> Path:
        return self._folder / "pgbouncer.ini"

    def set_mode(self, mode: str) -> None:
        """A pool that runs is started anew."""
        self._config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={self._upstream} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {mode}\ndefault_pool_size = 20\nignore_startup_parameters = extra_float_digits\n"
            "server_login_retry = 0.1\n"
        )
        if self._running is not None:
            self.kill()
            self.start()

    def start(self) -> None:
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        with (self._folder / "log").open("ab") as log:
            self._running = subprocess.Popen([program, self._config], stdout=log, stderr=log, **self._as)
        until("the start of the pool", lambda: not socket.socket().connect_ex(("127.0.0.1", self.port)))

    def kill(self) -> None:
        """As by the out-of-memory killer."""
        if self._running is not None:
            self._running.send_signal(signal.SIGKILL)
            self._running.wait()
            self._running = None

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Pooled:
    """All that a trial does goes through a pool."""

    mode = "session"

    def __init__(self, sandbox: QuickServer, proxy: Proxy) -> None:
        self.sandbox = sandbox
        self.pool = Pool(sandbox, proxy, self.mode)

    def begin(self, bench: Bench) -> None:
        self._uri: Callable[[str], str] = bench.uri
        pooler.kept.clear()
        self.pool.start()
        bench.uri = lambda name: f"db:pg://postgres@127.0.0.1:{self.pool.port}/{name}"

    def undo(self, bench: Bench) -> None:
        bench.uri = self._uri
        self.pool.kill()


class KilledBehindPool(_Pooled, KilledRun):
    """The run process is killed; its server sessions go back into the pool, and live on."""

    name = "run killed, pool"
    every = 3


class KilledPool(_Pooled, Standing):
    """The pool is killed, and back before the run goes on."""

    name = "pool killed"
    every = 3

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        self.pool.kill()
        self.pool.start()


class TurnedPool(_Pooled, Standing):
    """The pool is started anew in a mode that keeps no session; in its old mode before anybody asks."""

    every = 7

    def __init__(self, sandbox: QuickServer, proxy: Proxy, other: str) -> None:
        super().__init__(sandbox, proxy)
        self.other = other
        self.name = f"pool in {other} mode"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        self.pool.set_mode(self.other)

    def mend(self, bench: Bench) -> None:
        self.pool.set_mode(self.mode)


class RefusingPool(_Pooled, KilledRun):
    """A pool in that mode was put in front between planning and beginning: the run is refused, whatever its plan."""

    every = 15
    phases: tuple[Phase, ...] = ("sent",)

    def __init__(self, sandbox: QuickServer, proxy: Proxy, other: str) -> None:
        super().__init__(sandbox, proxy)
        self.other = other
        self.name = f"begun in {other} mode"

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        pooler.kept.clear()
        self.pool.set_mode(self.other)
        assert bench.finish(start(plan)) == 3, bench.events(plan)[-1]
        assert f"a pooler in {self.other} mode" in bench.events(plan)[-1].data["summary"]

    def mend(self, bench: Bench) -> None:
        self.pool.set_mode(self.mode)


def pools(sandbox: QuickServer, proxy: Proxy) -> list[Fault]:
    """All of these."""
    return [
        KilledBehindPool(sandbox, proxy),
        KilledPool(sandbox, proxy),
        *(kind(sandbox, proxy, mode) for kind in (TurnedPool, RefusingPool) for mode in ("transaction", "statement")),
    ]
