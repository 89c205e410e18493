#!/usr/bin/env python3
"""Read a saved model with numpy and safetensors alone and compute what it computes.

    python tests/parity/read_model.py FOLDER        every FOLDER/NAME.safetensors against FOLDER/NAME.npz
    python tests/parity/read_model.py MODEL NPZ     one pair

The npz holds `x` (rows, inputs) and `y` (rows, outputs), what the model makes of it in use (not in training). The model is rebuilt
from the names, shapes and values of the tensors and from the JSON under the metadata key `layerwise`; nothing of ours runs here.
Exit status 0 when every output agrees to 1e-6 of the largest, else 1.
"""

import hashlib
import json
import math
import pathlib
import struct
import sys

import numpy as np
from safetensors.numpy import load_file

TOLERANCE = 1e-6


def main(arguments):
    if len(arguments) == 1:
        models = sorted(pathlib.Path(arguments[0]).glob("*.safetensors"))
        pairs = [(model, model.with_suffix(".npz")) for model in models]
    elif len(arguments) == 2:
        pairs = [tuple(map(pathlib.Path, arguments))]
    else:
        sys.exit(__doc__)
    if not pairs:
        sys.exit(f"no .safetensors file in {arguments[0]}")
    return 0 if all([compare(model, data, forward_file) for model, data in pairs]) else 1


def compare(model, data, forward):
    """Whether `forward(model, x)` gives the recorded outputs; says so in one line."""
    with np.load(data) as arrays:
        x, expected = arrays["x"], arrays["y"]
    found = np.asarray(forward(model, x))
    if found.shape != expected.shape:
        print(f"{model.name}: FAILS, shape {found.shape} for {expected.shape}")
        return False
    error = np.abs(found - expected).max(initial=0.0) / max(1.0, np.abs(expected).max(initial=0.0))
    good = bool(error <= TOLERANCE)
    print(f"{model.name}: {'agrees' if good else 'FAILS'}, {expected.shape[0]} rows, largest difference {error:.1e}")
    return good


def forward_file(path, x):
    header = read_header(path)
    tensors = {name: value.astype(np.float64) for name, value in load_file(path).items()}
    return forward(layers_of(header["model"]), tensors, "", x.astype(np.float64))


def read_header(path):
    """The JSON under our metadata key, after checking the hash of the bytes of all tensors."""
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["layerwise"])
    if hashlib.sha256(raw[8 + length :]).hexdigest() != header["sha256"]:
        sys.exit(f"{path}: the bytes are not those that were written")
    return header


def layers_of(model):
    """A model as the list of layers of the equivalent torch.nn.Sequential."""
    if model["model"] == "sequential":
        return model["layers"]
    if model["model"] != "mlp":
        sys.exit(f"this script knows `mlp` and `sequential`, not `{model['model']}`")
    bias = model.get("bias", True)
    layers = dropout(model.get("input_dropout", 0.0))
    width = model["inputs"]
    activations = model.get("activations") or [model.get("activation", "relu")] * len(model.get("hidden", []))
    for outputs, activation in zip(model.get("hidden", []), activations):
        block = [{"layer": "linear", "outputs": outputs, "bias": bias}]
        norm = model.get("norm", "none")
        block += [] if norm == "none" else [{"layer": f"{norm}_norm"}]
        block += activation_layer(activation) + dropout(model.get("dropout", 0.0))
        around = model.get("residual", False) and width == outputs
        scale = model.get("residual_scale")
        learned = {} if scale is None else {"scale": scale, "learned_scale": True}
        layers += [{"layer": "residual", "layers": block, **learned}] if around else block
        width = outputs
    layers.append({"layer": "linear", "outputs": model["outputs"], "bias": bias})
    return layers + activation_layer(model.get("output_activation", "identity"))


def activation_layer(activation):
    return [] if activation == "identity" else [{"layer": "activation", "activation": activation}]


def dropout(p):
    return [{"layer": "dropout", "p": p}] if p > 0.0 else []


def forward(layers, tensors, prefix, x):
    for index, layer in enumerate(layers):
        x = forward_layer(layer, tensors, f"{prefix}{index}.", x)
    return x


def forward_layer(layer, tensors, prefix, x):
    kind = layer["layer"]
    part = lambda name: tensors.get(prefix + name)
    if kind in ("linear", "drop_connect"):
        y = x @ part("weight").T
        return y if part("bias") is None else y + part("bias")
    if kind == "weight_norm":
        g, v = part("parametrizations.weight.original0"), part("parametrizations.weight.original1")
        y = x @ (g * v / np.sqrt((v * v).sum(1, keepdims=True))).T
        return y if part("bias") is None else y + part("bias")
    if kind == "spectral_norm":
        w, u, v = (part(f"parametrizations.weight.{name}") for name in ("original", "0._u", "0._v"))
        y = x @ (w / (u @ w @ v)).T
        return y if part("bias") is None else y + part("bias")
    if kind == "k_sparse":
        k = min(int(layer.get("alpha", 1.0) * layer["k"] + 0.5), x.shape[1])
        y, kept = np.zeros_like(x), np.argsort(-x, axis=1, kind="stable")[:, :k]
        np.put_along_axis(y, kept, np.take_along_axis(x, kept, 1), 1)
        return y
    if kind == "activation":
        return activate(layer["activation"], x)
    if kind in ("dropout", "alpha_dropout", "gaussian_dropout", "gaussian_noise", "activity", "kl_sparsity"):
        return x
    if kind in ("glu", "swiglu"):
        a, b = np.split(x, 2, axis=1)
        return a * sigmoid(b) if kind == "glu" else a * sigmoid(a) * b
    if kind == "prelu":
        return np.where(x > 0.0, x, part("weight") * x)
    if kind == "batch_norm":
        y = (x - part("running_mean")) / np.sqrt(part("running_var") + layer.get("eps", 1e-5))
        return scaled(y, part("weight"), part("bias"))
    if kind == "layer_norm":
        mean, var = x.mean(1, keepdims=True), x.var(1, keepdims=True)
        return scaled((x - mean) / np.sqrt(var + layer.get("eps", 1e-5)), part("weight"), part("bias"))
    if kind == "group_norm":
        groups = x.reshape(len(x), layer["groups"], -1)
        mean, var = groups.mean(2, keepdims=True), groups.var(2, keepdims=True)
        y = (groups - mean) / np.sqrt(var + layer.get("eps", 1e-5))
        return scaled(y.reshape(x.shape), part("weight"), part("bias"))
    if kind == "rms_norm":
        # Without `eps` it is the rounding unit of the element type, of either too small to be seen here.
        y = x / np.sqrt((x * x).mean(1, keepdims=True) + (layer.get("eps") or 0.0))
        return scaled(y, part("weight"), None)
    if kind == "highway":
        h = activate(layer.get("activation", "relu"), x @ part("transform.weight").T + part("transform.bias"))
        t = sigmoid(x @ part("gate.weight").T + part("gate.bias"))
        return t * h + (1.0 - t) * x
    if kind == "residual":
        scale = layer.get("scale", 1.0) if part("scale") is None else part("scale")
        y = x + scale * forward(layer["layers"], tensors, prefix, x)
        return forward(layer.get("after", []), tensors, f"{prefix}after.", y)
    if kind == "sequential":
        return forward(layer["layers"], tensors, prefix, x)
    sys.exit(f"this script knows no layer `{kind}`")


def scaled(y, gain, bias):
    y = y if gain is None else y * gain
    return y if bias is None else y + bias


def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def activate(config, x):
    options = {"name": config} if isinstance(config, str) else config
    below = np.expm1(np.minimum(x, 0.0))
    alpha, near = options.get("alpha", 1.0), options.get("lambda", 0.5)
    return {
        "identity": lambda: x,
        "sigmoid": lambda: sigmoid(x),
        "tanh": lambda: np.tanh(x),
        "relu": lambda: np.maximum(x, 0.0),
        "leaky_relu": lambda: np.where(x > 0.0, x, options.get("slope", 0.01) * x),
        "elu": lambda: np.where(x > 0.0, x, alpha * below),
        "selu": lambda: 1.0507009873554805 * np.where(x > 0.0, x, 1.6732632423543772 * below),
        "gelu": lambda: 0.5 * x * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0))),
        "gelu_tanh": lambda: 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))),
        "softsign": lambda: x / (1.0 + np.abs(x)),
        "silu": lambda: x * sigmoid(x),
        "mish": lambda: x * np.tanh(softplus(x)),
        "softplus": lambda: softplus(options.get("beta", 1.0) * x) / options.get("beta", 1.0),
        "log_sigmoid": lambda: -softplus(-x),
        "relu6": lambda: np.clip(x, 0.0, 6.0),
        "celu": lambda: np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha)),
        "hardsigmoid": lambda: np.clip(x + 3.0, 0.0, 6.0) / 6.0,
        "hardswish": lambda: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0,
        "hardtanh": lambda: np.clip(x, options.get("min", -1.0), options.get("max", 1.0)),
        "tanhshrink": lambda: x - np.tanh(x),
        "hardshrink": lambda: np.where(np.abs(x) > near, x, 0.0),
        "softshrink": lambda: np.sign(x) * np.maximum(np.abs(x) - near, 0.0),
        "threshold": lambda: np.where(x > options.get("threshold", 0.0), x, options.get("value", 0.0)),
    }[options["name"]]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
