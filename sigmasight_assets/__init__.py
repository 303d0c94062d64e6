"""SigmaSight: a portfolio's risk as a graph of tables."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Matrices here are small: a second thread of the linear algebra waits longer than it helps. Read by numpy when it is first imported."""
