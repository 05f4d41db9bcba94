"""Did the cleaning help: the effect of a retrain and of each decision, and the running yield of a review."""
