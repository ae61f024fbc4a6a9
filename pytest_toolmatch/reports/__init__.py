"""A report, and how it is shown: text, JSON. Pure."""
