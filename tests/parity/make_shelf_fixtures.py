#!/usr/bin/env python3
"""Write the numbers for the layers and initializers that need more than a module and its gradient: tests/parity/fixtures/shelf_*.npz.

    python tests/parity/make_shelf_fixtures.py

Weight and spectral norm, penalties on activations and k-sparse codes are PyTorch's or composed of its operations; what PyTorch lacks
(LSUV, DropConnect's moments, Fixup) is computed by numpy from the formulas of the sources. Otherwise as make_fixtures.py.
"""

import numpy as np
import torch
from torch.nn.utils import parametrizations

from make_fixtures import FIXTURES, write
from torch_model import KSparse, residual


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    FIXTURES.mkdir(exist_ok=True)
    write("shelf_layers", {name: layer_case(i, **case) for i, (name, case) in enumerate(LAYERS.items())})
    write("shelf_drop_connect", {name: moments_case(i, **case) for i, (name, case) in enumerate(MOMENTS.items())})
    write("shelf_lsuv", {name: lsuv_case(i, **case) for i, (name, case) in enumerate(LSUV.items())})
    write("shelf_scales", {"fixup": fixup_case(), "gain": gain_case()})


# -------------------------------------------------------------------------------------------------------------------------- layers


class Activity(torch.nn.Module):
    def __init__(self, l1=0.0, l2=0.0):
        super().__init__()
        self.l1, self.l2 = l1, l2

    def forward(self, x):
        self.penalty = (self.l1 * x.abs() + self.l2 * x**2).sum(1).mean()
        return x


class KlSparsity(torch.nn.Module):
    def __init__(self, rho=0.05, weight=1.0):
        super().__init__()
        self.rho, self.weight = rho, weight

    def forward(self, x):
        p = x.mean(0).clamp(1e-6, 1 - 1e-6)
        kl = self.rho * torch.log(self.rho / p) + (1 - self.rho) * torch.log((1 - self.rho) / (1 - p))
        self.penalty = self.weight * kl.sum()
        return x


def weight_norm(*sizes, **options):
    return lambda: parametrizations.weight_norm(torch.nn.Linear(*sizes, **options))


def spectral_norm(*sizes, iterations=1, **options):
    return lambda: parametrizations.spectral_norm(torch.nn.Linear(*sizes, **options), n_power_iterations=iterations)


POST_NORM = {
    "layer": "residual",
    "layers": [{"layer": "linear", "outputs": 5}, {"layer": "activation", "activation": "tanh"}],
    "after": [{"layer": "layer_norm"}, {"layer": "linear", "outputs": 3}],
    "scale": 0.5,
    "learned_scale": True,
}
SIGMOID_KL = {
    "layer": "sequential",
    "layers": [
        {"layer": "linear", "outputs": 9},
        {"layer": "activation", "activation": "sigmoid"},
        {"layer": "activity", "l1": 0.2},
        {"layer": "kl_sparsity", "rho": 0.1, "weight": 0.3},
    ],
}

# `draw` gives the values of x, by default 1.5 times standard normal and 0.2.
LAYERS = {
    "weight_norm": dict(config={"layer": "weight_norm", "outputs": 4}, build=weight_norm(3, 4), rows=5, width=3),
    "weight_norm_plain": dict(
        config={"layer": "weight_norm", "outputs": 33, "bias": False}, build=weight_norm(17, 33, bias=False), rows=9, width=17
    ),
    "spectral_norm_one_step": dict(
        config={"layer": "spectral_norm", "outputs": 4}, build=spectral_norm(3, 4), rows=5, width=3
    ),
    "spectral_norm_steps": dict(
        config={"layer": "spectral_norm", "outputs": 6, "bias": False},
        build=spectral_norm(9, 6, bias=False),
        rows=5,
        width=9,
        batches=4,
    ),
    "spectral_norm_iterations": dict(
        config={"layer": "spectral_norm", "outputs": 15, "iterations": 3},
        build=spectral_norm(17, 15, iterations=3),
        rows=4,
        width=17,
        batches=2,
    ),
    "spectral_norm_eval": dict(
        config={"layer": "spectral_norm", "outputs": 4}, build=spectral_norm(7, 4), rows=5, width=7, mode="eval"
    ),
    "activity_l1": dict(config={"layer": "activity", "l1": 0.3}, build=lambda: Activity(0.3), rows=7, width=5),
    "activity_both": dict(
        config={"layer": "activity", "l1": 0.2, "l2": 0.7}, build=lambda: Activity(0.2, 0.7), rows=6, width=17, mode="eval"
    ),
    "kl_sparsity": dict(
        config={"layer": "kl_sparsity"}, build=KlSparsity, rows=8, width=6, draw=lambda d, s: d.uniform(0.01, 0.99, size=s)
    ),
    "kl_sparsity_weight": dict(
        config={"layer": "kl_sparsity", "rho": 0.3, "weight": 2.5},
        build=lambda: KlSparsity(0.3, 2.5),
        rows=1,
        width=15,
        draw=lambda d, s: d.uniform(0.01, 0.99, size=s),
    ),
    # Means outside of (0, 1) in most columns.
    "kl_sparsity_clamp": dict(
        config={"layer": "kl_sparsity", "rho": 0.3}, build=lambda: KlSparsity(0.3), rows=2, width=9
    ),
    "kl_sparsity_behind_a_layer": dict(
        config=SIGMOID_KL,
        build=lambda: torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.Sigmoid(), Activity(0.2), KlSparsity(0.1, 0.3)),
        rows=6,
        width=4,
    ),
    "k_sparse": dict(config={"layer": "k_sparse", "k": 3}, build=lambda: KSparse(3), rows=6, width=17),
    "k_sparse_in_use": dict(
        config={"layer": "k_sparse", "k": 3, "alpha": 1.5}, build=lambda: KSparse(3, 1.5), rows=6, width=9, mode="eval"
    ),
    "residual_post_norm": dict(config=POST_NORM, build=lambda: residual(POST_NORM, 5)[0], rows=6, width=5),
}


def layer_case(seed, config, build, rows, width, batches=1, mode="train", draw=None):
    """Several batches one after another; outputs and gradients are those of the last, of `sum(y dy)` and all penalties."""
    torch.manual_seed(300 + seed)
    numbers = np.random.default_rng(300 + seed)
    module = build().train(mode == "train")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.tensor(0.3 * numbers.normal(size=tuple(parameter.shape))))
    size = (batches, rows, width)
    x = draw(numbers, size) if draw else 1.5 * numbers.normal(size=size) + 0.2
    case = {"config": {"mode": mode, **config}, "x": x}
    for name, value in module.state_dict().items():
        case[f"start/{name}"] = value.detach().clone()
    upstream = None
    for batch in x:
        module.zero_grad()
        leaf = torch.tensor(batch, requires_grad=True)
        y = module(leaf)
        if upstream is None:
            upstream = numbers.normal(size=tuple(y.shape))
        total = (y * torch.tensor(upstream)).sum()
        total = total + sum(m.penalty for m in module.modules() if hasattr(m, "penalty"))
        total.backward()
    case |= {"dy": upstream, "y": y, "dx": leaf.grad, "total": total.detach().reshape(1)}
    for name, parameter in module.named_parameters():
        case[f"grad/{name}"] = parameter.grad
    for name, value in module.named_buffers():
        case[f"end/{name}"] = value
    return case


# ------------------------------------------------------------------------------------------------------------ moments of DropConnect

MOMENTS = {
    "half": dict(p=0.5, rows=6, inputs=9, outputs=4),
    "few": dict(p=0.1, rows=3, inputs=17, outputs=15),
}


def moments_case(seed, p, rows, inputs, outputs):
    """Mean and standard deviation of `x (w m) / (1 - p) + b` over independent masks, from the sums of the sources: each term
    `x_i w_ij m_ij / (1 - p)` has the mean `x_i w_ij` and the variance `(x_i w_ij)^2 p (1 - p) / (1 - p)^2`."""
    draw = np.random.default_rng(400 + seed)
    x, w, b = draw.normal(size=(rows, inputs)), draw.normal(size=(outputs, inputs)), draw.normal(size=outputs)
    mean, variance = np.zeros((rows, outputs)), np.zeros((rows, outputs))
    for i in range(rows):
        for j in range(outputs):
            terms = x[i] * w[j]
            mean[i, j] = terms.sum() + b[j]
            variance[i, j] = (terms**2 * p * (1 - p) / (1 - p) ** 2).sum()
    config = {"layer": "drop_connect", "outputs": outputs, "p": p, "in_use": "gaussian"}
    return {"config": config, "x": x, "start/weight": w, "start/bias": b, "mean": mean, "std": np.sqrt(variance)}


# ----------------------------------------------------------------------------------------------------------------------------- LSUV

LSUV = {
    "without_biases": dict(widths=(6, 12, 9, 3), bias=0.0, tolerance=0.01, tries=10),
    # Biases keep a layer from variance 1 after the first scaling.
    "with_biases": dict(widths=(5, 16, 16, 4), bias=0.5, tolerance=1e-6, tries=100),
    "too_few_tries": dict(widths=(5, 16, 4), bias=0.8, tolerance=1e-12, tries=2),
    # The tolerance of the source lets some layers pass as they are.
    "tolerant": dict(widths=(7, 7, 7, 7, 2), bias=0.0, tolerance=0.5, tries=10),
}


def lsuv_case(seed, widths, bias, tolerance, tries, rows=40):
    """Algorithm 1 of Mishkin and Matas 2016 on a ReLU network, from given weights."""
    draw = np.random.default_rng(500 + seed)
    x = 2.0 * draw.normal(size=(rows, widths[0])) + 0.7
    case = {
        "config": {
            "model": {"model": "mlp", "inputs": widths[0], "hidden": list(widths[1:-1]), "outputs": widths[-1]},
            "tolerance": tolerance,
            "tries": tries,
        },
        "x": x,
    }
    before, after, scalings = [], [], []
    h = x
    for layer, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:])):
        # Orthonormal, as step 1 of the algorithm wants; for a square matrix Q, else its first rows or columns.
        q, _ = np.linalg.qr(draw.normal(size=(max(inputs, outputs), max(inputs, outputs))))
        w, b = 1.3 * q[:outputs, :inputs], bias * draw.normal(size=outputs)
        name = 2 * layer
        case[f"start/{name}.weight"], case[f"start/{name}.bias"] = w.copy(), b
        z = h @ w.T + b
        before.append(z.var())
        count = 0
        while abs(z.var() - 1.0) >= tolerance and count < tries:
            w = w / np.sqrt(z.var())
            z = h @ w.T + b
            count += 1
        after.append(z.var())
        scalings.append(float(count))
        case[f"end/{name}.weight"], case[f"end/{name}.bias"] = w, b
        h = np.maximum(z, 0.0)
    return case | {"before": np.array(before), "after": np.array(after), "scalings": np.array(scalings)}


# --------------------------------------------------------------------------------------------------------------------------- scales


def fixup_case():
    """Blocks, linear layers in a branch, width, and the standard deviation of the inner weights: He's times L^(-1 / (2m - 2))."""
    rows = [(l, m, n) for l in (1, 2, 16, 110) for m in (2, 3, 4) for n in (1, 15, 64)]
    std = [np.sqrt(2.0 / n) * l ** (-1.0 / (2.0 * m - 2.0)) for l, m, n in rows]
    return {"config": {}, "cases": np.array(rows, dtype=float), "std": np.array(std)}


def gain_case():
    """torch.nn.init.calculate_gain for all activations it knows."""
    known = ["identity", "sigmoid", "tanh", "relu", "leaky_relu", {"name": "leaky_relu", "slope": 0.2}, "selu"]
    gains = []
    for activation in known:
        name, slope = (activation["name"], activation["slope"]) if isinstance(activation, dict) else (activation, None)
        gains.append(torch.nn.init.calculate_gain({"identity": "linear"}.get(name, name), slope))
    return {"config": {"activations": known}, "gains": np.array(gains, dtype=float)}


if __name__ == "__main__":
    main()
