"""What a script asks for, one thing at a time, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Then = Literal["plain", "gset", "gexec", "gx", "file", "pipe"]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What psql knows of the session at its start; `version_num` as 160004, `encoding` as PostgreSQL names it."""

    version_num: int = 180000
    dbname: str = ""
    user: str = ""
    host: str = ""
    port: str = ""
    encoding: str = "UTF8"


@dataclass(slots=True)
class Send:
    """Send `sql` in one simple query, byte for byte; more than one statement if the script says `\\;`.

    `line` is where the first word stands (comments before it are sent along), `end_line` where the statement ends,
    which is the line that psql names in its messages; `line_at` tells the line of a place in between. `start` and `end`
    are byte offsets in the file of `path`: from the first word to just before what ended the statement. `then` says
    what becomes of the rows, `argument` is the prefix of `\\gset`, the file of `\\g`, or the command of `\\g |`. `text`
    is `sql` for reading.

    `implicit` marks what psql adds itself: BEGIN where AUTOCOMMIT is off, savepoints of ON_ERROR_ROLLBACK. `source` is
    the statement as the script has it, where variables were filled in, else "".
    """

    path: str
    line: int
    end_line: int
    sql: bytes
    text: str
    then: Then = "plain"
    argument: str = ""
    start: int = 0
    end: int = 0
    lines: tuple[int, ...] = ()  # the script's line of each line of `sql`; empty where it has but one
    implicit: bool = False
    source: str = ""

    @property
    def written(self) -> str:
        """The statement as the script has it: with its variables, and not with their values, which may be secrets."""
        return self.source or self.text

    def line_at(self, position: int) -> int:
        """The script's line of a `position` in `text` as servers give it (in characters, from 1)."""
        number = self.text.count("\n", 0, max(position - 1, 0))
        return self.lines[number] if number < len(self.lines) else self.end_line


@dataclass(frozen=True, slots=True)
class CopyFile:
    """`\\copy` with a file: `sql` is COPY … FROM STDIN or TO STDOUT; `data` is what goes in, `file` the name.

    To be reported like a Send.
    """

    path: str
    line: int
    sql: bytes
    text: str
    direction: Literal["in", "out"]
    file: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Echo:
    """Text for the log, line end included where there is one; `err` is psql's standard error."""

    text: str
    stream: Literal["out", "err"]
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Connect:
    """A new session on the same database, perhaps as another role; empty means as before."""

    user: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class SetEncoding:
    """Change the client encoding; then set `reader.encoding` to what the server answers."""

    name: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class RedirectOutput:
    """From here on rows go to the file `name` (resolved), or to the command after `|`; None is the log again."""

    name: str | None
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """Run `command` in a shell; its exit status decides nothing. Only where the policy allows it."""

    command: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class SetEnvironment:
    """`\\setenv`: set or (None) unset a variable for later shell commands. Only where the policy allows it."""

    name: str
    value: str | None
    path: str
    line: int


Action = Send | CopyFile | Echo | Connect | SetEncoding | RedirectOutput | ShellCommand | SetEnvironment


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the last Send or CopyFile.

    `row_count` as psql's ROW_COUNT (rows returned or affected). `columns` and `first_row` are wanted for `\\gset`,
    `rows` for `\\gexec`; None in a row is NULL. Text from the server: UTF-8, other bytes as surrogates.
    """

    ok: bool
    sqlstate: str = "00000"
    message: str = ""
    row_count: int = 0
    columns: tuple[str, ...] = ()
    first_row: tuple[str | None, ...] | None = None
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    in_transaction: bool = False
