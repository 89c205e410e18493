#!/usr/bin/env python3
"""Write what PyTorch and SciPy say of likelihoods, of weighted and masked losses and of variational autoencoders.

    python tests/parity/make_likelihood_fixtures.py

As make_fixtures.py, with scipy besides. A masked target is NaN in the file, so that whoever looks at it is found out.
"""

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F

from make_fixtures import FIXTURES, gaussian_nll, write


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    FIXTURES.mkdir(exist_ok=True)
    write("likelihoods", {name: loss_case(i, *case) for i, (name, case) in enumerate(LIKELIHOODS.items())})
    write("weighted_losses", {name: weighted_case(i, *case) for i, (name, case) in enumerate(WEIGHTED.items())})
    write("special", {"special": special_case()})
    write("variational", {name: variational_case(i, *case) for i, (name, case) in enumerate(VARIATIONAL.items())})


# ------------------------------------------------------------------------------------------------------------------- likelihoods


def negative_binomial(output, target):
    y, s = output.chunk(2, dim=1)
    return -torch.distributions.NegativeBinomial(total_count=s.exp(), logits=y - s).log_prob(target)


def mixed(output, target):
    """Gaussian, Gaussian with a variance, three levels, Bernoulli, Poisson, negative binomial; one column each."""
    return torch.stack(
        [
            0.5 * F.mse_loss(output[:, 0], target[:, 0], reduction="none"),
            gaussian_nll(output[:, 1:3], target[:, 1:2], reduction="none")[:, 0],
            F.cross_entropy(output[:, 3:6], target[:, 2:5], reduction="none"),
            F.binary_cross_entropy_with_logits(output[:, 6], target[:, 5], reduction="none"),
            F.poisson_nll_loss(output[:, 7], target[:, 6], reduction="none"),
            negative_binomial(output[:, 8:10], target[:, 7:8])[:, 0],
        ],
        dim=1,
    )


MIXED = {
    "name": "mixed",
    "columns": [
        "gaussian",
        "gaussian_nll",
        {"categorical": {"levels": 3}},
        "bernoulli",
        "poisson",
        "negative_binomial",
    ],
}


def counts(draw, rows, cols):
    return draw.negative_binomial(2, 0.2, size=(rows, cols)).astype(np.float64)


def mixed_target(draw, rows, _):
    levels = np.eye(3)[draw.integers(0, 3, size=rows)]
    bits = draw.integers(0, 2, size=(rows, 1)).astype(np.float64)
    return np.hstack([draw.normal(size=(rows, 2)), levels, bits, counts(draw, rows, 2)])


# name: our loss, torch's terms, rows, columns of the target, columns of the output, size of the outputs, target
LIKELIHOODS = {
    "negative_binomial": ("negative_binomial", negative_binomial, 8, 3, 6, 1.5, counts),
    "negative_binomial_large": ("negative_binomial", negative_binomial, 8, 3, 6, 4.0, counts),
    "mixed": (MIXED, mixed, 9, 8, 10, 1.5, mixed_target),
}


def loss_case(seed, name, terms, rows, targets, outputs, size, make):
    draw = np.random.default_rng(700 + seed)
    output = torch.tensor(size * draw.normal(size=(rows, outputs)), requires_grad=True)
    target = make(draw, rows, targets)
    loss = terms(output, torch.tensor(target)).mean()
    loss.backward()
    return {
        "config": {"loss": name, "target": "values"},
        "output": output,
        "target": target,
        "loss": loss.reshape(1),
        "gradient": output.grad,
    }


# --------------------------------------------------------------------------------------------------------------- weights and masks

CLASS_WEIGHTS = [0.5, 2.0, 0.0, 1.25]


def normal_target(draw, rows, cols):
    return draw.normal(size=(rows, cols))


def share_target(draw, rows, cols):
    return draw.uniform(size=(rows, cols))


def distribution_target(draw, rows, cols):
    return draw.dirichlet(np.ones(cols), size=rows)


def label_target(draw, rows, cols):
    return draw.integers(0, cols, size=rows)


def kl_terms(output, target):
    return F.kl_div(F.log_softmax(output, dim=1), target, reduction="none")


def weighted_ce(output, target):
    return F.cross_entropy(output, target, weight=torch.tensor(CLASS_WEIGHTS), label_smoothing=0.2, reduction="none")


# name: our loss, torch's terms, rows, columns of the target, columns of the output, target, what a term counts, the first column of
# the target of each term
WEIGHTED = {
    "mse": ("mse", lambda y, t: F.mse_loss(y, t, reduction="none"), 7, 4, 4, normal_target, 1.0, None),
    "huber": ("huber", lambda y, t: F.huber_loss(y, t, reduction="none"), 7, 4, 4, normal_target, 1.0, None),
    "bce_with_logits": (
        "bce_with_logits",
        lambda y, t: F.binary_cross_entropy_with_logits(y, t, reduction="none"),
        7,
        4,
        4,
        share_target,
        1.0,
        None,
    ),
    "kl_div": ({"name": "kl_div", "logits": True}, kl_terms, 7, 4, 4, distribution_target, 1.0 / 4.0, None),
    "gaussian_nll": (
        "gaussian_nll",
        lambda y, t: gaussian_nll(y, t, reduction="none"),
        7,
        3,
        6,
        normal_target,
        1.0,
        None,
    ),
    "poisson_nll": (
        "poisson_nll",
        lambda y, t: F.poisson_nll_loss(y, t, reduction="none"),
        7,
        3,
        3,
        counts,
        1.0,
        None,
    ),
    "negative_binomial": ("negative_binomial", negative_binomial, 7, 3, 6, counts, 1.0, None),
    "mixed": (MIXED, mixed, 7, 8, 10, mixed_target, 1.0, [0, 1, 2, 5, 6, 7]),
    "softmax_cross_entropy": (
        "softmax_cross_entropy",
        lambda y, t: F.cross_entropy(y, t, reduction="none"),
        7,
        4,
        4,
        label_target,
        1.0,
        None,
    ),
    "softmax_cross_entropy_weights": (
        {"name": "softmax_cross_entropy", "class_weights": CLASS_WEIGHTS, "label_smoothing": 0.2},
        weighted_ce,
        9,
        4,
        4,
        label_target,
        CLASS_WEIGHTS,
        None,
    ),
}


def weighted_case(seed, name, terms, rows, targets, outputs, make, count, first):
    draw = np.random.default_rng(800 + seed)
    output = torch.tensor(1.5 * draw.normal(size=(rows, outputs)), requires_grad=True)
    target = make(draw, rows, targets)
    of_rows = draw.uniform(0.5, 2.0, size=rows)
    of_rows[1] = 0.0
    labels = target.ndim == 1
    found = terms(output, torch.tensor(target))
    parts = {"rows": of_rows}
    if labels:
        weights = of_rows
        count = np.array(count)[target] if isinstance(count, list) else count
    else:
        # The levels of a category are known together.
        mask = draw.integers(0, 2, size=(rows, targets)).astype(np.float64) * draw.uniform(0.5, 1.5, size=(rows, targets))
        if first:
            for start, end in zip(first, first[1:] + [targets]):
                mask[:, start:end] = mask[:, start : start + 1]
        parts["mask"] = mask
        weights = of_rows[:, None] * (mask[:, first] if first else mask)
        target = np.where(of_rows[:, None] * mask == 0.0, np.nan, target)
    total = (weights * count).sum()
    loss = (torch.tensor(weights) * found).sum() / total
    loss.backward()
    return {
        "config": {"loss": name, "target": "labels" if labels else "values"},
        "output": output,
        "target": target.astype(np.float64),
        "weight": np.array([total]),
        "loss": loss.reshape(1),
        "gradient": output.grad,
        **parts,
    }


# ---------------------------------------------------------------------------------------------------------------- special functions


def special_case():
    draw = np.random.default_rng(900)
    spread = 10.0 ** draw.uniform(-6.0, 8.0, size=150)
    special = [1e-8, 0.5, 1.0, 1.4616321449683622, 1.5, 2.0, 2.5, 9.0, 9.999999, 10.0, 10.5, 100.0, 1e12]
    x = np.concatenate([special, draw.uniform(0.0, 12.0, size=150), spread])
    return {"x": x, "ln_gamma": scipy.special.gammaln(x), "digamma": scipy.special.digamma(x)}


# ----------------------------------------------------------------------------------------------------------- variational autoencoders

# What our stream gives for five rows and a code of two; the law compares.
NOISE = [
    [-0.2520651841984073, -0.8447350522984222],
    [0.7522385316292559, -0.8223474305331998],
    [1.5024323250571618, -0.9051506694118094],
    [0.13380296831052507, 0.8464644212644031],
    [-0.30183225582059464, 1.1811947659895186],
]

VARIATIONAL = {
    "gaussian": ({"beta": 1.0, "values": {"gaussian": {"std": 0.4}}}, 0.4),
    "beta": ({"beta": 0.3, "values": {"gaussian": {"std": 1.0}}}, 1.0),
    "bernoulli": ({"beta": 1.0, "values": "bernoulli"}, None),
}


def variational_case(seed, kind, std):
    torch.manual_seed(seed)
    draw = np.random.default_rng(1000 + seed)
    encoder = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4))
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4))
    x = torch.tensor(draw.normal(size=(5, 4)) if std else draw.uniform(size=(5, 4)))
    noise = torch.tensor(NOISE)
    mean, log_variance = encoder(x).chunk(2, dim=1)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
    code = mean + posterior.scale * noise
    y = decoder(code)
    if std:
        values = torch.distributions.Normal(y, std).log_prob(x).sum(1)
        factor, constant = 2.0 * std**2 / 4.0, -(std**2) * np.log(2.0 * np.pi * std**2)
    else:
        values = -F.binary_cross_entropy_with_logits(y, x, reduction="none").sum(1)
        factor, constant = 1.0 / 4.0, 0.0
    # The loss of the step is the negative bound with `beta`, times the stated factor, plus the stated constant.
    bound = values - kind["beta"] * divergence
    loss = -factor * bound.mean() + constant
    loss.backward()
    case = {
        "config": {"inputs": 4, "hidden": [6], "code": 2, "variational": kind},
        "x": x,
        "noise": noise,
        "divergence": divergence,
        "loss": loss.reshape(1),
    }
    for half, module in [("encoder", encoder), ("decoder", decoder)]:
        for name, value in module.named_parameters():
            case[f"value/{half}.{name}"] = value
            case[f"gradient/{half}.{name}"] = value.grad
    return case


if __name__ == "__main__":
    main()
