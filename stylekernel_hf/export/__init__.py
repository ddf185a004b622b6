"""The network as ONNX graphs, which other runtimes than PyTorch execute."""
