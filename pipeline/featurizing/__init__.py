"""What the stage `featurize` is made of: the log on disk, the engines that carry its blocks, the leakage proof."""
