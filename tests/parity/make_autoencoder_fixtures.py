#!/usr/bin/env python3
"""Write the numbers of PyTorch that the laws about autoencoders compare with: tests/parity/fixtures/autoencoders.npz.

    python tests/parity/make_autoencoder_fixtures.py

As make_fixtures.py: by hand, in float64, committed. Each case is a short training by Adam on given batches. Penalties are computed here
by other means than ours: the Jacobian by automatic differentiation, row by row.
"""

import numpy as np
import torch
from torch.nn import functional as F

from make_fixtures import FIXTURES, write

STEPS = 6
ROWS = 6

# Our configurations. A case with `noise` sees inputs with that much Gaussian noise, which the fixture holds; the target is clean.
CASES = {
    "plain": dict(inputs=5, hidden=[6], code=3),
    "tied": dict(inputs=5, code=3, code_activation="sigmoid", tied=True),
    "tied_deep": dict(inputs=5, hidden=[6, 4], code=2, output_activation="sigmoid", tied=True),
    "denoising": dict(inputs=5, hidden=[6], code=4, noise=0.3),
    "contractive_sigmoid": dict(inputs=5, code=4, code_activation="sigmoid", contractive={"weight": 0.3}),
    "contractive_tied": dict(inputs=5, code=4, code_activation="tanh", tied=True, contractive={"weight": 0.1}),
    "contractive_linear": dict(inputs=4, code=3, contractive={"weight": 0.2}),
    "contractive_deep": dict(
        inputs=5, hidden=[6, 4], code=3, activation="softplus", code_activation="gelu", contractive={"weight": 0.2}
    ),
    "contractive_deep_linear_code": dict(inputs=5, hidden=[6], code=3, activation="silu", contractive={"weight": 0.2}),
    "kl_sparse": dict(
        inputs=5, code=6, code_activation="sigmoid", sparsity={"layer": "kl_sparsity", "rho": 0.1, "weight": 0.2}
    ),
    "l1_sparse": dict(inputs=5, hidden=[6], code=6, sparsity={"layer": "activity", "l1": 0.1, "l2": 0.05}),
    "k_sparse": dict(inputs=5, code=7, tied=True, sparsity={"layer": "k_sparse", "k": 2}),
    "sparse_contractive": dict(
        inputs=4,
        hidden=[5],
        code=4,
        code_activation="sigmoid",
        contractive={"weight": 0.1},
        sparsity={"layer": "kl_sparsity", "rho": 0.2, "weight": 0.1},
    ),
}

ACTIVATIONS = {
    "identity": lambda x: x,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "silu": F.silu,
}


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    FIXTURES.mkdir(exist_ok=True)
    write("autoencoders", {name: case(i, dict(config)) for i, (name, config) in enumerate(CASES.items())})


class Autoencoder:
    """Linear layers and activations under the names that two `Sequential`s called `encoder` and `decoder` give them."""

    def __init__(self, config, draw):
        self.config = config
        self.parameters = {}
        widths = [config["inputs"], *config.get("hidden", []), config["code"]]
        hidden, code, output = (
            config.get(key, default)
            for key, default in [("activation", "tanh"), ("code_activation", "identity"), ("output_activation", "identity")]
        )
        last = len(widths) - 2
        self.encoder = self.half("encoder", widths, [hidden] * last + [code], draw)
        twins = [weight for weight, _, _ in reversed(self.encoder)] if config.get("tied") else None
        self.decoder = self.half("decoder", widths[::-1], [hidden] * last + [output], draw, twins)

    def half(self, name, widths, activations, draw, twins=None):
        layers, place = [], 0
        for i, (inputs, outputs, activation) in enumerate(zip(widths, widths[1:], activations)):
            if twins is None:
                weight = self.draw(f"{name}.{place}.weight", (outputs, inputs), draw)
            else:
                weight = twins[i]
            layers.append((weight, self.draw(f"{name}.{place}.bias", (outputs,), draw), ACTIVATIONS[activation]))
            place += 1 if activation == "identity" else 2
        return layers

    def draw(self, name, shape, draw):
        value = torch.tensor(0.6 * draw.normal(size=shape), requires_grad=True)
        self.parameters[name] = value
        return value

    def encode(self, x):
        for weight, bias, activation in self.encoder:
            x = activation(F.linear(x, weight, bias))
        return x

    def loss(self, seen, target):
        code, penalty = self.encode(seen), 0.0
        if contraction := self.config.get("contractive"):
            jacobians = torch.func.vmap(torch.func.jacrev(self.encode))(seen)  # (rows, code, inputs)
            penalty = penalty + contraction["weight"] * jacobians.square().sum(dim=(1, 2)).mean()
        sparsity = self.config.get("sparsity", {"layer": "none"})
        if sparsity["layer"] == "kl_sparsity":
            rho, mean = sparsity["rho"], code.mean(dim=0)
            divergence = rho * torch.log(rho / mean) + (1 - rho) * torch.log((1 - rho) / (1 - mean))
            penalty = penalty + sparsity["weight"] * divergence.sum()
        if sparsity["layer"] == "activity":
            size = sparsity["l1"] * code.abs() + sparsity["l2"] * code.square()
            penalty = penalty + size.sum(dim=1).mean()
        if sparsity["layer"] == "k_sparse":
            kept = torch.zeros_like(code).scatter(1, code.topk(sparsity["k"], dim=1).indices, 1.0)
            code = code * kept
        y = code
        for i, (weight, bias, activation) in enumerate(self.decoder):
            # A tied weight is [code, inputs] of the encoder, used the other way round.
            turned = weight.t() if self.config.get("tied") else weight
            y = activation(F.linear(y, turned, bias))
        return F.mse_loss(y, target) + penalty, y


def case(seed, config):
    noise = config.pop("noise", 0.0)
    draw = np.random.default_rng(500 + seed)
    model = Autoencoder(config, draw)
    x = draw.normal(size=(STEPS, ROWS, config["inputs"]))
    if config.get("output_activation") == "sigmoid":
        x = 1.0 / (1.0 + np.exp(-x))
    seen = x + noise * draw.normal(size=x.shape)
    arrays = {"config": config, "x": x, "seen": seen}
    arrays |= {f"start/{name}": value.detach().clone() for name, value in model.parameters.items()}
    optimizer = torch.optim.Adam(model.parameters.values(), lr=0.01)
    losses = []
    for step, (target, batch) in enumerate(zip(torch.tensor(x), torch.tensor(seen))):
        optimizer.zero_grad()
        loss, y = model.loss(batch, target)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            arrays["y"] = y
            arrays |= {f"grad/{name}": value.grad.clone() for name, value in model.parameters.items()}
        optimizer.step()
    arrays["losses"] = np.array(losses)
    return arrays | {f"end/{name}": value for name, value in model.parameters.items()}


if __name__ == "__main__":
    main()
