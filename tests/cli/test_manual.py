"""The manual page: all that the parser knows, in roff that no reader takes for anything else."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pgmig_tui
from pgmig_tui.cli import COMMANDS
from pgmig_tui.cli.man import manual, roff
from pgmig_tui.cli.parser import EPILOG, build_parser
from pgmig_tui.cli.writing_options import REFUSED
from tests.cli.program import Checkout

PAGE = manual(build_parser())


def test_every_command_and_option_stands_in_it() -> None:
    for name in set(COMMANDS) - set(REFUSED):
        assert f".SS {roff(name)}\n" in PAGE
    (commands,) = (one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    for parser in (build_parser(), *(commands.choices[name] for name in set(COMMANDS) - set(REFUSED))):
        for action in parser._actions:
            for option in action.option_strings if action.help != argparse.SUPPRESS else ():
                assert re.search(rf"(?m)^\.B (?:.*, )?{re.escape(roff(option))}(?:,| |$)", PAGE), option


def test_every_variable_of_the_environment_and_exit_status_stands_in_it() -> None:
    asked = re.compile(r'env(?:iron)?(?:\.get\(|\[)"([A-Z][A-Z_]+)"')
    root = Path(pgmig_tui.__file__).parent
    names = {name for path in root.rglob("*.py") for name in asked.findall(path.read_text())} - {"PYTHONPATH"}
    assert {"SQITCH_TARGET", "XDG_STATE_HOME"} <= names
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()
    for status in re.findall(r"(\d) [a-z]", EPILOG):
        assert f".TP\n.B {status}\n" in PAGE


def test_nothing_in_it_is_a_request_that_it_is_not() -> None:
    assert PAGE.isascii()
    requests = {line.split()[0] for line in PAGE.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".BR", ".PP", ".nf", ".fi"}
    assert not re.search(r"(?<!\\)-(?!tui 1|tui \d)", PAGE.partition(".SH NAME")[2]), "a hyphen would be a dash"
    assert roff(".x-y\\z'`é") == r"\&.x\-y\ez\(aq\(ga\[u00E9]"
    assert roff("'x") == r"\&\(aqx"


def test_it_is_printed(tmp_path: Path) -> None:
    done = Checkout(tmp_path, tmp_path).run("help", "--man")
    assert (done.status, done.err, done.out) == (0, "", PAGE)
