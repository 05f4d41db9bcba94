"""The training loop: recipe, schedule, batches, steps, loggers, processes."""
