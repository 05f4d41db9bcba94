"""The network: bodies, heads, weights and where they come from, layer groups."""
