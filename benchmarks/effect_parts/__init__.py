"""Parts of benchmarks/effect.py."""
