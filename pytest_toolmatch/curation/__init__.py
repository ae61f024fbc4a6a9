"""Which cases matter: near-duplicates, choice and parts. Pure: reads its own table of wordings only, calls no model."""
