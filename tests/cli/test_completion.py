"""What Tab offers in a shell: by the grammar and the project alone, quickly, in silence, and never run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pexpect
import pytest

from pgmig_tui.cli import COMMANDS, complete
from pgmig_tui.cli.complete import offered
from pgmig_tui.cli.words import typed_in_bash
from pgmig_tui.cli.writing_options import REFUSED
from tests.cli.program import Checkout, environment, shop

BREAKS = " \t\n\"'@><=;|&(:"
HOSTILE = (
    "aa$(touch pwned)", "bb`touch pwned`", "cc;touch pwned", "dd'east' \"west\"", "ee*", "ff{a,b}", "gg!!", "hh\\b",
    "ii&&touch pwned", "~jj", "kk #k", "ll|touch pwned", "mm>pwned", "nn:1", "oo=1", "pp@q", "rr ‹ü›",
)  # fmt: skip
UNSEEN = ("xx\nx", "xx\x1b[31mx", "xx\u202ex", "xx\tx", "xx\x07x")
"""Nobody could tell what is inserted: they are offered nowhere."""


def words(line: str, checkout: Checkout | None = None) -> list[str]:
    """What is offered at the end of a line, without what the shell does with it."""
    *before, current = line.split(" ")
    return [one.word for one in offered(before, current)[1] if one.word.startswith(current)]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = shop(tmp_path, {"dev": "db:pg://127.0.0.1:1/d", "prod": "db:pg://127.0.0.1:1/p", "my": "db:mysql:x"})
    made.write("pgmig.toml", PGMIG)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("20260101-000000-0001", "20260102-000000-0002", "not-a-run"):
        (tmp_path / "state" / "pgmig-tui" / "runs" / name).mkdir(parents=True)
    return made


PGMIG = """
[[environment]]
name = "dev"
target = "dev"

[[environment]]
name = "prod"
target = "prod"
protected = true
approvals = { dba = ["ana"], lead = ["bo"] }

[[check]]
name = "queue-is-empty"
list = "pre"
title = "The queue is empty"
asks = "who looked?"
"""


def test_what_a_word_can_be_is_offered(checkout: Checkout) -> None:
    assert set(words("")) == set(COMMANDS) - set(REFUSED)
    assert words("deploy ") == ["dev", "prod"]
    assert words("deploy prod ") == words("deploy --target prod ") == ["total", "@v1", "orders", "schema"]
    assert words("deploy prod --to @") == ["@v1"]
    assert words("verify prod --from=o") == ["--from=orders"]
    assert words("status prod d") == ["dev"]
    assert words("report ") == words("undo 2026") == ["20260102-000000-0002", "20260101-000000-0001"]
    assert "check:server" in words("check prod --item ")
    assert "own:queue-is-empty=" in words("deploy dev --attest ")
    assert words("approve prod --role ") == ["dba", "lead"]
    assert words("roles --role ob") == ["observer"]
    assert words("drift dev ") == ["dev", "prod", "plan"]
    assert words("compare dev ") == ["dev", "prod"]
    assert words("show ") == ["change", "tag", "deploy", "revert", "verify"]
    assert words("help changes") == ["changes"]
    assert offered(["-C"], "")[0] == "folders"
    assert offered(["review", "-o"], "")[0] == "files"


def test_an_option_is_offered_where_it_can_still_be_said(checkout: Checkout) -> None:
    assert "--target" in words("deploy --")
    assert "--target" not in words("deploy --target dev --")
    assert "--no-verify" not in words("deploy --verify --")
    assert "--attest" in words("deploy --attest pre:notify=x --")
    assert words("deploy -- --") == []
    assert "--engine" not in words("status --")


def test_an_instance_of_a_reworked_change_is_offered_as_it_has_to_be_named(checkout: Checkout) -> None:
    lines = ("orders {at} # 1", "@v1 {at} # 1", "orders [orders@v1] {at} # 2", "@v2 {at} # 2")
    checkout.plan(*lines, "orders [orders@v2] {at} # 3", "last {at} # 4")
    assert words("deploy dev ") == ["last", "orders@HEAD", "@v2", "orders@v2", "@v1", "orders@v1"]


def test_no_command_and_no_option_fails_to_be_completed(checkout: Checkout) -> None:
    """New commands are completed by themselves; what their metavars name is known, or nothing is offered."""
    for command in set(COMMANDS) - set(REFUSED):
        for before in ((command,), (command, "dev", "--to")):
            for current in ("", "-"):
                how, found = offered(before, current)
                assert how in ("words", "files", "folders")
                assert all(one.word for one in found)


def instead(checkout: Checkout, make: Callable[[Path], object]) -> None:
    for name in ("pgmig.toml", "sqitch.plan"):
        (checkout.root / name).unlink()
        make(checkout.root / name)


BROKEN: dict[str, Callable[[Checkout], object]] = {
    "no plan": lambda made: (made.root / "sqitch.plan").unlink(),
    "no configuration": lambda made: (made.root / "sqitch.conf").unlink(),
    "a configuration that can't be read": lambda made: made.write("sqitch.conf", '[core\nx"'),
    "a toml that can't be read": lambda made: made.write("pgmig.toml", '[[environment]\nname = 3"'),
    "a toml of another shape": lambda made: made.write("pgmig.toml", "environment = 3\n"),
    "no UTF-8": lambda made: [made.write(name, b"\xff\x00") for name in ("pgmig.toml", "sqitch.plan", "sqitch.conf")],
    "folders instead of files": lambda made: instead(made, Path.mkdir),
    "pipes instead of files": lambda made: instead(made, os.mkfifo),
    "nothing": lambda made: shutil.rmtree(made.root),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_whatever_is_broken_nothing_is_said(
    broken: str, checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    BROKEN[broken](checkout)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/nowhere")
    lines = ["deploy ", "deploy dev ", "report ", "check dev --item ", "approve --role ", "config ", "-C /no status "]
    for line in (*lines, "deploy 'x", "\\", "deploy --no-such x ", "nonsense ", "deploy --to= ", "\x1b\udcff "):
        for shell in ("bash", "fish"):
            monkeypatch.setenv("_PGMIG_LINE", f"pgmig-tui {line}")
            before, _, current = line.rpartition(" ")
            monkeypatch.setenv("_PGMIG_WORDS", before.replace(" ", "\n"))
            monkeypatch.setenv("_PGMIG_CURRENT", current)
            assert complete.complete(shell) == 0
            told = capfdbinary.readouterr()
            assert told.err == b"", line
            assert b"Traceback" not in told.out


def test_a_line_is_read_as_bash_reads_it() -> None:
    def read(line: str) -> tuple[tuple[str, ...], str]:
        found = typed_in_bash(f"pgmig-tui {line}", BREAKS)
        return found.before, found.current

    assert read("deploy my\\ prod a") == (("deploy", "my prod"), "a")
    assert read("deploy 'my prod' \"a\\$b\" c") == (("deploy", "my prod", "a$b"), "c")
    assert read("deploy ''") == (("deploy",), "\0")
    assert read("deploy $(touch x)") == (("deploy", "$(touch"), "x)")
    assert typed_in_bash("pgmig-tui deploy 'x", BREAKS).inserted("x'y") == ""
    assert typed_in_bash('pgmig-tui deploy "x', BREAKS).inserted("x$(y)") == ""
    assert typed_in_bash('pgmig-tui deploy "x', BREAKS).inserted("x y") == "x y"


def test_bash_reads_what_is_inserted_as_the_name_that_it_is(tmp_path: Path) -> None:
    random = Random(1)
    letters = [chr(code) for code in range(0x20, 0x7F)] + ["é", "‹"]
    names = [*HOSTILE, *("".join(random.choices(letters, k=random.randint(1, 12))) for _ in range(2_000))]
    line = " ".join(typed_in_bash("pgmig-tui status ", BREAKS).inserted(name) for name in names)
    (tmp_path / "names").write_text(f"printf '%s\\0' {line}\n")
    done = subprocess.run(["bash", "names"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\0")[:-1] == names
    assert [path.name for path in tmp_path.iterdir()] == ["names"]
    found = typed_in_bash(f"pgmig-tui {line} ", BREAKS)
    assert list(found.before) == names


# -- in a real shell -------------------------------------------------------------------------------------------------


class Bash:
    """An interactive bash in a project, with our program in its PATH; what the program is called with is kept."""

    def __init__(self, checkout: Checkout, folder: Path) -> None:
        self.called, self.asked = folder / "called", folder / "asked"
        self.asked.touch()
        program = folder / "pgmig-tui"
        program.write_text(
            "#!/bin/sh\n"
            f"case $1 in _complete) echo >>{self.asked};; esac\n"
            f'case $1 in _complete|completion) exec {sys.executable} -m pgmig_tui "$@";; esac\n'
            f"printf '%s\\0' \"$@\" >{self.called}\n"
        )
        program.chmod(0o755)
        env = environment(checkout.home, PATH=f"{folder}:{os.environ['PATH']}", TERM="dumb", PS1="$ ")
        self.child = pexpect.spawn(
            "bash", ["--norc", "--noprofile", "-i"], cwd=str(checkout.root), env=env, timeout=30, encoding="utf-8",
            dimensions=(50, 200),
        )  # fmt: skip
        self.child.sendline("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'")
        self.child.sendline("source <(pgmig-tui completion bash); echo rea''dy")
        self.child.expect("ready\r\n")

    def type(self, keys: str) -> None:
        """Keys of which the last is a Tab, and wait until the program was asked."""
        before = self.asked.stat().st_size
        self.child.send(keys)
        deadline = time.monotonic() + 30
        while self.asked.stat().st_size == before:
            assert time.monotonic() < deadline, keys
            time.sleep(0.01)

    def given(self, line: str) -> list[str]:
        """What the program is called with when this is typed, Tab and Return pressed."""
        self.called.unlink(missing_ok=True)
        for piece in line.split("\t"):
            self.type(f"{piece}\t")
        self.child.sendline("; echo do''ne")
        self.child.expect("done\r\n")
        return self.called.read_text().split("\0")[:-1]


@pytest.fixture
def bash(checkout: Checkout, tmp_path: Path) -> Iterator[Bash]:
    folder = tmp_path / "bin"
    folder.mkdir()
    tables = "".join(f'[[environment]]\nname = {_toml(name)}\ntarget = "dev"\n' for name in (*HOSTILE, *UNSEEN))
    checkout.write("pgmig.toml", tables)
    made = Bash(checkout, folder)
    yield made
    made.child.close(force=True)


def _toml(name: str) -> str:
    return json.dumps(name).replace("\\u001b", "\\u001B")


def test_no_name_is_run_or_changed_by_bash(bash: Bash, checkout: Checkout) -> None:
    quoted = {"aa": 0, "dd": 3, "ee": 4, "\\~": 9, "pp@": 15, "--target=hh": 7, "'bb`": 1, '"ii&': 8}
    for start, number in quoted.items():
        before = "--target=" if "=" in start else ""
        assert bash.given(f"pgmig-tui status {start}") == ["status", f"{before}{HOSTILE[number]}"]
    for start in ("xx", "'xx", '"aa', "$(touch pwned)", "`touch pwned`"):
        bash.type(f"pgmig-tui status {start}\t")
        bash.child.send("\x15")
    assert bash.given("pgmig-tui dep\t--target aa\t --to @") == ["deploy", "--target", HOSTILE[0], "--to", "@v1"]
    bash.type("pgmig-tui status \t")
    bash.type("\t")
    bash.child.expect("rr")
    assert not {*"\x1b\x07\u202e"} & set(bash.child.before)
    assert not list(checkout.root.rglob("pwned"))


@pytest.mark.own_start
def test_a_target_is_offered_quickly_though_the_plan_is_long(checkout: Checkout) -> None:
    """By its own time on a processor: others may be at work here."""
    checkout.plan(*(f"change_{number} {{at}} # note" for number in range(10_000)))

    def took(line: str) -> tuple[float, Sequence[str]]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        *words, current = line.split()
        done = checkout.run("_complete", "fish", env={"_PGMIG_WORDS": "\n".join(words), "_PGMIG_CURRENT": current})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert (done.status, done.err) == (0, "")
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done.out.splitlines()

    took("deploy p")
    seconds, lines = took("deploy p")
    assert lines == ["words", "prod\tenvironment"]
    assert seconds < 0.3, "0.09 where nothing else runs"
    seconds, lines = took("deploy dev change_99")
    assert len(lines) == 112
    assert seconds < 0.6
