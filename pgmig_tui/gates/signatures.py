"""SSH signatures over approvals, made and verified by ssh-keygen (OpenSSH 8.2 or later). Nothing is asked of a network.

A signature carries its public key. Whose key that is, pgmig.toml says by its fingerprint. Source: PROTOCOL.sshsig of
OpenSSH, ssh-keygen(1).
"""

from __future__ import annotations

import base64
import binascii
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.gates.approvals import NAMESPACE

_PROGRAM = "ssh-keygen"
_SECONDS = 10
_MAGIC = b"SSHSIG"
_KEPT = ("HOME", "PATH", "SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY", "LANG", "LC_ALL", "TERM")


class BadSignature(PgmigError):
    """A signature that isn't one, or is of something else."""

    exit_status = 3


def sign(payload: str, key: Path) -> str:
    """The signature of a text by the private key in that file, or the one that its public key names to the agent. May
    ask for a passphrase on the terminal. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix="pgmig-") as folder:
        path = Path(folder) / "payload"
        path.write_text(payload, encoding="utf-8")
        done = _run(["-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(path)], timeout=None)
        signature = path.with_suffix(".sig")
        if done.returncode or not signature.exists():
            raise Refused(
                f"ssh-keygen could not sign with {key}: {_said(done)}",
                now="Nothing was recorded.",
                do="Name a private key with --ssh-key, or a public one whose private half the agent holds.",
            )
        return signature.read_text(encoding="ascii")


def verified(payload: str, signature: str) -> str:
    """The fingerprint of the key that has signed this very text for an approval. Raises BadSignature; Refused where
    nobody can tell."""
    kind, blob = _public_key(signature)
    with tempfile.TemporaryDirectory(prefix="pgmig-") as folder:
        signers, signed = Path(folder) / "signers", Path(folder) / "signature"
        known = f'approver namespaces="{NAMESPACE}" {kind} {base64.b64encode(blob).decode()}'
        signers.write_text(f"{known}\n", encoding="ascii")
        signed.write_text(signature, encoding="ascii")
        arguments = ["-Y", "verify", "-f", str(signers), "-I", "approver", "-n", NAMESPACE, "-s", str(signed)]
        done = _run(arguments, payload, timeout=_SECONDS)
    if done.returncode:
        raise BadSignature("its signature doesn't fit what it says: one of them was changed, or it is of another kind")
    return fingerprint(blob)


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` shows a public key."""
    return "SHA256:" + base64.b64encode(sha256(blob).digest()).decode().rstrip("=")


def _public_key(signature: str) -> tuple[str, bytes]:
    lines = signature.strip().splitlines()
    if len(lines) < 3 or lines[0] != "-----BEGIN SSH SIGNATURE-----" or lines[-1] != "-----END SSH SIGNATURE-----":
        raise BadSignature("its signature is none of SSH")
    try:
        data = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error:
        raise BadSignature("its signature is cut off") from None
    blob, _ = _string(data[len(_MAGIC) + 4 :]) if data.startswith(_MAGIC) else (b"", b"")
    kind, _ = _string(blob)
    if not kind or not kind.isascii() or not kind.decode("ascii", "replace").isprintable() or b" " in kind:
        raise BadSignature("its signature names no key")
    return kind.decode("ascii"), blob


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size or len(data) < 4:
        return b"", b""
    return data[4 : 4 + size], data[4 + size :]


def _run(arguments: list[str], text: str = "", *, timeout: float | None) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(_PROGRAM)
    if program is None:
        raise Refused(
            "ssh-keygen isn't installed, which makes and verifies signatures",
            now="Nothing was recorded.",
            do="Install the OpenSSH client (Debian: apt-get install openssh-client).",
        )
    try:
        env = _environment(os.environ)
        return subprocess.run([program, *arguments], input=text.encode(), capture_output=True, timeout=timeout, env=env)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"ssh-keygen could not be run: {error}", now="Nothing was recorded.") from None


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """No password of a database is any of its business."""
    return {name: env[name] for name in _KEPT if name in env}


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return safe(text[-1]) if text else f"exit status {done.returncode}"
