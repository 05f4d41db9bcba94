"""From image to tensor: preprocessing, normalization, channel statistics, a user's own image."""
