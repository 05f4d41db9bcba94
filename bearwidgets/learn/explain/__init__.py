"""What the network looked at: class maps, Grad-CAM, integrated gradients, occlusion, and whether to believe them."""
