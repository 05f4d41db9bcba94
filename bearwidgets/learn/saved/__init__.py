"""A learner on disk: the bundle, its metadata, the model card, ONNX."""
