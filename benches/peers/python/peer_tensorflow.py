"""TensorFlow: `peer_tensorflow.py WORKLOAD.toml THREADS VARIANT`, with VARIANT `graph` or `xla` (`jit_compile`).

Low-level variables, sixteen steps in one call of a `tf.function`; `graph` uses the fused operation for Adam.
"""
import os
import sys

PATH, THREADS, VARIANT = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["OMP_NUM_THREADS"] = str(THREADS)
if THREADS == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import numpy as np
import tensorflow as tf
from agreement import First
from protocol import refuse, serve
from workload import Refused, Workload

tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "gelu": lambda x: tf.nn.gelu(x, approximate=False),
    "silu": tf.nn.silu,
    "selu": tf.nn.selu,
    "elu": tf.nn.elu,
    "softplus": tf.nn.softplus,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.01),
}


class Norm:
    def __init__(self, net, n, kind):
        self.kind, self.train = kind, net.train
        if kind != "none":
            self.gain, self.shift = net.variable(np.ones(n)), net.variable(np.zeros(n))
        if kind == "batch":
            self.mean, self.var = net.variable(np.zeros(n), False), net.variable(np.ones(n), False)

    def __call__(self, x):
        if self.kind == "none":
            return x
        if self.kind == "batch" and not self.train:
            mean, var = self.mean, self.var
        else:
            mean, var = tf.nn.moments(x, [0 if self.kind == "batch" else 1], keepdims=True)
        if self.kind == "batch" and self.train:
            self.mean.assign(0.9 * self.mean + 0.1 * mean[0])
            self.var.assign(0.9 * self.var + 0.1 * var[0])
        return (x - mean) * tf.math.rsqrt(var + 1e-5) * self.gain + self.shift


class Linear:
    def __init__(self, net, a, b, bias=True):
        self.w = net.variable(net.draw.uniform(-1, 1, (a, b)) / np.sqrt(a))
        self.b = net.variable(np.zeros(b)) if bias else None

    def __call__(self, x):
        y = tf.matmul(x, self.w)
        return y if self.b is None else tf.nn.bias_add(y, self.b)


class Network:
    def __init__(self, work):
        self.work, self.train = work, work.loss != "none"
        self.trained, self.first, self.draw = [], First(work), np.random.default_rng(1)
        self.blocks, self.layers = [], []
        if work.blocks:
            d, h, kind = work.widths[0], work.blocks.hidden, work.blocks.norm
            self.blocks = [(Norm(self, d, kind), Linear(self, d, h), Linear(self, h, d)) for _ in range(work.blocks.count)]
            self.last = Norm(self, d, kind)
        for a, b, bias, kind, activation, dropout in work.layers():
            self.layers.append((Linear(self, a, b, bias), Norm(self, b, kind), ACTIVATIONS[activation], dropout))

    def variable(self, values, trained=True):
        variable = tf.Variable(tf.constant(self.first(values) if trained else values, self.work.dtype))
        if trained:
            self.trained.append(variable)
        return variable

    def __call__(self, x):
        for norm, inner, outer in self.blocks:
            x = x + outer(ACTIVATIONS[self.work.blocks.activation](inner(norm(x))))
        if self.blocks:
            x = self.last(x)
        for linear, norm, activation, dropout in self.layers:
            x = activation(norm(linear(x)))
            if self.train and dropout:
                x = tf.where(tf.random.uniform(tf.shape(x)) >= dropout, x / (1 - dropout), 0)
        return x


class Update:
    def __init__(self, rule, parameters):
        self.rule, self.parameters = rule, parameters
        self.m, self.v = ([tf.Variable(tf.zeros_like(p)) for p in parameters] for _ in range(2))
        self.t = tf.Variable(tf.zeros((), parameters[0].dtype))

    def __call__(self, grads):
        rule, t = self.rule, self.t
        if rule.clip:
            factor = tf.minimum(tf.ones((), t.dtype), rule.clip / (tf.linalg.global_norm(grads) + 1e-6))
            grads = [g * factor for g in grads]
        if rule.decay and rule.name != "adamw":
            grads = [g + rule.decay * p for g, p in zip(grads, self.parameters)]
        t.assign_add(1)
        rate, root = rule.rate / (1 - 0.9**t), tf.sqrt(1 - 0.999**t)
        for p, g, m, v in zip(self.parameters, grads, self.m, self.v):
            if rule.name == "sgd":
                if rule.momentum:
                    g = m.assign(rule.momentum * m + g)
                p.assign_sub(rule.rate * g)
            elif rule.name == "rmsprop":
                v.assign(0.99 * v + 0.01 * g * g)
                p.assign_sub(rule.rate * g / (tf.sqrt(v) + 1e-8))
            else:
                if rule.decay and rule.name == "adamw":
                    p.assign(p * (1 - rule.rate * rule.decay))
                if VARIANT == "graph":
                    power = {"beta1_power": 0.9**t, "beta2_power": 0.999**t, "beta1": 0.9, "beta2": 0.999}
                    # It adds its epsilon before the correction of the second moment.
                    power["epsilon"] = 1e-8 * root
                    tf.raw_ops.ResourceApplyAdam(var=p.handle, m=m.handle, v=v.handle, lr=rule.rate, grad=g, **power)
                else:
                    m.assign(0.9 * m + 0.1 * g)
                    v.assign(0.999 * v + 0.001 * g * g)
                    p.assign_sub(rate * m / (tf.sqrt(v) / root + 1e-8))


def main():
    work = Workload(PATH)
    net = Network(work)
    x, y = work.data()
    x, y = tf.constant(np.stack(x)), tf.constant(np.stack(y).astype(np.int32))
    count = sum(int(np.prod(p.shape)) for p in net.trained)
    named = (f"tensorflow-{VARIANT}", tf.__version__, "XLA CPU" if VARIANT == "xla" else "Eigen, oneDNN", count)
    if work.loss == "none":
        infer, batches, turn = tf.function(net, jit_compile=VARIANT == "xla"), list(x), 0

        def steps(n):
            nonlocal turn
            for _ in range(n):
                out = infer(batches[turn % len(batches)]).numpy()
                turn += 1
            return out

        return serve(*named, steps)
    update = Update(work.rule, net.trained)

    def train(x, y):
        with tf.GradientTape() as tape:
            out = net(x)
            if work.loss == "mse":
                loss = tf.reduce_mean((out - x) ** 2)
            else:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, out))
        update(tape.gradient(loss, net.trained))
        return loss

    @tf.function(jit_compile=VARIANT == "xla")
    def many(x, y):
        loss = tf.zeros((), x.dtype)
        for i in tf.range(x.shape[0]):
            loss = train(x[i], y[i])
        return loss

    def steps(n):
        for _ in range(n):
            loss = many(x, y).numpy()
        return loss

    def values():
        return np.concatenate([p.numpy().ravel() for p in net.trained])

    serve(*named, steps, values, pack=x.shape[0])


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        refuse(why)
