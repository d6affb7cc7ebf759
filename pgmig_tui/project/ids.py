"""IDs of changes and tags: SHA-1 over a text that both Sqitch and we can rebuild from the plan.

Sources: Sqitch 1.3.1 (`sqitch show change`, which prints the hashed text); RFC 3986 and Perl's URI library for the form
of `%uri` that is hashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha1, sha256

# Schemes whose authority Perl's URI library reads as user@host:port, with their default ports.
_SERVER_SCHEMES = {
    "http": 80,
    "https": 443,
    "ftp": 21,
    "gopher": 70,
    "ldap": 389,
    "ldaps": 636,
    "mms": 1755,
    "news": 119,
    "nntp": 119,
    "nntps": 563,
    "pop": 110,
    "rlogin": 513,
    "rsync": 873,
    "rtsp": 554,
    "rtspu": 554,
    "sftp": 22,
    "sip": 5060,
    "sips": 5061,
    "snews": 563,
    "ssh": 22,
    "telnet": 23,
    "tn3270": 23,
}
_NOT_URI = re.compile(r"[^A-Za-z0-9;/?:@&=+$,\[\]\-_.!~*'()%#]")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.+\-]*):")
_AUTHORITY = re.compile(r"//([^/?#]*)(.*)", re.S)


def plain_uri(text: str) -> str:
    """Return `%uri` as Sqitch stores it in `projects.uri`: trimmed, with characters outside of URIs percent-encoded."""
    text = re.sub(r"^<(?:URL:)?(.*)>$", r"\1", text.strip())
    text = re.sub(r'^"(.*)"$', r"\1", text).strip()
    found = _SCHEME.match(text)
    if found and found[1].lower() in _SERVER_SCHEMES and (authority := _AUTHORITY.match(text, found.end())):
        user, at, host = authority[1].rpartition("@")
        if not host.isascii():
            text = f"{found[0]}//{user}{at}{_idna(host)}{authority[2]}"
    return _NOT_URI.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)


def canonical_uri(text: str) -> str:
    """Return `%uri` as it enters the hashes: scheme and host in lower case, no default port, no needless escapes."""
    text = plain_uri(text)
    found = _SCHEME.match(text)
    if not found:
        return text
    scheme, rest = found[1].lower(), _ESCAPED.sub(_decode_unreserved, text[found.end() :])
    if scheme in _SERVER_SCHEMES and (authority := _AUTHORITY.match(rest)):
        user, at, host = authority[1].rpartition("@")
        host = re.sub(rf":(?:{_SERVER_SCHEMES[scheme]})?$", "", host.lower())
        tail = authority[2]
        if scheme in ("http", "https") and (not tail or tail.startswith("#")):
            tail = "/" + tail
        rest = f"//{user}{at}{host}{tail}"
    return f"{scheme}:{rest}"


class IdMaker:
    """Makes the IDs of one project's changes and tags."""

    __slots__ = ("_head",)

    def __init__(self, project: str, uri: str | None) -> None:
        self._head = f"project {project}\n" + (f"uri {canonical_uri(uri)}\n" if uri else "")

    def change_text(
        self,
        name: str,
        parent_id: str | None,
        planner: str,
        planned_at: str,
        requires: Sequence[str] = (),
        conflicts: Sequence[str] = (),
        note: str = "",
    ) -> str:
        """Return the text whose hash is a change's ID. `planner` is "Name <mail>"; `note` is unescaped."""
        text = f"{self._head}change {name}\n"
        if parent_id:
            text += f"parent {parent_id}\n"
        text += f"planner {planner}\ndate {planned_at}"
        if requires:
            text += "\nrequires\n  + " + "\n  + ".join(requires)
        if conflicts:
            text += "\nconflicts\n  - " + "\n  - ".join(conflicts)
        return text + _note(note)

    def tag_text(self, name: str, change_id: str, planner: str, planned_at: str, note: str = "") -> str:
        """Return the text whose hash is a tag's ID. `name` has no "@"."""
        return f"{self._head}tag @{name}\nchange {change_id}\nplanner {planner}\ndate {planned_at}{_note(note)}"


def object_id(kind: str, text: str) -> str:
    """Return the SHA-1, in lowercase hex, of a `change` or `tag` text, framed as Git frames its objects."""
    body = text.encode()
    return sha1(b"%s %d\0%s" % (kind.encode(), len(body), body), usedforsecurity=False).hexdigest()


def _note(note: str) -> str:
    return f"\n\n{note}" if note and note != "0" else ""  # "0" is false in Perl


def _decode_unreserved(escaped: re.Match[str]) -> str:
    character = chr(int(escaped[1], 16))
    return character if character in _UNRESERVED else escaped[0].upper()


def _idna(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def digest_of_all(change_ids: Iterable[str]) -> str:
    """What stands for changes, by their IDs and in whatever order: SHA-256, in hexadecimal. Ours, not Sqitch's."""
    return sha256("\n".join(sorted(change_ids)).encode()).hexdigest()
