"""Peak memory of a cascade sweep over 2,000 photographs, in a process of its own (aim: below 4 GiB).

python -m benchmarks.memory [IMAGES]
"""

from __future__ import annotations

import resource
import subprocess
import sys

from benchmarks._material import head_line, pairs, scratch, vgg16
from ftl import save_backbone

CHILD = "import sys; from ftl.cli import main; code = main(); import resource; "
CHILD += "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    images, masks = pairs(count)
    folder = scratch()
    backbone = vgg16()
    save_backbone(backbone.features, folder / "vgg16.safetensors", name="vgg16")
    head_line(f"cascade sweep of VGG16, K = 0.1 0.5, {count} photographs")
    command = [sys.executable, "-c", CHILD, "prune", str(folder / "out"), str(folder / "vgg16.safetensors")]
    command += ["--images", str(images), "--masks", str(masks), "--keep", "0.1", "0.5"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    peak = int(done.stdout.rsplit("peak", 1)[1]) / 2**20
    took = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"  peak {peak:.2f} GiB, {took.ru_utime + took.ru_stime:.0f} s of processor time")


if __name__ == "__main__":
    main()
