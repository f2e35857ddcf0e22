"""The loss of masks: cross-entropy, soft Dice, and soft clDice for thin things."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ftl.data.masks import NOT_JUDGED
from ftl.models.segmenter import probabilities_of


def mask_loss(logits: torch.Tensor, truth: torch.Tensor, cl_dice: float = 0.0) -> torch.Tensor:
    """Cross-entropy plus soft Dice of the classes (Milletari et al. 2016), plus `cl_dice` times soft clDice.

    `logits`: float32 (N, 1 or classes + 1, H, W); `truth`: class numbers, uint8 (N, H, W). Of several classes, pixels
    that are `NOT_JUDGED` count neither way.
    """
    classes = max(1, logits.shape[1] - 1)
    wanted = torch.stack([truth == number for number in range(1, classes + 1)], 1).float()  # (N, classes, H, W)
    found = probabilities_of(logits)[:, 1:]
    if classes == 1:
        entropy = F.binary_cross_entropy_with_logits(logits, wanted)
    else:
        judged = truth != NOT_JUDGED
        found = found * judged[:, None]
        # of nothing, the mean would be no number
        entropy = F.cross_entropy(logits, truth.long(), ignore_index=NOT_JUDGED) if judged.any() else 0 * logits.mean()
    loss = entropy + (1 - _dice((found * wanted).sum((0, 2, 3)), found.sum((0, 2, 3)), wanted.sum((0, 2, 3)))).mean()
    return loss + cl_dice * _soft_cl_dice(found, wanted) if cl_dice else loss


def _dice(both: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (2 * both + 1) / (first + second + 1)


_THINNED = 10  # times that soft skeletons are eroded: half the width of the widest crack that gets thin


def _soft_cl_dice(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """1 less the soft clDice of Shit et al. 2021: how far each skeleton lies in the other's mask; (N, C, H, W) each."""
    own, other = _soft_skeleton(found), _soft_skeleton(wanted)
    precision = ((own * wanted).sum() + 1) / (own.sum() + 1)
    recall = ((other * found).sum() + 1) / (other.sum() + 1)
    return 1 - 2 * precision * recall / (precision + recall)


def _soft_skeleton(mask: torch.Tensor) -> torch.Tensor:
    def opened(x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(_eroded(x), 3, 1, 1)

    skeleton = F.relu(mask - opened(mask))
    for _ in range(_THINNED):
        mask = _eroded(mask)
        rest = F.relu(mask - opened(mask))
        skeleton = skeleton + F.relu(rest - skeleton * rest)
    return skeleton


def _eroded(x: torch.Tensor) -> torch.Tensor:
    return torch.minimum(-F.max_pool2d(-x, (3, 1), 1, (1, 0)), -F.max_pool2d(-x, (1, 3), 1, (0, 1)))
