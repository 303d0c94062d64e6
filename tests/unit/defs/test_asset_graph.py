"""The asset graph is the lineage, and every asset says what it is."""

from __future__ import annotations

import dagster as dg
import pytest

from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.definitions import defs
from sigmasight_assets.defs.lineage import lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS, MARKET_SESSIONS
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED, Upstream, downstream_of
from sigmasight_assets.store.provenance import FACETS
from sigmasight_assets.store.tables import METADATA

GRAPH = defs.resolve_asset_graph()
SPECS = {spec.key.path[-1]: spec for spec in defs.resolve_all_asset_specs()}
EVERYBODYS_CHECKS = {"schema", "gates", "fresh"}
LEDGER_TABLES = {"users", "portfolios", "instruments", "lots", "tags", "lot_tags", "flows", "appraisals", "imports", "ledger_changes"}
LEDGER_TABLES |= {"user_scenarios", "private_proxies"}
RECORDS = {"materializations", "restatements", "confirmed_prices", "activity", "api_tokens", "operations", "check_results"}
"""What is written beside the computed tables."""
tables = pytest.mark.parametrize("table", LINEAGE)


def test_assets_are_the_tables_of_the_lineage_and_the_ledger() -> None:
    assert set(SPECS) == {*LINEAGE, "ledger"}
    assert set(LINEAGE) == set(CODE_VERSIONS) == set(METADATA.tables) - LEDGER_TABLES - RECORDS


@tables
def test_dependencies_are_those_of_the_lineage(table: str) -> None:
    assert {dep.asset_key.path[-1] for dep in SPECS[table].deps} == {upstream.table for upstream in LINEAGE[table]}
    assert {key.path[-1] for key in GRAPH.get(dg.AssetKey(table)).parent_keys} == {upstream.table for upstream in LINEAGE[table]}


@tables
def test_partition_mappings_are_the_widest_window_of_the_lineage(table: str) -> None:
    for dep in SPECS[table].deps:
        upstreams = [one for one in LINEAGE[table] if one.table == dep.asset_key.path[-1]]
        bounded = [one.window for one in upstreams if one.window.first is not None]
        mapping = dep.partition_mapping
        if dep.asset_key.path[-1] in (*UNDATED, "ledger"):
            assert mapping is None
        elif table in UNDATED or not bounded:
            assert isinstance(mapping, dg.AllPartitionMapping)
        else:
            assert isinstance(mapping, dg.TimeWindowPartitionMapping)
            assert (mapping.start_offset, mapping.end_offset) == (min(window.first or 0 for window in bounded), 0)


def upstream_keys(upstream: str, table: str, session: str) -> list[str]:
    """The keys of an upstream that Dagster takes a session to read."""
    mapping = next(dep.partition_mapping for dep in lineage_deps(table) if dep.asset_key == dg.AssetKey(upstream))
    assert mapping is not None
    one = BOOK_SESSIONS.subset_with_partition_keys([session])
    read = mapping.get_upstream_mapped_partitions_result_for_partitions(one, BOOK_SESSIONS, MARKET_SESSIONS).partitions_subset
    return sorted(read.get_partition_keys())


def test_a_window_in_dagster_counts_sessions() -> None:
    keys = MARKET_SESSIONS.get_partition_keys()
    at = keys.index("2022-12-28")  # two days after Christmas observed
    assert upstream_keys("option_quotes", "option_greeks", "2022-12-28") == keys[at - 5 : at + 1]
    # Dagster counts some holidays of a long window, so that its picture ends a few sessions early; staleness is judged by the store
    long_window = upstream_keys("prices", "option_greeks", "2022-12-28")
    assert long_window == keys[at + 1 - len(long_window) : at + 1]
    assert 258 - 20 <= len(long_window) <= 258


@tables
def test_partitions_are_the_sessions_that_a_table_has(table: str) -> None:
    expected = None if table in UNDATED else MARKET_SESSIONS if table in MARKET else BOOK_SESSIONS
    assert SPECS[table].partitions_def == expected


@tables
def test_every_asset_describes_itself(table: str) -> None:
    spec = SPECS[table]
    assert spec.description
    assert spec.group_name in ("market", "models", "portfolio", "risk", "reports")
    assert spec.kinds
    assert spec.owners == ["team:risk"]
    assert spec.code_version == CODE_VERSIONS[table]
    assert spec.metadata["grain"].startswith("one row per ")
    schema = spec.metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == [column.name for column in METADATA.tables[table].columns]


@tables
def test_every_asset_runs_a_range_in_one_run_and_says_its_grain(table: str) -> None:
    node = GRAPH.get(dg.AssetKey(table))
    if table not in UNDATED:
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
    assert "One row per" in (SPECS[table].description or "")


@tables
def test_every_asset_has_its_checks(table: str) -> None:
    names = {key.name for key in GRAPH.asset_check_keys if key.asset_key == dg.AssetKey(table)}
    assert names >= EVERYBODYS_CHECKS
    blocking = {check.name for checks in defs.asset_checks or () for check in checks.check_specs if check.blocking}  # type: ignore[union-attr]
    assert blocking == {"schema", "independent"}  # a table that is none, a design that is singular: each makes the whole run wrong


@tables
def test_every_table_names_grain_comments_and_units(table: str) -> None:
    stored = METADATA.tables[table]
    assert stored.info["grain"].startswith("one row per ")
    for column in stored.columns:
        if column.type.__class__.__name__ == "Float":
            assert column.comment, column.name
            assert column.info.get("unit"), column.name
    key = set(stored.primary_key.columns.keys())
    assert ("session" in key) == (table not in UNDATED)
    assert ("portfolio_id" in key) == (table in BY_PORTFOLIO)
    assert {"status", "reason"} <= set(stored.columns.keys())


def test_the_lineage_is_in_an_order_in_which_inputs_stand_first() -> None:
    seen: list[str] = []
    for table, upstreams in LINEAGE.items():
        for upstream in upstreams:
            assert upstream.table == "ledger" or upstream.table in seen, (table, upstream)
            assert upstream.name.count(".") == 0 or upstream.table == "ledger" or upstream.name.split(".")[1] in FACETS[upstream.table]
        seen.append(table)


def test_what_is_made_of_a_table_follows_it() -> None:
    of_quotes = downstream_of({"option_quotes"})
    assert of_quotes[:3] == ["option_quotes", "option_greeks", "position_values"]
    assert "portfolio_snapshots" in of_quotes and of_quotes[-1] == "portfolio_reports"
    assert "prices" not in of_quotes and "factor_betas" not in of_quotes
    assert downstream_of({"portfolio_reports"}) == ["portfolio_reports"]
    assert downstream_of(set()) == []
    assert Upstream("prices.actions").table == "prices"


def test_every_schedule_and_sensor_is_on() -> None:
    assert [schedule.default_status for schedule in defs.schedules or ()] == [dg.DefaultScheduleStatus.RUNNING]
    assert {sensor.default_status for sensor in defs.sensors or ()} == {dg.DefaultSensorStatus.RUNNING}


def test_jobs_cover_every_asset_once() -> None:
    market, book = (set(defs.resolve_job_def(name).asset_layer.executable_asset_keys) for name in ("market_data", "book"))
    assert {key.path[-1] for key in market} == set(MARKET)
    assert {key.path[-1] for key in book} == set(LINEAGE) - set(MARKET)
