"""A PostgreSQL server of our own, in a folder of our own: reached through a Unix socket only, by who started it only.

It runs until `stop()`: it outlives the process that started it. Its folder holds

    lock        held while one process starts or stops the server
    programs/   as root only: a copy of the wheel's programs, where the server's account reaches them
    cluster/    belongs to the server's account: data/, log, and the socket
    blank/      only where clusters come and go: a cluster that was never started, to be copied

Nothing outside is changed. Where the folder's path is too long for a socket, that lies in a folder below /tmp, which
only the server's account may enter.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pgmig_tui.errors import PgmigError, Unreachable
from pgmig_tui.sandbox.account import Account, server_account, starter
from pgmig_tui.sandbox.installation import Installation, choose_installation, find_installations

if TYPE_CHECKING:
    import psycopg

__all__ = ["Installation", "SandboxServer", "choose_installation", "find_installations", "home_for", "scratch_folder"]

SUPERUSER = "postgres"
_SOCKET = ".s.PGSQL.5432"  # the port is only a part of the socket's name: nothing listens on TCP
_SOCKET_PATH_LIMIT = (
    100  # bytes; the system's own limit is 103 on macOS and 107 on Linux, and a lock file lies beside it
)
_START_TIMEOUT_S = 60

_SETTINGS = {
    "listen_addresses": "",
    "password_encryption": "scram-sha-256",  # 13's own default is md5, which pg_hba.conf below doesn't let in
    "port": "5432",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
}

# The superuser is whoever started the server and nobody else; other roles need a password. Nobody is trusted.
_HBA = f"""\
local all         {SUPERUSER} peer map=sandbox
local replication {SUPERUSER} peer map=sandbox
local all         all      scram-sha-256
"""


class SandboxServer:
    """A server below `folder`, running the programs of `installation` with `settings` on top of PostgreSQL's defaults.

    Objects in several processes may stand for one server: what is true is read from the folder each time.
    Errors are PgmigError; a server that doesn't answer is Unreachable.
    """

    def __init__(
        self,
        folder: Path,
        installation: Installation,
        settings: Mapping[str, str] | None = None,
        *,
        keeps_blank: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.installation = installation
        self.settings = {**_SETTINGS, **(settings or {})}
        self._keeps_blank = keeps_blank
        self._cluster = self.folder / "cluster"
        self._data = self._cluster / "data"

    # What is true now

    @property
    def running(self) -> bool:
        """Whether the server's main process is alive; never raises."""
        return self._postmaster() is not None

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket, which libpq takes as `host`."""
        # libpq reads a comma in a host as a list; other odd characters would need quotes in a third place.
        plain = re.fullmatch(r"[\w./+-]+", str(self._cluster), re.ASCII) is not None
        if plain and len(os.fsencode(self._cluster / _SOCKET)) < _SOCKET_PATH_LIMIT:
            return self._cluster
        return Path("/tmp") / f"pgmig-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]}"

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self._data

    @property
    def holds_data(self) -> list[Path]:
        """The folders in which is all that the server's databases hold: data, WAL and log."""
        return list(dict.fromkeys((self._cluster, self.socket_dir)))

    @property
    def log(self) -> Path:
        return self._cluster / "log"

    def conninfo(self, dbname: str) -> str:
        """libpq keyword string of the superuser. It holds no password: the socket's peer is who counts."""
        quoted = dbname.replace("\\", r"\\").replace("'", r"\'")
        return f"host={self.socket_dir} port=5432 user={SUPERUSER} dbname='{quoted}'"

    def uri(self, dbname: str) -> str:
        """`db:pg:` URI, as Sqitch and psql-like programs take it: the socket's folder is a percent-encoded host."""
        return f"db:pg://{SUPERUSER}@{quote(str(self.socket_dir), safe='')}:5432/{quote(dbname, safe='')}"

    # Lifetime

    def start(self) -> None:
        """See that the server runs and takes connections; makes its folder and its data the first time."""
        self._refuse_odd_folder()
        _make_enterable(self.folder)
        with self._alone():
            if self._ready():
                return
            if self.running:  # crashed while starting, or somebody tidied its socket away
                self._stop()
            account = self._account()
            installation = self.installation
            if not account.ours:
                _make_enterable(self.folder / "programs")
                installation = installation.copy_to(self.folder / "programs")
            self._make_cluster(installation, account)
            self._configure(account)
            self._forget_dead_postmaster(account)
            self._pg_ctl(installation, account, "start", "-l", str(self.log), "-t", str(_START_TIMEOUT_S))

    def stop(self) -> None:
        """Stop the server if it runs: connections are cut, nothing committed is lost."""
        if self.folder.exists():
            with self._alone():
                self._stop()

    def destroy(self) -> None:
        """Stop the server and remove all that it has: databases, log, copied programs. The folder itself stays."""
        if self.folder.exists():
            with self._alone():
                self._stop(signal.SIGQUIT)
                for made in (self._cluster, self.folder / "programs"):
                    shutil.rmtree(made, ignore_errors=True)
                if self.socket_dir != self._cluster:
                    shutil.rmtree(self.socket_dir, ignore_errors=True)

    def clear(self) -> None:
        """Stop the server and remove its databases and its log; what makes the next start quick stays."""
        if self.folder.exists():
            with self._alone():
                self._stop(signal.SIGQUIT)
                for made in self.holds_data:
                    shutil.rmtree(made, ignore_errors=True)

    # Databases

    def create_database(self, name: str, template: str | None = None) -> None:
        """A new database: empty, or a copy of `template`, to which nobody may be connected meanwhile."""
        from psycopg import sql

        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._connect() as connection:
            connection.execute(statement)

    def drop_database(self, name: str) -> None:
        """Remove a database if it exists; connections to it are cut."""
        from psycopg import sql

        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, dbname: str, script: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run SQL text as superuser: with `parameters` (psycopg's %(name)s) as one transaction, else as it stands."""
        with self._connect(dbname) as connection:
            if parameters is None:
                connection.execute(script.encode())
            else:
                import psycopg

                with connection.transaction():
                    psycopg.ClientCursor(connection).execute(script.encode(), parameters)

    def databases(self) -> set[str]:
        """Names of the databases that take connections."""
        with self._connect() as connection:
            return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datallowconn")}

    def _connect(self, dbname: str = "postgres") -> psycopg.Connection[tuple[str, ...]]:
        import psycopg

        from pgmig_tui.database.opening import LET_WRITE, OpeningError, open_session

        try:
            connection = psycopg.connect(self.conninfo(dbname), autocommit=True, application_name="pgmig-tui sandbox")
            open_session(connection.pgconn, "control", 0, deadline=time.monotonic() + _START_TIMEOUT_S)
            connection.execute(LET_WRITE)  # a server of our own
        except (psycopg.OperationalError, OpeningError) as error:
            raise Unreachable(f"The sandbox server in {self.folder} can't be reached: {error}") from error
        return connection

    # How it is done

    def _account(self) -> Account:
        account = server_account()
        if not account.ours and not account.may_enter(self.folder):
            raise PgmigError(
                f"The server runs as {account.name}, which may not enter {self.folder}.",
                now="Nothing was started.",
                do="Choose a folder that everybody may enter, for example below /var/lib.",
            )
        return account

    def _refuse_odd_folder(self) -> None:
        # pg_ctl puts these paths between double quotes for a shell.
        if re.search(r'["$`\\\n]', str(self.folder)):
            raise PgmigError(
                f"PostgreSQL can't be started in {self.folder}: the path holds a quote, a dollar sign or a backslash.",
                now="Nothing was started.",
                do="Choose another folder.",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from starting and stopping this server; the system lets go when we die."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make_cluster(self, installation: Installation, account: Account) -> None:
        _make_private(self._cluster, account)
        _make_private(self.socket_dir, account)
        try:
            made_by = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            unfinished = self._cluster / "data.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            blank = self.folder / "blank" / installation.version
            if self._keeps_blank and blank.is_dir():
                self._expect(account.run(["cp", "-a", blank / "data", unfinished], cwd=self._cluster), "cp failed")
                unfinished.rename(self._data)
                return
            command: list[str | Path] = [installation.bin_dir / "initdb", "-D", unfinished, "-U", SUPERUSER]
            # No sync: whatever a power cut in the next seconds could break is made again as fast.
            command += ["-A", "peer", "--locale=C", "--encoding=UTF8", "--no-sync"]
            self._expect(account.run(command, cwd=self._cluster), "PostgreSQL's initdb failed")
            with (unfinished / "postgresql.conf").open("a") as file:
                file.write("include 'sandbox.conf'\n")
            if self._keeps_blank:
                self._keep_blank(unfinished, blank, account)
            unfinished.rename(self._data)
            return
        if made_by != str(installation.major):
            raise PgmigError(
                f"The databases in {self._data} are PostgreSQL {made_by}'s, the programs are {installation.version}.",
                now="Nothing was started.",
                do="Start over with: pgmig-tui demo --reset",
            )

    def _keep_blank(self, made: Path, blank: Path, account: Account) -> None:
        """A copy of a new cluster, under its final name only when it is whole. Those of other versions go."""
        shutil.rmtree(blank.parent, ignore_errors=True)
        _make_enterable(blank.parent)
        unfinished = blank.with_name(f"{blank.name}.unfinished")
        _make_private(unfinished, account)
        self._expect(account.run(["cp", "-a", made, unfinished / "data"], cwd=self._cluster), "cp failed")
        unfinished.rename(blank)

    def _configure(self, account: Account) -> None:
        settings = {**self.settings, "unix_socket_directories": str(self.socket_dir)}
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()]
        _write(self._data / "sandbox.conf", "".join(lines), account)
        _write(self._data / "pg_hba.conf", _HBA, account)
        _write(self._data / "pg_ident.conf", f'sandbox "{starter()}" {SUPERUSER}\n', account)

    def _pg_ctl(self, installation: Installation, account: Account, action: str, *options: str) -> None:
        command: list[str | Path] = [installation.bin_dir / "pg_ctl", action, "-D", self._data, "-w", *options]
        done = account.run(command, cwd=self._cluster, timeout=2 * _START_TIMEOUT_S)
        self._expect(done, f"The sandbox server in {self.folder} did not {action}")

    def _expect(self, done: subprocess.CompletedProcess[str], failed: str) -> None:
        if done.returncode != 0:
            said = (done.stderr + done.stdout).strip().splitlines()[-3:]
            with suppress(OSError):
                said += self.log.read_text(errors="replace").splitlines()[-5:]
            raise PgmigError(f"{failed}.", details=said, do=f"Its log: {self.log}")

    def _stop(self, *hows: signal.Signals) -> None:
        """Fast shutdown, and an immediate one where that takes too long (the next start then recovers)."""
        for how in hows or (signal.SIGINT, signal.SIGQUIT):
            pid = self._postmaster()
            if pid is None:
                return
            with suppress(ProcessLookupError):
                os.kill(pid, how)
            deadline = time.monotonic() + _START_TIMEOUT_S / 2
            while self._postmaster() is not None and time.monotonic() < deadline:
                time.sleep(0.01)
        if self.running:
            raise PgmigError(f"The sandbox server in {self.folder} did not stop.", do=f"Its log: {self.log}")

    def _ready(self) -> bool:
        return self.running and self._pid_file()[7:8] == ["ready"] and (self.socket_dir / _SOCKET).exists()

    def _postmaster(self) -> int | None:
        """Process ID of this server's living main process.

        A number alone proves nothing: after a crash or a reboot it may be anybody's, who must not be sent a signal.
        """
        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return None
        command = _command_of(int(lines[0]))
        return int(lines[0]) if "postgres" in command and str(self._data) in command else None

    def _pid_file(self) -> list[str]:
        try:
            return [line.strip() for line in (self._data / "postmaster.pid").read_text().splitlines()]
        except OSError:
            return []

    def _forget_dead_postmaster(self, account: Account) -> None:
        """See that a dead server's process ID, which another process has by now, doesn't keep ours from starting.

        PostgreSQL ignores the ID of its own grandparent, which pg_ctl says is us; the file's other lines stay, so that
        it still looks for orphaned backends in the old shared memory.
        """
        lines = self._pid_file()
        if lines and self._postmaster() is None:
            _write(self._data / "postmaster.pid", "\n".join([str(os.getpid()), *lines[1:], ""]), account)
            (self.socket_dir / f"{_SOCKET}.lock").unlink(missing_ok=True)


def home_for(preferred: Path) -> Path:
    """A folder for a server's files: `preferred`, or one of the system's where the server's account may not enter that.

    Root's own home is closed to others, and is not opened for this.
    """
    account = server_account()
    if account.ours or account.may_enter(preferred):
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred.resolve())).hexdigest()[:8]
    base = next(folder for folder in (Path("/var/lib"), Path("/var/tmp")) if folder.is_dir())
    return base / f"pgmig-tui-{digest}"


def scratch_folder() -> Path:
    """A new empty folder for servers that won't stay, which the server's account may enter."""
    account = server_account()
    folder = Path(tempfile.mkdtemp(prefix="pgmig-"))
    if account.ours:
        return folder
    folder.chmod(0o755)
    if account.may_enter(folder):
        return folder
    folder.rmdir()
    folder = Path(tempfile.mkdtemp(prefix="pgmig-", dir="/var/tmp"))
    folder.chmod(0o755)
    return folder


def _make_enterable(folder: Path) -> None:
    """A folder that everybody may enter, whatever the umask; one that is there stays as it is."""
    if not folder.exists():
        _make_enterable(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def _make_private(folder: Path, account: Account) -> None:
    """A folder that belongs to `account` alone; one that is there must be so already, for it is not changed."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or stat.S_IMODE(found.st_mode) & 0o077:
            raise PgmigError(
                f"{folder} is there already, and it isn't a folder of {account.name}'s own (mode 0700).",
                now="It was not changed, and nothing was started.",
                do="Remove it, or run as the user who started this server before.",
            ) from None
    else:
        if not account.ours:
            os.chown(folder, account.uid, account.gid)


def _write(path: Path, text: str, account: Account) -> None:
    """A new file of `account`'s. Never through a link: the folder belongs to another account than ours."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if not account.ours:
            os.fchown(descriptor, account.uid, account.gid)


def _command_of(pid: int) -> str:
    """The command line of a process; empty when there is none, or a dead one that nobody has reaped."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
        except OSError:
            return ""
    return subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout
