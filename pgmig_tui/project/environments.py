"""Environments: named targets in promotion order, each with a policy, as pgmig.toml says.

Without the file each target of sqitch.conf is an environment, in file order, and "prod" in a name protects it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.errors import PgmigError, ProjectError
from pgmig_tui.project.approvers import Approvers, Person, read_approvers, read_people
from pgmig_tui.project.document_settings import read_document
from pgmig_tui.project.drift_policy import NO_DRIFT_POLICY, DriftPolicy, read_accepted, read_ignored
from pgmig_tui.project.hooks import Hook, HookName, read_hooks
from pgmig_tui.project.lint_settings import read_lint
from pgmig_tui.project.maintain_policy import NO_MAINTAIN_POLICY, MaintainPolicy, read_maintain
from pgmig_tui.project.own_checks import OwnCheck, read_checks
from pgmig_tui.project.schedule import Freeze, Window, read_freezes, read_windows
from pgmig_tui.project.targets import Target
from pgmig_tui.project.tickets import read_ticket
from pgmig_tui.project.toml_lines import TomlLines
from pgmig_tui.project.verification import Verification

FILE_NAME = "pgmig.toml"
DEFAULT_LOCK_TIMEOUT_MS = 300
DEFAULT_TRACKING = "pgmig"
DEFAULT_KEEP_SCHEMA = "pgmig_keep"
DEFAULT_RETRIES = 8

_T = TypeVar("_T")
_TOP = ("environment", "check", "document", "hooks", "lint", "maintain", "people", "ticket")
_TOP_FORMS = {"environment": "[[environment]]", "check": "[[check]]", "ticket": "ticket"}
_NOBODY: Approvers | tuple[str, ...] = ()
_COMPUTED = ("promote_from", "soak", "approvals", "window", "freeze")
_LONGEST_SOAK_MS = 366 * 86_400_000
_DURATION = re.compile(r"([0-9]+)\s*(ms|s|min|h|d)")
_DURATION_MS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_CONFIRM_WORD = re.compile(r"[a-z0-9-]{2,5}")


@dataclass(frozen=True, slots=True)
class BackupPolicy:
    """Whether a backup must exist before a deploy, of which kind (dump, pgbackrest, barman, command), and how a dump is
    checked: none, list, decode or restore.

    `name` is pgBackRest's stanza or Barman's server; `command` prints what it knows as JSON, run in `root`, the folder
    of pgmig.toml ("" where it has none).
    """

    required: bool = False
    verify: str = "none"
    kind: str = "dump"
    name: str = ""
    command: tuple[str, ...] = ()
    root: str = ""


@dataclass(frozen=True, slots=True)
class QueueGuard:
    """When a step gives way: more than `waiters` sessions wait behind it, or one longer than `oldest_ms`."""

    waiters: int = 10
    oldest_ms: int = 300


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed on an environment.

    `test`: changes may be tested on copies of it, on its own server.
    `verify` is inside, after, off, or "" when pgmig.toml doesn't say; `tracking` is a schema, None for off.
    `approvals` are the roles that must approve, and `approvers` who may for them, None where pgmig.toml doesn't say.
    `override` is who may go on past what was found before a deploy: operator, approver or none.
    `promote_from` names the environment in which changes must have been deployed and verified before, and `soak_ms` is
    how long they must have been there. `window` is when it may be deployed to, `freeze` when it may not be.
    `on_hangup` is finish, continue or abort: what a run does when the terminal that controls it is gone.
    `save_before_revert`: a rollback first keeps in `keep_schema` what it destroys.
    `sslmode` is verify-full where the server must prove who it is, "" where pgmig.toml doesn't say.
    `computed` are the keys set in pgmig.toml that are rules of their own, with their values as TOML; `unenforced` are
    those that this version can't work out.
    """

    protected: bool = False
    test: bool = False
    confirm_word: str = ""
    verify: str = ""
    system_identifier: str | None = None
    lock_timeout_ms: int = DEFAULT_LOCK_TIMEOUT_MS
    allow_shell: bool = False
    allow_files: bool = False
    tracking: str | None = DEFAULT_TRACKING
    backup: BackupPolicy = BackupPolicy()
    promote_from: str | None = None
    soak_ms: int = 0
    approvals: tuple[str, ...] = ()
    approvers: Approvers | None = None
    override: str = "operator"
    queue_guard: QueueGuard = QueueGuard()
    retries: int = DEFAULT_RETRIES
    on_hangup: str = "finish"
    window: tuple[Window, ...] = ()
    freeze: tuple[Freeze, ...] = ()
    save_before_revert: bool = False
    keep_schema: str = DEFAULT_KEEP_SCHEMA
    drift: DriftPolicy = NO_DRIFT_POLICY
    sslmode: str = ""
    computed: tuple[tuple[str, str], ...] = ()
    unenforced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """A named target with a policy. `line` is its place in pgmig.toml, 0 without one. `source` is the environment that
    its policy promotes from."""

    name: str
    target: Target
    policy: Policy
    color: str | None = None
    line: int = 0
    source: Environment | None = None
    checks: tuple[OwnCheck, ...] = ()
    """The project's own items of its lists."""
    maintain: MaintainPolicy = NO_MAINTAIN_POLICY
    ticket: str = ""
    """The pattern of the ticket that a change's note names; "" = nobody asks for one."""
    hooks: tuple[Hook, ...] = ()
    """Whom its runs tell what they do."""

    def hook(self, name: HookName) -> Hook | None:
        """The hook of that name, None where there is none."""
        return next((one for one in self.hooks if one.name == name), None)

    def __post_init__(self) -> None:
        """How the server has to prove who it is hangs on target and policy, whichever of them is replaced."""
        object.__setattr__(self, "target", _verified(self.target, self.policy))

    @property
    def own_schemas(self) -> frozenset[str]:
        """The schemas of Sqitch's registry and of what we keep, which change with every run."""
        found = (self.target.registry, self.policy.tracking, self.policy.keep_schema)
        return frozenset(schema for schema in found if schema)


def _verified(target: Target, policy: Policy) -> Target:
    wanted: Verification = "try" if policy.protected and target.tls_left_open else ""
    if policy.sslmode == "verify-full":
        # In what it connects by: so it holds for whoever is handed that, a run's process and pg_dump as well.
        strict = {**target.conninfo, "sslmode": "verify-full"}
        strict.setdefault("gssencmode", "disable")  # else its encryption may stand in for a certificate
        return replace(target, conninfo=strict, verification="enforce")
    return target if target.verification == wanted else replace(target, verification=wanted)


def rooted(environment: Environment, root: Path) -> Environment:
    """The environment with the folder in which its backup command is run."""
    backup = environment.policy.backup
    if not backup.command:
        return environment
    return replace(environment, policy=replace(environment.policy, backup=replace(backup, root=str(root))))


def target_environment(name: str, target: Target) -> Environment:
    """Return the environment of a target that pgmig.toml doesn't know: protected when a name in it contains "prod"."""
    protected = "prod" in name.lower() or target.looks_like_production
    word = name if ":" not in name else target.address.database or target.display
    return Environment(name, target, Policy(protected=protected, confirm_word=word))


def read_environments(data: bytes, path: Path, resolve: Callable[[str], Target]) -> tuple[Environment, ...]:
    """Return the environments of a pgmig.toml in their order; `resolve` gives the target of a name or URI.

    Raises ProjectError with all errors of the file, each with its line.
    """
    import tomllib  # a project without the file needs none

    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _errors(path, [f"{path}:{line}: byte 0x{data[error.start]:02X} is not valid UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise _errors(path, [_syntax_error(path, str(error), text)]) from None
    reader = _TomlReader(path, TomlLines(text), resolve)
    environments = reader.read(document)
    if reader.errors:
        raise _errors(path, [text for _, text in sorted(reader.errors, key=lambda error: error[0])])
    return environments


def duration_ms(text: str) -> int:
    """Return a duration such as 300ms, 5s, 1min or 2h in milliseconds. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError('a duration such as "300ms", "5s", "1min" or "2h"')
    return int(found[1]) * _DURATION_MS[found[2]]


class _TomlReader:
    def __init__(self, path: Path, lines: TomlLines, resolve: Callable[[str], Target]) -> None:
        self.path = path
        self.lines = lines
        self.resolve = resolve
        self.errors: list[tuple[int, str]] = []

    def error(self, line: int, message: str) -> None:
        self.errors.append((line, f"{self.path}:{line}: {message}"))

    def read(self, document: Mapping[str, object]) -> tuple[Environment, ...]:
        for key in document:
            if key not in _TOP:
                *most, last = (_TOP_FORMS.get(name, f"[{name}]") for name in _TOP)
                expected = f"{', '.join(most)} or {last}"
                self.error(self.lines.top(key), f'unknown key "{key}"; expected {expected}')
        for wrong in read_document(document.get("document", {}))[1]:
            self.error(self.lines.top("document"), wrong)
        for wrong in read_lint(document.get("lint", {}))[1]:
            self.error(self.lines.top("lint"), wrong)
        tables = document.get("environment", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.error(self.lines.top("environment"), "write [[environment]], with two brackets")
            return ()
        if not tables:
            self.error(1, "no [[environment]] in this file")
        found = [_Table(self, index, table) for index, table in enumerate(tables)]
        environments = [table.environment() for table in found]
        self._check_names(found)
        self._check_promotion(found)
        names = frozenset(table.name for table in found)
        checks, errors = read_checks(document.get("check", []), names, duration_ms)
        for text in errors:
            self.error(self.lines.top("check"), text)
        maintain, errors = read_maintain(document.get("maintain", {}), names, duration_ms)
        for text in errors:
            self.error(self.lines.top("maintain"), text)
        ticket = ""
        try:
            ticket = read_ticket(document["ticket"]) if "ticket" in document else ""
        except ValueError as error:
            self.error(self.lines.top("ticket"), f"ticket = {_toml(document['ticket'])}: expected {error}")
        people, errors = read_people(document.get("people", {}))
        for text in errors:
            self.error(self.lines.top("people"), text)
        hooks, errors = read_hooks(document.get("hooks", {}), duration_ms)
        for text in errors:
            self.error(self.lines.top("hooks"), text)
        with_hooks = (
            replace(one, hooks=tuple(hook for hook in {**hooks, **table.hooks}.values() if hook is not None))
            for one, table in zip(environments, found, strict=True)
            if one
        )
        whole = (_with_people(_with_checks(one, checks), people) for one in with_hooks)
        known = {one.name: replace(one, maintain=maintain, ticket=ticket) for one in whole}
        return () if self.errors else tuple(_with_source(one, known) for one in known.values())

    def _check_names(self, tables: Sequence[_Table]) -> None:
        names: dict[str, int] = {}
        words: dict[str, str] = {}
        for table in tables:
            name, word = table.name, table.policy.confirm_word
            line = self.lines.key(table.index, "name")
            if name and name in names:
                self.error(line, f'name = "{name}" stands on line {names[name]} already; names must be unique')
            elif word and word in words:
                line = self.lines.key(table.index, "confirm_word")
                self.error(line, f'confirm_word "{word}" is also that of "{words[word]}"; it must be unique')
            names.setdefault(name, line)
            words.setdefault(word, name)

    def _check_promotion(self, tables: Sequence[_Table]) -> None:
        sources: dict[str, str | None] = {}
        for table in tables:
            sources.setdefault(table.name, table.policy.promote_from)
        reported: set[str] = set()
        for table in tables:
            source = table.policy.promote_from
            line = self.lines.key(table.index, "promote_from")
            if source is not None and source not in sources:
                self.error(
                    line, f'promote_from = "{source}" names no environment; known: {", ".join(filter(None, sources))}'
                )
            path = [table.name]
            while source is not None and source in sources and source not in path:
                path.append(source)
                source = sources[source]
            if source == table.name and not reported & set(path):
                self.error(line, f"promote_from goes in a circle: {' ← '.join([*path, table.name])}")
                reported.update(path)


def _with_checks(environment: Environment, checks: Sequence[OwnCheck]) -> Environment:
    """The environment with those of the project's own items that are of it."""
    here = (one for one in checks if environment.name in (one.environments or (environment.name,)))
    return replace(environment, checks=tuple(here))


def _with_people(environment: Environment, people: tuple[Person, ...]) -> Environment:
    """The environment whose approvers are known as people."""
    approvers = environment.policy.approvers
    if approvers is None or not people:
        return environment
    return replace(environment, policy=replace(environment.policy, approvers=replace(approvers, people=people)))


def _with_source(environment: Environment, known: Mapping[str, Environment]) -> Environment:
    """The same, knowing where it promotes from; nothing goes in a circle here."""
    source = known.get(environment.policy.promote_from or "")
    return environment if source is None else replace(environment, source=_with_source(source, known))


class _Table:
    """One [[environment]]."""

    def __init__(self, reader: _TomlReader, index: int, values: Mapping[str, object]) -> None:
        self.reader = reader
        self.index = index
        self.values = values
        self.asked: set[str] = set()
        self.name = self.get("name", _name, "")
        self.hooks = self.read_hooks()
        self.policy = self.read_policy()

    def environment(self) -> Environment | None:
        line = self.reader.lines.key(self.index, "")
        if "name" not in self.values:
            self.reader.error(line, 'this [[environment]] has no name; add name = "…"')
        color = self.get("color", _text, "")
        target = self.target(self.name, self.get("target", _text, ""), line)
        self.check_unknown(self.values, self.asked, "")
        if target is None:
            return None
        policy = self.policy
        if "protected" not in self.values:
            policy = replace(policy, protected="prod" in self.name.lower() or target.looks_like_production)
        return Environment(self.name, target, policy, color or None, line)

    def read_hooks(self) -> Mapping[HookName, Hook | None]:
        """Its own hooks; one that says "off" is none, whatever the project's [hooks] say."""
        self.asked.add("hooks")
        hooks, errors = read_hooks(self.values.get("hooks", {}), duration_ms)
        for text in errors:
            self.reader.error(self.reader.lines.key(self.index, "hooks"), text)
        return hooks

    def target(self, name: str, target_name: str, line: int) -> Target | None:
        if not target_name:
            if "target" not in self.values:
                self.reader.error(line, f'environment "{name}" has no target; add target = "…"')
            return None
        try:
            return self.reader.resolve(target_name)
        except PgmigError as error:
            self.reader.error(self.reader.lines.key(self.index, "target"), f"{error.what}. {error.do}".rstrip())
            return None

    def read_policy(self) -> Policy:
        guard_table = self.table("queue_guard", ("waiters", "oldest"))
        drift_table = self.table("drift", ("ignore", "accepted"))
        tracking = self.get("tracking", _schema, DEFAULT_TRACKING)
        approvals = self.get("approvals", _approvals, _NOBODY)
        window: tuple[Window, ...] = self.get("window", read_windows, ())
        policy = Policy(
            protected=self.get("protected", _flag, False),
            confirm_word=self.get("confirm_word", _confirm_word, self.name),
            verify=self.get("verify", one_of("inside", "after", "off"), ""),
            system_identifier=self.get("system_identifier", _digits, "") or None,
            lock_timeout_ms=self.get("lock_timeout", _duration, DEFAULT_LOCK_TIMEOUT_MS),
            test=self.get("test", _flag, False),
            allow_shell=self.get("allow_shell", _flag, False),
            allow_files=self.get("allow_files", _flag, False),
            tracking=None if tracking == "off" else tracking,
            backup=self.backup(),
            promote_from=self.get("promote_from", _text, "") or None,
            soak_ms=self.get("soak", _soak, 0),
            approvals=approvals if isinstance(approvals, tuple) else tuple(role for role, _ in approvals.roles),
            approvers=approvals if isinstance(approvals, Approvers) else None,
            override=self.get("override", one_of("operator", "approver", "none"), "operator"),
            queue_guard=QueueGuard(
                self.get("waiters", _count, 10, guard_table, "queue_guard."),
                self.get("oldest", _duration, 300, guard_table, "queue_guard."),
            ),
            retries=self.get("retries", _count, DEFAULT_RETRIES),
            on_hangup=self.get("on_hangup", one_of("finish", "continue", "abort"), "finish"),
            window=window,
            freeze=self.get("freeze", lambda value: read_freezes(value, window[0].zone if window else "UTC"), ()),
            save_before_revert=self.get("save_before_revert", _flag, False),
            keep_schema=self.get("keep_schema", _schema, DEFAULT_KEEP_SCHEMA),
            sslmode=self.get("sslmode", one_of("verify-full"), ""),
            drift=DriftPolicy(
                self.get("ignore", read_ignored, (), drift_table, "drift."),
                self.get("accepted", read_accepted, (), drift_table, "drift."),
            ),
        )
        if policy.override == "approver" and not (policy.approvers and policy.approvers.database_roles):
            line = self.reader.lines.key(self.index, "override")
            self.reader.error(line, 'override = "approver" needs approvals = { dba = ["ana"], … } with a database role')
        if policy.test and policy.protected:
            self.reader.error(self.reader.lines.key(self.index, "test"), "what is protected is no test target")
        if policy.approvers is not None and policy.tracking is None:
            line = self.reader.lines.key(self.index, "approvals")
            self.reader.error(line, 'approvals are kept beside the tracking tables, and tracking = "off"')
        if "soak" in self.values and "promote_from" not in self.values:
            line = self.reader.lines.key(self.index, "soak")
            self.reader.error(
                line, 'soak needs promote_from = "…": the environment in which changes have to stay so long'
            )
        there = {key: _toml(self.values[key]) for key in _COMPUTED if key in self.values}
        unenforced = []
        if policy.approvers is None and "approvals" in there:
            unenforced.append(("approvals", there.pop("approvals")))
        return replace(policy, computed=tuple(there.items()), unenforced=tuple(unenforced))

    def backup(self) -> BackupPolicy:
        table = self.table("backup", ("required", "verify", "kind", "name", "command"))
        required = self.get("required", _flag, False, table, "backup.")
        kind = self.get("kind", one_of("dump", "pgbackrest", "barman", "command"), "dump", table, "backup.")
        tiers = ("none", "list", "decode", "restore") if kind == "dump" else ("none", "list")
        otherwise = ("decode" if kind == "dump" else "list") if required else "none"
        verify = self.get("verify", one_of(*tiers), otherwise, table, "backup.")
        name = self.get("name", _backup_name, "", table, "backup.")
        nothing: tuple[str, ...] = ()
        command = self.get("command", _texts, nothing, table, "backup.")
        wanted = {"pgbackrest": ("name", name), "barman": ("name", name), "command": ("command", command)}.get(kind)
        line = self.reader.lines.key(self.index, "backup")
        if wanted is not None and not wanted[1] and wanted[0] not in table:
            self.reader.error(line, f'backup.kind = "{kind}" needs backup.{wanted[0]}')
        for key in ("name", "command"):
            if key in table and (wanted is None or key != wanted[0]):
                line = self.reader.lines.key(self.index, f"backup.{key}")
                self.reader.error(line, f'backup.{key} says nothing where backup.kind is "{kind}"')
        return BackupPolicy(required, verify, kind, name, command)

    def table(self, key: str, known: tuple[str, ...]) -> Mapping[str, object]:
        self.asked.add(key)
        table = self.values.get(key, {})
        if not isinstance(table, dict):
            example = "{ " + ", ".join(f"{name} = …" for name in known) + " }"
            self.reader.error(self.reader.lines.key(self.index, key), f"{key}: expected a table, {example}")
            return {}
        self.check_unknown(table, set(known), f"{key}.")
        return table

    def get(
        self,
        key: str,
        read: Callable[[object], _T],
        default: _T,
        table: Mapping[str, object] | None = None,
        prefix: str = "",
    ) -> _T:
        if table is None:
            table = self.values
            self.asked.add(key)
        if key not in table:
            return default
        try:
            return read(table[key])
        except ValueError as error:
            line = self.reader.lines.key(self.index, prefix + key)
            self.reader.error(line, f"{prefix}{key} = {_toml(table[key])}: expected {error}")
            return default

    def check_unknown(self, table: Mapping[str, object], known: Iterable[str], prefix: str) -> None:
        for key in table:
            if key not in known:
                line = self.reader.lines.key(self.index, prefix + key)
                self.reader.error(line, f'unknown key "{prefix}{key}"{_suggestion(key, known)}')


# -- readers of one value: they return it, or raise ValueError saying what was expected --------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text in quotes")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not re.fullmatch(r"[^-\s:][^:]*(?<!\s)", value):
        raise ValueError('a name in quotes, without ":" and control characters')
    return value


def _backup_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*", value):
        raise ValueError("the name of a stanza or server: letters, digits, points, - and _")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError('a list of texts, as in ["dba", "lead"]')
    return tuple(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number, not below 0")
    return value


def _digits(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,20}", value):
        raise ValueError("the digits of pg_control_system().system_identifier, in quotes")
    return value


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('a duration in quotes, such as "300ms"')
    if (milliseconds := duration_ms(value)) < 1:
        raise ValueError("a duration above zero")
    if milliseconds > 2**31 - 1:  # PostgreSQL's limit for timeouts
        raise ValueError("a duration below 24 days")
    return milliseconds


def _soak(value: object) -> int:
    expected = 'a duration in quotes, such as "24h" or "3d"'
    if not isinstance(value, str) or not _DURATION.fullmatch(value) or not 0 < duration_ms(value) <= _LONGEST_SOAK_MS:
        raise ValueError(expected)
    return duration_ms(value)


def _approvals(value: object) -> Approvers | tuple[str, ...]:
    return read_approvers(value, _soak)


def _confirm_word(value: object) -> str:
    if not isinstance(value, str) or not _CONFIRM_WORD.fullmatch(value):
        raise ValueError("2 to 5 characters of a-z, 0-9 and -")
    return value


def _schema(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value or len(value.encode()) > 63:
        raise ValueError('the name of a schema, or "off"')
    return value


def one_of(*words: str) -> Callable[[object], str]:
    """Return a reader that takes only these words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(" or ".join(f'"{word}"' for word in words))
        return value

    return read


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return str(value)


def _suggestion(key: str, known: Iterable[str]) -> str:
    told = did_you_mean(key, known)
    return f"; {told[0].lower()}{told[1:]}" if told else ""


def _syntax_error(path: Path, message: str, text: str) -> str:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(found[1]) if found else text.count("\n") + 1
    column = int(found[2]) if found else 1
    message = re.sub(r"\s*\(at [^)]*\)$", "", message)
    return f"{path}:{line}:{column}: {message}"


def _errors(path: Path, errors: list[str]) -> ProjectError:
    return ProjectError(
        f"{path} can't be used: {len(errors)} error{'' if len(errors) == 1 else 's'}.",
        now="Nothing was changed.",
        do="Correct these lines and try again.",
        details=errors,
    )
