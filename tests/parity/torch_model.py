#!/usr/bin/env python3
"""Load a saved model into torch.nn by its own names and compare what it computes.

    python tests/parity/torch_model.py FOLDER        every FOLDER/NAME.safetensors against FOLDER/NAME.npz
    python tests/parity/torch_model.py MODEL NPZ     one pair

`load_state_dict` runs strictly: a name or a shape that PyTorch does not expect fails. Then the module must give the recorded outputs.
"""

import sys

import safetensors.torch
import torch
from torch.nn.utils import parametrizations

import read_model


def forward_torch(path, x):
    state = safetensors.torch.load_file(path)
    model = read_model.read_header(path)["model"]
    dtype = next(value.dtype for value in state.values() if value.is_floating_point())
    module = sequential(read_model.layers_of(model), model["inputs"])[0].to(dtype)
    module.load_state_dict(state, strict=True)
    module.eval()
    with torch.no_grad():
        return module(torch.tensor(x, dtype=dtype)).numpy()


class Residual(torch.nn.Sequential):
    """`scale` is a parameter where it is learned, a number where it is given, and missing where it is 1; `after` follows the sum."""

    def forward(self, x):
        branch = x
        for name, module in self.named_children():
            branch = branch if name == "after" else module(branch)
        y = x + getattr(self, "scale", 1.0) * branch
        return self.after(y) if hasattr(self, "after") else y


class KSparse(torch.nn.Module):
    """The k largest of each row, in use alpha k of them."""

    def __init__(self, k, alpha=1.0):
        super().__init__()
        self.k, self.alpha = k, alpha

    def forward(self, x):
        k = self.k if self.training else min(int(self.alpha * self.k + 0.5), x.shape[1])
        values, places = x.topk(k, dim=1)
        return torch.zeros_like(x).scatter(1, places, values)


class SwiGlu(torch.nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        return torch.nn.functional.silu(a) * b


class Highway(torch.nn.Module):
    def __init__(self, width, function):
        super().__init__()
        self.transform = torch.nn.Linear(width, width)
        self.gate = torch.nn.Linear(width, width)
        self.function = function

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        return gate * self.function(self.transform(x)) + (1.0 - gate) * x


def sequential(layers, width, kind=torch.nn.Sequential):
    """The module and the width of its output."""
    modules = []
    for layer in layers:
        module, width = build(layer, width)
        modules.append(module)
    return kind(*modules), width


def build(layer, width):
    eps, affine = layer.get("eps", 1e-5), layer.get("affine", True)
    return {
        "linear": lambda: (torch.nn.Linear(width, layer["outputs"], layer.get("bias", True)), layer["outputs"]),
        "activation": lambda: (activation(layer["activation"]), width),
        "dropout": lambda: (torch.nn.Dropout(layer.get("p", 0.5)), width),
        "prelu": lambda: (torch.nn.PReLU(width if layer.get("per_channel") else 1), width),
        "batch_norm": lambda: (torch.nn.BatchNorm1d(width, eps, layer.get("momentum", 0.1), affine), width),
        "layer_norm": lambda: (torch.nn.LayerNorm(width, eps, affine), width),
        "group_norm": lambda: (torch.nn.GroupNorm(layer["groups"], width, eps, affine), width),
        "rms_norm": lambda: (torch.nn.RMSNorm(width, layer.get("eps"), affine), width),
        "glu": lambda: (torch.nn.GLU(), width // 2),
        "swiglu": lambda: (SwiGlu(), width // 2),
        "alpha_dropout": lambda: (torch.nn.AlphaDropout(layer.get("p", 0.5)), width),
        # In use these two do nothing, and the third is a linear layer.
        "gaussian_dropout": lambda: (torch.nn.Identity(), width),
        "gaussian_noise": lambda: (torch.nn.Identity(), width),
        "drop_connect": lambda: (torch.nn.Linear(width, layer["outputs"], layer.get("bias", True)), layer["outputs"]),
        # These two pass their input on and add to the loss.
        "activity": lambda: (torch.nn.Identity(), width),
        "kl_sparsity": lambda: (torch.nn.Identity(), width),
        "k_sparse": lambda: (KSparse(layer["k"], layer.get("alpha", 1.0)), width),
        "weight_norm": lambda: (parametrizations.weight_norm(linear(layer, width)), layer["outputs"]),
        "spectral_norm": lambda: (parametrizations.spectral_norm(linear(layer, width)), layer["outputs"]),
        "highway": lambda: (Highway(width, activation(layer.get("activation", "relu"))), width),
        "residual": lambda: residual(layer, width),
        "sequential": lambda: sequential(layer["layers"], width),
    }[layer["layer"]]()


def linear(layer, width):
    return torch.nn.Linear(width, layer["outputs"], layer.get("bias", True))


def residual(layer, width):
    module, width = sequential(layer["layers"], width, Residual)
    scale = layer.get("scale", 1.0)
    if layer.get("learned_scale"):
        module.scale = torch.nn.Parameter(torch.tensor([scale]))
    else:
        module.scale = scale
    if layer.get("after"):
        module.after, width = sequential(layer["after"], width)
    return module, width


def activation(config):
    options = {"name": config} if isinstance(config, str) else config
    return {
        "identity": lambda: torch.nn.Identity(),
        "sigmoid": lambda: torch.nn.Sigmoid(),
        "tanh": lambda: torch.nn.Tanh(),
        "relu": lambda: torch.nn.ReLU(),
        "leaky_relu": lambda: torch.nn.LeakyReLU(options.get("slope", 0.01)),
        "elu": lambda: torch.nn.ELU(options.get("alpha", 1.0)),
        "selu": lambda: torch.nn.SELU(),
        "gelu": lambda: torch.nn.GELU(),
        "gelu_tanh": lambda: torch.nn.GELU(approximate="tanh"),
        "softsign": lambda: torch.nn.Softsign(),
        "silu": lambda: torch.nn.SiLU(),
        "mish": lambda: torch.nn.Mish(),
        "softplus": lambda: torch.nn.Softplus(options.get("beta", 1.0), options.get("threshold", 20.0)),
        "log_sigmoid": lambda: torch.nn.LogSigmoid(),
        "relu6": lambda: torch.nn.ReLU6(),
        "celu": lambda: torch.nn.CELU(options.get("alpha", 1.0)),
        "hardsigmoid": lambda: torch.nn.Hardsigmoid(),
        "hardswish": lambda: torch.nn.Hardswish(),
        "hardtanh": lambda: torch.nn.Hardtanh(options.get("min", -1.0), options.get("max", 1.0)),
        "tanhshrink": lambda: torch.nn.Tanhshrink(),
        "hardshrink": lambda: torch.nn.Hardshrink(options.get("lambda", 0.5)),
        "softshrink": lambda: torch.nn.Softshrink(options.get("lambda", 0.5)),
        "threshold": lambda: torch.nn.Threshold(options.get("threshold", 0.0), options.get("value", 0.0)),
    }[options["name"]]()


if __name__ == "__main__":
    read_model.forward_file = forward_torch
    sys.exit(read_model.main(sys.argv[1:]))
