"""The backslash commands: what each does to the session, which are refused and why. All others are errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pgmig_tui.script.actions import (
    Connect,
    CopyFile,
    RedirectOutput,
    Send,
    SetEncoding,
    SetEnvironment,
    ShellCommand,
    Then,
)
from pgmig_tui.script.arguments import Argument, Arguments
from pgmig_tui.script.copy import parse_copy
from pgmig_tui.script.frame import Arm
from pgmig_tui.script.psql import PsqlSession
from pgmig_tui.script.variables import parse_boolean, to_bytes, to_text


@dataclass(frozen=True, slots=True)
class Sending:
    """The command sends what the query buffer holds."""

    then: Then
    argument: str = ""


Run = Callable[[PsqlSession, Arguments, str], Sending | None]


@dataclass(frozen=True, slots=True)
class Command:
    """`whole_line`: takes the rest of the line as it stands. `branches`: counts in branches that aren't taken, too."""

    run: Run
    whole_line: bool = False
    branches: bool = False


def _text(argument: Argument | None) -> str:
    return to_text(argument.text) if argument else ""


# --- variables and text -------------------------------------------------------------------------------------------


def _set(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    variable = arguments.next()
    if variable:
        value = b"".join(argument.text for argument in arguments.rest())
        psql.set_variable(_text(variable), to_text(value))


def _unset(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    variable = arguments.next()
    if not variable:
        raise psql.problem("\\unset: missing required argument")
    psql.unset_variable(_text(variable))


def _echo(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    words = arguments.rest()
    newline = "\n"
    if words and words[0].text == b"-n" and not words[0].quote:
        words, newline = words[1:], ""
    psql.echo(" ".join(map(_text, words)) + newline, "err" if name == "warn" else "out")


def _print(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    shown = b"".join(psql.frame.parts) or psql.frame.previous
    if shown:
        psql.echo(to_text(shown) + "\n")


def _reset(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    psql.frame.clear()


def _errverbose(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    message = psql.variables["LAST_ERROR_MESSAGE"]
    state = psql.variables["LAST_ERROR_SQLSTATE"]
    if message:
        psql.echo(f"ERROR:  {state}: {message}\n", "err")
    else:
        psql.echo("There is no previous error.\n")


# --- \if ----------------------------------------------------------------------------------------------------------


def _condition(psql: PsqlSession, arguments: Arguments, what: str) -> Arm:
    """Evaluates the rest of the line; psql takes what is no boolean for false, with a complaint that stops nothing."""
    text = to_text(b" ".join(argument.text for argument in arguments.rest()))
    value = parse_boolean(text)
    if value is None:
        psql.echo(f'unrecognized value "{text}" for "{what}": Boolean expected\n', "err")
    return Arm.TRUE if value else Arm.FALSE


def _if(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    psql.check_depth()
    frame = psql.frame
    if frame.active:
        arm = _condition(psql, arguments, "\\if expression")
    else:
        arguments.rest()
        arm = Arm.IGNORED
    frame.push(arm)


def _elif(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    frame = psql.frame
    if not frame.branches:
        raise psql.problem("\\elif: no matching \\if")
    match frame.branches[-1].arm:
        case Arm.TRUE:
            frame.keep()
            frame.poke(Arm.IGNORED)
            arguments.rest()
        case Arm.FALSE:
            frame.discard()
            frame.poke(Arm.TRUE)  # so that variables have their values
            frame.poke(_condition(psql, arguments, "\\elif expression"))
        case Arm.IGNORED:
            frame.discard()
            arguments.rest()
        case _:
            raise psql.problem("\\elif: cannot occur after \\else")


def _else(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    frame = psql.frame
    if not frame.branches:
        raise psql.problem("\\else: no matching \\if")
    match frame.branches[-1].arm:
        case Arm.TRUE:
            frame.keep()
            frame.poke(Arm.ELSE_FALSE)
        case Arm.FALSE:
            frame.discard()
            frame.poke(Arm.ELSE_TRUE)
        case Arm.IGNORED:
            frame.discard()
            frame.poke(Arm.ELSE_FALSE)
        case _:
            raise psql.problem("\\else: cannot occur after \\else")


def _endif(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    frame = psql.frame
    if not frame.branches:
        raise psql.problem("\\endif: no matching \\if")
    if not frame.active:
        frame.discard()
    frame.pop()


# --- sending ------------------------------------------------------------------------------------------------------


def _go(psql: PsqlSession, arguments: Arguments, name: str) -> Sending:
    """\\g and \\gx: `(options)` only change how rows look, a file or `|command` takes them."""
    target = arguments.next(pipe=True)
    if target and target.text.startswith(b"(") and not target.quote:
        option: Argument | None = target
        while option and not option.text.endswith(b")"):
            option = arguments.next()
        if not option:
            raise psql.problem(f"\\{name}: missing right parenthesis")
        target = arguments.next(pipe=True)
    if not target:
        return Sending("gx" if name == "gx" else "plain")
    return _to(psql, _text(target), f"\\{name}")


def _to(psql: PsqlSession, target: str, what: str) -> Sending:
    if target.startswith("|"):
        psql.needs_shell(f"{what} |")
        return Sending("pipe", target[1:])
    return Sending("file", psql.resolve_file(target))


def _gset(psql: PsqlSession, arguments: Arguments, name: str) -> Sending:
    prefix = arguments.next()
    return Sending("gset", _text(prefix))


def _gexec(psql: PsqlSession, arguments: Arguments, name: str) -> Sending:
    return Sending("gexec")


def _crosstabview(psql: PsqlSession, arguments: Arguments, name: str) -> Sending:
    arguments.rest()
    return Sending("plain")


# --- files --------------------------------------------------------------------------------------------------------


def _include(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    wanted = arguments.next(semicolon=True)
    if not wanted:
        raise psql.problem(f"\\{name}: missing required argument")
    if wanted.text == b"-":
        raise psql.refusal(f"\\{name} - would read from a terminal that isn't there")
    resolved, data = psql.read_file(_text(wanted), relative=name in ("ir", "include_relative"))
    psql.include(resolved, data)


def _output(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    target = arguments.next(semicolon=True, pipe=True)
    frame = psql.frame
    resolved = _text(target) or None
    if resolved and resolved.startswith("|"):
        psql.needs_shell("\\o |")
    elif resolved:
        resolved = psql.resolve_file(resolved)
    psql.emit(RedirectOutput(resolved, frame.name, frame.line_number))


def _copy(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    text = to_text(arguments.whole_line())
    copy = parse_copy(text)
    if isinstance(copy, str):
        raise psql.problem(f"\\copy: {copy}")
    frame = psql.frame
    line, sql = frame.line_number, to_bytes(copy.sql)
    if copy.source == "program":
        psql.needs_shell("\\copy … program")
        data = psql.shell(to_bytes(copy.name)) if copy.direction == "in" else b""
        psql.emit(CopyFile(frame.name, line, sql, copy.sql, copy.direction, "|" + copy.name, data))
    elif copy.source == "file":
        if copy.direction == "in":
            resolved, data = psql.read_file(copy.name)
        else:
            resolved, data = psql.resolve_file(copy.name), b""
        psql.emit(CopyFile(frame.name, line, sql, copy.sql, copy.direction, resolved, data))
    elif copy.source == "pstdin":
        raise psql.refusal("\\copy … from pstdin would read from a terminal that isn't there")
    else:
        start = frame.origin(frame.command_at)
        psql.emit(Send(frame.name, line, line, sql, copy.sql, start=start, end=frame.next_base))


# --- session ------------------------------------------------------------------------------------------------------


def _quit(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    """Ends this file only; what the query buffer holds is still sent, as psql does."""
    arguments.whole_line()
    psql.frame.quit = True


def _encoding(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    encoding = arguments.next()
    frame = psql.frame
    if encoding:
        psql.emit(SetEncoding(_text(encoding), frame.name, frame.line_number))
    else:
        psql.echo(psql.encoding + "\n")


def _connect(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    words = [to_text(a.text) for a in iter(lambda: arguments.next(semicolon=True), None)]
    if words and words[0].startswith("-reuse-previous"):
        words = words[1:]
    if words and ("=" in words[0] or "://" in words[0]):
        raise psql.refusal(f"\\{name} with a connection string", f"Name the database: \\{name} {psql.server.dbname}")
    wanted = [None if word == "-" else word for word in words] + [None] * 4
    server = psql.server
    known = (server.dbname, None, server.host, server.port)
    for value, own, what in zip(wanted, known, ("database", "role", "host", "port"), strict=False):
        if own is not None and value is not None and value.strip('"') != own:
            raise psql.refusal(
                f"\\{name} to another {what} ({value})",
                "A change runs on one database; give the other one a target of its own.",
            )
    frame = psql.frame
    psql.emit(Connect((wanted[1] or "").strip('"'), frame.name, frame.line_number))


def _restrict(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    key = _text(arguments.next(semicolon=True))
    if not key:
        raise psql.problem(f"\\{name}: missing required argument")
    if name == "restrict":
        psql.restricted = key
    elif not psql.restricted:
        raise psql.problem("\\unrestrict: not currently in restricted mode")
    elif psql.restricted != key:
        raise psql.problem("\\unrestrict: wrong key")
    else:
        psql.restricted = ""


def _shell(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    command = to_text(arguments.whole_line())
    psql.needs_shell("\\!")
    frame = psql.frame
    psql.emit(ShellCommand(command, frame.name, frame.line_number))


def _setenv(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    psql.needs_shell("\\setenv")
    variable, value = arguments.next(), arguments.next()
    if not variable:
        raise psql.problem("\\setenv: missing required argument")
    if b"=" in variable.text:
        raise psql.problem('\\setenv: environment variable name must not contain "="')
    frame = psql.frame
    psql.emit(SetEnvironment(_text(variable), _text(value) if value else None, frame.name, frame.line_number))


def _harmless(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    """How rows look is our own affair."""
    arguments.rest()


def _shows(psql: PsqlSession, arguments: Arguments, name: str) -> None:
    arguments.whole_line()
    psql.echo(f"\\{name} is for a person at psql; passed over\n", "err")


def _refused(reason: str) -> Run:
    def run(psql: PsqlSession, arguments: Arguments, name: str) -> None:
        raise psql.refusal(f"\\{name} {reason}")

    return run


def _table() -> dict[str, Command]:
    commands: dict[str, Command] = {}

    def add(names: str, run: Run, *, whole_line: bool = False, branches: bool = False) -> None:
        commands.update(dict.fromkeys(names.split(), Command(run, whole_line, branches)))

    add("set", _set)
    add("unset", _unset)
    add("echo qecho warn", _echo)
    add("p print", _print)
    add("r reset", _reset)
    add("errverbose", _errverbose)
    add("if", _if, branches=True)
    add("elif", _elif, branches=True)
    add("else", _else, branches=True)
    add("endif", _endif, branches=True)
    add("g gx", _go)
    add("gset", _gset)
    add("gexec", _gexec)
    add("crosstabview", _crosstabview)
    add("i include ir include_relative", _include)
    add("o out", _output)
    add("copy", _copy, whole_line=True)
    add("q quit", _quit)
    add("encoding", _encoding)
    add("c connect", _connect)
    add("restrict unrestrict", _restrict)
    add("!", _shell, whole_line=True)
    add("setenv", _setenv)
    add("a C f H html pset t T timing x", _harmless)
    add("h help sf sf+ sv sv+", _shows, whole_line=True)
    add("? conninfo copyright l l+ list list+ s z zS dp lo_list", _shows)
    add("cd", _refused("changes psql's working directory, which is the project's"))
    add("e edit ef ev", _refused("opens an editor"), whole_line=True)
    add("password prompt", _refused("asks a person"))
    add("w write", _refused("writes the query buffer to a file"), whole_line=True)
    add("watch", _refused("repeats a query without end"))
    add("getenv", _refused("reads the environment of this machine; pass the value with --set"))
    add("lo_import lo_export lo_unlink", _refused("is not done here; use the SQL functions of the same name"))
    add("bind bind_named parse close close_prepared gdesc sendpipeline", _refused("uses the extended protocol"))
    add("startpipeline endpipeline syncpipeline flush flushrequest getresults", _refused("uses the extended protocol"))
    return commands


_COMMANDS = _table()
_DESCRIBE = re.compile(r"d[a-zA-Z]*[S+x]*|[lz][S+x]*").fullmatch


def command_of(name: str) -> Command | None:
    """The command of a name, None for one that psql doesn't have; the many spellings of `\\d` share one."""
    found = _COMMANDS.get(name)
    return Command(_shows, whole_line=True) if found is None and _DESCRIBE(name) else found
