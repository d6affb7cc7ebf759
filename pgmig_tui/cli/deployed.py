"""`status --show-changes`, `--show-tags` and `--project`: what the registry itself says is deployed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgmig_tui.cli import output
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, in_a_line

if TYPE_CHECKING:
    from pgmig_tui.database.deployed import DeployedChange, RegistryState
    from pgmig_tui.project.config import Config
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


@dataclass(frozen=True, slots=True)
class Lists:
    """Which lists are wanted beside the state itself, and how their times are written ("" = in our own way)."""

    changes: bool
    tags: bool
    date_format: str

    @classmethod
    def wanted(cls, arguments: Namespace, config: Config) -> Lists:
        """By the options, else by `[status]` of sqitch.conf. Raises UsageError for an unknown date format."""
        from pgmig_tui.cli.items import date_format

        said = arguments.date_format or config.get("status.date_format")
        return cls(
            bool(config.bool("status.show_changes") if arguments.show_changes is None else arguments.show_changes),
            bool(config.bool("status.show_tags") if arguments.show_tags is None else arguments.show_tags),
            date_format(arguments, config, "status") if said else "",
        )

    def show(self, project: str, environments: Iterable[Environment]) -> None:
        """Print them, newest first, for each environment."""
        if not (self.changes or self.tags):
            return
        for environment in environments:
            deployed = _state(environment, project).deployed
            if self.changes:
                self._table(environment, "change", [(one.name, one.committed_at, one) for one in reversed(deployed)])
            if self.tags:
                tags = [(row.tag, row.committed_at, one) for one in deployed for row in one.tag_rows]
                self._table(environment, "tag", sorted(tags, key=lambda tag: tag[1], reverse=True))

    def _table(self, environment: Environment, what: str, rows: Sequence[tuple[str, str, DeployedChange]]) -> None:
        output.say()
        if not rows:
            output.say(f"{safe(environment.name)}: no {what} is deployed.")
            return
        output.say(line((f"{safe(environment.name)}: {words.count(len(rows), what)}", "strong")))
        cells: list[tuple[str | Line, ...]] = [
            (safe(name), self._time(at), safe(f"{one.committer_name} <{one.committer_email}>"))
            for name, at, one in rows
        ]
        output.table((what, "deployed", "by?"), cells)

    def _time(self, at: str) -> str:
        if not self.date_format:
            return words.utc(at)
        from pgmig_tui.display.dates import written

        return safe(written(at, self.date_format))

    def add_to(self, document: dict[str, Any], project: Project, environments: Iterable[Environment]) -> None:
        """Add them to the objects of the environments that answered."""
        if not (self.changes or self.tags):
            return
        by_name = {environment.name: environment for environment in environments}
        for row in document["environments"]:
            if row["reachable"]:
                self.add_deployed(row, _state(by_name[row["name"]], project.plan.project).deployed)

    def add_deployed(self, row: dict[str, Any], deployed: Sequence[DeployedChange]) -> None:
        """Add what is deployed to the object of one environment."""
        if self.changes:
            row["changes"] = [
                {"name": one.name, "change_id": one.change_id, "tags": list(one.tags), **_record(one, one.committed_at)}
                for one in deployed
            ]
        if self.tags:
            row["tags"] = [
                {"name": tag.tag, "tag_id": tag.tag_id, "change_id": one.change_id, **_record(one, tag.committed_at)}
                for one in deployed
                for tag in one.tag_rows
            ]


def other_project(groups: Sequence[tuple[Project, list[Environment]]], arguments: Namespace, lists: Lists) -> int:
    """`status --project NAME` for a project whose plan isn't here: what is deployed of it; what is pending isn't known.

    Exit status 0 when every environment answered, else 5.
    """
    name: str = arguments.project
    status = 0
    rows: list[dict[str, Any]] = []
    for environment in (one for _, environments in groups for one in environments):
        row: dict[str, Any] = {
            "name": environment.name, "target": environment.target.display, "reachable": True, "error": None,
            "last_change": None, "deployed": [], "pending": None, "diverged": None,
        }  # fmt: skip
        try:
            state = _state(environment, name)
        except PgmigError as error:
            row |= {"reachable": False, "error": str(error)}
            status = 5
            if not arguments.json:
                output.say(line(("? ", "stale"), f"{safe(environment.name)}: {safe(in_a_line(str(error)))}"))
        else:
            _fill(row, state, lists)
            if not arguments.json:
                _say(environment, name, state)
        rows.append(row)
    if arguments.json:
        output.document({"project": name, "plan": None, "environments": rows})
    else:
        output.say(f"What is pending of {safe(name)} isn't known: its plan isn't here. --plan-file names it.")
        lists.show(name, (one for _, environments in groups for one in environments))
    return status


def _fill(row: dict[str, Any], state: RegistryState, lists: Lists) -> None:
    row["deployed"] = [one.change_id for one in state.deployed]
    if state.deployed:
        last = state.deployed[-1]
        row["last_change"] = {
            "name": last.name,
            "change_id": last.change_id,
            "deployed_at": f"{last.committed_at[:19]}Z",
            "deployed_by": last.committer_name,
        }
    lists.add_deployed(row, state.deployed)


def _say(environment: Environment, project: str, state: RegistryState) -> None:
    where = safe(environment.name)
    if not state.deployed:
        output.say(f"{where}: nothing of {safe(project)} is deployed.")
        return
    last = state.deployed[-1]
    named = safe(" ".join([last.name, *last.tags]))
    told = f"{words.count(len(state.deployed), 'change')} of {safe(project)}, the last {named}"
    by = safe(f"{last.committer_name} <{last.committer_email}>")
    output.say(f"{where}: {told} ({last.change_id}), deployed {words.utc(last.committed_at)} by {by}")


def _state(environment: Environment, project: str) -> RegistryState:
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.database.deployed import read_state

    with connect(environment.target, application_name=application_name("status", "list")) as connection:
        return read_state(connection, environment.target.registry, project)


def _record(one: DeployedChange, at: str) -> dict[str, Any]:
    return {"deployed_at": at, "deployed_by": {"name": one.committer_name, "email": one.committer_email}}
