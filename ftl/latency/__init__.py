"""Inference times: one network to a process, in rounds, on a quiet machine."""
