"""Whether a revert script undoes its deploy script, by what both do and not by their words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgmig_tui.lint.effects import ScriptEffects, Thing
from pgmig_tui.lint.rule import Example, Rule
from pgmig_tui.lint.rules.script import Placed
from pgmig_tui.script.preview import Preview

_VERIFY = "SELECT c FROM app.t WHERE FALSE;"
_ADD = "ALTER TABLE app.t ADD COLUMN c text;"

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "revert-missing", "error", "a change without a revert script",
        "There is no way back from it at night but a backup.",
        "Write one.", Example(_ADD, None, _VERIFY), Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", _VERIFY),
    ),
    Rule(
        "revert-incomplete", "error", "a revert script that leaves something behind",
        "After the revert the registry says that the change isn't there, and a part of it is: the next deploy"
        " fails on it.",
        "Undo it. What can't be undone is declared: -- pgmig: lint ignore revert-incomplete and why.",
        Example("ALTER TABLE app.t ADD COLUMN c text, ADD COLUMN d text;", "ALTER TABLE app.t DROP COLUMN c;",
                "SELECT c, d FROM app.t WHERE FALSE;"),
        Example("ALTER TABLE app.t ADD COLUMN c text, ADD COLUMN d text;",
                "ALTER TABLE app.t DROP COLUMN d, DROP COLUMN c;", "SELECT c, d FROM app.t WHERE FALSE;"),
    ),
    Rule(
        "revert-too-much", "error", "a revert script that drops what its deploy script hasn't made",
        "The revert destroys what was there before the change.",
        "Take it out of the revert script.",
        Example(_ADD, "ALTER TABLE app.t DROP COLUMN c, DROP COLUMN b;", _VERIFY),
        Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", _VERIFY),
    ),
    Rule(
        "revert-leaves-rows", "warning", "a revert script that leaves the rows that were inserted",
        "The next deploy inserts them once more, or fails on their keys.",
        "Delete them in the revert script.",
        Example("INSERT INTO app.t (c) VALUES (1);", "SELECT 1;", _VERIFY),
        Example("INSERT INTO app.t (c) VALUES (1);", "DELETE FROM app.t WHERE c = 1;", _VERIFY),
    ),
    Rule(
        "revert-unknown", "info", "a revert script of which nobody can tell what it does",
        "It runs code that makes its SQL by itself, has branches, or isn't readable: whether it undoes the"
        " change is UNKNOWN.",
        "Write out what it does, or try it: pgmig-tui rehearse.",
        Example(_ADD, "SELECT app.undo();", _VERIFY), Example(_ADD, "ALTER TABLE app.t DROP COLUMN c;", _VERIFY),
    ),
)  # fmt: skip
_SOFT = frozenset({
    "grant", "owner of", "statistics of", "storage of", "storage parameters of", "clustering of", "trigger state of",
    "rows", "replica identity of", "tablespace of", "persistence of", "NOT NULL of", "identity of", "expression of",
})  # fmt: skip


def revert_script(view: Preview, deploy: ScriptEffects, revert: ScriptEffects) -> Iterator[Placed]:
    left: list[Thing] = []
    for thing, done in deploy.things.items():
        if thing.kind == "rows":
            if not _covered(thing, deploy, revert) and thing not in revert.touched and revert.known:
                yield Placed("revert-leaves-rows", f"the rows of {'.'.join(thing.name)} stay", fix="")
        elif not _undone(thing, done, deploy, revert):
            left.append(thing)
    if left and revert.known and deploy.known:
        for thing in left:
            what = {"made": "stays", "gone": "doesn't come back", "changed": "isn't set back"}[deploy.things[thing]]
            yield Placed(
                "revert-incomplete", f"{thing} {what} (line {deploy.lines.get(thing, 0)} of the deploy script)"
            )
    elif left and not revert.known:
        told = ", ".join(map(str, left[:3]))
        yield Placed("revert-unknown", f"whether it undoes {told} can't be told from its text")
    if deploy.known:
        yield from _too_much(deploy, revert)


def _undone(thing: Thing, done: str, deploy: ScriptEffects, revert: ScriptEffects) -> bool:
    if _covered(thing, deploy, revert):
        return True
    if thing.kind == "enum value" and done == "made":
        return _twin(Thing("type", thing.name[:-1]), revert) == "changed"  # dropped or renamed, and made again
    there = _twin(thing, revert)
    if done == "made":
        return there == "gone"
    if done == "gone":
        return there in ("made", "changed")
    if there is not None:
        return True
    return thing.kind in _SOFT and done == "changed" and thing in revert.touched


def _twin(thing: Thing, other: ScriptEffects) -> str | None:
    """What the other script does to it, be it with or without its schema."""
    found = other.things.get(thing)
    if found is not None:
        return found
    for one, done in other.things.items():
        if one.kind == thing.kind and one.name[-1] == thing.name[-1]:
            short = min(len(one.name), len(thing.name))
            if one.name[-short:] == thing.name[-short:] and abs(len(one.name) - len(thing.name)) == 1:
                return done
    return None


def _covered(thing: Thing, deploy: ScriptEffects, revert: ScriptEffects) -> bool:
    """Whether something that it goes with goes, or comes back."""
    pending, seen = list(deploy.parents.get(thing, ())), set()
    while pending:
        parent = pending.pop()
        if parent in seen:
            continue
        seen.add(parent)
        if _twin(parent, revert) == "gone":
            return True
        pending += deploy.parents.get(parent, ())
    return False


def _too_much(deploy: ScriptEffects, revert: ScriptEffects) -> Iterator[Placed]:
    for thing, done in revert.things.items():
        if done != "gone" or _twin(thing, deploy) is not None or _dropped_with(thing, deploy):
            continue
        # a part of what is made there (a constraint, a column of CREATE TABLE AS or LIKE) has no row of its own
        parents = [Thing(kind, thing.name[:-1]) for kind in ("table", "view", "type")]
        if any(_twin(one, deploy) is not None for one in parents):
            continue
        if thing.kind == "constraint" and thing in deploy.touched:
            continue
        if thing.kind in ("constraint", "index", "sequence", "trigger") and any(
            one.kind in ("column", "constraint", "table") and one.name[-1] in thing.name[-1] for one in deploy.things
        ):
            continue  # named after what was made: its own, in all likelihood
        yield Placed("revert-too-much", f"{thing} isn't of this change's making", line=revert.lines.get(thing, 0))


def _dropped_with(thing: Thing, deploy: ScriptEffects) -> bool:
    return thing in deploy.touched
