"""The one door that untrusted text passes before it reaches a terminal.

SQL files, server messages, object names, application names and file names may hold escape sequences, text that runs
right to left, or characters that can't be seen. `safe` shows them instead of obeying them.

Sources: ECMA-48 (C0, C1), Unicode 16 chapters 9.1 and 23 (bidirectional controls, zero-width characters, tags).
"""

from __future__ import annotations

import re

# Everything but printable ASCII and what lies above U+00A0 and isn't listed here. One class, compiled once: clean text
# costs one scan.
_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers: nothing to see
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, separators, bidirectional controls
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb"  # fillers, variation selectors, byte order mark, annotations
    "\ud800-\udfff"  # lone surrogates
    "\U000e0000-\U000e0fff"  # tags and further selectors
    "]"
)
_TAB = "    "
_BLOCK = 1 << 20


def safe(text: str, *, multiline: bool = False) -> str:
    """Return `text` with every character that a terminal would obey, or hide, as a visible marker.

    Control characters become their pictures (␛ for ESC, ␡ for DEL), tabs four blanks, the rest `<U+202E>`. Line feeds
    stay only when `multiline`; CR LF then counts as one line feed, and a CR alone is shown. Never raises. Rich markup
    is no matter of this function: give the result to rich as `Text`, never as markup.
    """
    if text.isascii() and text.isprintable():
        return text
    if not multiline:
        return _UNSAFE.sub(_marker, text)
    text = text.replace("\r\n", "\n")
    if text.isascii() and all(_plain(text[at : at + _BLOCK]) for at in range(0, len(text), _BLOCK)):
        return text  # a script of 10 MB: its lines would take more room, and longer, than all that is shown of it
    return "\n".join(_UNSAFE.sub(_marker, line) for line in text.split("\n"))


def _plain(text: str) -> bool:
    return text.replace("\n", "").isprintable()


def _marker(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if character == "\t":
        return _TAB
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"<U+{code:04X}>"
