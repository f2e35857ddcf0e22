"""Take a network home: ONNX with the preprocessing inside, 8-bit integers, torch.export, one zip; each one checked."""
