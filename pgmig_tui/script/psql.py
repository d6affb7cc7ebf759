"""A psql session's state: variables, the stack of included files, what waits to be done. Here stands what the backslash
commands (`meta`) may use; the loop that reads lines and calls them is `reader`.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Mapping

from pgmig_tui.errors import UsageError
from pgmig_tui.script.actions import Action, Echo, ServerFacts
from pgmig_tui.script.files import NOWHERE, Allow, FileSource
from pgmig_tui.script.frame import SourceFrame
from pgmig_tui.script.problems import ScriptError, ScriptRefused, ScriptUnbounded
from pgmig_tui.script.variables import VariableError, assigned, initial, parse_boolean, to_bytes, to_text, unset_value

_DEEPEST_INCLUDE = 100
_MOST_INCLUDES = 10_000
_DEEPEST_IF = 100
_EXPANDED_BYTES = 64 << 20
"""What a script can't do without bound: values of variables may hold each other, and files include files twice."""
_IN_BACKTICKS = re.compile(rb":(?:([A-Za-z0-9_\x80-\xff]+)|'([A-Za-z0-9_\x80-\xff]+)')")

_POLICIES = frozenset({"pgmig.toml", "sqitch.conf"})

RunShell = Callable[[str], bytes]


class PsqlSession:
    """What psql knows while it reads a script, and what its backslash commands may ask of it and change.

    `name` is the script's path relative to the project, `variables` are those of `--set` (Sqitch's, `registry`
    included), `run_shell` answers for backticks with a command's output and is used only where `allow.shell` is true.

    `standard_conforming_strings` and `encoding` follow the server: set them after each statement that may have changed
    them. Their value counts from the next line on, as in psql.

    Raises UsageError for `variables` that psql would not set, ScriptError for a script with a NUL byte.
    """

    def __init__(
        self,
        name: str,
        data: bytes,
        files: FileSource,
        variables: Mapping[str, str],
        allow: Allow,
        *,
        server: ServerFacts,
        run_shell: RunShell | None = None,
    ) -> None:
        self.name = name
        try:
            self.variables = initial(server, variables)
        except VariableError as error:
            raise UsageError(f"a variable can't be set: {error}") from None
        self.standard_conforming_strings = True
        self.server = server
        self.files = files
        self.allow = allow
        self.restricted = ""
        self._run_shell = run_shell
        self._frames: list[SourceFrame] = []
        self._queue: deque[Action] = deque()
        self._encoding = server.encoding
        self._expanded = 0
        self._included = 0
        self.include(name, data)

    @property
    def encoding(self) -> str:
        """The client encoding, as PostgreSQL names it."""
        return self._encoding

    @encoding.setter
    def encoding(self, name: str) -> None:
        if name != self._encoding:
            self._encoding = self.variables["ENCODING"] = name

    @property
    def frame(self) -> SourceFrame:
        return self._frames[-1]

    @property
    def stops_on_error(self) -> bool:
        """Whether a failing statement ends the script. psql looks at ON_ERROR_STOP when it starts with a line."""
        frame = self._frames[-1] if self._frames else None
        return frame.strict if frame else parse_boolean(self.variables["ON_ERROR_STOP"]) is True

    def emit(self, action: Action) -> None:
        self._queue.append(action)

    def check_depth(self) -> None:
        """Before one more `\\if`. Raises ScriptRefused."""
        if len(self.frame.branches) >= _DEEPEST_IF:
            raise self._unbounded(f"\\if: nested more than {_DEEPEST_IF} deep")

    def echo(self, text: str, stream: str = "out") -> None:
        frame = self.frame
        self.emit(Echo(text, "err" if stream == "err" else "out", frame.name, frame.line_number))

    def problem(self, message: str) -> ScriptError:
        """psql's own error, to be raised."""
        return ScriptError(self.frame.name, self.frame.line_number, message)

    def refusal(self, message: str, do: str = "") -> ScriptRefused:
        return ScriptRefused(self.frame.name, self.frame.line_number, message, do=do)

    def _unbounded(self, message: str) -> ScriptUnbounded:
        return ScriptUnbounded(self.frame.name, self.frame.line_number, message)

    def needs_shell(self, what: str) -> None:
        if self.allow.trial:
            raise self.refusal(
                f"{what} runs a program outside the database, which no dry run and no rehearsal does, whatever"
                " allow_shell says",
                "What it does can't be rolled back: try the scripts without it.",
            )
        if not self.allow.shell:
            raise self.refusal(
                f"{what} runs a program outside the database, which only --allow-shell (allow_shell in pgmig.toml)"
                " allows",
                "Write it in SQL, or say --allow-shell; allow_shell in pgmig.toml allows it for this environment.",
            )

    def set_variable(self, name: str, value: str) -> None:
        if name in ("SINGLELINE", "SINGLESTEP") and parse_boolean(value or "on"):
            raise self.refusal(f"{name} is for a person at psql")
        try:
            self.variables[name] = assigned(name, value)
        except VariableError as error:
            raise self.problem(str(error)) from None

    def unset_variable(self, name: str) -> None:
        value = unset_value(name)
        if value is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = value

    def lookup(self, name: bytes) -> bytes | None:
        """A variable's value; in a branch that isn't taken there are none."""
        value = self.variables.get(to_text(name)) if self.frame.active else None
        if value is None:
            return None
        data = to_bytes(value)
        self._expanded += len(data)
        if self._expanded > _EXPANDED_BYTES:
            raise self._unbounded(f"its variables expand to more than {_EXPANDED_BYTES >> 20} MB")
        return data

    def shell(self, command: bytes) -> bytes:
        """What a command in backticks prints, without its last line end."""
        if not self.frame.active:
            return b""
        self.needs_shell("a command in backticks")
        if self._run_shell is None:
            raise self.refusal("a command in backticks can't be run here")

        def fill(found: re.Match[bytes]) -> bytes:
            value = self.lookup(found[1] or found[2]) if found[1] or found[2] else None
            if value is None:
                return found[0]
            return value if found[1] else to_bytes(shlex.quote(to_text(value)))

        filled = _IN_BACKTICKS.sub(fill, command)
        return self._run_shell(to_text(filled)).removesuffix(b"\n").removesuffix(b"\r")

    def read_file(self, path: str, *, relative: bool = False) -> tuple[str, bytes]:
        """A file's name and content; problems are those of the script that names it."""
        frame = self.frame
        try:
            return self.files.read(path, relative_to=frame.name if relative else None, line=frame.line_number)
        except ScriptError as error:
            raise type(error)(frame.name, frame.line_number, error.message, do=error.do) from None

    def resolve_file(self, path: str) -> str:
        """The name of a file to write."""
        frame = self.frame
        try:
            name = self.files.resolve(path, relative_to=None, line=frame.line_number)
        except ScriptError as error:
            raise type(error)(frame.name, frame.line_number, error.message, do=error.do) from None
        if not self.allow.files and name != NOWHERE and _obeyed(name):
            raise self.refusal(
                f"{path} is obeyed by this program or by git: no script writes it",
                "Write into another file, or set allow_files for this environment in pgmig.toml.",
            )
        return name

    def include(self, name: str, data: bytes) -> None:
        """Goes on in another file; afterwards behind the command that named it."""
        if len(self._frames) >= _DEEPEST_INCLUDE:
            raise self._unbounded(f"{name}: included more than {_DEEPEST_INCLUDE} files deep")
        self._included += 1
        if self._included > _MOST_INCLUDES:
            raise self._unbounded(f"more than {_MOST_INCLUDES} files are included")
        nul = data.find(b"\0")
        if nul >= 0:
            raise ScriptError(name, data.count(b"\n", 0, nul) + 1, "holds a NUL byte, which no SQL text may")
        self._frames.append(SourceFrame(name, data))


def _obeyed(name: str) -> bool:
    """Whether a file of the project says what programs do: a policy, a configuration, `.git` and its like."""
    parts = name.split("/")
    return parts[-1] in _POLICIES or any(part.startswith(".") for part in parts)
