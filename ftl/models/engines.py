"""Engines: what runs the forwards that nobody differentiates: PyTorch or OpenVINO, in float32 or bfloat16.

An engine is known by its name, as "OpenVINO bfloat16". PyTorch in float32 is there on all machines, and the reference.
Each other takes a second to begin, so small networks and few images stay with that one (`Engines.suited`); and so do
scoring, training, explanations and single photographs.

Only unpruned networks are run in bfloat16: there it saves most of the time, and accuracies stay. Pruned networks are
cheap in float32, and their heads, fitted to few photographs in bfloat16, were up to 0.75 points better or worse. Some
unpruned networks give other maps in bfloat16 (MobileNetV2 does, VGG16 does not): they are run in float32 too (`begin`).
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ftl.device import device_of, multiplies_bfloat16
from ftl.errors import FtlError
from ftl.models.backbone import Backbone, macs
from ftl.models.preprocess import KINDS, Preprocess
from ftl.models.registry import REGISTRY
from ftl.openvino import has_openvino, load_openvino

FLOAT32 = "PyTorch float32"

Forward = Callable[[np.ndarray], list[torch.Tensor]]
"""RGB uint8 images (N, size, size, 3) to all that a module gives for them, float32, each (N, ...)."""

_REPAYS = 150e9
"""MACs from which another engine makes good for the seconds that it takes to begin; PyTorch does 90e9 in one."""


LOOKED_AT = 2
"""Images that say whether a network's maps in bfloat16 are those in float32."""

_APART = 0.03
"""How far maps may be from those in float32: the norm of the difference, as a share of theirs."""


def engines() -> list[str]:
    """The engines of this machine; in bfloat16 only where the processor multiplies it itself."""
    precisions = [*(["bfloat16"] if multiplies_bfloat16(torch.device("cpu")) else []), "float32"]
    libraries = ["PyTorch", *(["OpenVINO"] if has_openvino() else [])]
    return [f"{library} {precision}" for precision in precisions for library in libraries]


def batch_of(engine: str) -> int:
    """Images that it is best to run at once."""
    return 2 if engine == FLOAT32 else 4  # two: the C library keeps the largest maps, 25 MB in VGG16, for the next


def pays(macs_of_one: int, images: int) -> bool:
    """Whether so many images of so many MACs are worth beginning another engine for; on a GPU none are."""
    return macs_of_one * images >= _REPAYS and device_of().type == "cpu"


class Engines(NamedTuple):
    """The engines of networks of a kind: of the unpruned one, and of pruned ones, which is in float32."""

    unpruned: str = FLOAT32
    pruned: str = FLOAT32

    def suited(self, macs_of_one: int, images: int, *, is_unpruned: bool) -> str:
        """The engine of one of the networks, where it pays; else PyTorch in float32."""
        if not pays(macs_of_one, images):
            return FLOAT32
        return self.unpruned if is_unpruned else self.pruned


def fastest(network: Backbone, among: Sequence[str] | None = None) -> Engines:
    """The engines that run a network fastest on this machine, measured now. `among`: as in `timed`."""
    return fastest_of(timed(network, among))


def fastest_of(taken: Mapping[str, float]) -> Engines:
    """The fastest of all engines, and of those in float32, by the seconds that each takes."""
    in_float32 = [engine for engine in taken if engine.endswith("float32")]
    return Engines(*(min(some, key=taken.__getitem__, default=FLOAT32) for some in (taken, in_float32)))


def timed(network: Backbone, among: Sequence[str] | None = None) -> dict[str, float]:
    """Seconds that engines take for a batch of noise on this machine, measured now; less those that give other maps.

    `among`: some of `engines`, by default all.
    """
    found, size = engines() if among is None else among, network.preprocess.size
    images = np.random.default_rng(0).integers(0, 256, (batch_of(""), size, size, 3), dtype=np.uint8)
    exact = forward(network, network.preprocess)(images[:LOOKED_AT])[0]
    taken = dict[str, float]()
    for engine in found:
        run = forward(network, network.preprocess, engine)
        if _same(run(images[:LOOKED_AT])[0], exact):
            start = time.perf_counter()
            run(images)
            taken[engine] = time.perf_counter() - start
    return taken


_measured = dict[str, Engines]()


def engine_for(network: Backbone, images: int) -> str:
    """The engine for so many images, measured at most once in a process for all networks of a kind."""
    spec = network.spec()
    work = macs(spec, network.preprocess.size)
    if not pays(work, images):
        return FLOAT32
    if network.name not in _measured:
        _measured[network.name] = fastest(network)
    is_unpruned = network.name in REGISTRY and spec == REGISTRY[network.name].spec()
    return _measured[network.name].suited(work, images, is_unpruned=is_unpruned)


def begin(module: nn.Module, preprocess: Preprocess, engine: str, images: np.ndarray) -> tuple[str, Forward]:
    """As `forward`, with the engine that it came to: the same in float32 where bfloat16 gives other maps for `images`.

    `images`: some that are run, RGB uint8 (N, size, size, 3), of which the first `LOOKED_AT` count. The maps are the
    first of what the module gives.
    """
    run = forward(module, preprocess, engine)
    if engine.endswith("bfloat16"):
        own, exact = (some(images[:LOOKED_AT])[0] for some in (run, forward(module, preprocess)))
        if not _same(own, exact):
            engine = engine.replace("bfloat16", "float32")
            run = forward(module, preprocess, engine)
    return engine, run


def _same(maps: torch.Tensor, exact: torch.Tensor) -> bool:
    return bool((maps - exact).norm() <= _APART * exact.norm())


def forward(module: nn.Module, preprocess: Preprocess, engine: str = FLOAT32) -> Forward:
    """Have an engine run a module that takes images as `preprocess` makes them, and gives one tensor or several.

    Raises `FtlError` when this machine has no such engine.
    """
    if engine not in engines():
        raise FtlError(
            f"{engine} runs the networks of this sweep, and this machine has {', '.join(engines())}: go on where it "
            "was begun, or begin in another folder"
        )
    library, _, precision = engine.partition(" ")
    return (_in_openvino if library == "OpenVINO" else _in_pytorch)(module, preprocess, precision)


def _in_pytorch(module: nn.Module, preprocess: Preprocess, precision: str) -> Forward:
    dtype = getattr(torch, precision)
    if dtype != torch.float32:
        module = copy.deepcopy(module).to(dtype)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.float()  # its numbers are few, and a sum of thousands
    device = next(module.parameters()).device

    @torch.inference_mode()
    def run(images: np.ndarray) -> list[torch.Tensor]:
        given = module(preprocess.normalised(images).to(device, dtype))
        return [part.float() for part in _parts(given)]

    return run


def _in_openvino(module: nn.Module, preprocess: Preprocess, precision: str) -> Forward:
    openvino = load_openvino()
    batch, size = batch_of(f"OpenVINO {precision}"), preprocess.size
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # OpenVINO reads what this way of tracing gives fastest
        traced = torch.jit.trace(module, torch.zeros(1, 3, size, size), strict=False, check_trace=False)
        model = openvino.convert_model(traced)
    model.reshape([batch, 3, size, size])
    kind, prepared = KINDS[preprocess.kind], openvino.preprocess.PrePostProcessor(model)
    given = prepared.input()
    given.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    given.model().set_layout(openvino.Layout("NCHW"))
    steps = given.preprocess().convert_element_type(openvino.Type.f32)
    if kind.bgr:
        steps.reverse_channels()
    steps.scale(1 / kind.scale).mean([*kind.mean]).scale([*kind.std])
    settings = {
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # of two processes on one machine, both would be tied to the same cores
    }
    compiled = openvino.Core().compile_model(prepared.build(), "CPU", settings)

    def run(images: np.ndarray) -> list[torch.Tensor]:
        count = len(images)
        filled = np.concatenate([images, *[images[-1:]] * (batch - count)])  # its shape is fixed, which is faster
        given = compiled(filled)
        return [torch.from_numpy(given[index][:count].astype(np.float32)) for index in range(len(compiled.outputs))]

    return run


def _parts(given: Any) -> list[torch.Tensor]:
    return [given] if isinstance(given, torch.Tensor) else [*given]
