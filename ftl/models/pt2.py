"""`.pt2` archives of torch.export, read without pickle: the graph is JSON, and the weights are raw bytes.

torch.export.load itself unpickles what an archive asks it to; this reader refuses such archives instead.
"""

from __future__ import annotations

import json
import zipfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ftl.errors import FtlError

_FLOAT32 = 7  # torch._export.serde.schema.ScalarType.FLOAT


def read_pt2(path: Path) -> nn.Sequential:
    """Layers and weights of an exported chain of convolutions, batch norms, ReLUs and pools.

    Raises `FtlError` when the archive is damaged, holds pickled weights, or a graph that is no such chain.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            graph = json.loads(_entry(archive, "models/model.json"))["graph_module"]
            weights = _weights(archive)
            return _chain(graph, weights)
    except FtlError as error:
        raise FtlError(f"{path}: {error}") from error
    except Exception as error:  # whatever a damaged file leads to, means the same to a user
        raise FtlError(f"{path} cannot be read as a torch.export archive ({error!r})") from error


def _entry(archive: zipfile.ZipFile, ending: str) -> bytes:
    names = [name for name in archive.namelist() if name.endswith("/" + ending)]
    if len(names) != 1:
        raise FtlError(f"the archive holds {len(names)} entries {ending}, where one is expected")
    info = archive.getinfo(names[0])
    if info.compress_type != zipfile.ZIP_STORED:  # torch stores; what is packed may unpack to anything
        raise FtlError(f"the archive's entry {ending} is compressed: save it with torch.export.save")
    return archive.read(info)


def _weights(archive: zipfile.ZipFile) -> dict[str, torch.Tensor]:
    table = json.loads(_entry(archive, "data/weights/model_weights_config.json"))["config"]
    found: dict[str, torch.Tensor] = {}
    left = 2 * sum(info.file_size for info in archive.infolist())  # in bytes; two names may be of the same numbers
    for name, entry in table.items():
        if entry["use_pickle"]:
            raise FtlError(f"weight {name} is pickled, and pickles are never loaded: export it from contiguous tensors")
        meta = entry["tensor_meta"]
        if meta["dtype"] != _FLOAT32:
            continue  # counters of batch norms
        shape = [size["as_int"] for size in meta["sizes"]]
        strides = [stride["as_int"] for stride in meta["strides"]]
        flat = np.frombuffer(_entry(archive, "data/weights/" + entry["path_name"]), np.float32).copy()
        offset = meta["storage_offset"]["as_int"]
        left -= 4 * prod(shape)
        if prod(shape) > flat.size or left < 0:  # strides of 0 make a large array of a single number
            raise FtlError(f"weight {name} claims to have {prod(shape):,} numbers, and the file holds {flat.size:,}")
        reach = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + 1
        if min([*shape, 1]) < 1 or min([*strides, offset, 1]) < 0 or reach > flat.size:
            raise FtlError(f"weight {name} does not fit its own description")
        found[name] = torch.from_numpy(flat).as_strided(shape, strides, offset).contiguous()
    return found


def _value(argument: dict[str, Any]) -> Any:
    return None if "as_none" in argument else next(iter(argument.values()))


def _chain(graph: dict[str, Any], weights: dict[str, torch.Tensor]) -> nn.Sequential:
    named: dict[str, str] = {}
    current = ""
    for entry in graph["signature"]["input_specs"]:
        for kind, key in (("parameter", "parameter_name"), ("buffer", "buffer_name")):
            if kind in entry:
                named[entry[kind]["arg"]["name"]] = entry[kind][key]
        if "user_input" in entry:
            if current:
                raise FtlError("the network takes more than one input")
            current = _value(entry["user_input"]["arg"])["name"]
    made: list[nn.Module] = []
    for node in graph["graph"]["nodes"]:
        arguments = {argument["name"]: _value(argument["arg"]) for argument in node["inputs"]}
        source = arguments.get("input", arguments.get("self"))
        if source is None or source["name"] != current:
            raise FtlError(f"the network is no straight chain (at {node['target']})")

        def tensor(key: str, arguments: dict[str, Any] = arguments) -> torch.Tensor | None:
            return None if arguments.get(key) is None else weights[named[arguments[key]["name"]]]

        made += _layer(node["target"].removeprefix("torch.ops.aten.").removesuffix(".default"), arguments, tensor)
        current = node["outputs"][0]["as_tensor"]["name"]
    return nn.Sequential(*made)


def _layer(target: str, arguments: dict[str, Any], tensor: Any) -> list[nn.Module]:
    if target in ("conv2d", "conv2d.padding"):
        weight, bias = tensor("weight"), tensor("bias")
        conv = nn.Conv2d(
            weight.shape[1],
            weight.shape[0],
            tuple(weight.shape[2:]),
            arguments.get("stride", [1, 1]),
            arguments.get("padding", [0, 0]),
            arguments.get("dilation", [1, 1]),
            bias=bias is not None,
            device="meta",
        )
        if arguments.get("groups", 1) != 1:
            raise FtlError("grouped convolutions are not supported: a filter must see all inputs")
        conv.weight = nn.Parameter(weight)
        if bias is not None:
            conv.bias = nn.Parameter(bias)
        return [conv]
    if target in ("relu", "relu_"):
        return [nn.ReLU()]
    if target in ("batch_norm", "_native_batch_norm_legit_no_training"):
        mean = tensor("running_mean")
        norm = nn.BatchNorm2d(len(mean), eps=arguments["eps"])
        norm.weight.data, norm.bias.data = tensor("weight"), tensor("bias")
        norm.running_mean, norm.running_var = mean, tensor("running_var")
        return [norm]
    if target in ("max_pool2d", "avg_pool2d"):
        pool = nn.MaxPool2d if target == "max_pool2d" else nn.AvgPool2d
        kernel = arguments["kernel_size"]
        if arguments.get("dilation", [1, 1]) not in ([1, 1], [1]):
            raise FtlError("dilated pools are not supported")
        stride, padding = arguments.get("stride") or kernel, arguments.get("padding", [0, 0])
        return [pool(kernel, stride, padding, ceil_mode=bool(arguments.get("ceil_mode", False)))]
    if target == "pad" and arguments.get("mode", "constant") == "constant" and not arguments.get("value"):
        return [nn.ZeroPad2d(tuple(arguments["pad"]))]
    if target in ("dropout", "dropout_"):
        return []
    raise FtlError(
        f"a backbone may not hold {target}: it is a chain of conv2d, batch_norm, relu, max_pool2d, avg_pool2d, pad"
    )
