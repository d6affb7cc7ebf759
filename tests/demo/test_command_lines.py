"""Every command line of the documents is one; and those that a reader copies do what the document says, on a
demonstration of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pgmig_tui.cli.parser import parse
from pgmig_tui.demo import project as demo
from pgmig_tui.sandbox.server import Installation, SandboxServer, scratch_folder
from tests.cli.program import DEADLINE_S, environment
from tests.demo.command_lines import CommandLine, command_lines, words_of

LINES = tuple(command_lines())
WIDEN = "20250303_0001_widen_size_bytes"
ATTESTED = (
    "pre:window", "pre:notify", "pre:coordination", "deploy:staging", "deploy:verify-staging",
    "deploy:application-tests",
)  # fmt: skip
STATUS = {
    "deploy production --to 20250303_0001_widen_size_bytes --confirm prod": 3,
    "watch production --for 1s --interval 1s": 1,
    "document --check": 1,
    "drift production staging": 1,
    "maintain production --section leftovers --section drill": 1,
    "deploy production": 3,
}
"""How a command ends where it doesn't end with 0; the document says why."""
ONLY_READ = {
    "demo --stop": "the demonstration goes on for the next document",
    "lint 20260131_0001_add_total": "a change that a reader would have written",
    "impact --schema schema.sql --from @v1.0": "a dump that a reader has made: tests/cli/test_schema_option.py",
    "lint --schema schema.sql --from @v1.0": "a dump that a reader has made: tests/cli/test_schema_option.py",
    "serve": "goes on until it is stopped: tests/web",
    "watch production --baseline --for 10m": "the guide has it with a second",
    "watch production --for 15m": "the guide has it with a second",
}
"""What is parsed, and not run, with the reason."""
FROM_NEW = ("docs/tour.md", "docs/dba-guide.md", "docs/on-call.md")
"""The documents that begin on a new demonstration; the others are tried, one by one, where these have left it."""
ANOTHER_PROJECT = {"init", "add", "new", "tag", "rework", "approve"}
"""They are shown on a project that is made, or whose pgmig.toml says who approves: parsed, and not run."""
ONCE = {"check", "document", "drift", "impact", "rehearse", "runs", "show", "status", "test"}
"""They change no database: where a command stands a second time, it isn't run again."""


@pytest.mark.parametrize("line", LINES, ids=str)
def test_every_command_line_is_one(line: CommandLine) -> None:
    if line.text.startswith("pgmig-tui"):
        parse(words_of(line.text))


def quick_server(folder: Path, installation: Installation, settings: Mapping[str, str]) -> SandboxServer:
    """The demonstration's, which loses nothing worth an fsync here."""
    return SandboxServer(folder, installation, {**settings, "fsync": "off", "full_page_writes": "off"})


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """The state folder of a demonstration with few documents, whose databases are kept as templates."""
    folder = scratch_folder()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        patch.setattr(demo, "DOCUMENTS", demo.DOCUMENTS // 80)
        patch.setattr(demo, "SandboxServer", quick_server)
        demo.prepare(False)
        for name in demo.ENVIRONMENTS:
            demo.server().create_database(f"{name}_new", template=f"documents_{name}")
        yield folder
        demo.server().destroy()
        subprocess.run(["rm", "-rf", demo.server().folder, folder], check=True)


def start_over(state: Path) -> None:
    """As `demo --reset`, by copies."""
    for name in demo.ENVIRONMENTS:
        demo.server().execute("postgres", f"DROP DATABASE documents_{name} WITH (FORCE)")
        demo.server().create_database(f"documents_{name}", template=f"{name}_new")
    for kept in (state / "state" / "pgmig-tui").iterdir():
        if kept.name != "demo":
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()


class Reader:
    """Who types what a document says, one line after the other."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = environment(home)
        self.folder = home
        self.done: set[str] = set()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pgmig_tui", *words],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )

    def newest(self, command: str) -> str:
        """The ID of the newest run of a command."""
        runs = json.loads(self.run("runs", "--json").stdout)["runs"]
        return next((str(run["run"]) for run in runs if run["command"] == command), "")

    def types(self, line: CommandLine) -> str | None:
        """What went otherwise than the document says."""
        if line.text.startswith("make "):
            return None  # tests/test_makefile.py
        if line.text.startswith("cd "):
            assert line.text.partition(" #")[0].strip() == 'cd "$(pgmig-tui demo --path)"'
            self.folder = Path(self.run("demo", "--path").stdout.strip())
            return None
        of = "revert" if "--incident" in line.text or "undo" in line.text else "deploy"
        words = words_of(line.text, RUN=self.newest(of))
        command = " ".join(words)
        if command in ONLY_READ or words[0] in ANOTHER_PROJECT:
            return None
        if words[0] in ONCE and command in self.done:
            return None
        self.done.add(command)
        done = self.run(*words)
        wanted = STATUS.get(command, 0)
        if done.returncode == wanted:
            return None
        return f"{line}: ends with {done.returncode}, not {wanted}\n{done.stdout[-800:]}{done.stderr[-800:]}"


def test_the_commands_of_the_documents_do_what_they_say(state: Path) -> None:
    reader = Reader(state)
    wrong = []
    others = dict.fromkeys(line.file for line in LINES if line.file not in FROM_NEW)
    for document in (*FROM_NEW, *others):
        if document in FROM_NEW:
            start_over(state)
        if document == "docs/on-call.md":
            said = [f"--attest={item}=said" for item in ATTESTED]
            assert (
                reader.run("deploy", "production", "--to", WIDEN, "--confirm", "prod", "--backup", *said).returncode
                == 0
            )
        if document == next(iter(others)):
            lifted = reader.run("rollback", "production", "--lift", f"{WIDEN}=tried", "--confirm", "prod")
            assert lifted.returncode == 0, lifted.stderr
        wrong += [told for line in LINES if line.typed and line.file == document and (told := reader.types(line))]
    assert wrong == [], "\n".join(wrong)
