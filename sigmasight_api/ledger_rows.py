"""Bodies of writes, read by the rules of the ledger's files: one way to be right, and one code for each fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, select

from sigmasight_api.access import Caller
from sigmasight_api.errors import Problem
from sigmasight_assets.errors import InvalidSymbol
from sigmasight_assets.ledger.csv_fields import RowReader
from sigmasight_assets.ledger.csv_flows import AppraisalRow, FlowRow, read_appraisal, read_flow
from sigmasight_assets.ledger.csv_lots import LotRow, read_lot
from sigmasight_assets.ledger.csv_problems import Problem as Fault
from sigmasight_assets.ledger.option_symbols import looks_like_option, parse
from sigmasight_assets.store.tables import security_master

_FIELDS = {"ticker": "symbol"}
"""Column of a file -> field of a body."""


def cells_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """A body's values as the cells of a file, by column name."""
    columns = {field: column for column, field in _FIELDS.items()}
    return {columns.get(name, name): _text(value) for name, value in facts.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (list, tuple)):
        return ",".join(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def lot_row(caller: Caller, facts: Mapping[str, Any], as_of: date) -> tuple[LotRow, list[dict[str, Any]]]:
    """A lot as its body states it, and warnings.

    Raises
    ------
    Problem
        422 with every fault, each with the code that a file's row would have.
    """
    service = caller.service
    read = read_lot(
        cells_of(facts), as_of=as_of, today=service.today, calendar=service.calendar, known_symbols=_known(caller, str(facts["symbol"]))
    )
    if read.row is None:
        raise refused(read.problems)
    return read.row, [fault_of(warning) for warning in read.warnings]


def _known(caller: Caller, symbol: str) -> frozenset[str] | None:
    """The symbol's underlying where there are market data of it; None where nothing is known of any."""
    written = symbol.strip().upper().replace("/", ".").replace("-", ".")
    if looks_like_option(symbol):
        try:
            written = parse(symbol).underlying
        except InvalidSymbol:
            return None
    found = caller.connection.execute(
        select(exists().where(security_master.c.symbol == written), exists().where(security_master.c.symbol.is_not(None)))
    ).one()
    return None if not found[1] else frozenset([written] if found[0] else [])


def flow_row(caller: Caller, facts: Mapping[str, Any]) -> FlowRow:
    """A flow as its body states it; 422 with every fault."""
    faults: list[Fault] = []
    row = read_flow(RowReader(1, cells_of(facts), faults), today=caller.service.today, calendar=caller.service.calendar)
    if row is None:
        raise refused(faults)
    return row


def appraisal_row(caller: Caller, facts: Mapping[str, Any]) -> AppraisalRow:
    """A mark as its body states it; 422 with every fault."""
    faults: list[Fault] = []
    row = read_appraisal(RowReader(1, cells_of(facts), faults), today=caller.service.today, calendar=caller.service.calendar)
    if row is None:
        raise refused(faults)
    return row


def refused(faults: Sequence[Fault]) -> Problem:
    """All that is wrong with a body."""
    errors = [{"loc": ["body", _field(fault)], **fault_of(fault)} for fault in faults]
    return Problem(422, "invalid_request", "; ".join(f"{_field(fault)}: {fault.message} {fault.remedy}" for fault in faults), errors)


def fault_of(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code, "message": f"{fault.message} {fault.remedy}", "value": fault.value}


def _field(fault: Fault) -> str:
    return _FIELDS.get(fault.column or "", fault.column or "")
