"""From raw columns to the variables of the codebook."""
