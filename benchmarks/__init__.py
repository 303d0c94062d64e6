"""Benchmarks behind every speed claim: each prints the largest difference from its reference beside the time.

The package is imported first, because it says how many threads the linear algebra takes (one) and numpy reads that only once.
"""

import sigmasight_assets  # noqa: F401
