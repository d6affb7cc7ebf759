"""Every key of every screen, once. Bindings, footers and the help screen are made from this table.

Rules that the tests hold: a key that can change a database is a capital or leads to a dialog (its label ends in `..`),
and is never Enter, space, `y` or a function key; a letter that's dangerous on one screen isn't harmless on another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one place. `id` is `place.name`, `keys` as Textual names them; no `label` = not in the footer."""

    id: str
    keys: str
    shown: str
    label: str
    does: str
    dangerous: bool = False

    @property
    def place(self) -> str:
        return self.id.split(".", 1)[0]

    @property
    def name(self) -> str:
        return self.id.split(".", 1)[1]


_MOVES = (
    ("down", "j,down", "j", "one {} down"),
    ("up", "k,up", "k", "one {} up"),
    ("top", "g,home", "g", "the first {}"),
    ("bottom", "G,end", "G", "the last {}"),
    ("pagedown", "ctrl+d,pagedown", "ctrl-d", "half a page down"),
    ("pageup", "ctrl+u,pageup", "ctrl-u", "half a page up"),
)


def _moves(place: str, what: str, *, without: Collection[str] = ()) -> Iterator[Key]:
    """The keys of movement, the same in every list; `what` is one of its lines."""
    for name, names, shown, does in _MOVES:
        if name not in without:
            yield Key(f"{place}.{name}", names, shown, "", does.format(what))


KEYS: tuple[Key, ...] = (
    Key("home.deploy", "d", "d", "Deploy..", "review, then deploy the pending changes of the chosen environment", True),
    Key("home.verify", "v", "v", "Verify..", "review, then run the verify scripts of what is deployed", True),
    Key(
        "home.rollback",
        "R",
        "R",
        "ROLL BACK..",
        "review, then revert the last deploy run that stands, wherever the cursor is",
        True,
    ),
    Key("home.open", "enter", "Enter", "Open", "the scripts and the lock impact of the change under the cursor"),
    Key("home.locks", "l", "l", "Locks", "who waits for whom on the chosen environment's server"),
    Key("home.runs", "h", "h", "Runs", "runs of this host: watch one that is alive, read one that has ended"),
    Key("home.dry_run", "D", "D", "DRY RUN..", "run what is pending (up to the cursor) and roll it back", True),
    Key(
        "home.unlock",
        "u",
        "u",
        "Unlock..",
        "let a protected environment be changed, for this session; by its word",
        True,
    ),
    Key("home.filter", "slash", "/", "Filter", "show only the changes whose name holds a text; Esc shows all again"),
    Key("home.watch", "w", "w", "Watch", "what works on the chosen environment now, if it isn't a run of this account"),
    Key("home.environments", "e", "e", "", "all environments by name: choose one, also beyond the ninth"),
    Key("home.left", "left", "left", "", "the environment to the left"),
    Key("home.right", "right", "right", "", "the environment to the right"),
    *_moves("home", "change"),
    Key("change.backfill", "b", "b", "Batches..", "review, then run the declared backfill in batches", True),
    Key("change.previous", "left_square_bracket", "[", "", "the script before: deploy, verify, revert"),
    Key("change.next", "right_square_bracket", "]", "Next script", "the next script: deploy, verify, revert"),
    Key("change.impact", "i", "i", "Impact", "jump to the next statement that takes a lock"),
    Key("change.findings", "tab", "tab", "Findings", "move in the findings, the text follows; again: in the text"),
    Key("change.formatted", "f", "f", "Format", "the SQL set out by sqlparse, to read; never what is run"),
    Key("change.find", "slash", "/", "Find", "find a text in the script"),
    Key("change.dry_run", "D", "D", "DRY RUN..", "run what is pending up to this change and roll it back", True),
    Key("change.edit", "e", "e", "Edit", "the script in $VISUAL or $EDITOR, at this line; then read again"),
    Key("change.left", "left", "left", "", "long lines: to the left"),
    Key("change.right", "right", "right", "", "long lines: to the right"),
    *_moves("change", "line"),
    Key("review.tick", "space", "space", "Tick", "attest the item under the cursor; asks for a note"),
    Key("review.override", "o", "o", "Override..", "pass an item that fails; asks for a reason, which is journaled"),
    Key("review.accept", "a", "a", "Accept", "accept the data loss that is listed"),
    Key("review.backup", "b", "b", "Backup..", "make a backup by pg_dump and prove that it decodes", True),
    Key(
        "review.unlock",
        "u",
        "u",
        "Unlock..",
        "let this protected environment be changed for this session; GO unlocks its run",
        True,
    ),
    Key("review.lift", "L", "L", "Lift..", "lift the `do not deploy` of what was rolled back, with a reason", True),
    Key("review.go", "E", "E", "GO..", "ask for the last word; nothing runs before it", True),
    Key("review.dry_run", "D", "D", "DRY RUN..", "review, then run all of this and roll it back", True),
    *_moves("review", "line"),
    Key("rollback.accept", "a", "a", "Accept data loss", "accept the data loss that is listed"),
    Key("rollback.save", "S", "S", "Save first", "keep what would be lost in a schema; again: don't"),
    Key("rollback.go", "E", "E", "GO..", "ask for the last word; nothing runs before it", True),
    Key("rollback.sql", "s", "s", "Show SQL", "the statements that will be run; again: the steps alone"),
    Key("rollback.override", "o", "o", "Override..", "pass an item that stands in the way; asks for a reason"),
    Key("rollback.down", "j,down", "j", "", "further back: one change less stays"),
    Key("rollback.up", "k,up", "k", "", "less far back: one change more stays"),
    Key("rollback.watch", "w", "w", "", "the run that is under way, as its server tells of it"),
    *_moves("rollback", "line", without={"down", "up"}),
    Key("foreign.cancel", "c", "c", "Cancel..", "cancel the statement that it runs now; asks for the word", True),
    Key("foreign.stop", "X,x", "X", "STOP..", "end the run's sessions; asks for the word", True),
    Key("foreign.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom"),
    Key("foreign.attach", "a", "a", "Attach", "a run of this account: its own screen"),
    *_moves("foreign", "line"),
    Key("incident.write", "w", "w", "Write", "write the record to a file"),
    Key("incident.after", "enter", "Enter", "After", "the steps, and the list for afterwards"),
    *_moves("incident", "line"),
    Key("run.pause", "p", "p", "Pause", "pause after this step; again: go on"),
    Key("run.cancel", "c", "c", "Cancel..", "cancel the statement that runs now and stop", True),
    Key("run.stop", "X", "X", "STOP..", "cancel the statement, stop the run, close its sessions", True),
    Key("run.blocker", "K", "K", "Blocker..", "who is in the way: cancel or terminate, after its pid is typed", True),
    Key("run.settings", "s", "s", "Settings..", "change lock_timeout and the number of retries while it runs"),
    Key("run.detach", "z", "z", "Detach", "leave this screen; the run goes on by itself"),
    Key("run.after", "enter", "Enter", "After", "once it has ended: results, the list for afterwards, the summary"),
    Key("run.failed", "f", "f", "What now", "what failed, the lines around it, and what can be done now"),
    Key("run.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom"),
    Key("run.transcript", "t", "t", "Log", "the log over the whole screen; again: the steps beside what runs"),
    Key("run.retry", "r", "r", "Retry now", "after a lost try: don't wait, try again now"),
    *_moves("run", "line"),
    Key("backfill.pause", "p", "p", "Pause", "pause after this batch; again: go on"),
    Key("backfill.faster", "plus", "+", "Faster", "shorter rests between batches, then bigger ones"),
    Key("backfill.slower", "minus", "-", "Slower", "longer rests between batches, then smaller ones"),
    Key("backfill.stop", "X", "X", "STOP..", "cancel the batch and stop; what is done stays, to be resumed", True),
    Key("backfill.resume", "b", "b", "Go on..", "review, then go on where it was stopped", True),
    Key("backfill.retry", "r", "r", "Retry now", "after a lost try: don't wait, try again now"),
    Key("backfill.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom"),
    Key("backfill.detach", "z", "z", "Detach", "leave this screen; the run goes on by itself"),
    *_moves("backfill", "line"),
    Key("blockers.cancel", "c", "c", "Cancel..", "cancel what the session runs; asks for its pid", True),
    Key("blockers.terminate", "T", "T", "TERMINATE..", "end the session; asks for its pid", True),
    *_moves("blockers", "session"),
    Key("locks.cancel", "c", "c", "Cancel..", "cancel what the session runs; asks for its pid", True),
    Key("locks.terminate", "T", "T", "TERMINATE..", "end the session; asks for its pid", True),
    Key("locks.unfold", "enter", "Enter", "", "a crowd that waits: one by one; again: together"),
    Key("locks.hold", "space", "space", "Hold", "hold the list still; again: let it follow the server"),
    Key("locks.sort", "s", "s", "Sort", "as a tree, by the longest wait, by the oldest transaction"),
    Key("locks.filter", "slash", "/", "Filter", "only sessions that hold a text; Esc shows all again"),
    Key(
        "locks.unlock",
        "u",
        "u",
        "Unlock..",
        "let a protected environment be changed, for this session; by its word",
        True,
    ),
    *_moves("locks", "session"),
    Key("failed.retry", "d", "d", "Retry..", "review, then run what is left, this change first", True),
    Key(
        "failed.revert",
        "R",
        "R",
        "ROLL BACK..",
        "review, then revert this change; if it isn't deployed, what its run has committed",
        True,
    ),
    Key("failed.record", "m", "m", "Mark deployed..", "run its verify script, then record it without running it", True),
    Key("failed.after", "enter", "Enter", "Leave it", "leave it as it is: results, the list for afterwards"),
    Key("failed.locks", "l", "l", "", "everybody who waits for a lock on this server, and for whom"),
    *_moves("failed", "line"),
    Key("after.tick", "space", "space", "Tick", "attest the item under the cursor; asks for a note"),
    Key("after.rollback", "R", "R", "ROLL BACK..", "roll back the last deploy run that stands, after a look", True),
    Key("after.write", "w", "w", "Write", "write the summary to a file"),
    Key("after.log", "t", "t", "Log", "the log of the run"),
    *_moves("after", "line"),
    Key("runs.open", "enter", "Enter", "Open", "watch the run, or read how it ended"),
    *_moves("runs", "run"),
    *_moves("help", "line"),
    Key("any.environment", "1,2,3,4,5,6,7,8,9", "1-9", "", "choose an environment"),
    Key("any.pane", "tab", "tab", "", "the keys of movement go to the next list of this screen"),
    Key("any.find", "slash", "/", "", "find a text in the list that the keys move in"),
    Key("any.again", "n", "n", "", "the next line that holds the text"),
    Key("any.back_again", "N", "N", "", "the line before that holds the text"),
    Key("any.whole", "equals_sign", "=", "", "the whole of what the cursor is on or the screen says, where it is cut"),
    Key("any.ask", "r", "r", "", "ask the servers, and read the scripts, again now"),
    Key("any.copy", "y", "y", "Copy", "copy what the cursor is on (a finding's safer SQL), or the summary (OSC 52)"),
    Key("any.copy_screen", "Y", "Y", "", "copy the screen as text, and write it to a file"),
    Key("any.palette", "colon", ":", "", "every action by name (also ctrl-p)"),
    Key("any.help", "question_mark", "?", "Help", "this list"),
    Key("any.back", "escape", "esc", "Back", "one place back; never cancels work"),
    Key("any.explain", "ctrl+c", "ctrl-c", "", "copy the marked text; otherwise says how to leave"),
    Key("any.quit", "q", "q", "Quit", "leave; a run goes on by itself"),
)

BY_ID = {key.id: key for key in KEYS}

# What a footer shows besides the keys of its place, at most eight in all.
FOOTER_LIMIT = 8
_EVERYWHERE = {
    "home": ("any.help", "any.quit"),
    "change": ("any.copy", "any.help", "any.back"),
    "review": ("any.help", "any.back"),
    "rollback": ("any.help", "any.back"),
    "foreign": ("any.copy", "any.help", "any.back"),
    "incident": ("any.copy", "any.help", "any.back"),
    "run": ("any.copy", "any.help"),
    "backfill": ("any.copy", "any.help"),
    "failed": ("any.copy", "any.help", "any.back"),
    "blockers": ("any.copy", "any.help", "any.back"),
    "locks": ("any.copy", "any.help", "any.back"),
    "after": ("any.copy", "any.help", "any.back"),
    "runs": ("any.copy", "any.help", "any.back"),
    "help": ("any.back",),
}


def of_place(place: str) -> Iterator[Key]:
    """The keys that work in a place: its own, then those that work everywhere and aren't taken by its own."""
    own = [key for key in KEYS if key.place == place]
    taken = {part for key in own for part in key.keys.split(",")}
    yield from own
    for key in KEYS:
        if key.place == "any" and not taken & set(key.keys.split(",")):
            yield key


def footer(place: str, *, without: Collection[str] = ()) -> tuple[Key, ...]:
    """The keys that the footer of a place shows, in order, at most eight; `without` are IDs that mean nothing now."""
    own = [key for key in KEYS if key.place == place and key.label and key.id not in without]
    every = [BY_ID[identifier] for identifier in _EVERYWHERE.get(place, ())]
    return tuple(own[: FOOTER_LIMIT - len(every)] + every)
