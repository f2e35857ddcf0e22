"""Beyond a linear head on frozen features: train the pruned network itself, with a small head on its last maps."""
