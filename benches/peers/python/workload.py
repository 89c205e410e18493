"""A workload's file as Python data: what `benches/workloads/README.md` describes. Needs numpy alone."""
import tomllib

import agreement
import numpy as np

BATCHES = 16
KEYS = {"about", "widths", "activation", "output_activation", "norm", "dropout", "loss", "batch", "dtype", "blocks", "optimizer"}
BLOCK_KEYS = {"count", "hidden", "norm", "activation"}
RULE_KEYS = {"rule", "rate", "momentum", "weight_decay", "clip_norm"}


class Refused(Exception):
    """The library cannot do this workload; the message says why."""


class Blocks:
    def __init__(self, table):
        _check(table, BLOCK_KEYS, "[blocks]")
        self.count, self.hidden = table["count"], table["hidden"]
        self.norm, self.activation = table["norm"], table["activation"]


class Rule:
    def __init__(self, table):
        _check(table, RULE_KEYS, "[optimizer]")
        self.name, self.rate = table["rule"], table["rate"]
        self.momentum, self.decay = table.get("momentum", 0.0), table.get("weight_decay", 0.0)
        self.clip = table.get("clip_norm")


class Workload:
    def __init__(self, path):
        with open(path, "rb") as file:
            table = tomllib.load(file)
        _check(table, KEYS, path)
        self.widths, self.batch, self.loss = table["widths"], table["batch"], table["loss"]
        hidden = len(self.widths) - 2
        activation = table.get("activation", "relu")
        self.activations = [activation] * hidden if isinstance(activation, str) else activation
        if len(self.activations) != hidden:
            raise ValueError(f"{path}: {len(self.activations)} activations for {hidden} hidden layers")
        self.output = table.get("output_activation", "none")
        self.norm, self.dropout = table.get("norm", "none"), table.get("dropout", 0.0)
        self.dtype = {"f32": "float32", "f64": "float64"}[table.get("dtype", "f32")]
        self.blocks = Blocks(table["blocks"]) if "blocks" in table else None
        self.rule = Rule(table["optimizer"]) if self.loss != "none" else None
        self.given, *self.batch_given = agreement.read(self) if agreement.START else (None,)

    def layers(self):
        """Inputs, outputs, bias, norm, activation, dropout of each linear layer of `widths`."""
        last = len(self.widths) - 2
        for i, (a, b) in enumerate(zip(self.widths, self.widths[1:])):
            if i < last:
                yield a, b, self.norm == "none", self.norm, self.activations[i], self.dropout
            else:
                yield a, b, True, "none", self.output, 0.0

    def data(self):
        """The batches, each `(batch, features)`, and their labels; for the check of agreement there is one."""
        if self.batch_given:
            return [[part] for part in self.batch_given]
        draw = np.random.default_rng(0)
        x = [draw.random((self.batch, self.widths[0])).astype(self.dtype) for _ in range(BATCHES)]
        y = [draw.integers(0, self.widths[-1], self.batch) for _ in range(BATCHES)]
        return x, y

    def parameters(self):
        """Number of trainable values."""
        count = sum(a * b + b * bias + 2 * b * (norm != "none") for a, b, bias, norm, _, _ in self.layers())
        if self.blocks:
            d, h, norm = self.widths[0], self.blocks.hidden, 2 * self.widths[0] * (self.blocks.norm != "none")
            count += self.blocks.count * (2 * d * h + h + d + norm) + norm
        return count


def _check(table, known, where):
    for key in table:
        if key not in known:
            raise ValueError(f"{where}: unknown key `{key}`; known are {', '.join(sorted(known))}")
