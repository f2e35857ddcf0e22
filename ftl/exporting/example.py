"""Classify photographs with this network: python example.py PHOTOGRAPH...

Needs onnxruntime, numpy and pillow. Photographs may have any size; large ones are cut into tiles as in training.
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
    file = next(here / name for name in ("model-int8.onnx", "model.onnx") if (here / name).is_file())
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["ftl"])
    if "tile" in about:
        from tiles import cut, together  # which lies beside this file
    for name in sys.argv[1:] or map(str, here.glob("example.*g")):
        with Image.open(name) as photograph:
            image = np.asarray(ImageOps.exif_transpose(photograph).convert("RGB"))
        begin = time.perf_counter()
        tiles = cut(image.shape[1], image.shape[0], about["tile"]) if "tile" in about else []
        parts = [image[top:bottom, left:right] for left, top, right, bottom in tiles] or [image]
        answers = np.stack([session.run(["probabilities"], {"image": part[np.newaxis]})[0][0] for part in parts])
        best, probability = answers[0].argmax(), answers[0].max()
        if tiles:
            best, probability = together(answers, about["classes"].index(about["looked_for"]))
        took = 1000 * (time.perf_counter() - begin)
        print(f"{name}: {about['classes'][best]} {probability:.4f} ({took:.1f} ms)")


if __name__ == "__main__":
    main()
