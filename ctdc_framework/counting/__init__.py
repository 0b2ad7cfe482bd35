"""Combinations of values, counted over encoded arrays."""
