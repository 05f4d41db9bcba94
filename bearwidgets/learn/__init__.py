"""Training: body, head, features, the loop."""
