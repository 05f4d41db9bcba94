"""What the network looked at: class maps, Grad-CAM, gradients, occlusion, attention, and whether to believe them."""
