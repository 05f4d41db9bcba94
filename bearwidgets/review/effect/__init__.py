"""Did the cleaning help: the effect of a retrain, and the running yield of a review."""
