"""Which cases matter: near-duplicates, choice and parts. Pure: it reads no file and calls no model."""
