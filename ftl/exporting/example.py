"""Classify photographs with this network: python example.py PHOTOGRAPH...

Needs onnxruntime, numpy and pillow. The network takes photographs of any size, as they are; if it was trained on tiles,
large ones are looked at in such tiles.
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
    about = json.loads(session.get_modelmeta().custom_metadata_map["ftl"])
    for name in sys.argv[1:] or map(str, here.glob("example.*g")):
        with Image.open(name) as photograph:
            image = np.asarray(ImageOps.exif_transpose(photograph).convert("RGB"))
        begin = time.perf_counter()
        parts = [image]
        if "tile" in about:
            from tiles import cut, together  # which lies beside this file

            height, width, _ = image.shape
            parts = [image[top:bottom, left:right] for left, top, right, bottom in cut(width, height, about["tile"])]
        answers = [session.run(["probabilities"], {"image": part[np.newaxis]})[0][0] for part in parts or [image]]
        best, probability = int(np.argmax(answers[0])), max(answers[0])
        if len(answers) > 1:
            best, probability = together(np.array(answers), classes.index(about["looked_for"]))
        took = 1000 * (time.perf_counter() - begin)
        print(f"{name}: {classes[best]} {probability:.4f} ({took:.1f} ms)")


if __name__ == "__main__":
    main()
