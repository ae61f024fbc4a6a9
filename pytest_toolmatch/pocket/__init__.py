"""Small learned tool callers, run with numpy alone."""
