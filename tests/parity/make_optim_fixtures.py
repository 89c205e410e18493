#!/usr/bin/env python3
"""Write the numbers for L-BFGS, Muon and clipping by parameter: tests/parity/fixtures/{lbfgs,optim_muon,muon,clip_parameter}.npz.

Run by hand where torch and numpy are present; the fixtures are committed:

    python tests/parity/make_optim_fixtures.py

Everything is computed in float64; the files are laid out as those of `make_fixtures.py`.
"""

import inspect

import numpy as np
import torch
from torch.optim import _muon

import make_fixtures
from make_fixtures import flat, optimizer_case, write

OUTER_STEPS = 20
MATRIX_STEPS = 40


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    write("lbfgs", {name: lbfgs_case(**case) for name, case in LBFGS.items()})
    write("clip_parameter", {"sgd": clip_case()})
    # Before PyTorch's source is changed.
    rounded = {name: matrix_values(case["torch"]) for name, case in MATRICES.items()}
    compute_muon_in_float64()
    make_fixtures.CLASSES["muon"] = MuonAndAdamW
    write("optim_muon", {name: optimizer_case("muon", **case) for name, case in MUON.items()})
    write("muon", {name: matrix_case(rounded[name], **case) for name, case in MATRICES.items()})


# -------------------------------------------------------------------------------------------------------------------------- L-BFGS

# Our configuration, then torch's arguments.
LBFGS = {
    "fixed": dict(ours={"rate": 0.2, "max_iter": 3}, torch={"lr": 0.2, "max_iter": 3}),
    "wolfe": dict(
        ours={"line_search": "strong_wolfe", "max_iter": 4, "max_eval": 12},
        torch={"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 12},
    ),
    # The first trial is too far, so that brackets are narrowed down ...
    "wolfe_far": dict(
        ours={"line_search": "strong_wolfe", "max_iter": 3, "max_eval": 20, "rate": 8.0},
        torch={"line_search_fn": "strong_wolfe", "max_iter": 3, "max_eval": 20, "lr": 8.0},
    ),
    # ... or too near, so that they are looked for; a history that soon forgets; evaluations that run out.
    "wolfe_near": dict(
        ours={"line_search": "strong_wolfe", "max_iter": 3, "max_eval": 7, "history": 4, "rate": 0.05},
        torch={"line_search_fn": "strong_wolfe", "max_iter": 3, "max_eval": 7, "history_size": 4, "lr": 0.05},
    ),
}


def lbfgs_case(ours, torch):
    """Outer steps on the mean square error of a small network over fixed data."""
    t = globals()["torch"]
    draw = np.random.default_rng(11)
    inputs, targets = draw.normal(size=(30, 4)), draw.normal(size=(30, 2))
    model = t.nn.Sequential(t.nn.Linear(4, 5), t.nn.Tanh(), t.nn.Linear(5, 2))
    for parameter in model.parameters():
        parameter.data = t.tensor(draw.normal(size=tuple(parameter.shape)) * 0.5)
    start = ours_flat(model)
    optimizer = t.optim.LBFGS(model.parameters(), **torch)
    x, y = t.tensor(inputs), t.tensor(targets)

    def closure():
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        return loss

    values, losses, evaluations = [], [], []
    for _ in range(OUTER_STEPS):
        losses.append(optimizer.step(closure).item())
        evaluations.append(optimizer.state[next(model.parameters())]["func_evals"])
        values.append(ours_flat(model))
    return {
        "config": ours,
        "x": inputs,
        "y": targets,
        "start": start,
        "values": np.array(values),
        "losses": np.array(losses),
        "evaluations": np.array(evaluations, dtype=np.float64),
    }


def ours_flat(model):
    """All parameters as they lie in our memory: weights as (in, out)."""
    return np.concatenate([p.detach().numpy().T.ravel() for p in model.parameters()])


# ---------------------------------------------------------------------------------------------------------------------------- Muon


def compute_muon_in_float64():
    """PyTorch's own Muon but for one word of its source: it iterates in bfloat16, we in the type of the parameters."""
    source = inspect.getsource(_muon._zeropower_via_newtonschulz)
    assert source.count("torch.bfloat16") == 1
    exec(source.replace("torch.bfloat16", "torch.float64"), _muon.__dict__)


class MuonAndAdamW(torch.optim.Optimizer):
    """Muon for the six values of `w`, a weight from one unit to six, AdamW for the bias, as one optimizer."""

    def __init__(self, groups, lr, bias_decay=1e-2, **muon):
        super().__init__(groups, {"lr": lr})
        self.w = self.param_groups[0]["params"][0]
        self.matrix = torch.nn.Parameter(self.w.data.view(6, 1))
        self.muon = torch.optim.Muon([self.matrix], lr=lr, **muon)
        self.adamw = torch.optim.AdamW(self.param_groups[1]["params"], lr=lr, weight_decay=bias_decay)

    def step(self):
        self.matrix.grad = self.w.grad.view(6, 1)
        self.muon.step()
        self.adamw.step()


# As `OPTIMIZERS` of make_fixtures.py.
MUON = {
    "plain": dict(rule={}, rate=0.01),
    "heavy_ball": dict(
        rule={"nesterov": False, "momentum": 0.8, "scale": "match_rms_adamw"},
        rate=0.02,
        ours={"weight_decay": 0.5},
        torch={
            "nesterov": False,
            "momentum": 0.8,
            "adjust_lr_fn": "match_rms_adamw",
            "weight_decay": 0.5,
            "bias_decay": 0.5,
        },
    ),
    "clip_and_gap": dict(rule={}, rate=0.01, ours={"clip": {"value": 0.3}}, clip_value=0.3, gap=range(10, 35)),
}

# Weights as PyTorch has them, [out, in].
SHAPES = [(5, 3), (3, 7), (4, 4), (1, 6)]

MATRICES = {
    "plain": dict(ours={}, torch={}),
    "heavy_ball": dict(
        ours={"nesterov": False, "momentum": 0.7, "scale": "spectral_unclamped"},
        torch={"nesterov": False, "momentum": 0.7, "adjust_lr_fn": "spectral_unclamped"},
    ),
    "other_polynomial": dict(
        ours={"coefficients": [1.875, -1.25, 0.375], "iterations": 8, "scale": "match_rms_adamw"},
        torch={"ns_coefficients": (1.875, -1.25, 0.375), "ns_steps": 8, "adjust_lr_fn": "match_rms_adamw"},
    ),
}


def matrix_gradients():
    draw = np.random.default_rng(5)
    gradients = []
    for step in range(MATRIX_STEPS):
        spike = 20.0 if step % 17 == 5 else 1.0
        gradients.append([spike * draw.normal(size=shape) for shape in SHAPES])
    return gradients


def matrix_start():
    draw = np.random.default_rng(6)
    return [draw.normal(size=shape) for shape in SHAPES]


def matrix_values(arguments):
    """All weights after each step, as they lie in our memory."""
    weights = [torch.nn.Parameter(torch.tensor(start)) for start in matrix_start()]
    optimizer = torch.optim.Muon(weights, lr=0.02, **arguments)
    values = []
    for gradients in matrix_gradients():
        for weight, gradient in zip(weights, gradients):
            weight.grad = torch.tensor(gradient)
        optimizer.step()
        values.append(in_our_order([w.detach().numpy() for w in weights]))
    return np.array(values)


def matrix_case(rounded, ours, torch):
    return {
        "config": {"rule": {"name": "muon", **ours}, "rate": 0.02},
        "start": in_our_order(matrix_start()),
        "gradients": np.array([in_our_order(gradients) for gradients in matrix_gradients()]),
        "values": matrix_values(torch),
        "bfloat16": rounded[-1],
    }


def in_our_order(matrices):
    return np.concatenate([m.T.ravel() for m in matrices])


# ------------------------------------------------------------------------------------------------------------ clipping by parameter


def clip_case():
    """Gradient descent whose two parameters are clipped by their own norms."""
    t = torch
    draw = np.random.default_rng(9)
    w, b = (t.nn.Parameter(t.tensor(draw.normal(size=size))) for size in (6, 2))
    optimizer = t.optim.SGD([w, b], lr=0.05, momentum=0.9)
    start, gradients, values = flat(w, b), [], []
    for step in range(MATRIX_STEPS):
        gradient = draw.normal(size=8) * np.geomspace(0.05, 1.0, 8) * (5.0 if step % 7 == 5 else 1.0)
        w.grad, b.grad = t.tensor(gradient[:6]), t.tensor(gradient[6:])
        gradients.append(gradient)
        for parameter in (w, b):
            t.nn.utils.clip_grad_norm_(parameter, 0.6)
        optimizer.step()
        values.append(flat(w, b))
    return {
        "config": {"rule": {"name": "sgd", "momentum": 0.9}, "rate": 0.05, "clip": {"parameter_norm": 0.6}},
        "start": start,
        "gradients": np.array(gradients),
        "values": np.array(values),
    }


if __name__ == "__main__":
    main()
