"""Stress scenarios as data: the shipped file, users' own, and the loader that validates both (docs/stress-and-var.md)."""
