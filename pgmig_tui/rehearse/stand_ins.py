"""Stand-ins for extensions that a server of our own lacks and that schemas name: functions of the same signature that
give NULL, types that hold any text. With them a table is there that would otherwise miss a default or a type.

Sources: uuid-ossp--1.1.sql, pgcrypto--1.3.sql (PostgreSQL 15's contrib), the manual of PostGIS 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.text import ident
from pgmig_tui.rehearse.clone import stand_in_type

_FUNCTIONS = {
    "uuid-ossp": """
        i uuid uuid_nil() uuid_ns_dns() uuid_ns_url() uuid_ns_oid() uuid_ns_x500()
            uuid_generate_v3(uuid,text) uuid_generate_v5(uuid,text)
        v uuid uuid_generate_v1() uuid_generate_v1mc() uuid_generate_v4()""",
    "pgcrypto": """
        i bytea digest(text,text) digest(bytea,text) hmac(text,text,text) hmac(bytea,bytea,text) dearmor(text)
            encrypt(bytea,bytea,text) decrypt(bytea,bytea,text)
            encrypt_iv(bytea,bytea,bytea,text) decrypt_iv(bytea,bytea,bytea,text)
            pgp_sym_decrypt_bytea(bytea,text) pgp_sym_decrypt_bytea(bytea,text,text)
            pgp_pub_decrypt_bytea(bytea,bytea) pgp_pub_decrypt_bytea(bytea,bytea,text)
            pgp_pub_decrypt_bytea(bytea,bytea,text,text)
        i text crypt(text,text) pgp_sym_decrypt(bytea,text) pgp_sym_decrypt(bytea,text,text) pgp_key_id(bytea)
            pgp_pub_decrypt(bytea,bytea) pgp_pub_decrypt(bytea,bytea,text) pgp_pub_decrypt(bytea,bytea,text,text)
            armor(bytea) armor(bytea,text[],text[])
        v text gen_salt(text) gen_salt(text,integer)
        v uuid gen_random_uuid()
        v bytea gen_random_bytes(integer) pgp_sym_encrypt(text,text) pgp_sym_encrypt(text,text,text)
            pgp_sym_encrypt_bytea(bytea,text) pgp_sym_encrypt_bytea(bytea,text,text)
            pgp_pub_encrypt(text,bytea) pgp_pub_encrypt(text,bytea,text)
            pgp_pub_encrypt_bytea(bytea,bytea) pgp_pub_encrypt_bytea(bytea,bytea,text)""",
}
"""All that these have (but pgp_armor_headers): i = immutable, v = volatile, then the result's type."""
_TYPES = {"postgis": (("geometry", True), ("geography", True), ("box2d", False), ("box3d", False))}
"""The types of columns, and whether they take modifiers; their functions and operators are missing."""
_ITEM = re.compile(r"\b([iv]) (\w+) (?=\w+\()|(\w+)(\([^)]*\))")


def has_functions(extension: str) -> bool:
    """Whether all that a schema may name of an extension can be stood in for."""
    return extension in _FUNCTIONS


def make_functions(admin: Connection, extension: str, schema: str) -> frozenset[str]:
    """Make the functions of an extension; their names. Raises ServerError."""
    names = set()
    for volatility, result, name, arguments in _functions(extension):
        names.add(name)
        admin.execute(
            f"CREATE FUNCTION {ident(schema)}.{ident(name)}{arguments} RETURNS {result} LANGUAGE sql"
            f" {'IMMUTABLE' if volatility == 'i' else 'VOLATILE'} STRICT PARALLEL SAFE AS 'SELECT NULL::{result}'"
        )
    return frozenset(names)


def make_types(admin: Connection, extension: str, schema: str) -> list[str]:
    """Make the types of an extension, as far as they are known here; their names."""
    known = _TYPES.get(extension, ())
    return [name for name, modifier in known if stand_in_type(admin, schema, name, modifier=modifier)]


def _functions(extension: str) -> Iterator[tuple[str, str, str, str]]:
    volatility = result = ""
    for found in _ITEM.finditer(_FUNCTIONS[extension]):
        if found[1]:
            volatility, result = found[1], found[2]
        else:
            yield volatility, result, found[3], found[4]
