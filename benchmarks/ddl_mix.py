"""Migrations made up for timing: DDL in about the mix in which people write it, the same at each run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

_NOUNS = """
account address article audit batch billing book branch campaign cart category charge city claim client comment
contact contract coupon course credit customer delivery device discount document driver employee event export feature
feedback file flight folder forecast group holiday image import invoice item job journal label lead lesson license
location login machine mailing meeting member message meter metric module note notice offer order package page parcel
partner patient payment permit person photo plan policy position price product profile project question quota rating
receipt refund region report request resource review role room route rule sale schedule score seat segment session
shift shipment shop signal site skill slot snapshot sprint station status stock store survey tag task tax team ticket
token topic track trip unit upload vehicle vendor version visit voucher wallet warehouse webhook worker zone
"""
_WORDS = tuple(_NOUNS.split())
_TYPES = (
    "text",
    "integer",
    "bigint",
    "boolean",
    "timestamptz",
    "numeric(12,2)",
    "jsonb",
    "uuid",
    "varchar(80)",
    "date",
)


class _Mix:
    """Names of tables that were made so far, and a statement on one of them at a time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tables: list[str] = []
        self.columns: dict[str, list[str]] = {}
        self.indexes: dict[str, list[str]] = {}
        self.number = 0

    def fresh(self, stem: str) -> str:
        self.number += 1
        return f"{stem}_{self.number}"

    def table(self) -> str:
        """Rather one of the latest, as in life."""
        back = min(int(self.random.expovariate(0.04)), len(self.tables) - 1)
        return self.tables[-1 - back]

    def column(self, table: str) -> str:
        return self.random.choice(self.columns[table])

    def create_table(self) -> str:
        pick = self.random
        name = self.fresh(f"app.{pick.choice(_WORDS)}")
        columns = [
            f"{word}_{pick.choice(('at', 'no', 'name', 'kind', 'state'))}"
            for word in pick.sample(_WORDS, pick.randint(4, 9))
        ]
        lines = ["    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"]
        for column in columns:
            default = pick.choice(("", "", " NOT NULL", " NOT NULL DEFAULT now()" if column.endswith("_at") else ""))
            kind = "timestamptz" if column.endswith("_at") else pick.choice(_TYPES)
            lines.append(f"    {column} {kind}{default}")
        if self.tables and pick.random() < 0.6:
            other = self.table()
            columns.append("owner_id")
            lines.append(f"    owner_id bigint NOT NULL REFERENCES {other} (id) ON DELETE CASCADE")
        if pick.random() < 0.3:
            lines.append(f"    CONSTRAINT {name[4:]}_ck CHECK ({columns[0]} IS NOT NULL)")
        self.tables.append(name)
        self.columns[name] = columns
        self.indexes[name] = []
        return f"CREATE TABLE {name} (\n" + ",\n".join(lines) + "\n)"

    def add_column(self) -> str:
        table, column = self.table(), self.fresh(self.random.choice(_WORDS))
        self.columns[table].append(column)
        default = self.random.choice(("", "", " NOT NULL DEFAULT false", " DEFAULT 0"))
        kind = "boolean" if "false" in default else "integer" if default else self.random.choice(_TYPES)
        return f"ALTER TABLE {table} ADD COLUMN {column} {kind}{default}"

    def drop_column(self) -> str:
        table = self.table()
        columns = self.columns[table]
        if len(columns) < 3:
            return self.add_column()
        return f"ALTER TABLE {table} DROP COLUMN {columns.pop(self.random.randrange(len(columns)))}"

    def alter_column(self) -> str:
        table = self.table()
        what = self.random.choice(
            ("SET NOT NULL", "DROP NOT NULL", "TYPE text", "SET DEFAULT NULL", "SET STATISTICS 500", "DROP DEFAULT")
        )
        return f"ALTER TABLE {table} ALTER COLUMN {self.column(table)} {what}"

    def add_constraint(self) -> str:
        table, column = self.table(), self.column(self.tables[-1])
        column = self.column(table)
        name = self.fresh(f"{table[4:]}_{column}")
        return self.random.choice(
            (
                f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {self.table()} (id)",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {self.table()} (id) "
                "NOT VALID",
                f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({column})",
            )
        )

    def create_index(self) -> str:
        table = self.table()
        name = self.fresh(f"{table[4:]}_idx")
        self.indexes[table].append(f"app.{name}")
        unique = self.random.choice(("", "", "", "UNIQUE "))
        where = self.random.choice(("", "", "", f" WHERE {self.column(table)} IS NOT NULL"))
        columns = ", ".join(dict.fromkeys((self.column(table), self.column(table))))
        return f"CREATE {unique}INDEX {name} ON {table} ({columns}){where}"

    def drop_index(self) -> str:
        table = self.table()
        return f"DROP INDEX {self.indexes[table].pop()}" if self.indexes[table] else self.create_index()

    def comment(self) -> str:
        table = self.table()
        if self.random.random() < 0.4:
            return f"COMMENT ON TABLE {table} IS 'what the {table[4:]} is for'"
        column = self.column(table)
        return f"COMMENT ON COLUMN {table}.{column} IS 'the {column} as it came; see the handbook'"

    def grant(self) -> str:
        rights = self.random.choice(("SELECT", "SELECT, INSERT, UPDATE", "ALL"))
        return f"GRANT {rights} ON {self.table()} TO app_{self.random.choice(('reader', 'writer', 'admin'))}"

    def update(self) -> str:
        table = self.table()
        column = self.column(table)
        return self.random.choice(
            (
                f"UPDATE {table} SET {column} = NULL WHERE id < {self.random.randint(1, 99999)}",
                f"INSERT INTO {table} ({column}) SELECT {column} FROM {self.table()} AS other (id, {column})",
                f"DELETE FROM {table} WHERE {column} IS NULL",
            )
        )

    def view(self) -> str:
        table, other = self.table(), self.table()
        return (
            f"CREATE VIEW {self.fresh('app.report')} AS\n    SELECT a.id, a.{self.column(table)} AS first, b.id AS b\n"
            f"      FROM {table} AS a LEFT JOIN {other} AS b ON b.id = a.id\n     WHERE a.id > 0"
        )

    def function(self) -> str:
        table = self.table()
        return (
            f"CREATE FUNCTION {self.fresh('app.count_of')}(lowest bigint) RETURNS bigint LANGUAGE sql STABLE AS $$\n"
            f"    SELECT count(*) FROM {table} WHERE id >= lowest;\n$$"
        )

    def trigger(self) -> str:
        table = self.table()
        return (
            f"CREATE TRIGGER {self.fresh('touch')} BEFORE UPDATE ON {table}\n"
            "    FOR EACH ROW EXECUTE FUNCTION app.touch()"
        )

    def drop_table(self) -> str:
        if len(self.tables) < 30:
            return self.create_table()
        table = self.tables.pop(self.random.randrange(len(self.tables) - 20))
        return f"DROP TABLE {table}"

    def rename(self) -> str:
        table = self.table()
        old, new = self.column(table), self.fresh("renamed")
        self.columns[table][self.columns[table].index(old)] = new
        return f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"

    def statements(self) -> Iterator[str]:
        ways: list[tuple[Callable[[], str], int]] = [
            (self.create_table, 8), (self.add_column, 18), (self.drop_column, 5), (self.alter_column, 11),
            (self.add_constraint, 9), (self.create_index, 15), (self.drop_index, 3), (self.comment, 10),
            (self.grant, 6), (self.update, 6), (self.view, 2), (self.function, 2), (self.trigger, 2),
            (self.drop_table, 1), (self.rename, 2),
        ]  # fmt: skip
        for _ in range(20):
            yield self.create_table()
        makers, weights = [way for way, _ in ways], [weight for _, weight in ways]
        while True:
            yield self.random.choices(makers, weights)[0]()


def write_mix(folder: Path, statements: int, files: int, seed: int = 2024) -> list[Path]:
    """`files` scripts, each one transaction, with `statements` statements in all besides BEGIN and COMMIT."""
    folder.mkdir(parents=True, exist_ok=True)
    made = _Mix(seed).statements()
    paths = []
    for number in range(files):
        count = statements * (number + 1) // files - statements * number // files
        body = "".join(f"\n-- step {step + 1}\n{next(made)};\n" for step in range(count))
        path = folder / f"m{number:04}.sql"
        path.write_text(f"-- migration {number}\n\nBEGIN;\n{body}\nCOMMIT;\n")
        paths.append(path)
    return paths
