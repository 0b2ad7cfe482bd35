"""What a codebook says, as frozen values: variables, domains, hierarchies, rules."""
