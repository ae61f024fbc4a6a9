"""Numbers and what they are worth: intervals, tests, plans. Pure, and without a word about chains or models."""
