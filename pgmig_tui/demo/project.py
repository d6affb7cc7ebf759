"""The demonstration: the sample project on a PostgreSQL server of its own, in three environments at different points.

dev has the whole plan, staging lacks the last two changes, production the last five and holds 200,000 documents. All is
deployed by our own engine, so what the screen then shows is what any project would show.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pgmig_tui.errors import PgmigError
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.run.clients.client import start
from pgmig_tui.run.journal.events import StepFailed
from pgmig_tui.run.journal.folder import default_state_dir
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.run.planning.prepare import prepare as plan_run
from pgmig_tui.sandbox.server import SandboxServer, choose_installation, home_for

ENVIRONMENTS = ("dev", "staging", "production")
BEHIND = {"dev": 0, "staging": 2, "production": 5}
"""How many changes of the plan each environment lacks."""
COUNTS = "pg_stat_statements"
"""The extension by which a deploy is watched; what has been installed from a package of PostgreSQL's alone lacks it."""
DOCUMENTS = 200_000
"""Documents in production; the others have `_FEW`."""
_FEW = 2_000

_PROJECT_FILES = ("sqitch.plan", "pgmig.toml")
_SCRIPT_FOLDERS = ("deploy", "revert", "verify")
_HERE = Path(__file__).parent

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoPaths:
    """Where the demonstration is."""

    project: Path
    """The project to open: a copy of the sample, whose targets are on the demonstration's server."""
    bin_dir: Path
    """psql and pg_dump of the server's own version, for whoever wants to look around."""

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """`env` for the demonstration: with these programs first, and without settings that mean another server."""
        kept = {name: value for name, value in env.items() if not _MISLEADING.match(name)}
        return {**kept, "PATH": os.pathsep.join((str(self.bin_dir), env.get("PATH", os.defpath)))}


# libpq's variables, but not our own, and those of Sqitch that name a server or a project.
_MISLEADING = re.compile(r"PG(?!MIG_)|SQITCH_(TARGET|USERNAME|PASSWORD|CONFIG)$")


def prepare(reset: bool, *, say: Say | None = None) -> DemoPaths:
    """See that the demonstration is there and its server runs; the first time, or to `reset`, it is built.

    `say` is told what takes time. Raises PgmigError.
    """
    say = say or (lambda text: None)
    folder = _folder()
    for made in (folder.parent, folder):
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        postgres = server()
        paths = DemoPaths(folder / "project", postgres.installation.bin_dir)
        stamp = folder / "prepared.json"
        expected = {"sample": _digest(), "postgresql": postgres.installation.major, "socket": str(postgres.socket_dir)}
        if not reset and _read(stamp) == expected:
            postgres.start()
            if {_database(name) for name in ENVIRONMENTS} <= postgres.databases():
                return paths
        stamp.unlink(missing_ok=True)
        _build(folder, postgres, paths, say)
        stamp.write_text(json.dumps(expected))
        return paths


def stop() -> bool:
    """Stop the demonstration's server; its databases stay. False when it didn't run."""
    folder = _folder()
    if not folder.exists():
        return False
    with _alone(folder):
        postgres = server()
        ran = postgres.running
        postgres.stop()
        return ran


def server() -> SandboxServer:
    """The demonstration's server, whether it is there yet or not. Raises PgmigError where there is no PostgreSQL."""
    installation = choose_installation()
    counts = {"shared_preload_libraries": COUNTS} if installation.has_extension(COUNTS) else {}
    return SandboxServer(home_for(_folder() / "server"), installation, counts)


def deploy_to(project: Project, environment: str, behind: int, folder: Path) -> None:
    """Deploy `project` to an environment, or a target URI, up to the change that leaves `behind` to do.

    The run's journal goes below `folder`, so that the demonstration's own preparations aren't in the user's history.
    """
    upto = project.plan.changes[-1 - behind].change_id
    plan = plan_run(project, project.environment(environment), "deploy", Options(to=upto), state_dir=folder)
    run = start(plan)
    events = []
    while run.alive():
        events += run.poll()
        time.sleep(0.005)
    events += run.poll()
    if run.exit_status != 0:
        failed = [one.event.message for one in events if isinstance(one.event, StepFailed)]
        raise PgmigError(
            f"The demonstration could not be prepared: deploying to {environment} failed.",
            details=[*failed, run.last_words()],
            do=f"The journal is in {run.folder}. Start over with: pgmig-tui demo --reset",
        )


def _build(folder: Path, postgres: SandboxServer, paths: DemoPaths, say: Say) -> None:
    """Everything anew. Deployed once and copied from there: a database is copied faster than it is deployed."""
    say("Starting PostgreSQL")
    postgres.destroy()
    postgres.start()
    for made in ("project", "runs"):
        shutil.rmtree(folder / made, ignore_errors=True)
    _copy_sample(paths.project, postgres)
    project = load_project(paths.project, paths.environment(os.environ))
    base, staging, dev = "documents_base", _database("staging"), _database("dev")

    say("Deploying the sample project")
    postgres.create_database(base)
    if postgres.installation.has_extension(COUNTS):
        postgres.execute(base, f"CREATE EXTENSION {COUNTS} SCHEMA public")
    deploy_to(project, postgres.uri(base), BEHIND["production"], folder)
    postgres.execute(base, _sql("people"))
    postgres.execute(base, _sql("documents"), {"first": 1, "last": _FEW})
    postgres.create_database(staging, template=base)
    deploy_to(project, "staging", BEHIND["staging"], folder)
    postgres.create_database(dev, template=staging)
    deploy_to(project, "dev", BEHIND["dev"], folder)

    say(f"Writing {DOCUMENTS:,} documents into production")
    production = _database("production")
    postgres.execute("postgres", f"ALTER DATABASE {base} RENAME TO {production}")
    postgres.execute(production, _sql("documents"), {"first": _FEW + 1, "last": DOCUMENTS})
    for database in (dev, staging, production):
        postgres.execute(database, "VACUUM (ANALYZE) dms.documents")


def _copy_sample(to: Path, postgres: SandboxServer) -> None:
    sample = _sample()
    to.mkdir()
    for name in _PROJECT_FILES:
        shutil.copyfile(sample / name, to / name)
    for name in _SCRIPT_FOLDERS:
        shutil.copytree(sample / name, to / name)
    targets = "".join(f'[target "{name}"]\n\turi = {postgres.uri(_database(name))}\n' for name in ENVIRONMENTS)
    (to / "sqitch.conf").write_text(
        "# The sample project with the demonstration's databases.\n"
        f'[core]\n\tengine = pg\n[engine "pg"]\n\ttarget = dev\n{targets}[deploy]\n\tverify = true\n'
    )


def _sample() -> Path:
    """The sample project: inside the installed package, or at the top of the checkout that we run from."""
    packaged = _HERE / "sample"
    return packaged if packaged.is_dir() else _HERE.parents[1]


def _digest() -> str:
    """Changes when the sample project, or what is written into it, does."""
    sample = _sample()
    scripts = [script for folder in _SCRIPT_FOLDERS for script in sorted((sample / folder).iterdir())]
    digest = hashlib.sha256()
    for file in (*(sample / name for name in _PROJECT_FILES), *scripts, Path(__file__), *sorted(_HERE.glob("*.sql"))):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _folder() -> Path:
    return default_state_dir(os.environ) / "demo"


def _database(environment: str) -> str:
    return f"documents_{environment}"


def _sql(name: str) -> str:
    return (_HERE / f"{name}.sql").read_text(encoding="utf-8")


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One preparation at a time."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
