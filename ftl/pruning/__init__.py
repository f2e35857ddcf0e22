"""From scores to smaller networks."""
