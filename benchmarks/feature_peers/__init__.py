"""What `benchmarks/features.py` is made of: the shop it runs on, the engine in a folder of its own, and the peers."""
