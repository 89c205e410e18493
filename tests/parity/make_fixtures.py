#!/usr/bin/env python3
"""Write the numbers of PyTorch that the parity laws compare with: tests/parity/fixtures/*.npz.

Run by hand where torch and numpy are present; the fixtures are committed, so nobody else needs torch:

    python tests/parity/make_fixtures.py

Everything is computed in float64. A file holds cases; the arrays of a case are called `<case>/<array>`, and `<case>/config` is the
JSON of our own configuration of the same thing, as bytes. `torch` holds the version. The npz are not compressed.
"""

import io
import json
import pathlib
import zipfile
from functools import partial

import numpy as np
import torch

from torch_model import Highway, Residual, SwiGlu, activation, residual

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
LIMIT = 200_000
STEPS = 100


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    FIXTURES.mkdir(exist_ok=True)
    for rule, cases in OPTIMIZERS.items():
        write(f"optim_{rule}", {name: optimizer_case(rule, **case) for name, case in cases.items()})
    write("schedules", {name: schedule_case(**case) for name, case in SCHEDULES.items()})
    write("plateaus", {name: plateau_case(**case) for name, case in PLATEAUS.items()})
    write("averages", {name: average_case(**case) for name, case in AVERAGES.items()})
    write("activations", {name: activation_case(name, options) for name, options in ACTIVATIONS})
    write("layers", {name: layer_case(i, *case) for i, (name, case) in enumerate(LAYERS.items())})
    write("losses", {name: loss_case(i, *case) for i, (name, case) in enumerate(LOSSES.items())})
    write("training", {"mlp": training_case()})


def write(name, cases):
    arrays = {"torch": text(torch.__version__)}
    for case, parts in cases.items():
        for part, value in parts.items():
            if part == "config":
                value = text(json.dumps(value))
            elif isinstance(value, torch.Tensor):
                value = value.detach().numpy()
            arrays[f"{case}/{part}"] = np.ascontiguousarray(value)
    path = FIXTURES / f"{name}.npz"
    # As numpy.savez, but with the same bytes each time.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for key, value in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, value, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy"), buffer.getvalue())
    size = path.stat().st_size
    print(f"{path.name}: {len(cases)} cases, {size} bytes")
    assert size < LIMIT, f"{path} holds {size} bytes, the limit is {LIMIT}"


def text(value):
    return np.frombuffer(str(value).encode(), dtype=np.uint8)


# ---------------------------------------------------------------------------------------------------------------------- optimizers

# For each case: our configuration without the rule's name, then torch's arguments. `bias` are torch's arguments for the group of the
# bias alone; `gap` are the steps in which the bias has no gradient.
OPTIMIZERS = {
    "sgd": {
        "plain": dict(rule={}, rate=0.05),
        "momentum": dict(rule={"momentum": 0.9}, rate=0.02, torch={"momentum": 0.9}),
        "dampening": dict(
            rule={"momentum": 0.8, "dampening": 0.5}, rate=0.05, torch={"momentum": 0.8, "dampening": 0.5}
        ),
        "nesterov": dict(
            rule={"momentum": 0.9, "nesterov": True}, rate=0.02, torch={"momentum": 0.9, "nesterov": True}
        ),
        "decay": dict(
            rule={"momentum": 0.9}, rate=0.02, ours={"weight_decay": 0.1}, torch={"momentum": 0.9, "weight_decay": 0.1}
        ),
        "clip_norm": dict(
            rule={"momentum": 0.9}, rate=0.05, ours={"clip": {"global_norm": 0.5}}, torch={"momentum": 0.9}, clip_norm=0.5
        ),
        "clip_value": dict(rule={}, rate=0.05, ours={"clip": {"value": 0.3}}, clip_value=0.3),
        "step_schedule": dict(
            rule={},
            rate=0.1,
            ours={"schedule": {"name": "step", "every": 20, "gamma": 0.5}},
            schedule=lambda o: torch.optim.lr_scheduler.StepLR(o, 20, gamma=0.5),
        ),
        "one_cycle": dict(
            rule={"momentum": 0.9},
            rate=0.05,
            ours={"schedule": {"name": "one_cycle", "steps": 100}},
            torch={"momentum": 0.9},
            schedule=lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.05, total_steps=100),
        ),
        "sutskever": dict(
            rule={"momentum": 0.9, "nesterov": True},
            rate=0.02,
            ours={"schedule": {"name": "sutskever", "every": 20, "max": 0.87}},
            torch={"momentum": 0.9, "nesterov": True},
            schedule=lambda o: SutskeverMomentum(o, 20, 0.87),
        ),
    },
    "adagrad": {
        "plain": dict(rule={}, rate=0.1),
        "decay": dict(
            rule={"initial_accumulator": 0.1, "eps": 1e-6},
            rate=0.1,
            ours={"weight_decay": 0.05},
            torch={"initial_accumulator_value": 0.1, "eps": 1e-6, "weight_decay": 0.05},
        ),
    },
    "rmsprop": {
        "plain": dict(rule={}, rate=0.01),
        "momentum": dict(rule={"momentum": 0.9, "alpha": 0.9}, rate=0.002, torch={"momentum": 0.9, "alpha": 0.9}),
        "centered": dict(rule={"centered": True}, rate=0.01, torch={"centered": True}),
        "centered_momentum": dict(
            rule={"centered": True, "momentum": 0.5},
            rate=0.005,
            ours={"weight_decay": 0.1},
            torch={"centered": True, "momentum": 0.5, "weight_decay": 0.1},
        ),
    },
    "adam": {
        "plain": dict(rule={}, rate=0.05),
        "l2": dict(rule={}, rate=0.05, ours={"weight_decay": 0.1}, torch={"weight_decay": 0.1}),
        "betas": dict(
            rule={"beta1": 0.8, "beta2": 0.95, "eps": 1e-6}, rate=0.02, torch={"betas": (0.8, 0.95), "eps": 1e-6}
        ),
        "clip_norm": dict(rule={}, rate=0.05, ours={"clip": {"global_norm": 1.0}}, clip_norm=1.0),
        "gap": dict(rule={}, rate=0.05, gap=range(10, 35)),
        "amsgrad": dict(
            rule={"amsgrad": True}, rate=0.05, ours={"weight_decay": 0.1}, torch={"amsgrad": True, "weight_decay": 0.1}
        ),
        "decoupled": dict(
            rule={},
            rate=0.05,
            ours={"weight_decay": 0.1, "decay_style": "decoupled"},
            torch={"weight_decay": 0.1, "decoupled_weight_decay": True},
        ),
        "one_cycle": dict(
            rule={},
            rate=0.1,
            ours={"schedule": {"name": "one_cycle", "steps": 100, "rise": 0.2, "momentum": [0.7, 0.9]}},
            schedule=lambda o: torch.optim.lr_scheduler.OneCycleLR(
                o, 0.1, total_steps=100, pct_start=0.2, base_momentum=0.7, max_momentum=0.9
            ),
        ),
        "warmup_cosine": dict(
            rule={},
            rate=0.1,
            ours={
                "schedule": {
                    "name": "warmup",
                    "steps": 10,
                    "start": 0.1,
                    "then": {"name": "cosine", "steps": 90, "floor": 0.05},
                }
            },
            schedule=lambda o: torch.optim.lr_scheduler.SequentialLR(
                o,
                [
                    torch.optim.lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=10),
                    torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=90, eta_min=0.005),
                ],
                milestones=[10],
            ),
        ),
    },
    "adamw": {
        "plain": dict(rule={}, rate=0.05),
        "decay": dict(rule={}, rate=0.02, ours={"weight_decay": 0.5}, torch={"weight_decay": 0.5}),
        "gap": dict(rule={}, rate=0.05, gap=range(3, 50)),
        "amsgrad": dict(rule={"amsgrad": True}, rate=0.05, torch={"amsgrad": True}),
        "clip_adaptive": dict(
            rule={}, rate=0.05, ours={"clip": {"adaptive": {"ratio": 0.3, "floor": 0.5}}}, clip_adaptive=(0.3, 0.5)
        ),
        # Our default: decay on weights only; and a slower bias.
        "groups": dict(
            rule={},
            rate=0.05,
            ours={"decay_on": "weights", "weight_decay": 0.2, "groups": [{"prefix": "b", "rate_factor": 0.1}]},
            torch={"weight_decay": 0.2},
            bias={"lr": 0.005, "weight_decay": 0.0},
        ),
    },
    "adadelta": {
        "plain": dict(rule={}, rate=1.0),
        "decay": dict(
            rule={"rho": 0.95, "eps": 1e-4},
            rate=0.5,
            ours={"weight_decay": 0.1},
            torch={"rho": 0.95, "eps": 1e-4, "weight_decay": 0.1},
        ),
    },
    "adamax": {
        "plain": dict(rule={}, rate=0.05),
        "decay": dict(
            rule={"beta1": 0.8, "beta2": 0.95, "eps": 1e-6},
            rate=0.02,
            ours={"weight_decay": 0.1},
            torch={"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1},
        ),
        "gap": dict(rule={}, rate=0.05, gap=range(10, 35)),
    },
    "nadam": {
        "plain": dict(rule={}, rate=0.05),
        "decay": dict(
            rule={"beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "momentum_decay": 0.05},
            rate=0.02,
            ours={"weight_decay": 0.1},
            torch={"betas": (0.8, 0.95), "eps": 1e-6, "momentum_decay": 0.05, "weight_decay": 0.1},
        ),
        "decoupled": dict(
            rule={},
            rate=0.05,
            ours={"weight_decay": 0.1, "decay_style": "decoupled"},
            torch={"weight_decay": 0.1, "decoupled_weight_decay": True},
        ),
        "gap": dict(rule={}, rate=0.05, gap=range(10, 35)),
    },
    "radam": {
        "plain": dict(rule={}, rate=0.05),
        "decay": dict(
            rule={"beta1": 0.8, "beta2": 0.95, "eps": 1e-6},
            rate=0.02,
            ours={"weight_decay": 0.1},
            torch={"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1},
        ),
        "decoupled": dict(
            rule={},
            rate=0.05,
            ours={"weight_decay": 0.1, "decay_style": "decoupled"},
            torch={"weight_decay": 0.1, "decoupled_weight_decay": True},
        ),
        # So short a memory that it never divides.
        "momentum_alone": dict(rule={"beta2": 0.6}, rate=0.02, torch={"betas": (0.9, 0.6)}),
        "gap": dict(rule={}, rate=0.05, gap=range(3, 35)),
    },
    "lion": {
        "plain": dict(rule={}, rate=0.01),
        "decay": dict(
            rule={"beta1": 0.95, "beta2": 0.98},
            rate=0.01,
            ours={"weight_decay": 0.5},
            torch={"betas": (0.95, 0.98), "weight_decay": 0.5},
        ),
        "gap": dict(rule={}, rate=0.01, gap=range(10, 35)),
    },
}


class Lion(torch.optim.Optimizer):
    """PyTorch has no Lion: this is program 1 of Chen et al. 2023, in the order of its lines."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in (w for w in group["params"] if w.grad is not None):
                m = self.state[w].setdefault("momentum", torch.zeros_like(w))
                interpolation = (1 - group["betas"][0]) * w.grad + group["betas"][0] * m
                update = torch.sign(interpolation) + w * group["weight_decay"]
                m.copy_((1 - group["betas"][1]) * w.grad + group["betas"][1] * m)
                w.sub_(update * group["lr"])


class SutskeverMomentum:
    """PyTorch has no such schedule: equation 5 of Sutskever et al. 2013."""

    def __init__(self, optimizer, every, largest):
        self.optimizer, self.every, self.largest, self.t = optimizer, every, largest, -1
        self.step()

    def step(self):
        self.t += 1
        for group in self.optimizer.param_groups:
            group["momentum"] = min(1 - 2 ** (-1 - np.log2(self.t // self.every + 1)), self.largest)


CLASSES = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adadelta": torch.optim.Adadelta,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "lion": Lion,
}


def optimizer_case(
    rule_name,
    rule,
    rate,
    ours={},
    torch={},
    bias={},
    gap=(),
    clip_norm=None,
    clip_value=None,
    clip_adaptive=None,
    schedule=None,
):
    t = globals()["torch"]
    draw = np.random.default_rng(7)
    w = t.nn.Parameter(t.tensor(draw.normal(size=6)))
    b = t.nn.Parameter(t.tensor(draw.normal(size=2)))
    curvature = np.geomspace(0.05, 3.0, 8)
    optimizer = CLASSES[rule_name]([{"params": [w]}, {"params": [b], **bias}], lr=rate, **torch)
    scheduler = schedule(optimizer) if schedule else None

    start = flat(w, b)
    gradients, written, norms, values = [], [], [], []
    for step in range(STEPS):
        # A noisy quadratic with a spike now and then; the fourth component rests for a while.
        gradient = curvature * flat(w, b) + 0.3 * draw.normal(size=8)
        gradient *= 20.0 if step % 17 == 5 else 1.0
        gradient[3] *= 0.0 if 40 <= step < 60 else 1.0
        reached = step not in gap
        w.grad = t.tensor(gradient[:6])
        b.grad = t.tensor(gradient[6:]) if reached else None
        gradients.append(gradient if reached else np.append(gradient[:6], [0.0, 0.0]))
        written.append([1, int(reached)])
        norms.append(t.nn.utils.get_total_norm([p.grad for p in (w, b) if p.grad is not None]).item())
        if clip_norm:
            t.nn.utils.clip_grad_norm_([w, b], clip_norm)
        if clip_adaptive:
            clip_unitwise(w, *clip_adaptive)
            clip_unitwise(b, *clip_adaptive)
        if clip_value:
            t.nn.utils.clip_grad_value_([w, b], clip_value)
        optimizer.step()
        if scheduler:
            scheduler.step()
        values.append(flat(w, b))
    return {
        "config": {"rule": {"name": rule_name, **rule}, "rate": rate, "decay_on": "all", **ours},
        "start": start,
        "gradients": np.array(gradients),
        "written": np.array(written, dtype=np.float64),
        "norms": np.array(norms),
        "values": np.array(values),
    }


def clip_unitwise(parameter, ratio, floor):
    """Algorithm of Brock et al. 2021, equation 3. Our `w` is one row, `(in, out) = (1, 6)`: each value is a unit of its own."""
    dims = (1,) if len(parameter) == 6 else (0, 1)
    value, gradient = parameter.detach().reshape(-1, 1), parameter.grad.reshape(-1, 1)
    norm = torch.linalg.vector_norm(value, dim=dims, keepdim=True).clamp(min=floor)
    gradient_norm = torch.linalg.vector_norm(gradient, dim=dims, keepdim=True)
    clipped = gradient * (ratio * norm / gradient_norm.clamp(min=1e-6))
    parameter.grad = torch.where(gradient_norm > ratio * norm, clipped, gradient).reshape(-1)


def flat(*parameters):
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


# ----------------------------------------------------------------------------------------------------------------------- schedules

LR = torch.optim.lr_scheduler
RATE, SCHEDULE_STEPS = 0.1, 200

# name: our configuration of the schedule, torch's; the base rate is RATE.
SCHEDULES = {
    "constant": dict(ours={}, torch=lambda o: LR.LambdaLR(o, lambda _: 1.0), name="constant"),
    "cosine": dict(name="cosine", ours={"steps": 200}, torch=lambda o: LR.CosineAnnealingLR(o, T_max=200)),
    "cosine_floor": dict(
        name="cosine", ours={"steps": 250, "floor": 0.05}, torch=lambda o: LR.CosineAnnealingLR(o, T_max=250, eta_min=0.005)
    ),
    "exponential": dict(name="exponential", ours={"gamma": 0.97}, torch=lambda o: LR.ExponentialLR(o, 0.97)),
    "linear": dict(name="linear", ours={"steps": 5}, torch=lambda o: LR.LinearLR(o)),
    "linear_down": dict(
        name="linear",
        ours={"steps": 150, "start": 1.0, "end": 0.1},
        torch=lambda o: LR.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=150),
    ),
    "multi_step": dict(
        name="multi_step",
        ours={"milestones": [10, 10, 50, 180], "gamma": 0.3},
        torch=lambda o: LR.MultiStepLR(o, [10, 10, 50, 180], gamma=0.3),
    ),
    "one_cycle": dict(
        name="one_cycle", ours={"steps": 200}, torch=lambda o: LR.OneCycleLR(o, RATE, total_steps=200)
    ),
    "one_cycle_linear": dict(
        name="one_cycle",
        ours={"steps": 205, "rise": 0.37, "div": 10, "final_div": 100, "anneal": "linear", "momentum": [0.5, 0.9]},
        torch=lambda o: LR.OneCycleLR(
            o,
            RATE,
            total_steps=205,
            pct_start=0.37,
            div_factor=10,
            final_div_factor=100,
            anneal_strategy="linear",
            base_momentum=0.5,
            max_momentum=0.9,
        ),
    ),
    "one_cycle_three_phases": dict(
        name="one_cycle",
        ours={"steps": 200, "three_phases": True, "momentum": None},
        torch=lambda o: LR.OneCycleLR(o, RATE, total_steps=200, three_phase=True, cycle_momentum=False),
    ),
    "polynomial": dict(
        name="polynomial", ours={"steps": 150, "power": 2.5}, torch=lambda o: LR.PolynomialLR(o, total_iters=150, power=2.5)
    ),
    "step": dict(name="step", ours={"every": 30}, torch=lambda o: LR.StepLR(o, 30)),
    "warm_restarts": dict(
        name="warm_restarts", ours={"steps": 30}, torch=lambda o: LR.CosineAnnealingWarmRestarts(o, T_0=30)
    ),
    "warm_restarts_growing": dict(
        name="warm_restarts",
        ours={"steps": 11, "growth": 3, "floor": 0.02},
        torch=lambda o: LR.CosineAnnealingWarmRestarts(o, T_0=11, T_mult=3, eta_min=0.002),
    ),
    "warmup": dict(
        name="warmup",
        ours={"steps": 20, "start": 0.1, "then": {"name": "exponential", "gamma": 0.98}},
        torch=lambda o: LR.SequentialLR(
            o, [LR.LinearLR(o, start_factor=0.1, total_iters=20), LR.ExponentialLR(o, 0.98)], milestones=[20]
        ),
    ),
    "sequential": dict(
        name="sequential",
        ours={
            "schedules": [
                {"name": "linear", "steps": 30, "start": 0.2, "end": 0.8},
                {"name": "polynomial", "steps": 60},
                {"name": "step", "every": 40, "gamma": 0.5},
            ],
            "milestones": [40, 90],
        },
        torch=lambda o: LR.SequentialLR(
            o,
            [
                LR.LinearLR(o, start_factor=0.2, end_factor=0.8, total_iters=30),
                LR.PolynomialLR(o, total_iters=60),
                LR.StepLR(o, 40, gamma=0.5),
            ],
            milestones=[40, 90],
        ),
    ),
    "chained": dict(
        name="chained",
        ours={
            "schedules": [
                {"name": "linear", "steps": 20, "start": 0.1},
                {"name": "exponential", "gamma": 0.99},
                {"name": "multi_step", "milestones": [100], "gamma": 0.2},
            ]
        },
        torch=lambda o: LR.ChainedScheduler(
            [
                LR.LinearLR(o, start_factor=0.1, total_iters=20),
                LR.ExponentialLR(o, 0.99),
                LR.MultiStepLR(o, [100], gamma=0.2),
            ]
        ),
    ),
}


def schedule_case(name, ours, torch):
    t = globals()["torch"]
    optimizer = t.optim.SGD([t.nn.Parameter(t.zeros(1))], lr=RATE, momentum=0.8)
    scheduler = torch(optimizer)
    rates, momenta = [], []
    for step in range(SCHEDULE_STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if step + 1 < SCHEDULE_STEPS:
            scheduler.step()
    rule = {"name": "sgd", "momentum": 0.8}
    return {
        "config": {"rule": rule, "rate": RATE, "schedule": {"name": name, **ours}},
        "rates": np.array(rates),
        "momenta": np.array(momenta),
    }


# name: our configuration, torch's arguments
PLATEAUS = {
    "default": dict(ours={}, torch={}),
    "patient": dict(
        ours={"factor": 0.5, "patience": 3, "cooldown": 4, "floor": 0.05, "margin": {"absolute": 0.02}},
        torch={"factor": 0.5, "patience": 3, "cooldown": 4, "min_lr": 0.005, "threshold": 0.02, "threshold_mode": "abs"},
    ),
    "max": dict(
        ours={"goal": "max", "factor": 0.3, "patience": 0, "margin": {"relative": 0.01}},
        torch={"mode": "max", "factor": 0.3, "patience": 0, "threshold": 0.01, "eps": 0.0},
    ),
}


def plateau_case(ours, torch):
    t = globals()["torch"]
    draw = np.random.default_rng(3)
    optimizer = t.optim.SGD([t.nn.Parameter(t.zeros(1))], lr=RATE)
    scheduler = LR.ReduceLROnPlateau(optimizer, **torch)
    sign = -1.0 if torch.get("mode") == "max" else 1.0
    # Better and better in ever smaller steps, with noise.
    metrics = 2.0 + sign * (np.exp(-np.arange(SCHEDULE_STEPS) / 25.0) + 0.02 * draw.normal(size=SCHEDULE_STEPS))
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return {
        "config": {"rule": "sgd", "rate": RATE, "plateau": ours},
        "metrics": metrics,
        "rates": np.array(rates),
    }


# name: how torch averages
AVERAGES = {
    "ema": dict(ours={"decay": 0.9}, average=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)),
    "ema_half": dict(ours={"decay": 0.3}, average=torch.optim.swa_utils.get_ema_multi_avg_fn(0.3)),
    "swa": dict(ours={}, average=torch.optim.swa_utils.get_swa_multi_avg_fn()),
}


def average_case(ours, average):
    draw = np.random.default_rng(11)
    model = torch.nn.Linear(3, 2)
    averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=average)
    values, averages = [], []
    for _ in range(STEPS):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.tensor(draw.normal(size=tuple(parameter.shape))))
        averaged.update_parameters(model)
        values.append(flat(*model.parameters()))
        averages.append(flat(*averaged.module.parameters()))
    return {"config": ours, "values": np.array(values), "averages": np.array(averages)}


# ---------------------------------------------------------------------------------------------------------- activations and layers

F = torch.nn.functional

ACTIVATIONS = [
    ("identity", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("relu", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"slope": 0.2}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("selu", {}),
    ("gelu", {}),
    ("gelu_tanh", {}),
    ("softsign", {}),
    ("silu", {}),
    ("mish", {}),
    ("softplus", {}),
    ("softplus", {"beta": 2.5, "threshold": 5.0}),
    ("log_sigmoid", {}),
    ("relu6", {}),
    ("celu", {}),
    ("celu", {"alpha": 0.5}),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("hardtanh", {}),
    ("hardtanh", {"min": -0.25, "max": 2.5}),
    ("tanhshrink", {}),
    ("hardshrink", {}),
    ("hardshrink", {"lambda": 1.25}),
    ("softshrink", {}),
    ("softshrink", {"lambda": 1.25}),
    ("threshold", {}),
    ("threshold", {"threshold": 0.25, "value": 20.0}),
]
ACTIVATIONS = [("_".join([name, *map(str, options.values())]), {"name": name, **options}) for name, options in ACTIVATIONS]


class Hardsigmoid(torch.nn.Module):
    """PyTorch's own multiplies its gradient by 1/6 in single precision, so that in double precision it is off by 3e-8."""

    def forward(self, x):
        return F.relu6(x + 3.0) / 6.0


def activation_case(_, options):
    # Both signs from nearly nothing to where every exponential has saturated; no zero, where conventions differ.
    sizes = np.array([1e-8, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 8.0, 12.0, 20.0, 40.0, 88.0, 800.0])
    x = np.stack([sizes, -sizes])[None]
    module = Hardsigmoid() if options["name"] == "hardsigmoid" else activation(options)
    return run_layer({"layer": "activation", "activation": options}, module, x, 1, "train")


SCALED = {
    "layer": "residual",
    "layers": [{"layer": "layer_norm"}, {"layer": "linear", "outputs": 5}, {"layer": "activation", "activation": "silu"}],
    "scale": 0.25,
}
REZERO = {"layer": "residual", "layers": [{"layer": "linear", "outputs": 5}], "scale": 0.0, "learned_scale": True}

# name: our configuration, torch's module, rows, width, batches, mode
LAYERS = {
    "linear": ({"layer": "linear", "outputs": 4}, lambda: torch.nn.Linear(3, 4), 5, 3, 1, "train"),
    "linear_without_bias": (
        {"layer": "linear", "outputs": 1, "bias": False},
        lambda: torch.nn.Linear(7, 1, bias=False),
        1,
        7,
        1,
        "train",
    ),
    "linear_wide": ({"layer": "linear", "outputs": 33}, lambda: torch.nn.Linear(65, 33), 17, 65, 1, "train"),
    "prelu": ({"layer": "prelu"}, lambda: torch.nn.PReLU(), 6, 4, 1, "train"),
    "prelu_per_channel": (
        {"layer": "prelu", "slope": 0.1, "per_channel": True},
        lambda: torch.nn.PReLU(4, init=0.1),
        6,
        4,
        1,
        "train",
    ),
    "batch_norm_train": ({"layer": "batch_norm"}, lambda: torch.nn.BatchNorm1d(5), 8, 5, 4, "train"),
    "batch_norm_plain": (
        {"layer": "batch_norm", "affine": False, "momentum": 0.3, "eps": 1e-3},
        lambda: torch.nn.BatchNorm1d(3, affine=False, momentum=0.3, eps=1e-3),
        9,
        3,
        3,
        "train",
    ),
    "batch_norm_eval": ({"layer": "batch_norm"}, lambda: torch.nn.BatchNorm1d(5), 8, 5, 1, "eval"),
    "layer_norm": ({"layer": "layer_norm"}, lambda: torch.nn.LayerNorm(6), 7, 6, 1, "train"),
    "layer_norm_plain": (
        {"layer": "layer_norm", "affine": False, "eps": 1e-3},
        lambda: torch.nn.LayerNorm(9, elementwise_affine=False, eps=1e-3),
        4,
        9,
        1,
        "train",
    ),
    "residual": (
        {"layer": "residual", "layers": [{"layer": "linear", "outputs": 5}, {"layer": "activation", "activation": "tanh"}]},
        lambda: Residual(torch.nn.Linear(5, 5), torch.nn.Tanh()),
        6,
        5,
        1,
        "train",
    ),
    "sequential": (
        {
            "layer": "sequential",
            "layers": [
                # A bias in front of a batch norm has no effect: its gradient would be rounding alone.
                {"layer": "linear", "outputs": 9, "bias": False},
                {"layer": "batch_norm"},
                {"layer": "activation", "activation": "gelu"},
                {"layer": "linear", "outputs": 6, "bias": False},
                {"layer": "layer_norm"},
                {"layer": "activation", "activation": "selu"},
                {"layer": "linear", "outputs": 2},
            ],
        },
        lambda: torch.nn.Sequential(
            torch.nn.Linear(4, 9, bias=False),
            torch.nn.BatchNorm1d(9),
            torch.nn.GELU(),
            torch.nn.Linear(9, 6, bias=False),
            torch.nn.LayerNorm(6),
            torch.nn.SELU(),
            torch.nn.Linear(6, 2),
        ),
        10,
        4,
        2,
        "train",
    ),
    "glu": ({"layer": "glu"}, torch.nn.GLU, 6, 8, 1, "train"),
    "swiglu": ({"layer": "swiglu"}, SwiGlu, 6, 8, 1, "train"),
    "rms_norm": ({"layer": "rms_norm", "eps": 1e-6}, lambda: torch.nn.RMSNorm(7, eps=1e-6), 6, 7, 1, "train"),
    # The default eps is that of the element type, and the fixture is of double precision.
    "rms_norm_plain": (
        {"layer": "rms_norm", "affine": False},
        lambda: torch.nn.RMSNorm(5, elementwise_affine=False),
        6,
        5,
        1,
        "train",
    ),
    "group_norm": ({"layer": "group_norm", "groups": 3}, lambda: torch.nn.GroupNorm(3, 12), 6, 12, 1, "train"),
    "group_norm_plain": (
        {"layer": "group_norm", "groups": 2, "affine": False, "eps": 1e-3},
        lambda: torch.nn.GroupNorm(2, 8, affine=False, eps=1e-3),
        5,
        8,
        1,
        "train",
    ),
    "highway": ({"layer": "highway", "activation": "tanh"}, lambda: Highway(5, torch.nn.Tanh()), 6, 5, 1, "train"),
    "drop_connect_eval": ({"layer": "drop_connect", "outputs": 4}, lambda: torch.nn.Linear(3, 4), 5, 3, 1, "eval"),
    "alpha_dropout_eval": ({"layer": "alpha_dropout"}, lambda: torch.nn.AlphaDropout(), 5, 3, 1, "eval"),
    "residual_scale": (SCALED, lambda: residual(SCALED, 5)[0], 6, 5, 1, "train"),
    "residual_learned_scale": (REZERO, lambda: residual(REZERO, 5)[0], 6, 5, 1, "train"),
}


def layer_case(seed, config, build, rows, width, batches, mode):
    torch.manual_seed(100 + seed)
    draw = np.random.default_rng(100 + seed)
    module = build()
    with torch.no_grad():
        for parameter in module.parameters():
            # Gains and biases of norms would start at ones and zeros, which hides mistakes.
            parameter.add_(torch.tensor(0.3 * draw.normal(size=tuple(parameter.shape))))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean") and mode == "eval":
                buffer.copy_(torch.tensor(draw.normal(size=tuple(buffer.shape))))
            if name.endswith("running_var") and mode == "eval":
                buffer.copy_(torch.tensor(draw.uniform(0.3, 2.0, size=tuple(buffer.shape))))
    return run_layer(config, module, 1.5 * draw.normal(size=(batches, rows, width)) + 0.2, seed, mode)


def run_layer(config, module, x, seed, mode):
    """Several batches one after another; outputs and gradients are those of the last."""
    draw = np.random.default_rng(1000 + seed)
    module.train(mode == "train")
    case = {"config": {"mode": mode, **config}, "x": x}
    for name, value in module.state_dict().items():
        case[f"start/{name}"] = value.detach().clone().to(torch.float64)
    for batch in x:
        module.zero_grad()
        leaf = torch.tensor(batch, requires_grad=True)
        y = module(leaf)
    upstream = draw.normal(size=tuple(y.shape))
    y.backward(torch.tensor(upstream))
    case |= {"dy": upstream, "y": y, "dx": leaf.grad}
    for name, parameter in module.named_parameters():
        case[f"grad/{name}"] = parameter.grad
    for name, value in module.named_buffers():
        case[f"end/{name}"] = value.to(torch.float64)
    return case


# ---------------------------------------------------------------------------------------------------------------- losses, training



def gaussian_nll(output, target, **options):
    # Ours takes the logarithm of the variance, beside the mean.
    mean, log_variance = output.chunk(2, dim=1)
    return F.gaussian_nll_loss(mean, target, log_variance.exp(), **options)


# name: our loss, torch's function, rows, width, size of the outputs, kind of target
LOSSES = {
    "mse": ("mse", F.mse_loss, 5, 3, 3.0, "values"),
    "bce_with_logits": ("bce_with_logits", F.binary_cross_entropy_with_logits, 6, 2, 3.0, "shares"),
    "bce_with_logits_large": ("bce_with_logits", F.binary_cross_entropy_with_logits, 6, 2, 900.0, "shares"),
    "softmax_cross_entropy": ("softmax_cross_entropy", F.cross_entropy, 7, 4, 3.0, "labels"),
    "softmax_cross_entropy_large": ("softmax_cross_entropy", F.cross_entropy, 4, 3, 900.0, "labels"),
    "mae": ("mae", F.l1_loss, 5, 3, 3.0, "values"),
    "huber": ("huber", F.huber_loss, 5, 3, 1.5, "values"),
    "huber_delta": ({"name": "huber", "delta": 2.5}, partial(F.huber_loss, delta=2.5), 6, 4, 3.0, "values"),
    "smooth_l1": ("smooth_l1", F.smooth_l1_loss, 5, 3, 1.5, "values"),
    "smooth_l1_beta": ({"name": "smooth_l1", "beta": 2.5}, partial(F.smooth_l1_loss, beta=2.5), 6, 4, 3.0, "values"),
    "kl_div": ("kl_div", partial(F.kl_div, reduction="batchmean"), 6, 5, 3.0, "distributions"),
    "kl_div_logits": (
        {"name": "kl_div", "logits": True},
        lambda z, t: F.kl_div(F.log_softmax(z, dim=1), t, reduction="batchmean"),
        6,
        5,
        3.0,
        "distributions",
    ),
    "gaussian_nll": ("gaussian_nll", gaussian_nll, 7, 6, 1.5, "half"),
    "gaussian_nll_full": ({"name": "gaussian_nll", "full": True}, partial(gaussian_nll, full=True), 7, 2, 1.5, "half"),
    "poisson_nll": ("poisson_nll", F.poisson_nll_loss, 6, 4, 2.0, "counts"),
    "poisson_nll_full": ({"name": "poisson_nll", "full": True}, partial(F.poisson_nll_loss, full=True), 6, 4, 2.0, "counts"),
    "bce_with_logits_pos_weight": (
        {"name": "bce_with_logits", "pos_weight": 3.5},
        partial(F.binary_cross_entropy_with_logits, pos_weight=torch.tensor(3.5, dtype=torch.float64)),
        6,
        3,
        4.0,
        "shares",
    ),
    "softmax_cross_entropy_weights": (
        {"name": "softmax_cross_entropy", "class_weights": [0.5, 2.0, 0.0, 1.25]},
        partial(F.cross_entropy, weight=torch.tensor([0.5, 2.0, 0.0, 1.25], dtype=torch.float64)),
        9,
        4,
        3.0,
        "labels",
    ),
    "softmax_cross_entropy_smoothing": (
        {"name": "softmax_cross_entropy", "label_smoothing": 0.2},
        partial(F.cross_entropy, label_smoothing=0.2),
        9,
        4,
        3.0,
        "labels",
    ),
    "softmax_cross_entropy_weights_smoothing": (
        {"name": "softmax_cross_entropy", "class_weights": [0.5, 2.0, 0.0, 1.25], "label_smoothing": 0.2},
        partial(F.cross_entropy, weight=torch.tensor([0.5, 2.0, 0.0, 1.25], dtype=torch.float64), label_smoothing=0.2),
        9,
        4,
        3.0,
        "labels",
    ),
}


def loss_case(seed, name, function, rows, width, size, kind):
    draw = np.random.default_rng(200 + seed)
    output = torch.tensor(size * draw.normal(size=(rows, width)), requires_grad=True)
    target = {
        "labels": lambda: draw.integers(0, width, size=rows),
        "values": lambda: draw.normal(size=(rows, width)),
        "shares": lambda: draw.uniform(size=(rows, width)),
        "half": lambda: draw.normal(size=(rows, width // 2)),
        "counts": lambda: draw.poisson(2.0, size=(rows, width)).astype(np.float64),
        # The last class has probability 0, where the logarithm has no value.
        "distributions": lambda: np.pad(draw.dirichlet(np.ones(width - 1), size=rows), [(0, 0), (0, 1)]),
    }[kind]()
    loss = function(output, torch.tensor(target))
    loss.backward()
    return {
        "config": {"loss": name, "target": "labels" if kind == "labels" else "values"},
        "output": output,
        "target": target.astype(np.float64),
        "loss": loss.reshape(1),
        "gradient": output.grad,
    }


def training_case():
    """Twenty steps of Adam on a small network with batch norm."""
    torch.manual_seed(5)
    draw = np.random.default_rng(5)
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 16),
        torch.nn.BatchNorm1d(16),
        torch.nn.ReLU(),
        torch.nn.Linear(16, 12),
        torch.nn.BatchNorm1d(12),
        torch.nn.ReLU(),
        torch.nn.Linear(12, 3),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    x = draw.normal(size=(20, 24, 8))
    teacher = draw.normal(size=(8, 3))
    labels = (x @ teacher).argmax(-1)
    case = {
        "config": {
            "model": {"model": "mlp", "inputs": 8, "hidden": [16, 12], "outputs": 3, "norm": "batch"},
            "optimizer": {"rule": "adam", "rate": 0.01, "weight_decay": 1e-3, "decay_on": "all"},
        },
        "x": x,
        "labels": labels.astype(np.float64),
    }
    for name, value in model.state_dict().items():
        case[f"start/{name}"] = value.detach().clone().to(torch.float64)
    losses = []
    for batch, target in zip(x, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.tensor(batch)), torch.tensor(target))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    case["losses"] = np.array(losses)
    for name, value in model.state_dict().items():
        case[f"end/{name}"] = value.detach().clone().to(torch.float64)
    model.eval()
    case["outputs"] = model(torch.tensor(x[0]))
    return case


if __name__ == "__main__":
    main()
