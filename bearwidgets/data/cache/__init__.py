"""What lies in the user's cache folder: thumbnails and small files keyed by content."""
