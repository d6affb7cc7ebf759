"""What sqitch.conf says: `config`, `engine` and `target`, where they read. Passwords in URIs are left out."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.config import Config
    from pgmig_tui.project.targets import Target

_NOT_SET = 1
_NOTHING = "Nothing was done."
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
_NUMBER = re.compile(r"(-?[0-9]*\.?[0-9]*)([kmg]?)")
_TRUE, _FALSE = re.compile(r"true|yes|on|-?0*1", re.I), re.compile(r"false|no|off|0*", re.I)


def config(arguments: Namespace) -> int:
    """The value of a key, or all that is set. Exit status 1, and nothing printed, for a key that isn't set."""
    words: list[str] = arguments.words
    action = arguments.action or ("get" if len(words) == 1 else "write" if words else "")
    if action == "write":
        from pgmig_tui.cli.writing import refuse

        raise refuse("config")
    if action == "list":
        return _list(arguments)
    if not words or len(words) > 2:
        raise UsageError(
            "config needs a key." if not words else "config takes a key, and a regex for its value.",
            now=_NOTHING,
            do="`pgmig-tui config --list` shows all that is set.",
        )
    known = _values(_read(arguments, whole=True))
    found = _matching(known, words, arguments.type, every=action == "get-regex")
    if not found:
        return _NOT_SET
    if action == "get-regex":
        for key in sorted(found):
            output.say(safe(_line(key, found[key])))
        return 0
    (values,) = found.values()
    if action == "get" and len(values) > 1:
        raise ProjectError(f'More than one value for the key "{words[0]}".', do="Say --get-all.")
    for value in values:
        output.say(safe(value or "", multiline=True))
    return 0


Values = Mapping[str, Sequence[str | None]]


def _read(arguments: Namespace, *, whole: bool) -> Config:
    """All files, or the one that --user, --system, --local or --file name."""
    from pgmig_tui.project.config import FILE_NAME, SYSTEM_FILE, read_config, read_files

    here = Path.cwd()
    env = os.environ
    if whole or not (arguments.local or arguments.user or arguments.system or arguments.file):
        return read_config(here, env)
    home = env.get("HOME", "")
    if arguments.file:
        path = Path(arguments.file)
    elif arguments.user:
        path = Path(env.get("SQITCH_USER_CONFIG") or Path(home) / ".sqitch" / FILE_NAME)
    elif arguments.system:
        path = Path(env.get("SQITCH_SYSTEM_CONFIG") or SYSTEM_FILE)
    else:
        path = Path(env.get("SQITCH_CONFIG") or FILE_NAME)
    return read_files([here / path], home=home)


def _values(config: Config) -> dict[str, list[str | None]]:
    """The values of all keys, `section.subsection.key`; None for a key without "="."""
    return {
        f"{section}.{key}": [None if value.text is None else mask_uri(value.text) for value in values]
        for (section, key), values in config.values.items()
    }


def mask_uri(text: str) -> str:
    """A value without the password that a URI in it holds."""
    text = re.sub(r"(://[^/?#@:\s]*):[^/?#@\s]*@", r"\1@", text)
    return mask_secrets(re.sub(r"([?&;](?:ssl)?password=)[^&;#\s]*", r"\1…", text))


def _list(arguments: Namespace) -> int:
    for key, values in sorted(_values(_read(arguments, whole=False)).items()):
        output.say(safe(_line(key, values)))
    return 0


def _line(key: str, values: Sequence[str | None]) -> str:
    if len(values) > 1:
        return f"{key}=[{', '.join(value or '' for value in values)}]"
    return key if values[0] is None else f"{key}={values[0]}"


def _matching(known: Values, words: Sequence[str], kind: str | None, *, every: bool) -> dict[str, list[str | None]]:
    """The keys that the first word names (or, as a regular expression, matches), with the values that match the second,
    as values of a `kind`."""
    wanted = words[0]
    try:
        if every:
            form = re.compile(wanted, re.I)
            keys = [key for key in known if form.search(key)]
        else:
            section, _, name = wanted.rpartition(".")
            first, dot, rest = section.partition(".")
            keys = [f"{first.lower()}{dot}{rest}.{name.lower()}"]
        sign, text = (words[1][:1] == "!", words[1].removeprefix("!")) if len(words) > 1 else (False, "")
        value_form = re.compile(text, re.I)
    except re.error as error:
        raise UsageError(f"That is no regular expression: {error}.", now=_NOTHING) from None
    found: dict[str, list[str | None]] = {}
    for key in keys:
        values = [value for value in known.get(key, ()) if bool(value_form.search(value or "")) != sign]
        if values:
            found[key] = [_cast(value, kind) for value in values]
    return found


def _cast(value: str | None, kind: str | None) -> str | None:
    if kind is None:
        return value
    if kind == "bool-or-int":
        kind = "int" if value is not None and _NUMBER.fullmatch(value) else "bool"
    if kind == "bool":
        if value is None:
            return "true"
        if _TRUE.fullmatch(value):
            return "true"
        if _FALSE.fullmatch(value):
            return "false"
        raise ProjectError(f"Invalid bool '{value}'.")
    number = _NUMBER.fullmatch(value or "")
    if not number:
        raise ProjectError(f"Invalid unit while casting to {kind}.")
    amount = float(number[1] or 0) * _UNITS.get(number[2], 1)
    return str(int(amount)) if kind == "int" or amount.is_integer() else repr(amount)


# -- engines and targets ---------------------------------------------------------------------------------------------


def engine(arguments: Namespace) -> int:
    """The engines that have a target, or with `show` all that is configured of one."""
    from pgmig_tui.project.uris import ENGINES

    here = _read(arguments, whole=True)
    action, names = _action("engine", arguments.words)
    if action == "list" or not names:
        _names({name: here.get(f"engine.{name}.target") for name in here.subsections("engine") if name in ENGINES})
        return 0
    for name in names:
        if name not in ENGINES:
            raise UsageError(f'Unknown engine "{name}".', now=_NOTHING)
        _show(name, "Target", here.get(f"engine.{name}.target") or f"db:{name}:", here, arguments)
    return 0


def target(arguments: Namespace) -> int:
    """The targets, or with `show` all that is configured of one."""
    here = _read(arguments, whole=True)
    action, names = _action("target", arguments.words)
    if action == "list" or not names:
        _names({name: here.get(f"target.{name}.uri") for name in here.subsections("target") if "." not in name})
        return 0
    for name in names:
        _show(name, "URI", name, here, arguments)
    return 0


def _action(command: str, words: Sequence[str]) -> tuple[str, Sequence[str]]:
    action = words[0] if words else "list"
    if action in ("list", "show"):
        return action, words[1:]
    if action in ("add", "alter", "rename", "remove", "rm"):
        from pgmig_tui.cli.writing import refuse

        raise refuse(command)
    raise UsageError(f'Unknown action "{action}".', now=_NOTHING, do="Say list, or show with a name.")


def _names(found: Mapping[str, str | None]) -> None:
    for name in sorted(name for name, value in found.items() if value):
        more = f"\t{safe(mask_uri(found[name] or ''))}" if output.is_verbose() else ""
        output.text_out(f"{safe(name)}{more}\n")


def _show(name: str, label: str, wanted: str, config: Config, arguments: Namespace) -> None:
    from pgmig_tui.project.targets import TargetOptions, resolve_target

    here = Path.cwd()
    options = TargetOptions(arguments.plan_file, arguments.top_dir, arguments.registry)
    found = resolve_target(wanted, config, os.environ, here, options)
    uri = mask_uri(config.get(f"target.{wanted}.uri") or wanted)
    shown = uri if label == "URI" else mask_uri(wanted)
    output.say(f"* {safe(name)}")
    for title, value in _facts(label, shown, found, here):
        output.say(f"    {f'{title}:':<15}{safe(value)}" if value else f"    {title}:")
    variables = {
        key: value
        for section in (f"engine.{found.engine}", f"target.{found.name}")
        for key, value in config.section(f"{section}.variables").items()
    }
    if not variables:
        output.say("    No Variables")
        return
    output.say("    Variables:")
    width = max(map(len, variables))
    for key in sorted(variables, key=str.lower):
        output.say(f"  {safe(key)}: {' ' * (width - len(key))}{safe(variables[key])}")


def _facts(label: str, shown: str, found: Target, here: Path) -> Iterable[tuple[str, str]]:
    """Titles and values in Sqitch's order; a title without a value stands above others."""

    def told(path: Path) -> str:
        return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)

    yield label, shown
    yield "Registry", found.registry
    yield "Client", found.client
    yield "Top Directory", told(found.top_dir)
    yield "Plan File", told(found.plan_file)
    yield "Extension", found.extension
    yield "Script Directories", ""
    for title, path in (("Deploy", found.deploy_dir), ("Revert", found.revert_dir), ("Verify", found.verify_dir)):
        yield f"  {title}", told(path)
    yield "Reworked Script Directories", ""
    yield "  Reworked", told(found.reworked_dir)
    for title, path in (
        ("Deploy", found.reworked_deploy_dir),
        ("Revert", found.reworked_revert_dir),
        ("Verify", found.reworked_verify_dir),
    ):
        yield f"  {title}", told(path)
