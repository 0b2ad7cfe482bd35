"""Begin a codebook: a starter to change, or a draft from a data file that says what it guessed.

A draft sees of a column only what at least k rows hold, and coarse shares of the rest.
"""
