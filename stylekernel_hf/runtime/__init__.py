"""Pictures stylized by ONNX Runtime or OpenVINO, with NumPy and Pillow; needs no torch."""
