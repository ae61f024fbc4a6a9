"""Files and suites: YAML, JSON Lines, and the logs that people already have."""
