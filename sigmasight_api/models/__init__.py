"""Typed answers and bodies, by section of the API."""
