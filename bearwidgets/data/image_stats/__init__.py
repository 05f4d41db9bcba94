"""What the pixels of each image say: brightness, sharpness, borders."""
