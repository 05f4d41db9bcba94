"""Did the cleaning help: the effect of a retrain and of each decision, the running yield, and when to stop."""
