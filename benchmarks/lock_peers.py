"""The lock preview beside other programs', on the same statements, against what PostgreSQL really locked.

Writes docs/accuracy.md. The truth is that of lock_accuracy.py, which is run first unless --results names what it wrote.
Each statement stands in a file of its own for the peers, since what they remember of earlier ones would not be what the
server has. What a peer does not report can't be scored, and is said.

    python benchmarks/lock_peers.py
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from peers import Peer, localtools, pgfence, squawk  # noqa: E402

from pgmig_tui.impact.modes import LockMode  # noqa: E402
from pgmig_tui.impact.predict import predict_script  # noqa: E402
from pgmig_tui.script.statement import Statement  # noqa: E402

Locks = dict[tuple[str, str], LockMode]
STRONG = LockMode.SHARE_UPDATE_EXCLUSIVE
_MODES = {mode.sql_name: mode for mode in LockMode}
_MODE_WORDS = "|".join(sorted(_MODES, key=len, reverse=True))
_NEEDS = re.compile(rf"Statement requires: ({_MODE_WORDS}) lock").search
_PROSE = re.compile(rf"`({_MODE_WORDS})` lock").findall
_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')
_LOCALTOOLS = """
import json, sys
from localtools_postgres_migration_checker import engine
said = []
for sql in json.load(sys.stdin):
    try:
        files = json.loads(engine.dumps(engine.check([("one.sql", sql)])))["files"]
        said.append([lock for one in files for statement in one["statements"] for lock in statement["locks"]])
    except Exception as error:
        said.append(None)
json.dump(said, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One statement of the corpus that was run, and what it locked (indexes too); `held` was locked before it."""

    sql: str
    family: str
    truth: Locks
    indexes: frozenset[tuple[str, str]]
    held: Locks
    ours: Locks


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said of a statement: relations with their modes, or (None) a mode and no relation."""

    locks: Locks | None
    strongest: LockMode | None


def cases(results: Iterable[str]) -> list[Case]:
    found = []
    for text in results:
        line = json.loads(text)
        if line["error"] or line["not_scored"]:
            continue
        predicted = [one for one in line["predicted"] if one["certainty"] != "possible"]
        indexes = {_key(one) for one in (*line["truth"], *predicted) if one["relkind"] in ("i", "I")}
        found.append(
            Case(
                line["sql"],
                line["family"],
                _locks(line["truth"]),
                frozenset(indexes),
                _locks(line["held"]),
                _locks(predicted),
            )
        )
    return found


def _key(one: dict[str, str]) -> tuple[str, str]:
    return one["schema"], one["relation"]


def _locks(items: list[dict[str, str]]) -> Locks:
    return {_key(one): LockMode.from_pg_name(one["mode"]) for one in items}


# -- what each program says --------------------------------------------------------------------------------------------


def with_catalog(wanted: Sequence[Case]) -> list[Answer]:
    return [_answer(case.ours) for case in wanted]


def text_only(wanted: Sequence[Case]) -> list[Answer]:
    said = []
    for case in wanted:
        impact = predict_script([Statement("one.sql", 1, 1, case.sql)], None).statements
        locks = [lock for one in impact for lock in one.locks if not lock.new and lock.certainty != "possible"]
        said.append(_answer({(lock.schema, lock.relation): lock.mode for lock in locks}))
    return said


def by_squawk(peer: Peer, wanted: Sequence[Case]) -> list[Answer]:
    """squawk names no relation: the strongest mode of the statement, from its rule on timeouts or else its prose."""
    said: list[Answer] = []
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        files = _files(Path(folder), wanted)
        for batch in _batches(files, 200):
            done = subprocess.run(
                [*peer.command, "--reporter", "json", *map(str, batch)], capture_output=True, text=True, check=False
            )
            told: dict[str, list[str]] = {}
            for one in json.loads(done.stdout or "[]"):
                told.setdefault(one["file"], []).append(f"{one['message']}\n{one['help'] or ''}")
            for path in batch:
                text = "\n".join(told.get(str(path), ()))
                needs = _NEEDS(text)
                modes = [_MODES[needs[1]]] if needs else [_MODES[name] for name in _PROSE(text)]
                said.append(Answer(None, max(modes, default=None)))
    return said


def by_pgfence(peer: Peer, wanted: Sequence[Case]) -> list[Answer]:
    """The table and the mode of each of its findings; a table that stands in prose only is not counted."""
    said: dict[Path, Answer] = {}
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        files = _files(Path(folder), wanted)
        waiting = list(_batches(files, 100))
        while waiting:
            batch = waiting.pop()
            done = subprocess.run(
                [*peer.command, "analyze", "--format", "sql", "--output", "json", *map(str, batch)],
                capture_output=True,
                text=True,
                check=False,
            )
            try:
                results = {Path(one["filePath"]).name: one for one in json.loads(done.stdout)["results"]}
            except (ValueError, KeyError):
                if len(batch) > 1:  # one that it can't read ends the whole run
                    waiting += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
                else:
                    said[batch[0]] = Answer({}, None)
                continue
            for path in batch:
                checks = results.get(path.name, {}).get("checks", ())
                pairs = [(one.get("tableName") or "", _MODES.get(one.get("lockMode") or "")) for one in checks]
                said[path] = _answer(_strongest((name, mode) for name, mode in pairs if name and mode is not None))
        return [said[path] for path in files]


def by_localtools(peer: Peer, wanted: Sequence[Case]) -> list[Answer]:
    """The locks of each statement, those on what it makes itself left out."""
    asked = json.dumps([case.sql for case in wanted])
    done = subprocess.run([*peer.command, "-c", _LOCALTOOLS], input=asked, capture_output=True, text=True, check=True)
    return [
        _answer(
            _strongest((one["target"], _MODES[one["mode"]]) for one in locks or () if not one["new"] if one["target"])
        )
        for locks in json.loads(done.stdout)
    ]


def _files(folder: Path, wanted: Sequence[Case]) -> list[Path]:
    paths = []
    for number, case in enumerate(wanted):
        paths.append(folder / f"s{number:05}.sql")
        paths[-1].write_text(case.sql.rstrip().rstrip(";") + ";\n", encoding="utf-8", errors="surrogateescape")
    return paths


def _batches(files: Sequence[Path], size: int) -> Iterable[Sequence[Path]]:
    return [files[at : at + size] for at in range(0, len(files), size)]


def _strongest(pairs: Iterable[tuple[str, LockMode]]) -> Locks:
    found: Locks = {}
    for text, mode in pairs:
        parts = [(quoted or plain).replace('""', '"') for quoted, plain in _PART.findall(text)]
        key = (parts[-2] if len(parts) > 1 else "", parts[-1] if parts else text)
        found[key] = max(mode, found.get(key, mode))
    return found


def _answer(locks: Locks) -> Answer:
    return Answer(locks, max(locks.values(), default=None))


# -- scoring -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Score:
    hit: int = 0
    named: int = 0
    true: int = 0
    exact: int = 0
    statements: int = 0
    right: int = 0
    silent: int = 0
    wrong: int = 0
    alarm: int = 0
    relations: bool = True

    def add(self, case: Case, answer: Answer, *, indexes: bool) -> None:
        truth = {name: mode for name, mode in case.truth.items() if indexes or name not in case.indexes}
        if answer.locks is not None:
            wanted = _placed(answer.locks, case)
            for name, mode in list(wanted.items()):  # held already: what is taken again shows nowhere
                if case.held.get(name, 0) >= mode and truth.get(name, 0) < mode:
                    truth.pop(name, None)
                    del wanted[name]
            told = {pair for pair in wanted.items() if pair[1] >= STRONG and (indexes or pair[0] not in case.indexes)}
            facts = {pair for pair in truth.items() if pair[1] >= STRONG}
            self.hit += len(told & facts)
            self.named += len(told)
            self.true += len(facts)
            self.exact += told == facts
            strongest = max((mode for _, mode in told), default=None)
        else:
            self.relations = False
            strongest = answer.strongest if answer.strongest is not None and answer.strongest >= STRONG else None
        self.statements += 1
        really = max((mode for mode in truth.values() if mode >= STRONG), default=None)
        if really is None:
            self.alarm += strongest is not None
        elif strongest is None:
            self.silent += 1
        else:
            self.right += strongest == really
            self.wrong += strongest != really

    def row(self, name: str) -> str:
        def rate(part: int, whole: int) -> str:
            return f"{part / whole:.3f}" if whole else "-"

        sets = (rate(self.hit, self.named), rate(self.hit, self.true), rate(self.exact, self.statements))
        cells = sets if self.relations else ("-", "-", "-")
        return f"| {' | '.join((name, *cells, str(self.right), str(self.silent), str(self.wrong), str(self.alarm)))} |"


def _placed(locks: Locks, case: Case) -> Locks:
    """A name without a schema (or ours in the default one) is that of the relation which the statement locked."""
    known = {**case.truth, **case.held, **case.ours}
    found: Locks = {}
    for (schema, relation), mode in locks.items():
        name = (schema, relation)
        if name not in known and schema in ("", "public"):
            name = next((one for one in known if one[1] == relation), name)
        found[name] = max(mode, found.get(name, mode))
    return found


HEAD = """| | precision | recall | exact sets | strongest right | silent | wrong | alarm without a lock |
|---|---:|---:|---:|---:|---:|---:|---:|"""


def table(wanted: Sequence[Case], said: dict[str, list[Answer]], family: str, *, indexes: bool) -> str:
    rows = [HEAD]
    for name, answers in said.items():
        score = Score()
        for case, answer in zip(wanted, answers, strict=True):
            if case.family == family:
                score.add(case, answer, indexes=indexes)
        rows.append(score.row(name))
    return "\n".join(rows)


def document(wanted: Sequence[Case], said: dict[str, list[Answer]], left_out: list[Peer], server: int) -> str:
    ddl = [case for case in wanted if case.family == "DDL"]
    strong = sum(any(mode >= STRONG for mode in case.truth.values()) for case in ddl)
    absent = "".join(f"\n- {peer}" for peer in left_out)
    return f"""# How right the lock preview is, beside others

Written by `benchmarks/lock_peers.py` on {date.today().isoformat()}; the next run writes it anew.

    .venv/bin/python benchmarks/lock_peers.py

**What is compared.** The {len(wanted)} statements of `benchmarks/corpus` that run inside a transaction, one by one on
PostgreSQL {server}; {len(ddl)} of them are DDL, and {strong} of those take a strong lock. The truth is what a second
session read from `pg_locks` after each one. A lock counts as named when the relation and its strongest mode are both
right. Only SHARE UPDATE EXCLUSIVE and stronger ones count: weaker ones stop nobody's queries. Relations that the
statement made itself, and those of `pg_catalog`, are left out.

*Exact sets* is the part of all statements of which every strong lock and no other was named. *Strongest right, silent,
wrong* count the statements that take a strong lock, by what was said of its strongest mode alone. *Alarm without a
lock* counts the others, where a strong lock was said all the same.

## DDL, locks on tables, views and sequences

{table(wanted, said, "DDL", indexes=False)}

## DDL, locks on indexes too

{table(wanted, said, "DDL", indexes=True)}

## Queries, LOCK, TRUNCATE and whatever else works on rows, locks on tables, views and sequences

{table(wanted, said, "DML", indexes=False)}

## What is not comparable

- The corpus is our own, made to cover what PostgreSQL's documentation and source say of locks, and the rules were made
  to be right on it: our first row says that nothing of it is wrong, not how often we are right elsewhere. The peers
  have not seen it, and it holds more partitions, inheritance and CASCADE than most migrations do.
- *With catalog* asks the server before each statement. None of the peers does. *Text only* is the fair comparison: it
  gets one statement and nothing else, as they do.
- squawk names no relation, so that only its strongest mode can be scored; it is taken from its rule
  `require-lock-timeout`, else from a mode that another rule's text names. It is a linter: silence is no claim that
  there is no lock.
- pgfence reports findings, not locks: a table and a mode each. Tables that stand in the prose of a finding, such as the
  referenced one of a foreign key, are not counted. Its silence too is no claim.
- A name without a schema is taken for the relation of that name that the statement locks, in favour of every program.
- Each statement is a file of its own for the peers, so what they know of earlier statements of a file plays no part.

## Versions

- PostgreSQL {server}, pgmig-tui of this commit
{chr(10).join(f"- {name}" for name in list(said)[2:])}{absent}
"""


WHOLE_SCRIPTS = "\n## Whole scripts\n"
"""What follows in the document comes from lock_accuracy.py --scripts, and stays."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--results", type=Path, help="what lock_accuracy.py wrote, instead of running it")
    parser.add_argument("--server", type=int, default=18, help="major version of the scratch server (18)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "accuracy.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        results = options.results or Path(folder) / "results.jsonl"
        if options.results is None:
            command = [sys.executable, str(ROOT / "benchmarks" / "lock_accuracy.py"), "--out", str(results)]
            corpus = ["--sql-dir", str(ROOT / "benchmarks" / "corpus"), "--server", str(options.server)]
            subprocess.run([*command, *corpus], check=True, stdout=subprocess.DEVNULL)
        wanted = cases(results.read_text(encoding="utf-8").splitlines())
    said = {"**pgmig-tui, with catalog**": with_catalog(wanted), "**pgmig-tui, text only**": text_only(wanted)}
    left_out: list[Peer] = []
    asked: list[tuple[Peer, Callable[[Peer, Sequence[Case]], list[Answer]]]] = [
        (localtools(), by_localtools),
        (pgfence(), by_pgfence),
        (squawk(), by_squawk),
    ]
    for peer, ask in asked:
        print(peer, flush=True)
        if peer:
            said[str(peer)] = ask(peer, wanted)
        else:
            left_out.append(peer)
    text = document(wanted, said, left_out, options.server)
    before = options.out.read_text(encoding="utf-8") if options.out.is_file() else ""
    options.out.write_text(
        text + before[before.find(WHOLE_SCRIPTS) :] if WHOLE_SCRIPTS in before else text, encoding="utf-8"
    )
    print(text[text.index("## DDL, locks on tables") : text.index("## What is not")])
    return 0


if __name__ == "__main__":
    sys.exit(main())
