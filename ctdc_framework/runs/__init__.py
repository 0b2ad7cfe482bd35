"""Runs of a plan: stages in order, scores, and what holds a release back."""
