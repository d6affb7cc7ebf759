"""Hooks: whatever a program or a server at the other end does, a call ends, and says what became of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from pgmig_tui.gates.accepted import accept
from pgmig_tui.gates.hooks import Called, accepted_name, call, result_of
from pgmig_tui.project.hooks import Hook
from tests.database.places import until
from tests.gates.certified import Listener, certify, listening

SECRET = "cAnAry-7f3e/91"
ENV = {"PATH": os.environ["PATH"], "PGPASSWORD": SECRET, "TOKEN": SECRET, "HTTPS_PROXY": "http://127.0.0.1:1"}
TEXT = json.dumps({"version": 1, "event": "after"})
QUICK = {"timeout_ms": 10_000, "backoff_ms": 1}
HANGS = {"timeout_ms": 300, "backoff_ms": 1}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certify(tmp_path_factory.mktemp("authority")).parent


@pytest.fixture
def listener(authority: Path) -> Iterator[Listener]:
    with listening(authority) as there:
        yield there


def called(hook: Hook, root: Path, *, accepted: bool = True) -> Called:
    if accepted:
        accept(root / "state", root, accepted_name(hook, "live"), hook.accepted_text, "Ann")
    began = time.monotonic()
    done = call(hook, TEXT, environment="live", root=root, state_dir=root / "state", env=ENV)
    assert time.monotonic() - began < 3 * hook.timeout_ms / 1000 + 3
    assert SECRET not in repr(done)
    return done


def script(root: Path, text: str, *, mode: int = 0o755) -> tuple[str, ...]:
    path = root / "tell"
    path.write_text(text)
    path.chmod(mode)
    return ("./tell", "loud")


def gone(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


PROGRAMS = (
    ("#!/bin/sh\ncat > got; env > env; echo said\n", True, 0, 1, "", "said\n"),
    ("#!/bin/sh\nexec sleep 60\n", False, None, 3, "it did not end within 0.3 s, and was ended", ""),
    ("#!/bin/sh\nhead -c 100000000 /dev/zero | tr '\\0' x\n", False, None, 3, "it printed more than 16 kB", "xxx"),
    ("#!/bin/sh\nexit 7\n", False, 7, 3, "exit status 7", ""),
    ("#!/bin/sh\n[ -e once ] && exit 0\n: > once\nexit 1\n", True, 0, 2, "", ""),
    ("#!/bin/sh\nsleep 60 &\n", False, None, 3, "it did not end within 0.3 s, and was ended", ""),
    ("#!/bin/sh\nsleep 60 >/dev/null 2>&1 & echo $! > child\n", True, 0, 1, "", ""),
    ("#!/bin/sh\nprintf 'password=hunter2 \\033[2Jx'\n", True, 0, 1, "", "password=*** \x1b[2Jx"),
    ("not a program", False, None, 3, "it can't be started: Exec format error", ""),
)


@pytest.mark.parametrize(("text", "ok", "status", "tries", "problem", "output"), PROGRAMS)
def test_a_command_is_bounded_whatever_it_does(
    tmp_path: Path, text: str, ok: bool, status: int | None, tries: int, problem: str, output: str
) -> None:
    bounds = HANGS if "0.3 s" in problem else QUICK
    done = called(Hook("after", script(tmp_path, text), **bounds), tmp_path)  # type: ignore[arg-type]
    assert (done.ok, done.status, done.tries) == (ok, status, tries)
    assert done.problem.startswith(problem)
    assert bool(done.problem) != ok
    assert done.output.startswith(output)
    assert len(done.output) <= 1000
    if (tmp_path / "got").exists():
        assert json.loads((tmp_path / "got").read_text()) == {"version": 1, "event": "after"}
        seen = dict(one.partition("=")[::2] for one in (tmp_path / "env").read_text().splitlines())
        assert (seen["PGMIG_HOOK"], seen["PGMIG_ENVIRONMENT"]) == ("after", "live")
        assert set(seen) <= {"PATH", "PGMIG_HOOK", "PGMIG_ENVIRONMENT", "PWD", "SHLVL", "_", "OLDPWD"}
    if (tmp_path / "child").exists():
        pid = (tmp_path / "child").read_text().strip()
        until(lambda: gone(pid))


@pytest.mark.parametrize(("mode", "problem"), [(0o644, "Permission denied"), (None, "No such file or directory")])
def test_a_command_that_cannot_be_started_is_told(tmp_path: Path, mode: int | None, problem: str) -> None:
    command = ("./none",) if mode is None else script(tmp_path, "#!/bin/sh\n", mode=mode)
    done = called(Hook("after", command, **QUICK), tmp_path)  # type: ignore[arg-type]
    assert (done.ok, done.problem) == (False, f"it can't be started: {problem}")


def test_nothing_is_called_that_nobody_has_accepted_or_that_is_another_by_now(tmp_path: Path) -> None:
    hook = Hook("before", script(tmp_path, "#!/bin/sh\n: > ran\n"))
    done = called(hook, tmp_path, accepted=False)
    assert (done.ok, done.called, done.tries) == (False, False, 0)
    assert done.problem == "nobody of this account has accepted it: pgmig-tui accept live"
    assert called(hook, tmp_path).ok
    (tmp_path / "ran").unlink()
    (tmp_path / "tell").write_text("#!/bin/sh\n: > ran # another\n")
    assert not called(hook, tmp_path, accepted=False).called
    assert not (tmp_path / "ran").exists()


ANSWERS: tuple[tuple[tuple[int | str, ...], bool, int | None, int, str], ...] = (
    ((200,), True, 200, 1, ""),
    ((500, 500, 200), True, 200, 3, ""),
    ((503,), False, 503, 3, "HTTP 503"),
    ((429, 204), True, 204, 2, ""),
    ((404, 200), False, 404, 1, "HTTP 404"),
    ((302, 200), False, 302, 1, "HTTP 302: it sends elsewhere, which isn't followed"),
    (("hang",), False, None, 3, "no answer within 0.3 s"),
)


@pytest.mark.parametrize(("answers", "ok", "status", "tries", "problem"), ANSWERS)
def test_a_webhook_is_bounded_whatever_answers(
    tmp_path: Path, listener: Listener, answers: tuple[int | str, ...], ok: bool, status: int | None, tries: int,
    problem: str,
) -> None:  # fmt: skip
    listener.answers = answers
    listener.says = f"you said {SECRET}" + "x" * 100_000
    hook = Hook("after", webhook=listener.url("/services/{secret}"), secret_env="TOKEN", ca_file=str(listener.ca_file))
    done = called(replace(hook, **(HANGS if "0.3 s" in problem else QUICK)), tmp_path)  # type: ignore[arg-type]
    assert (done.ok, done.status, done.tries, done.problem) == (ok, status, tries, problem)
    assert done.to == f"https://localhost:{listener.port}/…"
    assert {(one.path, one.body) for one in listener.heard} == {(f"/services/{SECRET}", TEXT)}, "and nothing elsewhere"


def test_a_secret_that_has_no_place_in_the_address_goes_in_a_header(tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "token").write_text(SECRET + "\n")
    hook = Hook("ticket", webhook=listener.url("/?a=b"), secret_file="token", ca_file=str(listener.ca_file), **QUICK)  # type: ignore[arg-type]
    assert called(hook, tmp_path).ok
    (heard,) = listener.heard
    assert (heard.path, heard.headers["Authorization"]) == ("/?a=b", f"Bearer {SECRET}")
    assert heard.headers["Content-Type"] == "application/json"


def test_who_is_not_certified_gets_nothing(tmp_path: Path, listener: Listener) -> None:
    done = called(Hook("after", webhook=listener.url(), **QUICK), tmp_path)  # type: ignore[arg-type]
    assert (done.ok, done.problem.partition(":")[0]) == (False, "the server's certificate is not trusted")
    other = f"https://127.0.0.1:{listener.port}/"  # certified, but not by that name
    done = called(Hook("after", webhook=other, ca_file=str(listener.ca_file), **QUICK), tmp_path)  # type: ignore[arg-type]
    assert (done.ok, listener.heard) == (False, [])


@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        (Hook("after", webhook="https://h/{secret}", secret_env="NONE"),
         "its secret is empty: the environment variable NONE"),
        (Hook("after", webhook="https://h/", secret_file="none"),
         "its secret can't be read from none: No such file or directory"),
        (Hook("after", webhook="https://localhost:1/x", timeout_ms=10_000, backoff_ms=1),
         "it can't be reached: Connection refused"),
    ],
)  # fmt: skip
def test_what_keeps_a_webhook_from_being_called_is_told(tmp_path: Path, hook: Hook, problem: str) -> None:
    assert called(hook, tmp_path).problem == problem


def test_a_call_is_the_evidence_of_its_item_and_a_failed_one_blocks_where_it_is_required_alone(tmp_path: Path) -> None:
    hook = Hook("before", script(tmp_path, '#!/bin/sh\nread line; [ -n "$line" ]\n'), **QUICK)  # type: ignore[arg-type]
    good = result_of("notified", hook, called(hook, tmp_path))
    assert (good.state, good.summary) == ("PASS", "told ./tell loud (exit status 0, 1 try)")
    assert good.rows[0]["text_sha256"] == sha256(TEXT.encode()).hexdigest()
    bad = Hook("before", script(tmp_path, "#!/bin/sh\nexit 3\n"), **QUICK)  # type: ignore[arg-type]
    assert result_of("notified", bad, called(bad, tmp_path)).state == "WARN"
    strict = replace(bad, required=True)
    assert result_of("notified", strict, called(strict, tmp_path)).state == "FAIL"
    assert result_of("notified", bad, call(
        Hook("before", ("./other",)), TEXT, environment="live", root=tmp_path, state_dir=tmp_path, env=ENV
    )).state == "UNKNOWN"  # fmt: skip
