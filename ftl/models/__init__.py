"""Networks: backbones by name or from a file, pruned networks in folders, and classifiers."""
