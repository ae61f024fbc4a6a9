"""The nouns of the product. Pure: no I/O, no pytest, no SDK."""
