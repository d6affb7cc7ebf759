"""The journal of a run: JSON lines, only ever appended, written by the run process and read by everybody else.

A folder of one run (mode 0700) holds `plan.json` and `files/` (written at planning), `journal.jsonl`, `commands` (a
FIFO),
`lock` (held with flock for the life of the run process: who can take it knows that the process is gone), and the run
process's own `stdout` and `stderr`.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path

from pgmig_tui.display.mask import mask_secrets, without_values
from pgmig_tui.run.journal import locked
from pgmig_tui.run.journal.entry import Entry, event_of, fields_of, line_of, name_of, utc
from pgmig_tui.run.journal.events import AnyEvent, RunFinished
from pgmig_tui.run.journal.folder import JOURNAL

COMMANDS = "commands"
LOCK = "lock"
PLAN = "plan.json"
FILES = "files"
INCIDENT = "incident.md"

COMMAND_NAMES = (
    "pause", "resume", "cancel", "stop",
    "retry", "lock_timeout", "retries", "cancel_blocker", "terminate_blocker", "detach", "faster", "slower",
)  # fmt: skip
"""The first word of each command in the pipe. `lock_timeout MS` and `retries N` count from the next try on, `retry`
ends the waiting for it; `cancel_blocker PID STARTED` and `terminate_blocker PID STARTED` name a session by its process
and its start (ISO 8601)."""

_MASKED = frozenset({"sql", "hash", "kind", "tag"})
"""Fields of the many events about statements whose texts come masked, or hold none that could be secret."""

_STEPS = re.compile(rb', ?"steps": ?\[').search
"""Where the last member of a journal's first line begins; inside a string its quotes would be escaped."""

_HEAD = 8192
"""Bytes that are read of a journal's first line at first: `steps`, the last of it, begins before their end."""

_END = 4096
"""Bytes that hold a usual `run_finished`; one that is longer is read the long way."""

_TAIL = 65536
"""Bytes in which the last line of a journal is looked for first: more than most that follows a run's end."""

_ENDED = b'"event": "run_finished"'


class JournalWriter:
    """Appends events, a line each, so that a reader sees whole lines.

    They are written when the run waits for the server or asks for `sync`: a run that is killed loses at most what it
    told between two statements, and never what had to be on disk before one.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        clock: Callable[[], float] = time.time,
        *,
        hide: Callable[[str], str] | None = None,
    ) -> None:
        """`hide` takes out of a text what no record may hold."""
        self.run = run
        self._hide = hide
        self.skew = 0.0
        """Seconds to add to the local clock to get the server's."""
        self.heard: Callable[[AnyEvent], None] | None = None
        """Called with each event."""
        self._clock = clock
        self._seq = 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(folder / JOURNAL, flags, 0o600)
        self._waiting: list[str] = []
        self._rest = b""
        self._unsynced = True

    @classmethod
    def continued(cls, folder: Path, run: str) -> JournalWriter:
        """Go on with the journal of a run whose process has ended; a line that it left torn is closed first."""
        last = JournalReader(folder).poll()
        writer = cls(folder, run)
        writer._seq = last[-1].seq if last else 0
        size = os.fstat(writer._fd).st_size
        if size:
            with (folder / JOURNAL).open("rb") as file:
                file.seek(size - 1)
                writer._rest = b"" if file.read(1) == b"\n" else b"\n"
        return writer

    def hide(self, text: str) -> str:
        """The text as the journal, and any other record, may have it. Before it is cut: half a secret is one, too."""
        return text if self._hide is None else self._hide(text)

    def write(self, event: AnyEvent, *, sync: bool = False) -> Entry:
        """Append one event, its texts without the secrets that they mark as such: a script's output and a server's rows
        hold them, too. With `sync` it, and all before it, are on disk when this returns; only then it raises OSError
        (disk full)."""
        name, told = name_of(event), fields_of(event)
        data = told if self._hide is None else without_values(told, self._hide)
        data = {key: mask_secrets(one) if type(one) is str and key not in _MASKED else one for key, one in data.items()}
        if data != told:
            event = event_of(name, data)
        self._seq += 1
        entry = Entry(self._seq, utc(self._clock(), self.skew), self.run, event)
        self._waiting.append(line_of(entry.seq, entry.at, entry.run, name, data))
        if self.heard is not None:
            self.heard(event)
        if sync:
            self.sync()
        return entry

    def flush(self) -> None:
        """Write what was told since the last time. Raises OSError; what wasn't written then comes first the next time,
        so that a full disk leaves no torn line once there is room again."""
        if not self._waiting and not self._rest:
            return
        lines, self._waiting = self._waiting, []  # in one go: a signal's handler may tell of a command meanwhile
        self._rest += "".join(line + "\n" for line in lines).encode("utf-8", "replace")
        while self._rest:
            self._rest = self._rest[os.write(self._fd, self._rest) :]
        self._unsynced = True

    def sync(self) -> None:
        """See that all that was told is on disk. Raises OSError."""
        self.flush()
        if self._unsynced:
            os.fsync(self._fd)
            self._unsynced = False

    def close(self) -> None:
        self.sync()
        os.close(self._fd)


class JournalReader:
    """Reads new events of a journal that may still grow. Never blocks; a half-written last line waits for its rest."""

    def __init__(self, folder: Path, names: Collection[str] = ()) -> None:
        """With `names`, events of other names are passed over without being read."""
        self._path = folder / JOURNAL
        self._names = tuple(f'"event": "{name}"'.encode() for name in names)
        self._offset = 0
        self._rest = b""
        self.behind = False
        """There was more than the last `poll` was to read."""

    def poll(self, most: int | None = None) -> list[Entry]:
        """The events since the last call, of the first `most` bytes of them; None reads them all. A line that isn't an
        event is skipped (a newer writer, a torn disk block)."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(-1 if most is None else most)
        except FileNotFoundError:
            return []
        self.behind = len(data) == most
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = []
        for line in lines:
            if self._names and not any(name in line for name in self._names):
                continue
            try:
                events.append(Entry.from_line(line.decode("utf-8", "replace")))
            except ValueError:
                continue
        return events


def first_and_last(folder: Path, *, alive: bool = False) -> tuple[Entry | None, Entry | None]:
    """The first event of a journal (without its `steps`, which may be very many), and the one that ended the run or,
    where none did, the last; None where there is none. Raises OSError.

    Answers to the post-deployment checklist, and what was looked at after a rollback, may follow the end. Of a run that
    is `alive` the end isn't looked for in all that it has told.
    """
    with (folder / JOURNAL).open("rb") as file:
        head, newline, _ = file.read(_HEAD).partition(b"\n")
        if not newline and not _STEPS(head):
            head += file.readline()
        size, tail = os.fstat(file.fileno()).st_size, _TAIL
        while True:
            file.seek(max(0, size - tail))
            lines = [line for line in file.read().split(b"\n") if line]
            end = next((line for line in reversed(lines) if _ENDED in line), None)
            if end is not None or alive or tail >= size:
                break
            tail *= 8
    if steps := _STEPS(head):
        head = head[: steps.start()] + b"}"
    end = end if end is not None else lines[-1] if lines else None
    return _event(head), _event(end) if end is not None else None


def ended_at(end: Entry) -> str:
    """When a run ended, by its `run_finished`: for one that was settled, when it was last heard of."""
    return (end.event.heard_at if isinstance(end.event, RunFinished) else None) or end.at


def ended_well(folder: Path) -> bool:
    """Whether the last line of a journal is a run's end that leaves no doubt: a look without parsing, for the many runs
    of which nobody asks more. Raises OSError."""
    with (folder / JOURNAL).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
        last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    return _ENDED in last and b'"exit_status": 4,' not in last


def _event(line: bytes) -> Entry | None:
    try:
        return Entry.from_line(line.decode("utf-8", "replace"))
    except ValueError:
        return None


def hold_lock(folder: Path, doing: str = "", patience_s: float = 1.0) -> int | None:
    """Take the run's lock for the life of this process: the descriptor to keep, or None when another holds it.

    Who isn't the run process itself says what it is `doing` with the journal ("settling"). Who only looks whether the
    run lives holds the lock for a moment, and the run process does for a while after its last event: try for
    `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while (fd := locked.hold(folder / LOCK)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if fd is not None:
        with contextlib.suppress(OSError):  # a full disk: then it is held without a word
            os.ftruncate(fd, 0)
            if doing:
                os.pwrite(fd, f"{doing}, process {os.getpid()}".encode(), 0)
    return fd


def is_alive(folder: Path) -> bool:
    """The run process of this folder is running (it holds the lock). A process id could be another's by now."""
    return _is_held(folder) and not _holder(folder)


def held_by_another(folder: Path) -> str:
    """Who holds the journal of a run whose own process has ended ("settling, process 4242"), "" when nobody does."""
    return _holder(folder) if _is_held(folder) else ""


def _is_held(folder: Path) -> bool:
    try:
        return locked.is_held(folder / LOCK)
    except FileNotFoundError:
        return False


def _holder(folder: Path) -> str:
    try:
        return (folder / LOCK).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
