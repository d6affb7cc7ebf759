"""The schema of a database as values that can be compared: every object's definition, and one digest of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import ident, load

Objects = Mapping[tuple[str, str], str]
"""(kind, name) → definition."""


def read_objects(connection: Connection) -> dict[tuple[str, str], str]:
    """All objects of the database, those of extensions aside. Raises ServerError.

    The session's search_path must be pg_catalog alone, as `connect` sets it.
    """
    return {(str(kind), str(name)): str(text or "") for kind, name, text in connection.execute(load("fingerprint"))}


def digest(objects: Objects) -> str:
    """SHA-256 of the whole schema, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    for (kind, name), text in sorted(objects.items()):
        found.update(f"{kind}\0{name}\0{text}\0".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def changed(before: Objects, after: Objects) -> list[tuple[str, str, str, str]]:
    """(kind, name, before, after) of every object that differs; "" = not there. The order of columns is told of a table
    that has the same columns in another one: of columns that came or went, their own rows tell."""
    keys = sorted({*before, *after})
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    different = [(*key, old or "", new or "") for key, old, new in pairs if old != new]
    return [
        one for one in different if one[0] != "column order" or sorted(one[2].split(", ")) == sorted(one[3].split(", "))
    ]


def outside(objects: Objects, schemas: Collection[str]) -> dict[tuple[str, str], str]:
    """The objects that are in none of these schemas: those of registry and tracking change with every run."""
    names = {ident(schema) for schema in schemas} | set(schemas)

    def inside(name: str) -> bool:  # such as `column x of table s.t`
        return any(word in names or word.partition(".")[0] in names for word in name.split())

    return {(kind, name): text for (kind, name), text in objects.items() if not inside(name)}
