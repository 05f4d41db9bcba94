"""The linear head on cached features: features, fit, softmax regression."""
