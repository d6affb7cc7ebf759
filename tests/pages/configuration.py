"""docs/configuration.md: every key of pgmig.toml. Which keys there are and what they expect, the reader says itself;
defaults are those of the policy that it makes; only the meaning is written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pgmig_tui.errors import ProjectError
from pgmig_tui.project import environments as reader
from pgmig_tui.project import hooks, maintain_policy, own_checks
from pgmig_tui.project.environments import BackupPolicy, Policy, QueueGuard
from pgmig_tui.project.targets import Target
from pgmig_tui.project.toml_lines import TomlLines

HEAD = """# Configuration

`pgmig.toml` lies beside `sqitch.conf` and is optional. Without it each target of `sqitch.conf` is an environment, and
one whose name, host or database contains `prod` is protected. A key that nobody knows, or a value that isn't
understood, is an error with its line, and nothing is done. What gates mean, and when they hold: [gates.md](gates.md).

This page is made of what the reader of the file accepts.
"""
ENVIRONMENT: Mapping[str, str] = {
    "name": "how commands and screens call it",
    "target": "a target of `sqitch.conf`, or a `db:pg:` URI",
    "color": "of its name on the screen",
    "protected": "a typed word before anything changes, and the checklist enforced",
    "confirm_word": "the word that is typed; unique among the environments",
    "verify": "when verify scripts run: inside the change's transaction, after it, or not at all; left out: inside",
    "system_identifier": "the only server that may answer, by `pg_control_system()`",
    "sslmode": "`verify-full`: the server must prove who it is; left out: that is tried on protected environments",
    "lock_timeout": "how long a statement may wait for a lock, and everybody behind it",
    "retries": "how often a lock that was not got is tried for again",
    "queue_guard": "when a statement gives way to those who wait behind it",
    "on_hangup": "what a run does when its terminal is gone: finish this change and pause, go on, or cancel and end",
    "test": "changes may be tested on copies of its database, on its own server ([testing.md](testing.md))",
    "allow_shell": "scripts may run programs of this host (`\\\\!`, `COPY … TO PROGRAM`)",
    "allow_files": "scripts may read and write files of this host",
    "tracking": 'schema of `schema_migrations`, `schema_audit` and `runs`; `"off"`: none',
    "backup": "which backup a deploy must have, and how it is proven ([backups.md](backups.md))",
    "promote_from": "the environment in which a change must be deployed, verified and unchanged before",
    "soak": "how long it must have been there",
    "approvals": "who must approve: roles with their identities, `expires`, `four_eyes`",
    "override": "who may go on past what was found before a deploy",
    "window": "when it may be deployed to, by the server's clock",
    "freeze": "when it may not be, with the reason",
    "save_before_revert": "a rollback first keeps what it destroys",
    "keep_schema": "where it keeps that",
    "drift": "what of its schema may differ from the plan ([drift.md](drift.md))",
    "hooks": 'its own `[hooks]`; one that says `"off"` is none ([hooks.md](hooks.md))',
}
QUEUE_GUARD: Mapping[str, str] = {
    "waiters": "so many sessions may wait behind a statement", "oldest": "so long one of them may have waited",
}  # fmt: skip
BACKUP: Mapping[str, str] = {
    "required": "without one nothing is deployed",
    "kind": "who makes it: `pg_dump` by us, pgBackRest, Barman, or whoever a command asks",
    "verify": "how it is proven: not at all, its list read, every byte decoded, or restored on a scratch server",
    "name": "pgBackRest's stanza, or Barman's server",
    "command": "prints what it knows of the newest backup as JSON; run once a person has accepted it",
}
DRIFT: Mapping[str, str] = {
    "ignore": "objects that are nobody's business, such as `table scratch.*`",
    "accepted": "objects that may differ until a day, each with `object`, `by`, `until`, `why`",
}
CHECK: Mapping[str, str] = {
    "name": "its ID is `own:` and this",
    "title": "what the list says",
    "list": "`pre`, `deploy`, `post` or `emergency`",
    "environments": "where it is asked; left out: everywhere",
    "required": "while it is open nothing is deployed",
    "timeout": "how long `sql` or `command` may take",
    "sql": "a question to the server, in a read-only session",
    "expect": '`"no rows"` or `"rows"`',
    "equals": "the only value of the answer, as text",
    "command": "a program and its arguments: 0 is PASS, 1 FAIL, everything else UNKNOWN",
    "asks": "what a person is asked",
}
HOOK: Mapping[str, str] = {
    "command": "a program and its arguments", "webhook": "an https address",
    "secret_env": "the environment variable that holds the webhook's secret", "secret_file": "the file that holds it",
    "ca_file": "the authorities of the webhook's certificate; left out: those of this host",
    "required": "one that fails stands in the way of a deploy", "timeout": "for each of three tries",
    "backoff": "before the second try; four times that before the third",
}  # fmt: skip
HOOK_NAMES: Mapping[str, str] = {
    "before": "a deploy or a backfill is about to start", "after": "a deploy or a backfill has ended",
    "rolled_back": "a rollback or a revert has ended", "ticket": "a deploy is done",
    "override": "a run starts past what a gate has found",
}  # fmt: skip
MAINTAIN: Mapping[str, str] = {
    "keep": "how long rows of the record are kept; left out: for ever",
    "drill": "the longest time between two recovery drills",
    "fold": "after how long a change is old",
    "accept": "findings that may be, each with `finding`, `by`, `until`, `why`",
}
TOP: Mapping[str, str] = {
    "environment": "`[[environment]]`, once for each, in the order of promotion",
    "check": "`[[check]]`: items of your own for any list ([checklists.md](checklists.md#items-of-your-own))",
    "document": "`[document]` with `file`: where `document` writes; `docs/schema.md`",
    "hooks": "`[hooks]`: whom a run tells what it does ([hooks.md](hooks.md))",
    "lint": "`[lint]`: which rules a change is held to, and how strictly ([lint.md](lint.md))",
    "maintain": "`[maintain]`: what the regular tasks expect ([maintain.md](maintain.md))",
    "people": "`[people]`: whose database roles, SSH keys and e-mail addresses are one person's ([gates.md](gates.md))",
    "ticket": "a regular expression that finds the ticket in a change's note",
}
MEANING: Mapping[str, Mapping[str, str]] = {
    "": TOP, "environment": ENVIRONMENT, "queue_guard": QUEUE_GUARD, "backup": BACKUP, "drift": DRIFT, "check": CHECK,
    "hooks": HOOK, "maintain": MAINTAIN,
}  # fmt: skip
_FROM_ELSEWHERE = {
    "name": "needed", "target": "needed", "confirm_word": "its name", "protected": "whether a name contains `prod`",
    "verify": "`sqitch.conf`", "keep": "for ever",
}  # fmt: skip
_NO_VALUE = 1.5
"""No key wants a number with a point."""


def accepted() -> Mapping[str, set[str]]:
    """The keys of each table, as the reader knows them."""
    table = _table({"queue_guard": {}, "backup": {}, "drift": {}})
    table.environment()
    inner = {name: _inner(name) for name in ("queue_guard", "backup", "drift")}
    of_hooks, of_checks, of_maintain = hooks._KEYS, own_checks._KEYS, maintain_policy._KEYS
    top = {"": set(reader._TOP), "environment": table.asked}
    return {**top, **inner, "check": set(of_checks), "hooks": set(of_hooks), "maintain": set(of_maintain)}


def expected(key: str) -> str:
    """What the reader says that it expects of an environment's key, or of `table.key`."""
    outer, _, inner = key.partition(".")
    errors = _errors({outer: {inner: _NO_VALUE} if inner else _NO_VALUE})
    found = next((one for one in errors if f" {key} = " in one or f" {key}: " in one), "")
    return found.partition("expected ")[2]


def _inner(name: str) -> set[str]:
    """What a table inside an environment has, from what is said where it is none."""
    return set(re.findall(r"(\w+) = …", expected(name)))


def _table(values: Mapping[str, Any]) -> Any:
    toml = reader._TomlReader(Path("pgmig.toml"), TomlLines('[[environment]]\nname = "x"\n'), _no_target)
    return reader._Table(toml, 0, {"name": "x", **values})


def _errors(values: Mapping[str, Any]) -> list[str]:
    table = _table(values)
    table.environment()
    return [text for _, text in table.reader.errors]


def _no_target(name: str) -> Target:
    raise ProjectError(f"no target {name}")


def _default(key: str, outer: str = "") -> str:
    if (outer, key) == ("backup", "verify"):
        return '"none"; "decode" where one is required ("list", where others make it)'
    if key in _FROM_ELSEWHERE and outer in ("", "maintain"):
        return _FROM_ELSEWHERE[key]
    holder: object = {"queue_guard": QueueGuard(), "backup": BackupPolicy()}.get(outer, Policy())
    if outer == "check":
        holder = own_checks.OwnCheck("", "")
    elif outer == "hooks":
        holder = hooks.Hook("before")
    elif outer == "maintain":
        holder = maintain_policy.MaintainPolicy()
    for name in (key, f"{key}_ms"):
        value = getattr(holder, name, None)
        if isinstance(value, bool):
            return "true" if value else "false"
        if name.endswith("_ms") and value:
            return _duration(value)
        if isinstance(value, str | int) and value != "" and not name.endswith("_ms"):
            return f'"{value}"' if isinstance(value, str) else str(value)
    return ""


def _duration(ms: int) -> str:
    days, seconds = ms // 86_400_000, ms // 1000
    return f'"{days}d"' if days and not ms % 86_400_000 else f'"{seconds}s"' if not ms % 1000 else f'"{ms}ms"'


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## Tables", "", "| table or key | is |", "|---|---|"]
    lines += [f"| `{key}` | {told} |" for key, told in TOP.items()]
    lines += ["", "## `[[environment]]`", "", "| key | expects | default | meaning |", "|---|---|---|---|"]
    for key, told in ENVIRONMENT.items():
        wanted = "the tables of `[hooks]`" if key == "hooks" else expected(key)
        lines.append(f"| `{key}` | {_cell(wanted)} | {_default(key)} | {told} |")
        for inner, meaning in MEANING.get(key, {}).items() if key != "hooks" else ():
            name = f"{key}.{inner}"
            lines.append(f"| `{name}` | {_cell(expected(name))} | {_default(inner, key)} | {meaning} |")
    for title, table in (("`[[check]]`", "check"), ("`[hooks]`", "hooks"), ("`[maintain]`", "maintain")):
        lines += ["", f"## {title}", ""]
        if table == "hooks":
            lines += ['One table for each of these moments, `before = { command = ["./tell.sh"] }`:', ""]
            lines += [f"- `{name}`: {told}" for name, told in HOOK_NAMES.items()]
            lines += [""]
        lines += ["| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{key}` | {_default(key, table)} | {told} |" for key, told in MEANING[table].items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
