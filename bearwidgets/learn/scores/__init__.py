"""Losses and metrics of predictions."""
