"""What candidates are worth: metrics, recommendation, explanations, charts."""
