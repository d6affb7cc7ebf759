"""Reads sqitch.conf: git-config syntax, three files, later ones winning key by key.

Sources: `sqitch-config` manual page; syntax as observed on Sqitch 1.3.1, which reads it with Perl's Config::GitLike and
so differs from git in details (comments, blanks, double values).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.script.regular import CONFIG_BYTES, Inside, read_regular

SYSTEM_FILE = Path("/etc/sqitch/sqitch.conf")
FILE_NAME = "sqitch.conf"
_MAX_INCLUDES = 10

_SECTION = re.compile(r'\[([^\s\[\]"]+)(?:[\t ]*"([^\n]*?)")?\]')
_BARE_KEY = re.compile(r"([^\[=\n][^=\n]*?)[\t ]*(?:[#;][^\n]*)?(?=\n|\Z)")
_KEY = re.compile(r"([^\[=\n][^=\n]*?)[\t ]*=[\t ]*")
_COMMENT = re.compile(r"[#;][^\n]*")
_END_OF_VALUE = re.compile(r"(?:[ \t]*[#;][^\n]*)?(?=\n|\Z)")
_GAP = re.compile(r"[\t ]+")
_ESCAPE = re.compile(r"\\(\n|[\\'\"ntb])")
_QUOTED = re.compile(r'"((?:[^"\\]|\\\n|\\[tbn"\\])*)"')
_QUOTED_ESCAPE = re.compile(r"\\(\n|[tbn\"\\])")
_WORD = re.compile(r'[^\t \\\n"]+')
_ESCAPES = {"\n": "", "n": "\n", "t": "\t", "b": "\b"}
_TRUE = re.compile(r"(?:true|yes|on|-?0*1)", re.I)
_FALSE = re.compile(r"(?:false|no|off|0*)", re.I)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a key. `text` is None for a key without "="; `name` is the key's name as written."""

    text: str | None = field(repr=False)  # may be a URI with a password
    name: str
    path: Path
    line: int

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Config:
    """What the configuration files say. Keys are `section.key` or `section.subsection.key`.

    Section and key count in any case, the subsection only as written.
    """

    values: Mapping[tuple[str, str], tuple[Value, ...]] = field(default_factory=dict)
    local_file: Path | None = None
    files: tuple[Path, ...] = ()

    def value(self, key: str) -> Value | None:
        """Return the only value of `key`, None when it isn't set. Raises ProjectError when it has several."""
        found = self.values.get(_split(key), ())
        if len(found) > 1:
            lines = " and ".join(str(value.line) for value in found)
            raise ProjectError(
                f"{found[0].path}: {key} has {len(found)} values (lines {lines}), and only one is possible.",
                do="Remove all but one.",
            )
        return found[0] if found else None

    def get(self, key: str) -> str | None:
        """Return the text of `key`; None when it is not set, empty, or has no "="."""
        value = self.value(key)
        return (value.text or None) if value else None

    def section(self, path: str) -> dict[str, str]:
        """Return the keys of one section, names as written; `path` is `section` or `section.subsection`."""
        path = _section_key(path)
        found: dict[str, str] = {}
        for (section, key), values in self.values.items():
            if section == path and "." not in key:
                value = self.value(f"{section}.{key}")
                found[values[-1].name] = (value.text or "") if value else ""
        return found

    def has_section(self, path: str) -> bool:
        """True when the section has any key."""
        path = _section_key(path)
        return any(section == path for section, _ in self.values)

    def subsections(self, section: str) -> tuple[str, ...]:
        """Return the names of `[section "name"]`, those of the system's file first, in file order."""
        prefix = section.lower() + "."
        return tuple(dict.fromkeys(path[len(prefix) :] for path, _ in self.values if path.startswith(prefix)))

    def bool(self, key: str) -> bool | None:
        """Return `key` as true or false, None when it is not set; a key without "=" is true. Raises ProjectError."""
        value = self.value(key)
        if value is None:
            return None
        if value.text is None or _TRUE.fullmatch(value.text):
            return True
        if _FALSE.fullmatch(value.text):
            return False
        raise ProjectError(f'{value.where}: {key} is "{value.text}".', do="Write true or false.")


def read_config(cwd: Path, env: Mapping[str, str]) -> Config:
    """Read the system's, the user's and the project's file, as Sqitch finds them.

    `SQITCH_SYSTEM_CONFIG`, `SQITCH_USER_CONFIG` and `SQITCH_CONFIG` name other files; the project's is searched in
    `cwd` (absolute) and upwards, the first one counts. Raises ProjectError, naming every line that can't be read.
    """
    system = Path(env.get("SQITCH_SYSTEM_CONFIG") or SYSTEM_FILE)
    home = env.get("HOME", "")
    user = Path(env["SQITCH_USER_CONFIG"]) if env.get("SQITCH_USER_CONFIG") else None
    if user is None and home:
        user = Path(home) / ".sqitch" / FILE_NAME
    local = find_local(cwd, env.get("SQITCH_CONFIG") or FILE_NAME)
    return read_files([cwd / path for path in (system, user, local) if path], local=local, home=home)


def find_local(cwd: Path, name: str) -> Path | None:
    """Return the first file called `name` in `cwd` or a folder above it."""
    return next((path for path in (folder / name for folder in (cwd, *cwd.parents)) if path.is_file()), None)


def read_files(paths: Iterable[Path], *, local: Path | None = None, home: str = "") -> Config:
    """Read `paths` in their order; a key of a later file replaces the same key of an earlier one."""
    reader = _ConfigReader(home)
    for path in paths:
        if path.is_file():
            # The system's and the user's own are theirs; the project's is whoever's the project is.
            reader.read(path, 0, Inside(path.parent) if path == local else None)
    if reader.errors:
        raise ProjectError(
            "The configuration can't be read.",
            now="Nothing was changed.",
            do="Correct these lines and try again.",
            details=reader.errors,
        )
    return Config(reader.values, local, tuple(reader.files))


class _ConfigReader:
    def __init__(self, home: str) -> None:
        self.home = home
        self.values: dict[tuple[str, str], tuple[Value, ...]] = {}
        self.files: list[Path] = []
        self.errors: list[str] = []
        self.inside: Inside | None = None

    def read(self, path: Path, depth: int, inside: Inside | None) -> None:
        """Read a file and what it includes, all of it `inside` where that is given."""
        if depth == 0 and path in self.files:
            return
        if depth > _MAX_INCLUDES:
            self.errors.append(f"{path}: more than {_MAX_INCLUDES} files include each other")
            return
        try:
            data = read_regular(path, CONFIG_BYTES) if inside is None else inside.read(path, CONFIG_BYTES)
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            self.errors.append(f"{path}:{line}: byte 0x{error.object[error.start]:02X} is not valid UTF-8")
            return
        except OSError as error:
            self.errors.append(f"{path}: {error.strerror}")
            return
        self.files.append(path)
        self.inside = inside
        self._parse(text.replace("\r\n", "\n"), path, depth)

    def _parse(self, text: str, path: Path, depth: int) -> None:
        section: str | None = None
        at = 0
        while True:
            while at < len(text) and text[at].isspace():
                at += 1
            if at >= len(text):
                return
            line = text.count("\n", 0, at) + 1
            expected = 'a key, as in "key = value"'
            if found := _COMMENT.match(text, at):
                at = found.end()
                continue
            if found := _SECTION.match(text, at):
                name = found[2]
                if name and re.search(r'["\\]', re.sub(r'\\[\\"]', "", name)):
                    expected = 'a section name with \\" and \\\\ for quotes and backslashes'
                else:
                    section = found[1].lower() + (f".{_unquote(name)}" if name else "")
                    at = found.end()
                    continue
            elif section is None and (_BARE_KEY.match(text, at) or _KEY.match(text, at)):
                expected = 'a section first, as in [core] or [target "name"]'
            elif section is not None and (found := _BARE_KEY.match(text, at)):
                self._define(Value(None, found[1], path, line), section, depth)
                at = found.end()
                continue
            elif section is not None and (found := _KEY.match(text, at)):
                value, at, fine = _value(text, found.end())
                if fine:
                    self._define(Value(value, found[1], path, line), section, depth)
                    continue
                line = text.count("\n", 0, at) + 1
                expected = 'a value with its quotes closed, and \\\\ \\" \\n \\t \\b as the only escapes'
            elif text[at] == "[":
                expected = 'a section, as in [core] or [target "name"]'
            column = at - (text.rfind("\n", 0, at) + 1) + 1
            self.errors.append(f"{path}:{line}:{column}: expected {expected}")
            at = text.find("\n", at)
            if at < 0:
                return

    def _define(self, value: Value, section: str, depth: int) -> None:
        key = (section, value.name.lower())
        earlier = self.values.get(key, ())
        same_file = bool(earlier) and earlier[-1].path == value.path
        self.values[key] = (*earlier, value) if same_file else (value,)
        if key == ("include", "path") and value.text:
            name = value.text.replace("~", self.home, 1) if value.text.startswith("~") else value.text
            included = value.path.parent / name.strip()
            if included.is_file():
                self.read(included, depth + 1, self.inside)


def _value(text: str, at: int) -> tuple[str, int, bool]:
    """Read a value from `at`; return it, where it ends, and whether it could be read."""
    parts: list[str] = []
    while True:
        if found := _END_OF_VALUE.match(text, at):
            return "".join(parts), found.end(), True
        if found := _GAP.match(text, at):
            parts.append(" ")
        elif found := _ESCAPE.match(text, at):
            parts.append(_ESCAPES.get(found[1], found[1]))
        elif found := _QUOTED.match(text, at):
            parts.append(_QUOTED_ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), found[1]))
        elif found := _WORD.match(text, at):
            parts.append(found[0])
        else:
            return "", at, False
        at = found.end()


def _unquote(name: str) -> str:
    return re.sub(r"\\([\\\"])", r"\1", name)


def _split(key: str) -> tuple[str, str]:
    section, _, name = key.rpartition(".")
    return _section_key(section), name.lower()


def _section_key(path: str) -> str:
    section, dot, subsection = path.partition(".")
    return section.lower() + dot + subsection
