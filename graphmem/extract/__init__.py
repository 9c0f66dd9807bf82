"""Extractors: they read statements out of events. ``rules`` needs no model."""
