"""Vision transformers, computed as the libraries that define them do, and sooner.

Most of a reference run is spent in these blocks. Three things take time out of them and leave what they compute as it
is: attention in one fused call, weights in the order that the processor reads them, and a last block that works out
the class token alone, because nothing else of it is read.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.vision_transformer import EncoderBlock

from eegbench.backbones.batch import give_back

Activation = Callable[[torch.Tensor], torch.Tensor]  # may overwrite what it is given


ROWS = 1028  # tokens at a time that the order of the weights is chosen for: four pictures of CLIP ViT-L/14


class Product(nn.Module):
    """`nn.Linear` over a given weight (out, in) and bias: (..., in) to (..., out).

    With `many` rows on a CPU the weight is kept as oneDNN orders it, where torch multiplies by MKL: 1.2 to 1.4 times
    as fast where it was measured.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, *, many: bool) -> None:
        super().__init__()
        self.ordered = many and weight.device.type == "cpu" and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), ROWS) if self.ordered else weight
        self.bias = bias.detach()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        if not self.ordered:
            return F.linear(tokens, self.weight, self.bias)
        if torch.is_autocast_enabled("cpu"):
            return F.linear(tokens, self.weight.to_dense(), self.bias)
        tokens = tokens.contiguous()
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(tokens, self.weight, self.bias, "none", [], "")
        return product


class Block(nn.Module):
    """A pre-norm block over the parts of a library's block; (n, tokens, width) in and out.

    With `last`, (n, 1, width) comes out: the first token.
    """

    def __init__(
        self,
        norms: tuple[nn.Module, nn.Module],
        attention: nn.MultiheadAttention,
        widen: nn.Linear,
        narrow: nn.Linear,
        activation: Activation,
        *,
        last: bool,
    ) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = norms
        weight, bias, width = attention.in_proj_weight, attention.in_proj_bias, attention.embed_dim
        product = partial(Product, many=not last)  # the last: a row a picture, but for keys and values
        self.query = product(weight[:width], bias[:width])
        self.out = product(attention.out_proj.weight, attention.out_proj.bias)
        self.key_value = product(weight[width:], bias[width:])
        self.widen, self.narrow = (product(linear.weight, linear.bias) for linear in (widen, narrow))
        self.activation, self.heads, self.last = activation, attention.num_heads, last

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        seen = self.before_attention(tokens)
        if self.last:
            tokens = tokens[:, :1]
        parts = (self.query(seen[:, : tokens.shape[1]]), *self.key_value(seen).chunk(2, -1))
        by_head = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        tokens = tokens + self.out(F.scaled_dot_product_attention(*by_head).transpose(1, 2).flatten(2))
        return tokens + self.narrow(self.activation(self.widen(self.before_mlp(tokens))))


def quick_gelu(values: torch.Tensor) -> torch.Tensor:
    """x * sigmoid(1.702 x), as OpenAI's CLIP has it; overwrites its input."""
    return F.silu(values.mul_(1.702), inplace=True).div_(1.702)


def replace_blocks(blocks: nn.Sequential | nn.ModuleList) -> nn.Sequential:
    """The blocks of open_clip's visual tower or of torchvision's VisionTransformer, one after the other emptied into
    ours, so that the weights are in memory once.
    """
    for i in range(len(blocks)):
        block: Any = blocks[i]
        norms, last = (block.ln_1, block.ln_2), i == len(blocks) - 1
        if isinstance(block, EncoderBlock):
            blocks[i] = Block(norms, block.self_attention, block.mlp[0], block.mlp[3], F.gelu, last=last)
        else:
            blocks[i] = Block(norms, block.attn, block.mlp.c_fc, block.mlp.c_proj, quick_gelu, last=last)
        give_back()
    return nn.Sequential(*blocks)
