"""Items: one table of id, path, label, split; images; thumbnails."""
