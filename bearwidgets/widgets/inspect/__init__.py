"""The views to inspect with: confusion matrix, map, what a network looked at, its layers, its trainings."""
