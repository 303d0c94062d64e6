"""Ordinary least squares of many instruments on the same regressors.

One QR of the design serves every instrument with a full history. An instrument with gaps of its own is solved in the basis of that
same Q: its Gram matrix is ``G = I - sum of q_m q_m'`` over its missing rows m, and all of them are inverted together. Each instrument
is fitted on its own rows alone, so a fit never depends on which others are in the batch.

Source: Golub and Van Loan, *Matrix Computations*, 4th ed., 5.3 (least squares by QR), 6.1.4 (rows taken out); Greene, *Econometric
Analysis*, chapter 3 (standard errors, R²). Reference implementation: `statsmodels.api.OLS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray

EXACT_FIT = 1e-20
"""SSR below this share of TSS is rounding: the regressors reproduce the instrument."""
NO_VARIATION = 1e-26
"""TSS below this share of the sum of squares is rounding: the instrument does not move."""
DEPENDENT = 1e-10
"""A regressor whose part beyond the ones before it is below this share of its length is a combination of them."""
COLUMNS_AT_ONCE = 512
"""Instruments solved together: their rows stay in the processor's cache."""


class SingularDesign(ValueError):
    """The regressors are linearly dependent; the message names those that depend on the ones before them."""


@dataclass(frozen=True)
class Design:
    """Regressors, ready to fit any number of instruments.

    Attributes
    ----------
    q : Array of shape (n_rows, n_parameters)
        Orthonormal basis; the first column is the constant's where there is one.
    inverse : Array of shape (n_parameters, n_parameters)
        Turns coordinates in `q` into coefficients.
    constant : bool
    """

    q: Array
    inverse: Array
    constant: bool


@dataclass(frozen=True)
class OlsFit:
    """Fits of n instruments on p regressors. NaN where an instrument has no more rows than parameters, or too few independent ones.

    Attributes
    ----------
    beta, std_error : Array of shape (p, n)
        Without the constant. The standard error of an exact fit is 0.
    intercept, intercept_std_error : Array of shape (n,)
        0 without a constant.
    r_squared : Array of shape (n,)
        Centred where there is a constant, else uncentred (as `statsmodels`); NaN for an instrument that does not move.
    residual_variance : Array of shape (n,)
        SSR / (n_obs - parameters).
    n_obs : IntArray of shape (n,)
    is_exact : BoolArray of shape (n,)
        The residuals are rounding; r_squared is 1 and residual_variance 0.
    is_singular : BoolArray of shape (n,)
        On the instrument's own rows the regressors are dependent.
    """

    beta: Array
    std_error: Array
    intercept: Array
    intercept_std_error: Array
    r_squared: Array
    residual_variance: Array
    n_obs: IntArray
    is_exact: BoolArray
    is_singular: BoolArray


def design_of(x: Array, *, constant: bool = True, names: Sequence[str] | None = None) -> Design:
    """Factorise regressors.

    Parameters
    ----------
    x : Array of shape (n_rows, n_regressors)
        Finite; any units (columns are scaled to length 1 before the factorisation).
    constant : bool
        Whether a constant is part of the regression.
    names : sequence of str, optional
        Of the regressors, for the message.

    Raises
    ------
    SingularDesign
        When the regressors (and the constant) are linearly dependent.
    """
    columns = np.column_stack([np.ones(len(x)), x]) if constant else np.asarray(x, dtype=np.float64)
    scale = np.linalg.norm(columns, axis=0)
    if len(columns) < columns.shape[1]:
        raise SingularDesign(f"expected at least {columns.shape[1]} rows for {columns.shape[1]} parameters, was {len(columns)}")
    q, r = np.linalg.qr(columns / np.where(scale > 0.0, scale, 1.0))  # (n_rows, n_parameters), (n_parameters, n_parameters)
    dependent = np.flatnonzero((np.abs(np.diag(r)) < DEPENDENT) | (scale == 0.0))
    if len(dependent):
        labels = [*(["constant"] if constant else []), *(names or [f"regressor {k + 1}" for k in range(x.shape[1])])]
        raise SingularDesign(f"expected independent regressors, was a combination of others: {', '.join(labels[k] for k in dependent)}")
    inverse = solve_triangular(r, np.eye(len(r))) / scale[:, None]
    return Design(q, inverse, constant)


def fit(design: Design, y: Array) -> OlsFit:
    """Least squares of every column of `y`; its NaN rows are dropped for that column alone.

    Parameters
    ----------
    design : Design
        Of n_rows rows.
    y : Array of shape (n_rows, n_instruments)
    """
    gapped = np.isnan(y.sum(axis=0))
    if y.shape[1] <= COLUMNS_AT_ONCE and not gapped.any():
        return _fit_full(design, y)
    out = _empty(design, y.shape[1])
    for columns in _blocks(np.flatnonzero(~gapped)):
        _put(out, columns, _fit_full(design, _taken(y, columns)))
    for columns in _blocks(np.flatnonzero(gapped)):
        _put(out, columns, _fit_gapped(design, _taken(y, columns)))
    return out


def _blocks(columns: IntArray) -> list[IntArray]:
    return [columns[start : start + COLUMNS_AT_ONCE] for start in range(0, len(columns), COLUMNS_AT_ONCE)]


def _taken(y: Array, columns: IntArray) -> Array:
    """Some columns: a view where they stand side by side."""
    first, last = int(columns[0]), int(columns[-1])
    taken: Array = y[:, first : last + 1] if last - first + 1 == len(columns) else y[:, columns]
    return taken


def _fit_full(design: Design, y: Array) -> OlsFit:
    """Columns without gaps. Sums of squares are of residuals and of coordinates: no difference of large numbers."""
    coordinates = design.q.T @ y  # (n_parameters, n)
    residuals = y - design.q @ coordinates  # (n_rows, n)
    ssr = np.einsum("ij,ij->j", residuals, residuals)
    explained = np.square(coordinates)
    ess = explained[1:].sum(axis=0) if design.constant else explained.sum(axis=0)
    spread = np.sqrt(np.square(design.inverse).sum(axis=1))  # (n_parameters,): standard error per unit of residual deviation
    n = y.shape[1]
    return _finished(
        design,
        coefficients=design.inverse @ coordinates,
        spread=np.broadcast_to(spread[:, None], (len(spread), n)),
        ssr=ssr,
        tss=ess + ssr,
        squares=explained.sum(axis=0) + ssr,
        n_obs=np.full(n, len(y), dtype=np.int64),
    )


def _fit_gapped(design: Design, y: Array) -> OlsFit:
    """Columns with gaps of their own, solved together in the basis of the shared Q."""
    q, m = design.q, design.q.shape[1]
    present = ~np.isnan(y)
    n_obs = present.sum(axis=0)
    filled = np.where(present, y, 0.0)
    squares = np.einsum("ij,ij->j", filled, filled)
    mean = filled.sum(axis=0) / np.maximum(n_obs, 1) if design.constant else np.zeros(y.shape[1])
    centred = np.where(present, y - mean, 0.0)  # (n_rows, n)
    tss = np.einsum("ij,ij->j", centred, centred)
    coordinates = q.T @ centred  # (m, n)
    upper, lower = np.triu_indices(m)
    lost = (q[:, upper] * q[:, lower]).T @ (~present).astype(np.float64)  # (m (m + 1) / 2, n)
    gram = np.empty((m, m, y.shape[1]))
    gram[upper, lower] = gram[lower, upper] = np.eye(m)[upper, lower][:, None] - lost
    inverse = _inverses(gram)  # (m, m, n)
    solved = np.einsum("ijn,jn->in", inverse, coordinates)
    residuals = np.where(present, centred - q @ solved, 0.0)
    ssr = np.einsum("ij,ij->j", residuals, residuals)
    outer = np.einsum("ki,kj->kij", design.inverse, design.inverse).reshape(m, m * m)
    variance = outer @ inverse.reshape(m * m, -1)  # (m, n)
    coefficients = design.inverse @ solved
    if design.constant:
        coefficients[0] += mean
    return _finished(design, coefficients, np.sqrt(np.maximum(variance, 0.0)), ssr, tss, squares, n_obs.astype(np.int64))


def _inverses(gram: Array) -> Array:
    """Inverses of symmetric positive definite matrices, shape (m, m, n); NaN for a singular one.

    Gauss-Jordan elimination over all matrices at once. It needs no pivoting here: the matrices are Gram matrices.
    """
    left = gram
    for k in range(len(left)):
        pivot = left[k, k]  # (n,)
        pivot = np.where(pivot > DEPENDENT, pivot, np.nan)
        row = left[k] / pivot  # (m, n)
        column = left[:, k].copy()
        left = left - column[:, None, :] * row[None, :, :]
        left[k] = row
        left[:, k] = -column / pivot
        left[k, k] = 1.0 / pivot
    return left


def _finished(design: Design, coefficients: Array, spread: Array, ssr: Array, tss: Array, squares: Array, n_obs: IntArray) -> OlsFit:
    """Standard errors and R² from sums of squares, with the limits that rounding would spoil."""
    still = tss <= NO_VARIATION * squares
    is_exact = still | (ssr < EXACT_FIT * tss)
    freedom = n_obs - design.q.shape[1]
    known = (freedom > 0) & ~np.isnan(ssr)
    variance = np.where(known, np.where(is_exact, 0.0, ssr) / np.maximum(freedom, 1), np.nan)
    share = np.divide(ssr, tss, out=np.full(ssr.shape, np.nan), where=~still & known)
    r_squared = np.where(is_exact & ~still & known, 1.0, 1.0 - share)
    coefficients = np.where(known, coefficients, np.nan)
    std_error = np.sqrt(variance) * spread
    first = 1 if design.constant else 0
    zero = np.zeros(len(ssr))
    return OlsFit(
        beta=coefficients[first:],
        std_error=std_error[first:],
        intercept=coefficients[0] if design.constant else zero,
        intercept_std_error=std_error[0] if design.constant else zero,
        r_squared=r_squared,
        residual_variance=variance,
        n_obs=n_obs,
        is_exact=is_exact & known,
        is_singular=np.isnan(ssr),
    )


def _empty(design: Design, n: int) -> OlsFit:
    p = design.q.shape[1] - (1 if design.constant else 0)
    return OlsFit(
        beta=np.empty((p, n)),
        std_error=np.empty((p, n)),
        intercept=np.empty(n),
        intercept_std_error=np.empty(n),
        r_squared=np.empty(n),
        residual_variance=np.empty(n),
        n_obs=np.zeros(n, dtype=np.int64),
        is_exact=np.zeros(n, dtype=bool),
        is_singular=np.zeros(n, dtype=bool),
    )


def _put(out: OlsFit, columns: IntArray, part: OlsFit) -> None:
    for name, values in vars(part).items():
        vars(out)[name][..., columns] = values
