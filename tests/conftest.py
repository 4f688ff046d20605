"""Fixtures shared by the test files."""
