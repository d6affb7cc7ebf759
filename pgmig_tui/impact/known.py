"""Functions that are known although their code can't be read: the server's own, and those of contrib."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.impact.builtin import builtin_functions
from pgmig_tui.impact.facts import FunctionFact, Name

# Volatile functions of contrib that lock nothing and change nothing (read in their sources, tried on 15 and 18).
_CALM_WORDS = """
gen_random_bytes gen_salt gen_random_uuid pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_sym_encrypt pgp_sym_encrypt_bytea
uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 normal_rand isn_weak set_limit int_agg_state int_agg_final_array
ssl_cipher ssl_client_cert_present ssl_client_dn ssl_client_dn_field ssl_client_serial ssl_extension_info ssl_is_used
ssl_issuer_dn ssl_issuer_field ssl_version pg_stat_statements pg_stat_statements_info pg_buffercache_pages
pg_buffercache_summary pg_buffercache_usage_counts pg_buffercache_numa_pages page_header page_checksum heap_page_items
heap_tuple_infomask_flags tuple_data_split fsm_page_contents brin_page_type brin_metapage_info brin_revmap_data
hash_page_type hash_page_stats hash_page_items hash_metapage_info gin_metapage_info gin_page_opaque_info
gin_leafpage_items gist_page_opaque_info gist_page_items_bytea pg_get_wal_record_info pg_get_wal_records_info
pg_get_wal_stats pg_get_wal_block_info pg_get_logical_snapshot_info pg_get_logical_snapshot_meta
autoinc insert_username moddatetime triggered_change_notification
dblink_current_query dblink_get_connections dblink_error_message postgres_fdw_get_connections
"""
_CALM = frozenset(_CALM_WORDS.split())
_SLOT = (5, "the position of a replication slot or origin")
DESTROYS = {
    "lo_unlink": (4, "a large object"),
    "lo_put": (3, "the contents of a large object"),
    "lowrite": (3, "the contents of a large object"),
    "lo_truncate": (3, "the contents of a large object"),
    "lo_truncate64": (3, "the contents of a large object"),
    "lo_export": (5, "a file of the server's host, if there is one"),
    **dict.fromkeys(
        (
            "pg_drop_replication_slot", "pg_replication_slot_advance", "pg_logical_slot_get_changes",
            "pg_logical_slot_get_binary_changes", "pg_replication_origin_drop", "pg_replication_origin_advance",
        ),
        _SLOT,
    ),
}  # fmt: skip
"""Functions of the server that take something away: the class of that loss, and what it is."""
RUNS_SQL = {"query_to_xml": 0, "query_to_xmlschema": 0, "query_to_xml_and_xmlschema": 0, "ts_stat": 0, "ts_rewrite": 1}
"""Functions of the server that run the SQL that stands in the argument of that number, volatile functions in it too."""
READS_RELATION = {"table_to_xml": 0, "table_to_xml_and_xmlschema": 0}
"""Functions of the server that read the relation that stands in the argument of that number."""
READS_EVERYTHING = frozenset({
    "schema_to_xml", "schema_to_xml_and_xmlschema", "database_to_xml", "database_to_xml_and_xmlschema", "cursor_to_xml",
})  # fmt: skip
"""Those that read whatever there is, views with functions in them, too."""

CONTRIB_RUNS_SQL = frozenset({"crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstab_hash"})
"""Those of contrib (tablefunc) that run the SQL in their first argument; they refuse to change anything."""


def is_known(parts: list[str]) -> bool:
    """Whether a name that no catalog told anything of is that of a function of pg_catalog, or of a harmless one of
    contrib."""
    if parts[0] == "information_schema":
        return True
    if builtin_functions().get(parts[-1]) and (len(parts) == 1 or parts[-2] == "pg_catalog"):
        return True
    return builtin_functions("contrib").get(parts[-1], "v") != "v" or parts[-1] in _CALM


def harmless(fact: FunctionFact) -> bool:
    """Whether a function locks nothing and destroys nothing, whatever it is given."""
    return bool(fact.extension) and (fact.volatility in "is" or fact.name.relation in _CALM)


TAKES_STATISTICS = frozenset(
    {"pg_restore_relation_stats", "pg_restore_attribute_stats", "pg_clear_relation_stats", "pg_clear_attribute_stats"}
)
"""pg_dump writes the first two with --statistics."""


def statistics_table(name: str, given: Sequence[str | None]) -> Name | None:
    """The table by the arguments: the first two, or those behind the words `schemaname` and `relname`."""
    schema, relation = (*given, None, None)[:2]
    if name.startswith("pg_restore"):
        pairs = dict(zip(given[::2], given[1::2], strict=False))
        schema, relation = pairs.get("schemaname"), pairs.get("relname")
    return None if schema is None or relation is None else Name(schema, relation)
