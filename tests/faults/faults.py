"""The faults."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from pgmig_tui.run.clients import client, controller
from pgmig_tui.run.journal.file import is_alive
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.sandbox.account import server_account
from tests.faults.bench import Bench, Fault
from tests.faults.proxy import Proxy
from tests.faults.quick import QuickServer, until
from tests.faults.stopping import Phase, Point, fill_disk, kill, start, stop
from tests.servers import server_of


class KilledRun(Fault):
    """SIGKILL of the run process."""

    name = "run process killed"
    phases: tuple[Phase, ...] = ("told", "sent")

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        os.waitpid(start(plan, at, kill), 0)


class FullDisk(Fault):
    """No room for the journal: the run process may not make files grow (RLIMIT_FSIZE), which needs no privilege and
    fails as a full disk does, in the middle of a line."""

    name = "state disk full"

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        os.waitpid(start(plan, at, fill_disk), 0)


class Standing(Fault):
    """Faults that others suffer while the run process stands still at the point, and then goes on."""

    process = 0

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        process = self.process = start(plan, at, stop)
        _, status = os.waitpid(process, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the run process ended before its point"
        try:
            self.deed(bench, name, plan)
        finally:
            os.kill(process, signal.SIGCONT)
        self.afterwards(bench, plan)
        os.waitpid(process, 0)

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        raise NotImplementedError

    def afterwards(self, bench: Bench, plan: RunPlan) -> None:
        """While the run process goes on."""


_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgmig/{run}/%'"


class EndedBackend(Standing):
    """pg_terminate_backend of the sessions that run the scripts."""

    name = "step session terminated"
    which = " AND application_name NOT LIKE '%/control'"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        sessions = _SESSIONS.format(run=plan.run_id) + self.which
        bench.server.execute(f"SELECT pg_terminate_backend(pid) FROM ({sessions}) AS s")
        until("the end of the session", lambda: not bench.server.execute(sessions))


class EndedControl(EndedBackend):
    """pg_terminate_backend of the session that holds Sqitch's lock."""

    name = "control session terminated"
    which = " AND application_name LIKE '%/control'"


class KilledScreen(Standing):
    """SIGKILL of the screen or command that controls the run; somebody attaches then, and resumes."""

    name = "screen killed"

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        reading, writing = os.pipe()
        self._watcher = os.fork()
        if self._watcher == 0:
            controller.take(plan.folder)
            os.write(writing, b"1")
            signal.pause()
        os.read(reading, 1)
        os.close(reading)
        os.close(writing)
        super().carry_out(bench, name, plan, at)

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        os.kill(self._watcher, signal.SIGKILL)
        os.waitpid(self._watcher, 0)

    def afterwards(self, bench: Bench, plan: RunPlan) -> None:
        handle = client.RunHandle(plan.folder)
        while True:
            alive = is_alive(plan.folder)
            events = handle.poll()
            if any(event.name == "run_paused" for event in events):
                assert handle.take_control()
                assert handle.send("resume")
            if handle.finished or not (alive or events):
                controller.release(plan.folder)
                return
            time.sleep(0.005)


class StoppedServer(Standing):
    """pg_ctl stop -m immediate; the server is back when the run goes on."""

    name = "server stopped, back at once"

    def __init__(self, sandbox: QuickServer) -> None:
        self.sandbox = sandbox

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        immediate(self.sandbox)
        self.sandbox.start()


class LostServer(StoppedServer):
    """pg_ctl stop -m immediate; the server comes back when the run has ended."""

    name = "server stopped, back later"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        immediate(self.sandbox)

    def mend(self, bench: Bench) -> None:
        self.sandbox.start()


class KilledBackend(StoppedServer):
    """SIGKILL of a backend of the run: the server ends all sessions and recovers."""

    name = "backend killed"

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        sessions = bench.server.execute(_SESSIONS.format(run=plan.run_id) + " ORDER BY backend_start DESC LIMIT 1")
        for (pid,) in sessions:
            os.kill(pid, signal.SIGKILL)
        until("recovery", lambda: recovered(bench, plan))


class PromotedStandby(StoppedServer):
    """The server is stopped at once, a standby that has all of it is promoted, and the address leads there."""

    name = "standby promoted"

    def __init__(self, sandbox: QuickServer, proxy: Proxy, folder: Path) -> None:
        super().__init__(sandbox)
        self.proxy = proxy
        self.standby = QuickServer(folder, sandbox.programs, settings=dict(sandbox.settings))

    def carry_out(self, bench: Bench, name: str, plan: RunPlan, at: Point) -> None:
        self._primary = bench.server
        make_standby(self.sandbox, self.standby, {"postgres", name})
        super().carry_out(bench, name, plan, at)

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        (lsn,) = bench.server.execute("SELECT pg_current_wal_flush_lsn()::text")[0]
        other = server_of(self.standby.conninfo("postgres"), bench.server.bin_dir)
        until("catching up", lambda: other.execute(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'")[0][0])
        immediate(self.sandbox)
        other.execute("SELECT pg_promote(wait => false)")
        until("the promotion", lambda: not other.execute("SELECT pg_is_in_recovery()")[0][0])
        bench.server = other
        self.proxy.lead_to(self.standby.socket_dir)

    def undo(self, bench: Bench) -> None:
        bench.server = self._primary
        self.proxy.lead_to(self.sandbox.socket_dir)
        self.proxy.cut()
        self.standby.destroy()
        self.sandbox.start()


def make_standby(primary: QuickServer, standby: QuickServer, needed: set[str]) -> None:
    """A running copy of `primary` that follows it, with no files of other databases than `needed`, which takes a tenth
    of the time. Nothing may write into those others, or the copy couldn't follow."""
    account = server_account()
    standby.destroy()
    source, cluster = (Path(one.conninfo("x").split()[0].removeprefix("host=")) for one in (primary, standby))
    for folder in (standby.folder, cluster):
        folder.mkdir(exist_ok=True)
    with (source / "data" / "pg_ident.conf").open("a") as file:
        file.write(f'sandbox "{account.name}" postgres\n')
    conninfo = f"host={primary.socket_dir} port=5432 user=postgres"
    data = cluster / "data"
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        start, stop = ("pg_backup_start('standby', true)", "pg_backup_stop(false)")
        if connection.info.server_version < 150000:
            start, stop = ("pg_start_backup('standby', true, false)", "pg_stop_backup(false)")
        connection.execute(f"SELECT pg_reload_conf(), {start}".encode())
        databases = connection.execute("SELECT oid::text, datname FROM pg_database").fetchall()
        unneeded = {oid for oid, name in databases if name not in needed}

        def ignore(folder: str, names: list[str]) -> set[str]:
            some = {"base": unneeded, "pg_wal": set(names), "data": {"postmaster.pid", "postmaster.opts"}}
            return some.get(Path(folder).name, set())

        shutil.copytree(source / "data", data, ignore=ignore, copy_function=shutil.copyfile)
        ended = connection.execute(f"SELECT labelfile FROM {stop}".encode()).fetchone()
        assert ended is not None
    (data / "backup_label").write_text(ended[0])
    (data / "standby.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write(f"primary_conninfo = '{conninfo}'\n")
    for path in (cluster, data, *data.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if not account.ours:
            os.chown(path, account.uid, account.gid)
    standby.folder.chmod(0o755)
    standby.start()


class CutConnection(Standing):
    """The TCP connections of the run are cut."""

    name = "connections cut"

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    def deed(self, bench: Bench, name: str, plan: RunPlan) -> None:
        self.proxy.cut()


def immediate(sandbox: QuickServer) -> None:
    """Stop a server as a power cut would."""
    folder = Path(sandbox.conninfo("x").split()[0].removeprefix("host="))
    pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    until("the stop of the server", lambda: not sandbox.running)


def recovered(bench: Bench, plan: RunPlan) -> bool:
    """The server takes connections, and no session of the run is left."""
    with suppress(psycopg.Error):
        return not bench.server.execute(_SESSIONS.format(run=plan.run_id))
    return False
