"""Benchmarks behind every speed claim: each prints the largest difference from its reference beside the time."""
