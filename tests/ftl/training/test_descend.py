"""One step down a loss: PyTorch's own numbers, in less time."""

from __future__ import annotations

import subprocess
import sys

import torch
import torch.nn.functional as F
from torch import nn

from ftl.training.loop import AdamW, backward
from tests.conftest import ROOT

_TINY = torch.finfo(torch.float32).tiny  # numbers below are computed with a hundred times as slowly


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(4 * 12 * 12, 2))


def gradients(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


def test_gradients_are_those_of_pytorch_to_the_bit() -> None:
    model, x, truth = network(), torch.randn(4, 3, 16, 16), torch.tensor([0, 1, 1, 0])
    F.cross_entropy(model(x), truth).backward()
    plain = gradients(model)
    model.zero_grad()
    backward(F.cross_entropy(model(x), truth), model.parameters())
    assert all(torch.equal(one, other) for one, other in zip(plain, gradients(model), strict=True))
    assert len(plain) == 6


def test_what_a_network_is_sure_of_makes_no_gradient_that_is_slow_to_compute_with() -> None:
    model, x = network(), torch.randn(4, 3, 16, 16)
    seen = list[torch.Tensor]()

    def slow(scaled: bool) -> int:
        seen.clear()
        model.zero_grad()
        maps = model[:3](x)
        maps.register_hook(seen.append)
        logits = torch.tensor([85.0, 0.0]) + 1e-3 * model[3:](maps)
        loss = F.cross_entropy(logits, torch.zeros(4, dtype=torch.long))
        backward(loss, model.parameters()) if scaled else loss.backward()
        return int(((seen[0] != 0) & (seen[0].abs() < _TINY)).sum())

    assert slow(scaled=False) > 0
    assert slow(scaled=True) == 0


def test_the_optimiser_is_pytorchs() -> None:
    weights = list[torch.Tensor]()
    for kind in (AdamW, torch.optim.AdamW):
        model = network()
        optimiser = kind(model.parameters(), lr=1e-2, weight_decay=1e-2)
        for _ in range(3):
            optimiser.zero_grad()
            model(torch.ones(2, 3, 16, 16)).square().sum().backward()
            optimiser.step()
        again = kind(model.parameters())
        again.load_state_dict(optimiser.state_dict())
        assert again.param_groups[0]["lr"] == 1e-2
        weights.append(torch.cat([parameter.detach().flatten() for parameter in model.parameters()]))
    assert torch.equal(*weights)


def test_training_does_not_import_pytorchs_compiler() -> None:
    code = (
        "import sys, torch; from ftl.training.loop import AdamW; weight = torch.nn.Parameter(torch.ones(2));"
        "optimiser = AdamW([weight]); weight.sum().backward(); optimiser.step(); optimiser.zero_grad();"
        "optimiser.load_state_dict(optimiser.state_dict()); assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
