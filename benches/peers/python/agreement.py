"""The check of agreement that `benches/workloads/README.md` describes. `START` and `AFTER` are its files, if the program is called for it."""
import sys

import numpy as np

START, AFTER = sys.argv[4:6] or (None, None)
STEPS = 5


class First:
    """First values of parameters: those of the program, or one after the other those of the file."""

    def __init__(self, work):
        self.given = work.given

    def __call__(self, values):
        if self.given is None:
            return values
        mine, self.given = np.split(self.given, [values.size])
        return mine.reshape(values.shape)


def read(work):
    """Parameters, features and labels of the file."""
    rows, features = work.batch, work.batch * work.widths[0]
    values = np.fromfile(START, work.dtype)
    if values.size != work.parameters() + features + rows:
        sys.exit(f"{START}: {values.size} numbers where the workload asks for {work.parameters()} + {features} + {rows}")
    given, x, y = np.split(values, [work.parameters(), work.parameters() + features])
    return given, x.reshape(rows, -1), y.astype(np.int64)


def write(steps, parameters):
    """Does the steps; `parameters()` are those of the network, flat, or `None` for a network without a loss, whose outputs are written."""
    values = [np.ravel(steps(1))]
    if parameters is not None:
        after = parameters()
        values += [np.ravel(steps(1)) for _ in range(1, STEPS)] + [after]
    # A loss may be a number of Python's.
    np.concatenate(values).astype(values[-1].dtype).tofile(AFTER)
