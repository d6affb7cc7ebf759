"""Short ways to read a script in a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack

from pgmig_tui.script.actions import Action, Outcome, Send, ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import Preview, preview
from pgmig_tui.script.psql import RunShell
from pgmig_tui.script.reader import PsqlReader
from tests.memory_files import MemoryFiles


class Options(TypedDict, total=False):
    """What a script is read with."""

    files: Mapping[str, bytes]
    variables: Mapping[str, str]
    allow: Allow
    run_shell: RunShell


SERVER = ServerFacts(160004, "app", "deployer", "db.example", "5432", "UTF8")


def reader_of(script: str | bytes, **options: Unpack[Options]) -> PsqlReader:
    data = script.encode() if isinstance(script, str) else script
    return PsqlReader(
        "deploy/a.sql",
        data,
        MemoryFiles(options.get("files", {})),
        options.get("variables", {}),
        options.get("allow", Allow()),
        server=SERVER,
        run_shell=options.get("run_shell"),
    )


def actions_of(reader: PsqlReader, outcome: Outcome | None = None) -> list[Action]:
    """All actions, every statement reported as `outcome` (a success by default)."""
    actions: list[Action] = []
    while (action := reader.next()) is not None:
        actions.append(action)
        if isinstance(action, Send):
            reader.report(outcome or Outcome(True))
    return actions


def sent(script: str | bytes, **options: Unpack[Options]) -> list[str]:
    """The statements that go to the server."""
    actions = actions_of(reader_of(script, **options))
    return [action.text for action in actions if isinstance(action, Send)]


def as_send(action: Action) -> Send:
    assert isinstance(action, Send)
    return action


def previewed(
    script: str | bytes,
    *,
    files: Mapping[str, bytes] | None = None,
    variables: Mapping[str, str] | None = None,
    allow: Allow | None = None,
) -> Preview:
    data = script.encode() if isinstance(script, str) else script
    return preview("deploy/a.sql", data, MemoryFiles(files or {}), variables or {}, allow or Allow(), SERVER)
