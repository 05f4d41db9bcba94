"""What a training shows, in words, each statement with the figure it rests on."""
