"""`pgmig-tui watch TARGET`: what the last deploy has done to the statements of an environment, against all others."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change

if TYPE_CHECKING:
    from pgmig_tui.review.watching import EnvironmentWatch


def watch(arguments: Namespace) -> int:
    """Exit status 0 for a healthy verdict (and for a baseline), 1 for any other: too little data isn't green. 5 where
    the server didn't answer in the end."""
    from pgmig_tui.display.sparks import drawable
    from pgmig_tui.review.watch_words import document, lines
    from pgmig_tui.review.watching import EnvironmentWatch
    from pgmig_tui.run.journal.folder import default_state_dir

    project, environment, _ = environment_and_change(arguments)
    state_dir = default_state_dir(os.environ)
    watching = EnvironmentWatch(
        project, environment, state_dir=state_dir, run=arguments.run or "", baseline=arguments.baseline
    )
    try:
        for why in watching.found.hopeless(baseline=arguments.baseline):
            output.warn(f"{why}: nothing will be judged, however long this runs")
        _look(arguments, watching)
    finally:
        watching.close()
    if arguments.baseline:
        seen = len(watching.found.after)
        output.note(f"{seen} intervals kept; `pgmig-tui watch {environment.name}` compares with them for a day")
        return 5 if watching.lost else 0
    if arguments.json_lines:
        _line(document(watching.found))
    elif arguments.json:
        output.document(document(watching.found))
    else:
        unicode = drawable()
        for told in lines(watching.found, unicode=unicode):
            output.say(told)
    if watching.lost:
        return 5
    return 0 if watching.found.verdict().outcome == "healthy" else 1


def _line(value: object) -> None:
    output.text_out(json.dumps(value) + "\n")
    sys.stdout.flush()


def _look(arguments: Namespace, watching: EnvironmentWatch) -> None:
    """Until the time is over, or somebody says that it is enough: what was seen by then is judged."""
    from pgmig_tui.review.watch_words import interval_document, interval_line

    stopped: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: stopped.append(number))
    deadline = time.monotonic() + arguments.duration / 1000
    turn = time.monotonic()
    told = len(watching.found.notes)
    try:
        while not stopped:
            found = watching.look_on()
            for note in watching.found.notes[told:]:
                output.warn(note)
            told = len(watching.found.notes)
            if found is not None and arguments.json_lines:
                _line(interval_document(found, watching.found.logged))
            elif found is not None and not arguments.json:
                output.note(interval_line(watching.found, found))
            turn += arguments.interval / 1000
            if turn > deadline:
                return
            while not stopped and (left := turn - time.monotonic()) > 0:
                time.sleep(min(left, 0.2))
    finally:
        signal.signal(signal.SIGINT, before)
