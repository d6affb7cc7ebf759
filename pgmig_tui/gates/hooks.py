"""Calling a hook: what is sent, whether it may be, and what became of it. Nothing here waits without an end."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlsplit

from pgmig_tui.database.checks import CheckResult, State, utc
from pgmig_tui.display.mask import HIDDEN, mask_secrets
from pgmig_tui.gates.accepted import digest, is_accepted
from pgmig_tui.gates.program import run
from pgmig_tui.gates.webhook import PostAnswer, post
from pgmig_tui.project.hooks import SECRET, TRIES, Hook

KEPT_CHARACTERS = 1000
"""So much of what a hook answers is kept."""
_SECRET_BYTES = 4096
_LONG_PART = 8
"""Characters of a part of an address that may be a secret."""


@dataclass(frozen=True, slots=True)
class Called:
    """What became of a call. `status`: the exit status, or that of HTTP; None where there was none. `text_hash` is the
    SHA-256 of what was sent; `problem` says why it isn't told, and `called` whether anything was tried at all. The
    fields of `hook_told` events."""

    hook: str
    kind: str
    to: str
    ok: bool
    called: bool = True
    status: int | None = None
    tries: int = 0
    ms: float = 0.0
    text_hash: str = ""
    problem: str = ""
    output: str = ""
    started_at: str = ""

    @property
    def told(self) -> str:
        """It in a sentence."""
        how = f"{'HTTP' if self.kind == 'webhook' else 'exit status'} {self.status}" if self.status is not None else ""
        if self.ok:
            return f"told {self.to} ({how}, {words_of(self.tries)})"
        if not self.called:
            return f"{self.to} was not called: {self.problem}"
        return f"{self.to} was called and not told: {self.problem} ({words_of(self.tries)})"


def words_of(tries: int) -> str:
    return "1 try" if tries == 1 else f"{tries} tries"


def accepted_name(hook: Hook, environment: str) -> str:
    """What is accepted when a hook of an environment is."""
    return f"hook {hook.name} of {environment}"


def unaccepted(hook: Hook, environment: str, root: Path, state_dir: Path) -> str:
    """Why a hook isn't called, "" where a person of this account has accepted it."""
    if is_accepted(state_dir, root, accepted_name(hook, environment), hook.accepted_text):
        return ""
    return f"nobody of this account has accepted it: pgmig-tui accept {environment}"


def accepted_digest(hook: Hook, environment: str, root: Path) -> str:
    return digest(root, accepted_name(hook, environment), hook.accepted_text)


def call(hook: Hook, text: str, *, environment: str, root: Path, state_dir: Path, env: Mapping[str, str]) -> Called:
    """Tell a hook `text`, in up to three tries, each of them bounded. Never raises."""
    sent = text.encode("utf-8", "replace")
    started = time.time()
    base = Called(hook.name, hook.kind, mask_secrets(hook.to), False, started_at=utc(started))
    if why := unaccepted(hook, environment, root, state_dir):
        return replace(base, called=False, problem=why)
    secret, why = _secret(hook, root, env)
    if why:
        return replace(base, called=False, problem=why)
    tries, answer = 0, PostAnswer(None)
    while tries < TRIES:
        if tries:
            time.sleep(hook.backoff_ms * 4 ** (tries - 1) / 1000)
        tries += 1
        answer = _once(hook, sent, secret, environment, root, env)
        # A program that says no may say yes the next time; a server that says no has understood.
        if not answer.problem or (hook.webhook and not answer.may_pass):
            break
    return replace(
        base,
        ok=not answer.problem,
        status=answer.status,
        tries=tries,
        ms=round((time.time() - started) * 1000, 1),
        text_hash=sha256(sent).hexdigest(),
        problem=_without(answer.problem, secret),
        output=_without(answer.text, secret, *_in_address(hook))[:KEPT_CHARACTERS],
    )


def _once(hook: Hook, sent: bytes, secret: str, environment: str, root: Path, env: Mapping[str, str]) -> PostAnswer:
    seconds = hook.timeout_ms / 1000
    if hook.webhook:
        bearer = {"Authorization": f"Bearer {secret}"} if secret and SECRET not in hook.webhook else {}
        address = hook.webhook.replace(SECRET, quote(secret, safe="/-._~"))
        ca_file = str(root / hook.ca_file) if hook.ca_file else ""
        return post(address, sent, headers=bearer, ca_file=ca_file, timeout_s=seconds)
    more = {"PGMIG_ENVIRONMENT": environment, "PGMIG_HOOK": hook.name}
    ended = run(hook.command, root, seconds, env, more, given=sent + b"\n")
    if ended.problem:
        return PostAnswer(None, ended.output, ended.problem)
    return PostAnswer(ended.status, ended.output, f"exit status {ended.status}" if ended.status else "")


def _secret(hook: Hook, root: Path, env: Mapping[str, str]) -> tuple[str, str]:
    """The secret of a webhook, and why there is none although it needs one."""
    if hook.secret_env:
        found, where = env.get(hook.secret_env, ""), f"the environment variable {hook.secret_env}"
    elif hook.secret_file:
        where = hook.secret_file
        try:
            with (root / Path(hook.secret_file).expanduser()).open("rb") as file:
                found = file.read(_SECRET_BYTES).decode("utf-8", "replace")
        except OSError as error:
            return "", f"its secret can't be read from {where}: {error.strerror or error}"
    else:
        return "", ""
    found = found.strip()
    if not found:
        return "", f"its secret is empty: {where}"
    if not found.isascii() or not found.isprintable():
        return "", f"its secret in {where} holds characters that no address and no header can have"
    return found, ""


def _in_address(hook: Hook) -> list[str]:
    """What stands behind the host in an address, and may be a secret that somebody has written there."""
    parts = urlsplit(hook.webhook)
    return [one for one in re.split(r"[/?&=]", f"{parts.path}?{parts.query}") if len(one) >= _LONG_PART]


def _without(text: str, *secrets: str) -> str:
    """A text that came from outside, without the secrets that we have sent, and others that are marked as such."""
    forms = {form for one in secrets for form in (one, quote(one, safe=""), quote(one, safe="/-._~"))} - {""}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return mask_secrets(text)


def result_of(name: str, hook: Hook, called: Called) -> CheckResult:
    """The result of the checklist item `name` that a call answers. One that failed is a WARN: it blocks nothing,
    unless pgmig.toml asks for it. One that wasn't made leaves the question to a person."""
    bad: State = "FAIL" if hook.required else "WARN" if called.called else "UNKNOWN"
    state: State = "PASS" if called.ok else bad
    row = {
        "hook": called.hook, "to": called.to, "status": called.status, "tries": called.tries, "ms": called.ms,
        "text_sha256": called.text_hash, "output": called.output,
    }  # fmt: skip
    finished = utc(time.time())
    return CheckResult(name, "Notify stakeholders", state, called.told, (row,), "", called.started_at, finished)


def waiting(name: str, hook: Hook, problem: str) -> CheckResult:
    """The result of an item whose hook is called right before the run starts, or won't be because of `problem`."""
    to = mask_secrets(hook.to)
    if problem:
        state: State = "FAIL" if hook.required else "UNKNOWN"
        return CheckResult(name, "Notify stakeholders", state, f"{to} will not be called: {problem}")
    told = f"nobody is told yet: {to} is called right before the run starts"
    return CheckResult(name, "Notify stakeholders", "WARN", told)


def hook_texts(hooks: Sequence[Hook], environment: str) -> list[tuple[str, tuple[str, ...], str]]:
    """What may be accepted of them: its name, the text that counts, and how it is shown."""
    return [(accepted_name(one, environment), one.accepted_text, one.shown_text) for one in hooks]
