"""What a confusion matrix and a map of the images are computed from and with: plain functions on arrays."""
