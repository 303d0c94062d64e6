"""The kernel against mibian, contract by contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sigmasight_assets.engines import black_scholes, mibian_reference


def sample(n: int) -> tuple[np.ndarray, ...]:
    """Realistic contracts from one day to three years, a third of them without dividend."""
    random = np.random.default_rng(11)
    spot = random.uniform(5, 5000, n)
    strike = spot * np.exp(random.normal(0, 0.3, n))
    years = random.integers(1, 1100, n) / 365
    dividend_yield = np.where(random.random(n) < 1 / 3, 0.0, random.uniform(0, 0.06, n))
    return random.random(n) < 0.5, spot, strike, years, random.uniform(0, 0.08, n), dividend_yield, random.uniform(0.05, 1.5, n)


def test_kernel_and_mibian_agree_on_price_and_every_greek() -> None:
    contracts = sample(300)
    assert mibian_reference.compare(black_scholes.price_and_greeks(*contracts), *contracts) < 1e-9


@pytest.mark.parametrize("field", ["price", "delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct"])
def test_a_single_wrong_greek_is_found(field: str) -> None:
    contracts = sample(5)
    values = black_scholes.price_and_greeks(*contracts)
    wrong = getattr(values, field).copy()
    wrong[3] += 1e-6
    assert mibian_reference.compare(replace(values, **{field: wrong}), *contracts) == pytest.approx(1e-6, rel=1e-2)


def test_a_missing_value_is_not_agreement() -> None:
    contracts = sample(3)
    values = black_scholes.price_and_greeks(*contracts)
    values.gamma[1] = np.nan
    assert mibian_reference.compare(values, *contracts) == np.inf


def test_an_empty_sample_has_no_difference() -> None:
    empty = black_scholes.price_and_greeks([], [], [], [], [], [], [])
    assert mibian_reference.compare(empty, [], [], [], [], [], [], []) == 0.0


@pytest.mark.parametrize("position", [0, 1, 2, 5])
def test_contracts_that_mibian_cannot_price_are_refused(position: int) -> None:
    terms = [100.0, 100.0, 0.5, 0.05, 0.02, 0.3]
    terms[position] = 0.0
    with pytest.raises(ValueError, match="positive"):
        mibian_reference.price_and_greeks(True, *terms)
