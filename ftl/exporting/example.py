"""Classify photographs with this network: python example.py PHOTOGRAPH...

Needs onnxruntime, numpy and pillow. The network takes photographs of any size, as they are.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main() -> None:
    """Print the class of each photograph, its probability, and how long it took."""
    here = Path(__file__).parent
    classes = json.loads((here / "classes.json").read_text(encoding="utf-8"))
    file = next(here / name for name in ("model-int8.onnx", "model.onnx") if (here / name).is_file())
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for name in sys.argv[1:] or map(str, here.glob("example.*g")):
        with Image.open(name) as photograph:
            image = np.asarray(ImageOps.exif_transpose(photograph).convert("RGB"))
        begin = time.perf_counter()
        probabilities = session.run(["probabilities"], {"image": image[np.newaxis]})[0][0]
        took = 1000 * (time.perf_counter() - begin)
        print(f"{name}: {classes[probabilities.argmax()]} {probabilities.max():.4f} ({took:.1f} ms)")


if __name__ == "__main__":
    main()
