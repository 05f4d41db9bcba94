"""The training loop: recipe, schedule, batches, steps, checkpoints, loggers, processes."""
