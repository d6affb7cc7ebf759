"""`accept TARGET`: let what pgmig.toml says for an environment run a program of this account, after reading it."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused


def accept(arguments: Namespace) -> int:
    """Show each text that would run a program, and remember those that are said yes to.

    Without a terminal `--sha256 HASH` says yes to the text with that hash. Raises Refused where nobody says yes.
    """
    from pgmig_tui.gates.accepted import accept as remember
    from pgmig_tui.gates.accepted import digest, is_accepted
    from pgmig_tui.gates.base_backup import command_name
    from pgmig_tui.gates.hooks import hook_texts
    from pgmig_tui.gates.own import program_name
    from pgmig_tui.run.journal.folder import default_state_dir

    project, environment, _ = environment_and_change(arguments)
    policy, state_dir = environment.policy.backup, default_state_dir(os.environ)
    texts: list[tuple[str, Sequence[str], Path, str]] = []
    if policy.kind == "command":
        texts.append((command_name(environment.name), policy.command, Path(policy.root), shlex.join(policy.command)))
    texts += [
        (program_name(one), one.command, project.root, shlex.join(one.command))
        for one in environment.checks
        if one.command
    ]
    texts += [(what, argv, project.root, told) for what, argv, told in hook_texts(environment.hooks, environment.name)]
    if not texts:
        output.say(f"pgmig.toml runs no program for {safe(environment.name)}.")
    meant = arguments.sha256 in {digest(root, what, argv) for what, argv, root, _ in texts}
    refused: list[tuple[str, str]] = []
    for what, argv, root, shown in texts:
        told = digest(root, what, argv)
        if meant and told != arguments.sha256:
            continue
        output.say(line((f"{safe(what)}  ", "strong"), safe(shown)))
        output.say(line((f"  in {safe(str(root))}, SHA-256 {told}", "muted")))
        if is_accepted(state_dir, root, what, argv):
            output.say("  It was accepted before.")
            continue
        said = arguments.sha256 == told or (
            arguments.sha256 is None and somebody_is_there() and ask_yes("May it run as this account, whenever asked?")
        )
        if not said:
            refused.append((what, told))
            continue
        remember(state_dir, root, what, argv, str(project.operator), shown)
        output.say(line(("  + ", "done"), "accepted"))
    if refused:
        names = [what for what, _ in refused]
        verb = "is" if len(refused) == 1 else "are"
        raise Refused(
            f"{words.listing(names, len(names))} {verb} not accepted",
            now="What is not accepted won't be run; nothing else was changed.",
            do="Read each, then say yes to its very text:",
            details=[f"pgmig-tui accept {environment.name} --sha256 {told}" for _, told in refused],
        )
    return 0
