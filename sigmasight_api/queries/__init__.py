"""Selections of stored rows, by section of the API: Core expressions, ready to show."""
