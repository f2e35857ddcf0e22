"""Whether an export answers as its network does, up to what rounding explains.

The bound is not a number of ours. Two programs that compute the same network in float32 add in other orders, fold
other constants, and so differ from each other, and from the exact result, by rounding alone. How much, the network
itself shows: its last maps in float32 are compared with those in float64. A classifier multiplies these errors by its
weights, which are huge where few images were fitted at a weak penalty, so that large terms cancel to a small logit.

For a logit z = sum_j w_j f_j + b and features f* that were computed exactly, a program with features f and sums in
float32 is wrong by no more than

    sum_j |w_j| |f_j - f*_j| + u (sum_j |w_j f*_j| + |b|),    u = 2^-24,

to first order (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 3.5; the second term
without its factor of up to d, which sums in blocks do not come near: section 4.2).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from ftl.errors import FtlError
from ftl.formatting import number
from ftl.models.classifier import Model
from ftl.models.head import features_from, probabilities_of

TIMES = 4.0
"""The export may be wrong by this many times what bounds PyTorch's own error, for another order of sums may be worse.

In ONNX Runtime three cuts of MobileNetV2 came to 0.1 to 0.5 times it on 40 photographs, and two that had learnt
nothing, with logits of 1e-14, to 2.4.
"""

_UNIT = 2.0**-24
_LEAST = 1e-6
"""Logits may differ by this at least, which moves no float32 probability by more than two of its last places."""

_AS_LOGITS = 1e-6
"""And by this probabilities from those that the export's own logits mean: what float32 and its exponentials round."""

Answer = tuple[np.ndarray, np.ndarray]
"""What an export says of an image: logits (1 or classes,), and probabilities (classes,)."""


class Expected(NamedTuple):
    """Logits (1 or classes,) float64 of an image, computed exactly, and how far an export's may be from them."""

    logits: np.ndarray
    allowed: np.ndarray


def check(model: Model, answer: Callable[[np.ndarray], Answer], images: Sequence[np.ndarray], title: str) -> None:
    """Raise `FtlError` when an export answers otherwise than the network by more than rounding explains.

    Args:
        answer: what the export says of an RGB uint8 image (height, width, 3).
        images: some that the network was chosen by.
        title: what the export is called in the sentence.
    """
    exact = copy.deepcopy(model.network.features).double()
    for image in images:
        wanted, (logits, probabilities) = expected(model, exact, image), answer(image)
        apart = np.abs(np.asarray(logits, np.float64) - wanted.logits)
        if not (apart <= wanted.allowed).all():
            worst = int(np.nan_to_num(apart / wanted.allowed, nan=np.inf).argmax())
            raise _differs(title, float(apart[worst]), "logit", float(wanted.allowed[worst]))
        meant = np.abs(probabilities - probabilities_of(np.asarray(logits, np.float64)[np.newaxis])[0])
        if not (meant <= _AS_LOGITS).all():
            raise _differs(title, float(meant.max()), "probability", _AS_LOGITS)


@torch.inference_mode()
def expected(model: Model, exact: torch.nn.Module, image: np.ndarray) -> Expected:
    """What an export should say of an image. `exact`: the network's layers in float64."""
    tensor, head = model.network.preprocess([image]), model.head
    found = features_from(model.network(tensor), pooled=head.pooled)[0].astype(np.float64)
    features = features_from(exact(tensor.double()), pooled=head.pooled)[0]
    weight, bias = head.weight.astype(np.float64), head.bias.astype(np.float64)
    wrong = np.abs(weight) @ np.abs(found - features)
    rounded = _UNIT * (np.abs(weight) @ np.abs(features) + np.abs(bias))
    return Expected(weight @ features + bias, TIMES * (wrong + rounded) + _LEAST)


def _differs(title: str, apart: float, what: str, allowed: float) -> FtlError:
    return FtlError(
        f"{title} answers otherwise than the network, by {number(apart)} in a {what} where rounding explains "
        f"{number(allowed)}, so nothing "
        "was written: take the network as .safetensors, and report this with the versions of torch, onnx and "
        "onnxruntime that are installed"
    )
