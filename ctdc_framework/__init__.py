"""Publish sensitive case records safely: codebooks, privacy strategies, comparison.

From Python: `from ctdc_framework import api`.
"""
