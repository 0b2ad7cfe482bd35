"""Comparisons as text, tables, charts and one page."""
