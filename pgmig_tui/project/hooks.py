"""`[hooks]` of pgmig.toml: whom a run tells what it does, by a command or a webhook.

What stands there is nothing but text: it is carried out once a person of this account has accepted it
(`gates.accepted`). A secret is never in this file's text: it comes from an environment variable or a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import urlsplit

HookName = Literal["before", "after", "rolled_back", "ticket", "override"]
HOOKS: tuple[HookName, ...] = ("before", "after", "rolled_back", "ticket", "override")
SECRET = "{secret}"
"""Where a webhook's secret stands in its address; without it, it goes as a bearer token."""
LIMIT_MS = 10_000
BACKOFF_MS = 500
TRIES = 3
_KEYS = ("command", "webhook", "secret_env", "secret_file", "ca_file", "required", "timeout", "backoff")
_OF_WEBHOOK = ("secret_env", "secret_file", "ca_file")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = re.compile(r"PG.*|SQITCH_.*|PGMIG_.*")
_EXAMPLE = '{ command = ["./ops/tell.sh"] } or { webhook = "https://…" }'


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook: exactly one of `command` (a program and its arguments) and `webhook` (an https address).

    `secret_env` and `secret_file` say where the webhook's secret is, `ca_file` which authorities its server's
    certificate may be of (""= those of this host). A `required` one that fails stands in the way of a deploy. Each of
    three tries may take `timeout_ms`, with `backoff_ms` before the second and four times that before the third.
    """

    name: HookName
    command: tuple[str, ...] = ()
    webhook: str = ""
    secret_env: str = ""
    secret_file: str = ""
    ca_file: str = ""
    required: bool = False
    timeout_ms: int = LIMIT_MS
    backoff_ms: int = BACKOFF_MS

    @property
    def kind(self) -> Literal["command", "webhook"]:
        return "command" if self.command else "webhook"

    @property
    def to(self) -> str:
        """Whom it tells, as anybody may read it: of an address the host alone, for what follows may be a secret."""
        return " ".join(self.command) if self.command else shown_address(self.webhook)

    @property
    def accepted_text(self) -> tuple[str, ...]:
        """What a person accepts, word for word: whoever gets it, and which secret."""
        if self.command:
            return self.command
        return (self.webhook, f"secret_env={self.secret_env}", f"secret_file={self.secret_file}", f"ca={self.ca_file}")

    @property
    def shown_text(self) -> str:
        """The same for a screen, without what may be a secret in the address."""
        if self.command:
            return self.to
        told = self.to
        if self.secret_env:
            told += f", with the secret of the environment variable {self.secret_env}"
        if self.secret_file:
            told += f", with the secret in {self.secret_file}"
        return told + (f", certified by {self.ca_file}" if self.ca_file else "")


def shown_address(webhook: str) -> str:
    """An address as anybody may read it."""
    if not webhook:
        return ""
    parts = urlsplit(webhook)
    return f"https://{parts.netloc}" + ("/…" if parts.path.strip("/") or parts.query else "")


def read_hooks(value: object, duration: Callable[[str], int]) -> tuple[dict[HookName, Hook | None], list[str]]:
    """The hooks of a table, None where it says "off", and what is wrong with it, a sentence each."""
    if not isinstance(value, Mapping):
        return {}, [f"hooks is a table of {', '.join(HOOKS)}, each {_EXAMPLE}"]
    found: dict[HookName, Hook | None] = {}
    errors = []
    for name, table in value.items():
        if name not in HOOKS:
            errors.append(f'unknown hook "{name}"; known: {", ".join(HOOKS)}')
            continue
        known = cast("HookName", name)
        if table == "off":
            found[known] = None
            continue
        try:
            found[known] = _hook(known, table, duration)
        except ValueError as error:
            errors.append(f"hooks.{name}: {error}")
    return found, errors


def _hook(name: HookName, table: object, duration: Callable[[str], int]) -> Hook:
    """Raises ValueError, saying what was expected."""
    if not isinstance(table, Mapping):
        raise ValueError(f'expected {_EXAMPLE}, or "off"')
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise ValueError(f'unknown key "{unknown[0]}"; known: {", ".join(_KEYS)}')
    if ("command" in table) == ("webhook" in table):
        raise ValueError(f"it has exactly one of command and webhook: {_EXAMPLE}")
    if "command" in table and (useless := [key for key in _OF_WEBHOOK if key in table]):
        raise ValueError(f"{useless[0]} belongs to a webhook")
    required = table.get("required", False)
    if not isinstance(required, bool):
        raise ValueError("required is true or false")
    if required and name != "before":
        raise ValueError("required is for before alone: what comes later is done already")
    hook = Hook(
        name,
        _command(table),
        _address(table),
        _text(table, "secret_env"),
        _text(table, "secret_file"),
        _text(table, "ca_file"),
        required,
        _time(table, "timeout", LIMIT_MS, duration),
        _time(table, "backoff", BACKOFF_MS, duration),
    )
    for problem in _secret_problems(hook):
        raise ValueError(problem)
    return hook


def _command(table: Mapping[str, object]) -> tuple[str, ...]:
    value = table.get("command", [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one and "\0" not in one for one in value):
        raise ValueError('command is a program and its arguments, as in ["./tell.sh", "--all"]')
    if "command" in table and not value:
        raise ValueError('command is a program and its arguments, as in ["./tell.sh", "--all"]')
    return tuple(value)


def _address(table: Mapping[str, object]) -> str:
    """No message repeats the address: a part of it may be a secret that stands where it should not."""
    if "webhook" not in table:
        return ""
    value = _text(table, "webhook")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("webhook is an address of printable ASCII without blanks; others are written as %XX")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("webhook is no address: https://host/path is expected") from None
    if parts.scheme != "https":
        raise ValueError(
            "webhook must begin with https://: what is sent in the clear can be read and changed on its way"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError('webhook holds a name or a password; say secret_env = "VARIABLE" or secret_file = "PATH"')
    if not host or SECRET in parts.netloc:
        raise ValueError("webhook names no host: https://host/path is expected")
    return value


def _secret_problems(hook: Hook) -> Iterator[str]:
    if hook.secret_env and hook.secret_file:
        yield "secret_env and secret_file can't both be"
    if hook.secret_env and not _VARIABLE.fullmatch(hook.secret_env):
        yield "secret_env is the name of an environment variable"
    if _OURS.fullmatch(hook.secret_env):
        yield f"{hook.secret_env} is a variable of the database's; nothing of it is sent"
    if SECRET in hook.webhook and not (hook.secret_env or hook.secret_file):
        yield f'{SECRET} in webhook needs secret_env = "VARIABLE" or secret_file = "PATH"'


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or (key in table and not value.strip()) or "\0" in value:
        raise ValueError(f"{key} is a text in quotes")
    return value


def _time(table: Mapping[str, object], key: str, default: int, duration: Callable[[str], int]) -> int:
    if key not in table:
        return default
    found = duration(_text(table, key))
    if not 0 < found <= LIMIT_MS:
        raise ValueError(f"{key} is above zero and at most {LIMIT_MS // 1000}s")
    return found
