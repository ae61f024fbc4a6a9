"""Where samples come from: recordings today, models later."""
