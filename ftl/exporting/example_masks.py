"""Draw the masks of photographs with this network: python example.py PHOTOGRAPH...

Needs onnxruntime, numpy and pillow. The network takes photographs of any size, as they are; a large one needs memory,
about 1 GB for 10 megapixels: cut it into parts.
"""

import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main() -> None:
    """Write each photograph's mask beside it, and print how much of it is inside, and how long it took."""
    here = Path(__file__).parent
    file = next(here / name for name in ("model-int8.onnx", "model.onnx") if (here / name).is_file())
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for name in sys.argv[1:] or map(str, here.glob("example.*g")):
        with Image.open(name) as photograph:
            image = np.asarray(ImageOps.exif_transpose(photograph).convert("RGB"))
        begin = time.perf_counter()
        mask = session.run(["mask"], {"image": image[np.newaxis]})[0][0]
        took = 1000 * (time.perf_counter() - begin)
        target = Path(name).with_name(f"{Path(name).stem}-mask.png")
        Image.fromarray(mask).save(target)
        print(f"{target}: {100 * (mask > 0).mean():.2f} % ({took:.1f} ms)")


if __name__ == "__main__":
    main()
