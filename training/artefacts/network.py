"""The artefact network: three halvings, dilated residual blocks, three doublings with sums.

crates/quality/src/check/network runs the same layers; `export` writes them with their weights
standardised, under the names that it reads.
"""

import torch
from torch import nn

from paint import CLASSES

WIDTHS = (12, 24, 48, 64)
DILATIONS = ((), (1,), (1, 2), (1, 2, 4, 1))


class Convolution(nn.Module):
    """A convolution with standardised weights (Qiao et al. 2019), which cost nothing at run time."""

    def __init__(self, inputs, outputs, kernel, stride=1, relu=True, gain=1.4):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.gain = nn.Parameter(torch.full((outputs, 1, 1, 1), gain))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.stride, self.padding, self.relu = stride, kernel // 2, relu

    def standardised(self):
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        deviation = self.weight.std((1, 2, 3), keepdim=True) * self.weight[0].numel() ** 0.5
        return (self.weight - mean) / (deviation + 1e-5) * self.gain

    def forward(self, x):
        x = nn.functional.conv2d(x, self.standardised(), self.bias, self.stride, self.padding)
        return torch.relu(x) if self.relu else x

    def folded(self):
        return self.standardised(), self.bias


class Block(nn.Module):
    """x + relu(pointwise(depthwise(x)))."""

    def __init__(self, width, dilation):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, 1, dilation, dilation, width, bias=False)
        self.pointwise = Convolution(width, width, 1, gain=0.5)

    def forward(self, x):
        return x + self.pointwise(self.depthwise(x))


class ArtefactNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        inputs = (3, *WIDTHS[:-1])
        self.down = nn.ModuleList(
            Convolution(i, o, 3, 1 if level == 0 else 2) for level, (i, o) in enumerate(zip(inputs, WIDTHS)))
        self.blocks = nn.ModuleList(
            nn.ModuleList(Block(width, d) for d in dilations) for width, dilations in zip(WIDTHS, DILATIONS))
        self.up = nn.ModuleList(
            Convolution(WIDTHS[level + 1], WIDTHS[level], 1, relu=False) for level in range(3))
        self.merge = nn.ModuleList(Block(WIDTHS[level], 1) for level in range(3))
        self.head = nn.Conv2d(WIDTHS[0], len(CLASSES), 1)

    def forward(self, x):
        kept = []
        for down, blocks in zip(self.down, self.blocks):
            x = down(x)
            for block in blocks:
                x = block(x)
            kept.append(x)
        for level in (2, 1, 0):
            x = nn.functional.interpolate(self.up[level](x), scale_factor=2, mode="nearest")
            x = self.merge[level](torch.relu(x + kept[level]))
        return self.head(x)

    def export(self):
        """Tensors by the names that the reader knows; convolutions as rows, columns, inputs, outputs."""
        tensors = {}

        def put(name, weight, bias=None):
            tensors[f"{name}.weight"] = weight.detach().permute(2, 3, 1, 0).contiguous()
            if bias is not None:
                tensors[f"{name}.bias"] = bias.detach().contiguous()

        def put_block(name, block):
            # One filter a channel: rows, columns, channel.
            weight = block.depthwise.weight.detach()[:, 0].permute(1, 2, 0).contiguous()
            tensors[f"{name}.depthwise.weight"] = weight
            put(f"{name}.pointwise", *block.pointwise.folded())

        for level, (down, blocks) in enumerate(zip(self.down, self.blocks)):
            put(f"down.{level}", *down.folded())
            for number, block in enumerate(blocks):
                put_block(f"blocks.{level}.{number}", block)
        for level in range(3):
            put(f"up.{level}", *self.up[level].folded())
            put_block(f"merge.{level}", self.merge[level])
        put("head", self.head.weight, self.head.bias)
        return tensors
