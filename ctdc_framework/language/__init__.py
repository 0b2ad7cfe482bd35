"""The codebook language: from TOML to a checked codebook, and back to text."""
