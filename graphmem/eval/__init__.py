"""Measuring recall on public benchmarks, through the real store."""
