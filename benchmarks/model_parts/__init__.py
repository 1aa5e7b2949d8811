"""The parts of benchmarks/models.py."""
