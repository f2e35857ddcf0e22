"""Checkpoints of training: the state after each epoch, in one file without any pickle, and resuming from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ftl.files import whole_file
from ftl.training.early_stopping import Epoch
from ftl.training.loop import State, Trained


def write_state(file: Path, state: State[Any], made_from: dict[str, Any]) -> None:
    """Write what `resume` needs, whole or not at all."""
    optimiser = state.optimiser.state_dict()
    tensors = {f"model.{key}": value for key, value in state.model.state_dict().items()}
    tensors |= {f"mean.{key}": value for key, value in state.average.state_dict().items()}
    tensors |= {f"kept.{key}": value for key, value in state.kept.items()}
    for index, moments in optimiser["state"].items():
        tensors |= {f"moment.{index}.{key}": torch.as_tensor(value) for key, value in moments.items()}
    header = {
        "made_from": made_from,
        "curve": state.curve,
        "rng": state.rng.bit_generator.state,
        "groups": optimiser["param_groups"],
        "schedule": {k: v for k, v in state.schedule.state_dict().items() if isinstance(v, int | float | bool | list)},
    }
    with whole_file(file) as draft:
        contiguous = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
        draft.write_bytes(save(contiguous, metadata={"ftl": json.dumps(header)}))


def resume(file: Path, begin: Callable[[], State[Trained]], made_from: dict[str, Any]) -> State[Trained]:
    """The state in the file; a new one if the file is missing, damaged, or made from anything else."""
    state = begin()
    try:
        with safe_open(file, "pt") as source:
            header = json.loads(source.metadata()["ftl"])
            tensors = {key: source.get_tensor(key) for key in source.keys()}  # noqa: SIM118
        if header["made_from"] != json.loads(json.dumps(made_from)):
            return state
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in _below("moment.", tensors).items():
            index, name = key.split(".")
            moments.setdefault(int(index), {})[name] = value
        state.model.load_state_dict(_below("model.", tensors))
        state.average.load_state_dict(_below("mean.", tensors))
        state.optimiser.load_state_dict({"state": moments, "param_groups": header["groups"]})
        state.schedule.load_state_dict(header["schedule"])
        state.rng.bit_generator.state = header["rng"]
        state.kept = _below("kept.", tensors)
        state.curve = [Epoch(*point) for point in header["curve"]]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError):
        return begin()
    return state


def _below(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
