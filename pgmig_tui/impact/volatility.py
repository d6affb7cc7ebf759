"""Is an expression volatile? It decides whether ADD COLUMN ... DEFAULT rewrites the table."""

from __future__ import annotations

from pgmig_tui.impact.effect import Scene
from pgmig_tui.impact.facts import FunctionFact
from pgmig_tui.impact.nodes import Node, ParseError, functions_in, kind, parse

# pg_proc.provolatile = 'v' among the functions that stand in defaults (PostgreSQL 12 to 18, with uuid-ossp, pgcrypto).
_VOLATILE_WORDS = """
random random_normal clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 nextval setval currval lastval
uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes gen_salt pg_sleep set_config
pg_advisory_lock pg_advisory_xact_lock pg_try_advisory_lock lo_create lo_creat dblink dblink_exec pg_notify
setseed
"""
VOLATILE = frozenset(_VOLATILE_WORDS.split())
_CALM_WORDS = """
now transaction_timestamp statement_timestamp current_setting current_schema current_database current_user
session_user txid_current pg_current_xact_id lower upper initcap btrim ltrim rtrim trim concat concat_ws format
coalesce nullif greatest least md5 sha256 sha512 length char_length substr substring replace translate left
right lpad rpad repeat reverse split_part strpos position abs ceil ceiling floor round trunc power sqrt mod sign
date_trunc date_part extract timezone age make_date make_interval make_timestamp make_timestamptz to_char
to_date to_timestamp to_number jsonb_build_object json_build_object jsonb_build_array json_build_array to_json
to_jsonb row_to_json array_length cardinality array_append array_cat array_to_string string_to_array to_tsvector
to_tsquery plainto_tsquery setweight int4range int8range numrange tsrange tstzrange daterange encode decode
convert_from convert_to inet_client_addr host network family masklen hashtext chr ascii uuid_nil uuid_ns_dns
uuid_generate_v3 uuid_generate_v5 isfinite justify_days justify_hours date bool
"""
CALM = frozenset(_CALM_WORDS.split())


def _inlined(fact: FunctionFact) -> Node | None:
    """The expression that the planner puts in place of a call of an SQL function; None when it does not."""
    if fact.language != "sql" or not fact.body:
        return None
    try:
        trees = parse(fact.body)
    except ParseError:
        return None
    if len(trees) != 1 or kind(trees[0]) != "SelectStmt":
        return None
    filled = {field.name for field, _ in trees[0].ListFields()} - {"limit_option", "op"}
    return trees[0].target_list[0] if filled == {"target_list"} and len(trees[0].target_list) == 1 else None


def volatility(scene: Scene, expression: Node, depth: int = 0) -> str:
    """ "yes" when the expression is volatile, "no", or "unknown" for functions that nothing is known of."""
    verdict = "no"
    for parts, arguments in functions_in(expression):
        fact = scene.catalog.function(parts, arguments)
        if fact is not None:
            inlined = _inlined(fact) if fact.volatility == "v" and depth < 4 else None
            if inlined is not None:
                inner = volatility(scene, inlined, depth + 1)
                if inner != "no":
                    return inner
            elif fact.volatility == "v":
                return "yes"
            continue
        name = parts[-1]
        if name in VOLATILE:
            return "yes"
        if name not in CALM:
            verdict = "unknown"
    return verdict
