"""From masks to smaller networks: criteria, scores, selection rules and surgery."""
