"""JAX: `peer_jax.py WORKLOAD.toml THREADS VARIANT`, with VARIANT `jit` (a call for each step) or `scan` (sixteen steps in one call).

The optimizers are written out, as optax's are trees of the same operations; the state is donated, so that XLA updates it in place.
Dropout draws one random byte a value, the cheapest JAX offers, with the generator `unsafe_rbg`.
"""
import os
import sys

PATH, THREADS, VARIANT = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["OMP_NUM_THREADS"] = os.environ["NPROC"] = str(THREADS)
if THREADS == 1:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp
import numpy as np
from agreement import First
from protocol import refuse, serve
from workload import Refused, Workload

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "silu": jax.nn.silu,
    "selu": jax.nn.selu,
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.01),
}


def linear(first, draw, a, b, bias, dtype):
    layer = {"w": jnp.asarray(first((draw.uniform(-1, 1, (a, b)) / np.sqrt(a)).astype(dtype)))}
    return layer | ({"b": jnp.asarray(first(np.zeros(b, dtype)))} if bias else {})


def affine(first, n, norm, dtype):
    if norm == "none":
        return {}
    return {"gain": jnp.asarray(first(np.ones(n, dtype))), "shift": jnp.asarray(first(np.zeros(n, dtype)))}


def running(n, norm, dtype):
    return {"mean": jnp.zeros(n, dtype), "var": jnp.ones(n, dtype)} if norm == "batch" else {}


def start(work):
    """Parameters, and running statistics of batch norms."""
    first, draw, dtype = First(work), np.random.default_rng(1), work.dtype
    blocks, stats = [], []
    if work.blocks:
        d, h, norm = work.widths[0], work.blocks.hidden, work.blocks.norm
        for _ in range(work.blocks.count):
            parts = {"norm": affine(first, d, norm, dtype), "in": linear(first, draw, d, h, True, dtype)}
            blocks.append(parts | {"out": linear(first, draw, h, d, True, dtype)})
            stats.append(running(d, norm, dtype))
        blocks.append({"norm": affine(first, d, norm, dtype)})
        stats.append(running(d, norm, dtype))
    layers = []
    for a, b, bias, norm, _, _ in work.layers():
        layers.append(linear(first, draw, a, b, bias, dtype) | {"norm": affine(first, b, norm, dtype)})
        stats.append(running(b, norm, dtype))
    return {"blocks": blocks, "layers": layers}, stats


def flat(params):
    """All values in the order of the forward pass."""
    parts = [block[name] for block in params["blocks"] for name in ("norm", "in", "out") if name in block]
    parts += [part for layer in params["layers"] for part in (layer, layer["norm"])]
    return np.concatenate([np.ravel(part[name]) for part in parts for name in ("w", "b", "gain", "shift") if name in part])


def product(layer, x):
    y = x @ layer["w"]
    return y + layer["b"] if "b" in layer else y


def normalise(kind, p, s, x, train):
    if kind == "none":
        return x, s
    if kind == "batch" and not train:
        mean, var = s["mean"], s["var"]
    else:
        axis = 0 if kind == "batch" else -1
        mean = x.mean(axis, keepdims=True)
        var = ((x - mean) ** 2).mean(axis, keepdims=True)
        if kind == "batch":
            n = x.shape[0]
            s = {"mean": 0.9 * s["mean"] + 0.1 * mean[0], "var": 0.9 * s["var"] + 0.1 * var[0] * (n / max(n - 1, 1))}
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * p["gain"] + p["shift"], s


def forward(work, params, stats, x, key, train):
    stats, after = list(stats), []

    def norm(kind, p, x):
        y, s = normalise(kind, p, stats.pop(0), x, train)
        after.append(s)
        return y

    if work.blocks:
        *blocks, last = params["blocks"]
        act = ACTIVATIONS[work.blocks.activation]
        for block in blocks:
            hidden = act(product(block["in"], norm(work.blocks.norm, block["norm"], x)))
            x = x + product(block["out"], hidden)
        x = norm(work.blocks.norm, last["norm"], x)
    for layer, (_, _, _, kind, activation, dropout) in zip(params["layers"], work.layers()):
        x = ACTIVATIONS[activation](norm(kind, layer["norm"], product(layer, x)))
        if train and dropout > 0:
            key, own = jax.random.split(key)
            kept = jax.random.bits(own, x.shape, jnp.uint8) >= round(256 * dropout)
            x = jnp.where(kept, x / (1 - dropout), 0)
    return x, after


def loss(work, params, stats, x, y, key):
    out, stats = forward(work, params, stats, x, key, True)
    if work.loss == "mse":
        return jnp.mean((out - x) ** 2), stats
    return -jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], 1).mean(), stats


def update(rule, params, grads, state):
    each = jax.tree.map
    if rule.clip:
        norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(grads)))
        factor = jnp.minimum(1.0, rule.clip / (norm + 1e-6))
        grads = each(lambda g: g * factor, grads)
    if rule.decay and rule.name != "adamw":
        grads = each(lambda g, p: g + rule.decay * p, grads, params)
    t = state["t"] + 1
    if rule.name == "sgd":
        if rule.momentum == 0:
            return each(lambda p, g: p - rule.rate * g, params, grads), state
        m = each(lambda m, g: rule.momentum * m + g, state["m"], grads)
        return each(lambda p, m: p - rule.rate * m, params, m), {"t": t, "m": m}
    if rule.name == "rmsprop":
        v = each(lambda v, g: 0.99 * v + 0.01 * g * g, state["v"], grads)
        return each(lambda p, g, v: p - rule.rate * g / (jnp.sqrt(v) + 1e-8), params, grads, v), {"t": t, "v": v}
    if rule.decay and rule.name == "adamw":
        params = each(lambda p: p * (1 - rule.rate * rule.decay), params)
    m = each(lambda m, g: 0.9 * m + 0.1 * g, state["m"], grads)
    v = each(lambda v, g: 0.999 * v + 0.001 * g * g, state["v"], grads)
    rate, root = rule.rate / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
    return each(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8), params, m, v), {"t": t, "m": m, "v": v}


def main():
    if Workload(PATH).dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    work = Workload(PATH)
    params, stats = start(work)
    assert sum(p.size for p in jax.tree.leaves(params)) == work.parameters()
    x, y = work.data()
    x, y = [jnp.asarray(b) for b in x], [jnp.asarray(b.astype(np.int32)) for b in y]
    key = jax.random.key(0, impl="unsafe_rbg") if work.dropout else jnp.zeros(())
    named = (f"jax-{VARIANT}", jax.__version__, "XLA CPU", work.parameters())
    if work.loss == "none":
        if VARIANT == "scan":
            raise Refused("one call is one forward pass")
        infer = jax.jit(lambda params, stats, x: forward(work, params, stats, x, None, False)[0])
        turn = 0

        def steps(n):
            nonlocal turn
            for _ in range(n):
                out = infer(params, stats, x[turn % len(x)]).block_until_ready()
                turn += 1
            return out

        return serve(*named, steps)

    def step(state, batch):
        params, stats, moments, key = state
        key, own = jax.random.split(key) if work.dropout else (key, key)
        of = jax.value_and_grad(lambda p: loss(work, p, stats, *batch, own), has_aux=True)
        (value, stats), grads = of(params)
        params, moments = update(work.rule, params, grads, moments)
        return (params, stats, moments, key), value

    zeros = lambda: jax.tree.map(jnp.zeros_like, params)
    moments = {"t": jnp.zeros((), work.dtype)}
    if work.rule.name == "sgd":
        moments |= {"m": zeros()} if work.rule.momentum else {}
    else:
        moments |= {"v": zeros()} | ({} if work.rule.name == "rmsprop" else {"m": zeros()})
    state = (params, stats, moments, key)
    if VARIANT == "scan":
        all_x, all_y = jnp.stack(x), jnp.stack(y)
        many = jax.jit(lambda state, x, y: jax.lax.scan(step, state, (x, y)), donate_argnums=0)

        def steps(n):
            nonlocal state
            for _ in range(n):
                state, losses = many(state, all_x, all_y)
            jax.block_until_ready(state)
            return losses

        return serve(*named, steps, lambda: flat(state[0]), pack=len(x))
    one, turn = jax.jit(lambda state, x, y: step(state, (x, y)), donate_argnums=0), 0

    def steps(n):
        nonlocal state, turn
        for _ in range(n):
            state, value = one(state, x[turn % len(x)], y[turn % len(x)])
            turn += 1
        jax.block_until_ready(state)
        return value

    serve(*named, steps, lambda: flat(state[0]))


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        refuse(why)
