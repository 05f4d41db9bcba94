"""From a file to a training example: transforms, augmentation presets, the loader."""
