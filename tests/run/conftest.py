"""Small Sqitch projects on real databases, and their runs carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.run_plan import Command, Options, RunPlan
from pgmig_tui.run.planning import prepare as planning
from tests.servers import Server

ENV = {"SQITCH_FULLNAME": "Test Operator", "SQITCH_EMAIL": "test@example.com", "SQITCH_USER_CONFIG": "/nonexistent"}


@dataclass
class Outcome:
    """A run that has ended: its exit status and everything in its journal."""

    status: int
    events: list[Entry]
    plan: RunPlan

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event.data for event in self.events if event.name == name]

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]


@dataclass
class Workshop:
    """A project in a folder, a database for it, and both commands at hand."""

    root: Path
    server: Server
    dbname: str
    state_dir: Path
    toml: str = ""
    planned: list[str] = field(default_factory=list)

    def change(self, name: str, deploy: str | bytes, revert: str = "", verify: str | None = None) -> None:
        """Add a change to the plan with its scripts; without `verify` it has no verify script."""
        if not self.planned:
            (self.root / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
            self.planned += ["%syntax-version=1.0.0", "%project=workshop", ""]
        second = len(self.planned) % 60
        self.planned.append(f"{name} 2024-01-01T00:00:{second:02}Z Plan Ner <plan@example.com> # {name}")
        (self.root / "sqitch.plan").write_text("\n".join(self.planned) + "\n")
        for kind, text in (("deploy", deploy), ("revert", revert), ("verify", verify)):
            if text is not None:
                path = self.root / kind / f"{name}.sql"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(text.encode() if isinstance(text, str) else text)

    @property
    def uri(self) -> str:
        return self.server.uri(self.dbname)

    def project(self) -> tuple[Project, Environment]:
        if self.toml:
            text = self.toml.replace("$URI", self.uri)
            (self.root / "pgmig.toml").write_text(text)
        project = load_project(self.root, ENV)
        return project, project.environment("box" if self.toml else self.uri)

    def plan(self, command: Command = "deploy", **options: Any) -> RunPlan:
        project, environment = self.project()
        return planning.prepare(project, environment, command, Options(**options), state_dir=self.state_dir)

    def run(self, command: Command = "deploy", **options: Any) -> Outcome:
        """Plan and carry out, in a process of its own, to the end."""
        return self.finish(self.plan(command, **options))

    def finish(self, plan: RunPlan, meanwhile: Callable[[client.RunHandle, Entry], None] | None = None) -> Outcome:
        """Carry out `plan`; `meanwhile` sees each event as it comes."""
        handle = client.start(plan)
        events: list[Entry] = []
        while True:
            alive = handle.alive()
            new = handle.poll()
            for event in new:
                events.append(event)
                if meanwhile is not None:
                    meanwhile(handle, event)
            if not new and not alive:
                break
            if not new:
                wait_a_moment()
        assert handle.finished, handle.last_words()
        assert handle.exit_status is not None
        return Outcome(handle.exit_status, events, plan)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, self.dbname)

    def connect(self, **more: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.server.conninfo(self.dbname, **more), autocommit=True)

    def deployed(self) -> list[str]:
        return [row[0] for row in self.query("SELECT change FROM sqitch.changes ORDER BY committed_at")]

    def registry_events(self) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self.query("SELECT event, change FROM sqitch.events ORDER BY committed_at")]

    def relation(self, name: str) -> bool:
        return bool(self.query(f"SELECT to_regclass('{name}') IS NOT NULL")[0][0])


def wait_a_moment() -> None:
    """Give the run process the processor; the waiting itself is bounded by the process's life, not by a time."""
    import select

    select.select([], [], [], 0.005)


@pytest.fixture
def workshop_on(tmp_path: Path, database_on: Callable[..., str]) -> Callable[..., Workshop]:
    def make(server: Server, options: str = "") -> Workshop:
        root = tmp_path / "project"
        root.mkdir()
        return Workshop(root, server, database_on(server, options), tmp_path / "state")

    return make


@pytest.fixture
def workshop(pg: Server, workshop_on: Callable[..., Workshop]) -> Workshop:
    """A project and a database on 16 and on 18, one after the other."""
    return workshop_on(pg)


@pytest.fixture
def workshop18(pg18: Server, workshop_on: Callable[..., Workshop]) -> Workshop:
    return workshop_on(pg18)
