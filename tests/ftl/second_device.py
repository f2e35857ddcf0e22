"""A device that is not the CPU, for machines without a GPU: it computes on the CPU, and refuses to mix devices.

Run as a program, it compares what the library gives on it with what it gives on the CPU, and prints what differs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("second")
SECOND = torch.device("second:0")


class Second(torch.Tensor):
    """A tensor on the second device. `own`: its values."""

    own: torch.Tensor

    def __new__(cls, own: torch.Tensor) -> Second:
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, own.size(), strides=own.stride(), storage_offset=own.storage_offset(), dtype=own.dtype, device=SECOND
        )
        made.own = own
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return compute(function, args, kwargs or {})

    def tolist(self) -> Any:
        return self.own.tolist()

    def __getitem__(self, key: Any) -> torch.Tensor:  # by a list: torch would ask the device's own kernels
        if isinstance(key, list):
            return torch.index_select(self, 0, Second(torch.tensor(key)))
        if isinstance(key, tuple) and isinstance(key[-1], list):
            return torch.index_select(self, 1, Second(torch.tensor(key[-1])))
        return super().__getitem__(key)


class SecondDevice(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(function, args, kwargs or {})


def compute(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = function.__name__.split(".")[0]
    if name == "_has_compatible_shallow_copy_type":
        return False
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
    there = any(isinstance(tensor, Second) for tensor in tensors)
    if there and name not in ("_to_copy", "copy_"):
        mixed = [tensor for tensor in tensors if not isinstance(tensor, Second) and tensor.dim()]
        assert not mixed, f"{function} of tensors on two devices"

    def here(value: Any) -> Any:
        return torch.device("cpu") if isinstance(value, torch.device) else getattr(value, "own", value)

    result = function(*tree_map(here, args), **tree_map(here, kwargs))
    if name.endswith("_") and not name.endswith("__") and isinstance(args[0], torch.Tensor):  # in place
        return args[0]
    asked = kwargs.get("device")
    if asked == SECOND if asked is not None else there:
        return tree_map(lambda value: Second(value) if isinstance(value, torch.Tensor) else value, result)
    return result


def compare(folder: Path) -> None:
    import ftl.device
    import ftl.training.loop

    torch.__future__.set_swap_module_params_on_conversion(True)
    setattr(ftl.device, "_checked", torch.device)  # noqa: B010
    setattr(ftl.training.loop, "mixed_precision", lambda device: nullcontext())  # noqa: B010
    from ftl.data.images import read_image
    from ftl.data.photographs import photographs_of
    from ftl.device import run_on
    from ftl.evaluation.explain import filter_views
    from ftl.training.recalibrate import recalibrate
    from tests.conftest import SIZE, make_backbone, make_workspace

    workspace = make_workspace(folder)
    masks = ftl.load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    dataset, network = ftl.load_dataset(workspace / "dataset"), make_backbone()
    model, _ = ftl.fit_linear_head(network, dataset)
    image, everything = read_image(dataset.paths[0]), np.arange(len(dataset))
    few = ftl.FineTuneConfig(epochs=1)

    def pruned(device: str, **config: Any) -> dict[str, torch.Tensor]:
        return ftl.prune(network, masks, 0.5, ftl.PruneConfig(**config), device=device).state_dict()

    def recalibrated(device: str) -> Any:
        with run_on(device):
            return recalibrate(network, photographs_of(dataset.paths, SIZE), everything).state_dict()

    calls: dict[str, Callable[[str], Any]] = {
        f"prune {criterion} {mode}": lambda device, criterion=criterion, mode=mode: pruned(  # type: ignore[misc]
            device, criterion=criterion, mode=mode
        )
        for criterion in ("iou", "dissection", "l1")
        for mode in ("layerwise", "one_shot")
    }
    calls |= {
        "prune --faithful": lambda device: pruned(device, faithful=True),
        "score": lambda device: ftl.score(network, masks, ftl.PruneConfig(criterion="predicate2"), device=device),
        "fit_linear_head": lambda device: ftl.fit_linear_head(network, dataset, device=device)[0].head.weight,
        "fine_tune": lambda device: ftl.fine_tune(network, dataset, few, device=device)[0].network.state_dict(),
        "evaluate": lambda device: ftl.evaluate(model, dataset, device=device)["confusion"],
        "explain": lambda device: ftl.explain(model, image, "Crack", device=device),
        "filter_views": lambda device: tuple(filter_views(network, "features.1", masks, device=device)),
        "recalibrate": recalibrated,
    }
    for name, call in calls.items():
        here = call("cpu")
        with SecondDevice():
            there = call("second")
        if not all(map(np.array_equal, tree_leaves(here), tree_leaves(there))):
            print(f"{name} differs")


if __name__ == "__main__":
    torch.set_num_threads(1)

    # tensors of inference mode are of the kind of a device's own, which a device in Python has not
    def inference_mode(on: Any = True) -> Any:
        return torch.enable_grad() if on is False else torch.set_grad_enabled(False)

    setattr(torch, "inference_mode", inference_mode)  # noqa: B010
    sys.path.insert(0, str(Path(__file__).parents[2]))
    with tempfile.TemporaryDirectory() as made:
        compare(Path(made))
