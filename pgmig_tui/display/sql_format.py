"""SQL set out for reading by sqlparse. It's never what is run: sqlparse doesn't know psql's reading of a file."""

from __future__ import annotations

LONGEST = 100_000


def formatted(text: str) -> str | None:
    """The text set out anew; None when it's too long for sqlparse to do it while a person waits, or when it fails."""
    if len(text) > LONGEST:
        return None
    import sqlparse
    from sqlparse.exceptions import SQLParseError

    try:
        result = sqlparse.format(text, reindent=True, indent_width=2)
    except (SQLParseError, RecursionError):
        return None
    return str(result)
