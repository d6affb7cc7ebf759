"""Statements that differ in their constants alone do the same: a script of 20,000 INSERTs is looked at once."""

from __future__ import annotations

import re

_REPEATED = {"INSERT", "UPDATE", "DELETE", "SELECT"}
_TOKEN = re.compile(
    r"""("[^"]*")|(--|/\*|\\|\$)|('(?:[^'\\]|'')*'|\b[eE]'(?:[^'\\]|''|\\.)*')|\b\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\b""",
    re.DOTALL,
)
_NAME, _DELICATE, _STRING = 1, 2, 3
_ROWS = re.compile(r"(\([0', ]*\))(?:\s*,\s*\1)+")
_NAMES_A_TABLE = re.compile(r"\bregclass\b", re.IGNORECASE).search
_TARGET = re.compile(r'\s*insert\s+into\s+(?:[\w$]+|"[^"]*")(?:\s*\.\s*(?:[\w$]+|"[^"]*"))?\s*\(', re.IGNORECASE).match
_CALL = re.compile(r'([\w$]+|")\s*\(')
# What stands before a parenthesis and makes nothing of what is in it that matters here: words of the grammar, and
# functions that touch no table whatever they are given. One of somebody's may: SELECT drop_partition('event_1').
_CALM_WORDS = """
values in any all some exists on as and or not from where select with over filter using set array row case when then
else end between like ilike is join left right inner outer cross lateral union except intersect by having limit offset
returning default conflict numeric decimal varchar char character bit varbit interval timestamp timestamptz time timetz
now clock_timestamp transaction_timestamp statement_timestamp random gen_random_uuid uuidv4 uuidv7 uuid_generate_v1
uuid_generate_v4 coalesce nullif greatest least lower upper initcap btrim ltrim rtrim trim concat concat_ws format
md5 sha256 sha512 digest crypt gen_salt encode decode length substr substring replace left right lpad rpad repeat
reverse split_part position strpos abs ceil ceiling floor round trunc power sqrt mod sign date_trunc date_part extract
age make_date make_time make_timestamp make_timestamptz make_interval to_char to_date to_timestamp to_number to_json
to_jsonb jsonb_build_object json_build_object jsonb_build_array json_build_array row_to_json array_length cardinality
array_append array_cat array_to_string string_to_array unnest generate_series count sum min max avg array_agg
string_agg jsonb_agg json_agg jsonb_object_agg row_number rank dense_rank lag lead first_value last_value
"""
_CALM = frozenset(_CALM_WORDS.split())


def shape_of(kind: str, sql: str) -> str | None:
    """The statement with its constants made equal: valid SQL of the same effect. None when that is not safe."""
    if kind not in _REPEATED:
        return None
    parts: list[str] = []
    at = 0
    for found in _TOKEN.finditer(sql):
        which = found.lastindex
        if which == _DELICATE:
            return None  # a comment, a string in dollars: what follows may be no token
        parts += [sql[at : found.start()], found[0] if which == _NAME else "''" if which == _STRING else "0"]
        at = found.end()
    shape = "".join((*parts, sql[at:]))
    if _NAMES_A_TABLE(shape):
        return None
    target = _TARGET(shape)
    for name in _CALL.findall(shape, target.end() if target else 0):
        if name.lower() not in _CALM:
            return None
    return _ROWS.sub(r"\1", shape)
