"""A kit to time networks on another machine: their ONNX files, and a script that needs none of this library."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ftl.errors import FtlError
from ftl.evaluation.runtimes import NETWORKS
from ftl.exporting.prepared import core_of
from ftl.files import digest, whole_file
from ftl.latency.one_process import MEGAPIXEL, SECONDS
from ftl.latency.rounds import CLOSE, MOST_ROUNDS, QUIET, ROUNDS
from ftl.progress import Report, silent

SCRIPT = "time_networks.py"

_README = """\
Times the networks of a sweep on this machine, with Python, numpy and one runtime:

    python -m pip install numpy onnxruntime        (or openvino, or both)
    python {script} --name "what this machine is called"

It takes about {seconds:.0f} seconds for each network and runtime. Then bring times.json back to Choose, or:

    ftl choose OUT --times times.json
"""


def write_kit(folders: Sequence[Path], file: Path, report: Report = silent) -> Path:
    """Write a zip of networks, each as its folder holds it for ONNX Runtime and OpenVINO; made in float32 if need be.

    In 8-bit integers there are those that a sweep has made (`--runtimes int8`). Raises `FtlError` for another ending or
    a layer that ONNX does not have.
    """
    if file.suffix.lower() != ".zip":
        raise FtlError(f"{file.name}: a kit is a .zip")
    networks: dict[str, dict[str, dict[str, str]]] = {}
    with whole_file(file) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for done, folder in enumerate(folders):
            report(done, len(folders), "writing ONNX")
            core_of(folder)
            there = {runtime: name for runtime, name in NETWORKS.items() if (folder / name).is_file()}
            for name in dict.fromkeys(there.values()):
                archive.write(folder / name, f"{folder.name}/{name}")
            networks[folder.name] = {
                runtime: {"file": f"{folder.name}/{name}", "sha256": digest(folder / name)}
                for runtime, name in there.items()
            }
        kit = {
            "networks": networks, "seconds": SECONDS, "rounds": ROUNDS, "most_rounds": MOST_ROUNDS, "quiet": QUIET,
            "close": CLOSE, "megapixel": MEGAPIXEL,
        }  # fmt: skip
        archive.writestr("kit.json", json.dumps(kit, indent=1))
        archive.write(Path(__file__).with_name(SCRIPT), SCRIPT)
        archive.writestr("README.txt", _README.format(script=SCRIPT, seconds=2 * SECONDS))
    report(len(folders), len(folders), "writing ONNX")
    return file
