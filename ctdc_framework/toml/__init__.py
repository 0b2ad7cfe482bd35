"""TOML with positions: text to values, values to objects, each fault at its line and column."""
