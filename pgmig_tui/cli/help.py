"""`pgmig-tui help`: the help of a command, or the guide to how changes are named."""

from __future__ import annotations

from argparse import Namespace

from pgmig_tui.errors import UsageError

CHANGES = """\
How a change is named, wherever a command takes CHANGE (as in Sqitch, see `sqitch help changes`):

  users                 the change of this name; refused where it was reworked and so is there more than once
  users@v1              the instance that was the last one at the tag @v1; users@HEAD is the newest
  @v1                   the change that has the tag
  40 hexadecimal digits the change of this ID, or the one that has the tag of this ID
  @HEAD  @ROOT          the last and the first change
  CHANGE^  CHANGE^^  CHANGE^3   one, two, three changes before it
  CHANGE~  CHANGE~~  CHANGE~3   one, two, three changes after it

`deploy --to` and `show` look in the plan. `revert --to` and `verify --from` and `--to` look among what is deployed:
there @HEAD is the last change that is deployed, ^ and ~ count deployed changes, and an ID must be a change's.
"""
_GUIDES = {"changes": CHANGES}


def topics() -> tuple[str, ...]:
    """All that there is help on."""
    from pgmig_tui.cli import COMMANDS

    return (*COMMANDS, *_GUIDES)


def help(arguments: Namespace) -> int:  # noqa: A001 - the command's name
    """The help of TOPIC, of the program without one. Raises UsageError for what is no topic."""
    from pgmig_tui.cli.parser import build_parser, parse

    topic: str | None = arguments.topic
    if arguments.man:
        import sys

        from pgmig_tui.cli.man import manual

        sys.stdout.write(manual(build_parser()))
        return 0
    if arguments.guide and topic is None:
        print("\n".join(f"{name:<10}{text.splitlines()[0]}" for name, text in _GUIDES.items()))
        return 0
    if topic is None:
        build_parser().print_help()
        return 0
    if topic in _GUIDES:
        print(_GUIDES[topic], end="")
        return 0
    from pgmig_tui.cli import COMMANDS

    if topic not in COMMANDS:
        from pgmig_tui.display.closest import did_you_mean

        meant = did_you_mean(topic, topics())
        raise UsageError(
            f"There is no help on {topic}.",
            now="Nothing was done.",
            do=f"{meant}{' ' if meant else ''}`pgmig-tui --help` lists the commands; other topics:"
            f" {', '.join(_GUIDES)}.",
        )
    if COMMANDS[topic] == "writing":
        from pgmig_tui.cli.writing import refuse

        raise refuse(topic)
    parse([topic, "--help"])  # prints, and leaves
    return 0
