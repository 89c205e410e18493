"""scikit-learn: `peer_sklearn.py WORKLOAD.toml THREADS default`.

`MLPClassifier` and `MLPRegressor` by `partial_fit`, one call for the sixteen batches, without shuffling. Its squared error is halved,
which costs the same. What it cannot do is refused: norms, dropout, blocks, clipping, another output than none, several activations.
"""
import os
import sys
import warnings

PATH, THREADS = sys.argv[1], int(sys.argv[2])
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[library + "_NUM_THREADS"] = str(THREADS)
if THREADS == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import numpy as np
import sklearn
from agreement import First
from protocol import refuse, serve
from sklearn.neural_network import MLPClassifier, MLPRegressor
from workload import Refused, Workload

warnings.filterwarnings("ignore")
ACTIVATIONS = {"none": "identity", "relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def settings(work):
    rule = work.rule
    lacks = {
        "blocks": work.blocks,
        "norms": work.norm != "none",
        "dropout": work.dropout,
        "an output activation": work.output != "none",
        "several activations": len(set(work.activations)) > 1,
        "this activation": not set(work.activations) <= set(ACTIVATIONS),
        "clipping": rule and rule.clip,
        "this rule": rule and rule.name not in ("sgd", "adam"),
        "fewer than ten classes here": work.loss != "mse" and work.widths[-1] < 3,
    }
    for what, lacking in lacks.items():
        if lacking:
            raise Refused(f"no {what}")
    common = {"hidden_layer_sizes": work.widths[1:-1], "batch_size": work.batch, "shuffle": False, "alpha": 0.0}
    common |= {"activation": ACTIVATIONS[work.activations[0]] if work.activations else "identity"}
    if rule:
        common |= {"solver": rule.name, "learning_rate_init": rule.rate, "alpha": rule.decay * work.batch}
        common |= {"momentum": rule.momentum, "nesterovs_momentum": False} if rule.name == "sgd" else {}
    return common


def main():
    work = Workload(PATH)
    how = settings(work)
    x, y = work.data()
    classes = np.arange(work.widths[-1])
    if work.loss == "none":
        if work.given is not None:
            raise Refused("its outputs are probabilities")
        model = MLPClassifier(**how | {"batch_size": len(classes)})
        model.partial_fit(np.resize(x[0], (len(classes), work.widths[0])), classes, classes=classes)
        turn = 0

        def steps(n):
            nonlocal turn
            for _ in range(n):
                out = model.predict_proba(x[turn % len(x)])
                turn += 1
            return out

        pack, values = 1, None
    else:
        model = MLPRegressor(**how) if work.loss == "mse" else MLPClassifier(**how)
        rows = np.concatenate(x)
        target = rows if work.loss == "mse" else np.concatenate(y)
        extra = {} if work.loss == "mse" else {"classes": classes}

        def steps(n):
            for _ in range(n):
                model.partial_fit(rows, target, **extra)
            return model.loss_ * (2 if work.loss == "mse" else 1)

        def values():
            return np.concatenate([part.ravel() for layer in zip(model.coefs_, model.intercepts_) for part in layer])

        pack = len(x)
        if work.given is not None:
            # The first call makes the network, and an optimizer whose state no longer fits when the parameters are replaced.
            steps(1)
            first = First(work)
            for layer in zip(model.coefs_, model.intercepts_):
                for part in layer:
                    part[:] = first(part)
            del model._optimizer
    serve("sklearn", sklearn.__version__, "NumPy, OpenBLAS", work.parameters(), steps, values, pack=pack)


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        refuse(why)
