"""PyTorch: `peer_torch.py WORKLOAD.toml THREADS VARIANT`.

VARIANT: `eager` (the default optimizer), `fused` (the optimizer's fused kernels) or `compile` (the whole step, update included, compiled
into one function, with functional gradients and the update written out, which TorchInductor fuses).
Subnormal numbers are left as PyTorch has them by default.
"""
import os
import sys

PATH, THREADS, VARIANT = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(THREADS)
if THREADS == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from agreement import First
from protocol import refuse, serve
from workload import Refused, Workload

torch.set_num_threads(THREADS)
torch.manual_seed(0)

ACTIVATIONS = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "leaky_relu": nn.LeakyReLU,
}
NORMS = {"none": lambda n: None, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class Block(nn.Module):
    def __init__(self, width, blocks):
        super().__init__()
        inner = [NORMS[blocks.norm](width), nn.Linear(width, blocks.hidden), ACTIVATIONS[blocks.activation]()]
        inner.append(nn.Linear(blocks.hidden, width))
        self.branch = nn.Sequential(*filter(None, inner))

    def forward(self, x):
        return x + self.branch(x)


def network(work):
    layers = []
    if work.blocks:
        layers += [Block(work.widths[0], work.blocks) for _ in range(work.blocks.count)]
        layers.append(NORMS[work.blocks.norm](work.widths[0]))
    for a, b, bias, norm, activation, dropout in work.layers():
        layers += [nn.Linear(a, b, bias=bias), NORMS[norm](b)]
        layers.append(None if activation == "none" else ACTIVATIONS[activation]())
        layers.append(nn.Dropout(dropout) if dropout else None)
    return nn.Sequential(*[layer for layer in layers if layer is not None])


def optimizer(rule, parameters):
    how = {"fused": True} if VARIANT == "fused" else {}
    if rule.name == "sgd":
        return torch.optim.SGD(parameters, rule.rate, momentum=rule.momentum, weight_decay=rule.decay, **how)
    if rule.name == "rmsprop":
        if VARIANT == "fused":
            raise Refused("RMSprop has no fused form")
        return torch.optim.RMSprop(parameters, rule.rate, weight_decay=rule.decay)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[rule.name]
    return kind(parameters, rule.rate, weight_decay=rule.decay, **how)


def turned(p):
    """PyTorch's weights are `(outputs, inputs)`, those of the check `(inputs, outputs)`."""
    return p.T if p.dim() == 2 else p


def whole_step(rule, parameters, loss):
    """Forward and backward pass and update as one function of a batch."""
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    t = torch.zeros((), dtype=parameters[0].dtype)

    def step(x, y):
        value = loss(x, y)
        grads = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            if rule.clip:
                norm = torch.sqrt(sum((g * g).sum() for g in grads))
                grads = [g * torch.clamp(rule.clip / (norm + 1e-6), max=1.0) for g in grads]
            if rule.decay and rule.name != "adamw":
                grads = [g + rule.decay * p for g, p in zip(grads, parameters)]
            t.add_(1)
            rate, root = rule.rate / (1 - 0.9**t), torch.sqrt(1 - 0.999**t)
            for p, g, m, v in zip(parameters, grads, first, second):
                if rule.name == "sgd":
                    p.sub_(m.mul_(rule.momentum).add_(g) if rule.momentum else g, alpha=rule.rate)
                elif rule.name == "rmsprop":
                    v.mul_(0.99).addcmul_(g, g, value=0.01)
                    p.sub_(rule.rate * g / (v.sqrt() + 1e-8))
                else:
                    if rule.decay and rule.name == "adamw":
                        p.mul_(1 - rule.rate * rule.decay)
                    m.mul_(0.9).add_(g, alpha=0.1)
                    v.mul_(0.999).addcmul_(g, g, value=0.001)
                    p.sub_(m / (v.sqrt() / root + 1e-8) * rate)
        return value.detach()

    torch._dynamo.config.trace_autograd_ops = True
    return torch.compile(step, fullgraph=True)


def main():
    work = Workload(PATH)
    if work.dtype == "float64":
        torch.set_default_dtype(torch.float64)
    model = network(work)
    parameters, first = list(model.parameters()), First(work)
    with torch.no_grad():
        for p in parameters:
            turned(p).copy_(torch.from_numpy(first(turned(p).numpy())))
    x, y = work.data()
    x, y = [torch.from_numpy(b) for b in x], [torch.from_numpy(b) for b in y]
    named = (f"torch-{VARIANT}", torch.__version__.split("+")[0], "MKL, oneDNN", sum(p.numel() for p in parameters))
    turn = 0
    if work.loss == "none":
        model.eval()
        if VARIANT == "compile":
            model = torch.compile(model)
        if VARIANT == "fused":
            model = torch.jit.optimize_for_inference(torch.jit.script(model))

        def step(x, y):
            with torch.inference_mode():
                return model(x)
    elif work.batch == 1 and "batch" in (work.norm, work.blocks and work.blocks.norm):
        raise Refused("batch norm needs more than one row")
    else:
        model.train()

        def loss(x, y):
            out = model(x)
            return F.mse_loss(out, x) if work.loss == "mse" else F.cross_entropy(out, y)

        if VARIANT == "compile":
            step = whole_step(work.rule, parameters, loss)
        else:
            rule = optimizer(work.rule, parameters)

            def step(x, y):
                rule.zero_grad(set_to_none=True)
                value = loss(x, y)
                value.backward()
                if work.rule.clip:
                    nn.utils.clip_grad_norm_(parameters, work.rule.clip)
                rule.step()
                return value.detach()

    def steps(n):
        nonlocal turn
        for _ in range(n):
            value = step(x[turn % len(x)], y[turn % len(x)])
            turn += 1
        return value

    def values():
        return np.concatenate([turned(p).detach().numpy().ravel() for p in parameters])

    serve(*named, steps, values if work.rule else None)


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        refuse(why)
