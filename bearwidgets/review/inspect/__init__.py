"""What a confusion matrix is computed from and with: plain functions on arrays."""
