"""What the layers of a network respond to, in the images of a data set."""
