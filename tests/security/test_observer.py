"""An observer writes nothing: each command and each screen is tried as one, and the server's own log is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from pgmig_tui.cli import COMMANDS
from pgmig_tui.run.journal.picture import picture_of
from pgmig_tui.ui import destinations as to
from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.screens.base import BaseScreen
from tests.cli.program import Checkout, environment, shop
from tests.servers import Server
from tests.ui.robot import Robot, opened
from tests.ui.screens import SCREENS

POLICY = """
[[environment]]
name = "observer"
target = "observer"
protected = true
confirm_word = "prod"
approvals = { dba = ["OBSERVER"] }

[[environment]]
name = "stubborn"
target = "stubborn"
protected = true
confirm_word = "prd"
"""
WRITES = re.compile(
    r"(?:^|;)\s*(?:INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|COMMENT|VACUUM|ANALYZE|REINDEX"
    r"|LOCK(?![^;]* IN ACCESS SHARE MODE)|CLUSTER|REFRESH|CALL|COPY\s[^;]*\sFROM|IMPORT|SECURITY|REASSIGN|NOTIFY)\b"
    r"|\bFOR\s+(?:UPDATE|SHARE|NO KEY|KEY SHARE)"
    r"|\b(?:nextval|setval|lo_\w+|pg_(?:terminate|cancel)_backend|record_\w+)\("
    r"|default_transaction_read_only\W+(?:=|TO)\s*off",
    re.IGNORECASE,
)
LOGGED = re.compile(r"^\S+ \S+ \S+ \[\d+\] LOG:  (?:statement|execute [^:]*): ", re.MULTILINE)

LINES: dict[str, tuple[str, ...]] = {
    "deploy": ("deploy {0} --confirm prod", "deploy {0} --dry-run", "deploy {0} --confirm prod --log-only"),
    "revert": ("revert {0} --all --confirm prod --accept-data-loss", "revert {0} --all --log-only --confirm prod"),
    "verify": ("verify {0}",), "lint": ("lint total",), "rename": ("rename total sum",),
    "rebase": ("rebase {0} --confirm prod --accept-data-loss",),
    "rollback": (
        "rollback {0} --confirm prod --accept-data-loss --save", "rollback {0} --dry-run",
        "rollback {0} --lift orders=reviewed-again",
    ),
    "backfill": ("backfill {0} --table shop.orders --key id --statement UPDATE~shop.orders~SET~id=id~WHERE~:batch",),
    "reconcile": ("reconcile {0} --confirm prod", "reconcile {0} --record --confirm prod"),
    "undo": ("undo --target {0}", "undo {run} --target {0} --confirm prod --overwrite --accept-data-loss"),
    "approve": ("approve {0} --role dba --yes", "approve {0} --list", "approve {0} --create --yes"),
    "drift": ("drift {0} stubborn",), "compare": ("compare {0} stubborn",),
    "document": ("document {0} -o -",),
    "audit": ("audit verify {0}",),
    "roles": ("roles {0} --print --owner someone",),
    "answer": ("answer {0} pre:notify=mailed",),
    "after": ("after {run}",),
    "report": ("report {run}",),
    "runs": ("runs {run}",),
    "attach": ("attach {run}",),
    "impact": ("impact --target {0}",),
    "rehearse": ("rehearse {0} --server {0}",), "test": ("test --target {0}",),
    "watch": ("watch {0} --for 1s --interval 1s",),
    "show": ("show deploy orders",),
    "plan": ("plan",),
    "help": ("help",),
}  # fmt: skip
"""How a command is said that takes more than an environment; `~` is a space, `{run}` a run. Others: `COMMAND {0}`."""
NO_SERVER = {
    "demo", "init", "add", "new", "rework", "checkout", "bundle", "tag", "config", "engine", "target", "completion",
    "serve",
}  # fmt: skip
"""They write the project, or ask a server of their own; and `serve` opens the screens."""


@dataclass(frozen=True)
class Scene:
    """A database with two of three changes, its roles, a run that deployed them, and the log of its server."""

    checkout: Checkout
    server: Server
    database: str
    run: str
    log: Path

    def contents(self) -> str:
        """All that the database holds, and all objects in it."""
        tables = self.server.execute(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname IN ('sqitch', 'pgmig', 'pgmig_keep', 'shop') ORDER BY 1",
            self.database,
        )
        rows = [
            (name, self.server.execute(f"SELECT t::text FROM {name} t ORDER BY 1", self.database)) for (name,) in tables
        ]
        objects = self.server.execute("SELECT count(*), max(oid::bigint) FROM pg_class", self.database)
        return str((rows, objects))

    def said(self, since: int) -> list[str]:
        """What the observer has sent: nobody else's statements are logged."""
        text = self.log.read_bytes()[since:].decode("utf-8", "replace")
        return [re.split(r"\n\d{4}-\d\d-\d\d ", one)[0] for one in LOGGED.split(text)[1:]]


@pytest.fixture(scope="module")
def scene(pg18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    database = pg18.create_database()
    observer = f"{database}_observer"
    checkout = shop(tmp_path_factory.mktemp("observer"), {"dev": pg18.uri(database)})
    done = checkout.run("deploy", "dev", "--yes", "--to", "orders", "--json-lines")
    assert done.status == 0, done.err
    run = str(json.loads(done.out.splitlines()[0])["run"])
    said = checkout.run("roles", "dev", "--print", "--owner", "postgres", "--role", "observer")
    with psycopg.connect(pg18.conninfo(database), autocommit=True) as connection:
        connection.execute(said.out.encode())
        connection.execute(f"ALTER ROLE {observer} PASSWORD 'secret'".encode())
        connection.execute(f"ALTER ROLE {observer} SET log_statement = 'all'".encode())
    uri = pg18.uri(database).replace("//postgres@", f"//{observer}:secret@")
    checkout.targets({"observer": uri, "stubborn": f"{uri}?options=-c%20default_transaction_read_only=off"})
    checkout.write("pgmig.toml", POLICY.replace("OBSERVER", observer))
    (data,) = pg18.execute("SELECT current_setting('data_directory')")[0]
    yield Scene(checkout, pg18, database, run, Path(data).parent / "log")
    pg18.execute(f"DROP OWNED BY {observer} CASCADE; DROP ROLE {observer}", database)
    pg18.drop_database(database)


def lines(command: str, target: str, run: str) -> Iterator[list[str]]:
    for text in LINES.get(command, (f"{command} {{0}}",)):
        yield [word.format(target, run=run).replace("~", " ") for word in text.split()]


def written(texts: list[str]) -> list[str]:
    """What would write, with the words around it."""
    return [text[max(0, at.start() - 80) : at.end() + 80] for text in texts for at in WRITES.finditer(text)]


def test_no_command_writes_as_an_observer(scene: Scene) -> None:
    before = scene.contents()
    for command in sorted(set(COMMANDS) - NO_SERVER):
        since = scene.log.stat().st_size
        for words in lines(command, "observer", scene.run):
            done = scene.checkout.run(*words)
            assert done.status != 2, f"say in LINES how {command} is to be tried: {done.err}"
            assert "?options=" not in done.err, "who looks on isn't told how to write"
        assert written(scene.said(since)) == [], command
    assert scene.contents() == before


def test_nor_one_who_takes_his_default_back(scene: Scene) -> None:
    """Anybody may do that for a session of his own: then the rights that he hasn't keep him from writing."""
    before = scene.contents()
    for command in ("deploy", "revert", "rollback", "undo", "upgrade"):
        for words in lines(command, "stubborn", scene.run):
            done = scene.checkout.run(*(word.replace("prod", "prd") for word in words))
            assert scene.contents() == before, (words, done)


def test_the_log_would_tell(scene: Scene) -> None:
    """A test of what is read: the observer's statement is there, and one that writes is known."""
    since = scene.log.stat().st_size
    where = scene.server.conninfo(scene.database, user=f"{scene.database}_observer", password="secret")
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("SELECT 'an observer was here'")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE shop.by_an_observer ()")
    said = scene.said(since)
    assert [bool(WRITES.search(text)) for text in said if "observer" in text] == [False, True], said


LEAVING = {"any.quit", "any.help", "change.edit", "review.backup"}
LIVE = {to.ToBackfillRun, to.ToRollbackRun, to.ToFailed, to.ToBlockers, to.ToIncident}
"""They stand over a run that is carried out, or was rolled back: an observer has none."""


def destinations(scene: Scene, robot: Robot) -> list[to.Destination]:
    """One of each kind, a new one as well, if it is of an environment, a change or a run."""
    facts, front = robot.app.session.facts, robot.app.screen
    entries = list(robot.app.session.attach(scene.run).poll())
    known = {
        "environment": facts.environments[0], "change": facts.plan[-1], "run_id": scene.run, "command": "deploy",
        "controls": False, "picture": picture_of(entries), "events": entries, "about": front,
        "here": facts.environments[0], "there": facts.environments[-1],
    }  # fmt: skip
    found: list[to.Destination] = [to.ToReview(facts.environments[0], "revert", facts.plan[0].change_id)]
    for kind in set(get_args(to.Destination)) - LIVE:
        needed = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}
        assert needed <= set(known), f"say what {kind.__name__} is to be tried with: {needed - set(known)}"
        found.append(kind(**{one.name: known[one.name] for one in fields(kind) if one.name in known}))
    return sorted(found, key=lambda one: type(one).__name__)


async def test_no_screen_writes_as_an_observer(scene: Scene) -> None:
    """Every screen is opened, and every key of it pressed that isn't marked as one that may change a database."""
    before, since = scene.contents(), scene.log.stat().st_size
    session = ProjectSession(scene.checkout.root, environment(scene.checkout.home))
    seen: set[str] = set()
    async with opened(session, size=(120, 40)) as robot:
        robot.app._ask_places()
        await robot.sees("1 pending")
        for way in [None, *destinations(scene, robot)]:
            await press_all(robot, way, seen)
    said = scene.said(since)
    assert len(said) > 10, "the screens have asked the server"
    assert written(said) == []
    assert scene.contents() == before
    assert seen >= {"home", "change", "review", "rollback", "locks", "runs", "run"}, seen


async def press_all(robot: Robot, way: to.Destination | None, seen: set[str]) -> None:
    if way is not None:
        robot.app.go(way)
    await robot.settle()
    screen = robot.app.screen
    assert isinstance(screen, BaseScreen)
    seen.add(screen.screen_id)
    assert SCREENS[screen.screen_id]
    for key in screen.all_keys():
        everywhere = key.id.startswith("any.") and way is not None  # they do the same on each screen
        if everywhere or key.dangerous or key.id in LEAVING or "escape" in key.names:
            continue
        await robot.press(sorted(key.names)[0])
        while robot.app.screen is not screen and screen in robot.app.screen_stack:
            robot.app.pop_screen()
            await robot.settle()
        if screen not in robot.app.screen_stack:
            return
    if way is not None:
        robot.app.pop_screen()
        await robot.settle()
