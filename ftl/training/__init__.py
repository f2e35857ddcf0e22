"""Training: a linear head on features, fine-tuning, batch-norm recalibration, pretraining."""
