"""Assertions in, a graph change out. Pure: no store, no clock, no model."""
