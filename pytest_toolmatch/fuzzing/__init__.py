"""Fuzzing: prompts around a suite's own cases on which a student stops agreeing."""
