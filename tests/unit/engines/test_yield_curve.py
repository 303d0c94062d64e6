"""Rates from the par curve, by hand: y is linear between tenors and r = 2·ln(1 + y/2)."""

from __future__ import annotations

import numpy as np
import pytest

from sigmasight_assets.engines.yield_curve import carry_forward, zero_rate, zero_rates

TENORS = [1 / 12, 0.25, 1.0, 10.0]
NAN = float("nan")


def continuous(par: float) -> float:
    return 2 * np.log(1 + par / 2)


@pytest.mark.parametrize(
    ("years", "par"),
    [
        (0.0, 0.03),  # flat before the first tenor
        (1 / 12, 0.03),
        (0.25, 0.036),
        (0.625, 0.038),  # half way from 0.25 (3.6 %) to 1 (4 %)
        (4.0, 0.042),  # a third of the way from 1 (4 %) to 10 (4.6 %)
        (10.0, 0.046),
        (30.0, 0.046),  # flat after the last
    ],
)
def test_the_par_curve_is_linear_between_tenors_and_flat_outside(years: float, par: float) -> None:
    rate = zero_rate(TENORS, [0.03, 0.036, 0.04, 0.046], years)
    assert float(rate) == pytest.approx(continuous(par), rel=1e-13)


def test_a_missing_tenor_is_bridged_by_its_neighbours() -> None:
    rates = zero_rate(TENORS, [NAN, 0.036, NAN, 0.046], [0.05, 1.0, 10.0])
    bridged = 0.036 + 0.01 * 0.75 / 9.75
    np.testing.assert_allclose(rates, [continuous(0.036), continuous(bridged), continuous(0.046)], rtol=1e-13)


def test_a_single_tenor_is_a_flat_curve() -> None:
    np.testing.assert_allclose(zero_rate(TENORS, [NAN, 0.05, NAN, NAN], [[0.0, 3.0]]), [[continuous(0.05)] * 2])
    np.testing.assert_allclose(zero_rate([1.0], [0.05], [0.2, 1.0, 3.0]), continuous(0.05))


def test_missing_curves_and_times_have_no_rate() -> None:
    assert np.isnan(zero_rate(TENORS, [NAN] * 4, 1.0))
    assert np.all(np.isnan(zero_rate(TENORS, [0.03] * 4, [NAN, -0.1])))


def test_each_contract_is_read_from_the_curve_of_its_session() -> None:
    curves = np.array([[0.01, 0.012, 0.02, 0.03], [NAN] * 4, [0.05, NAN, 0.04, NAN]])
    session, years = np.array([2, 0, 1, 0, -1, 2]), np.array([0.4, 2.0, 1.0, 0.1, 1.0, 20.0])
    together = zero_rates(TENORS, curves, session, years)
    alone = [zero_rate(TENORS, curves[s], t) if s >= 0 else NAN for s, t in zip(session, years, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-13)
    assert zero_rates(TENORS, curves, np.array([], dtype=int), []).shape == (0,)


def test_tenors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        zero_rates([1.0, 2.0], [[0.01, 0.02, 0.03]], [0], [1.0])
    with pytest.raises(ValueError, match="increasing"):
        zero_rates([2.0, 1.0], [[0.01, 0.02]], [0], [1.0])


def test_a_session_without_yields_takes_the_last_whole_curve() -> None:
    """Session 1 is a bond holiday such as 2022-10-10; session 2 has one tenor and keeps to it."""
    carried, source = carry_forward([[0.01, 0.02], [NAN, NAN], [NAN, 0.03], [NAN, NAN]])
    np.testing.assert_array_equal(carried, [[0.01, 0.02], [0.01, 0.02], [NAN, 0.03], [NAN, 0.03]])
    np.testing.assert_array_equal(source, [0, 0, 2, 2])


def test_a_curve_is_carried_five_sessions_and_no_further() -> None:
    curves = np.full((8, 1), NAN)
    curves[1] = 0.04
    carried, source = carry_forward(curves)
    np.testing.assert_array_equal(source, [-1, 1, 1, 1, 1, 1, 1, -1])
    np.testing.assert_array_equal(np.isnan(carried[:, 0]), source < 0)
    np.testing.assert_array_equal(carry_forward(curves, limit=0)[1], [-1, 1, -1, -1, -1, -1, -1, -1])
