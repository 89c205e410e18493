"""Minimax polynomials of crates/tensor/src/math/coefficients.rs.

Remez exchange (E. Remez, 1934) on weighted relative errors, in 60 digits, then rounded to the element type.
Needs mpmath. Run: python3 coefficients.py > ../src/math/coefficients.rs && cargo fmt
"""

import struct
import sys

import mpmath as mp

mp.mp.dps = 60
LN2 = mp.log(2)
SKEW = 2
SKEWED = ("ERF_FAR", "NORMAL_TAIL", "NORMAL_HAZARD")


def remez(f, w, lo, hi, n, skew=1):
    """Coefficients c[0..n] minimising max |w(x) (f(x) - sum c[i] x^i)| on [lo, hi], and that maximum.

    A skew above 1 crowds the first guess and the grid towards lo, where a falling weight puts the peaks of the error."""
    lo, hi = mp.mpf(lo), mp.mpf(hi)

    def place(u):
        return lo + (hi - lo) * ((1 - mp.cos(mp.pi * u)) / 2) ** skew

    xs = [place(mp.mpf(2 * i + 1) / (2 * (n + 1))) for i in range(n + 1)]
    err = None
    for _ in range(40):
        rows, rhs = [], []
        for i, x in enumerate(xs):
            rows.append([x**k for k in range(n)] + [(-1) ** i / w(x)])
            rhs.append(f(x))
        sol = mp.lu_solve(mp.matrix(rows), mp.matrix(rhs))
        c, err = [sol[k] for k in range(n)], abs(sol[n])

        def e(x):
            return w(x) * (f(x) - mp.polyval(c[::-1], x))

        m = 24 * (n + 1)
        grid = [place(mp.mpf(i) / m) for i in range(m + 1)]
        vals = [e(x) for x in grid]
        peaks = []
        for i in range(m + 1):
            left = abs(vals[i - 1]) if i > 0 else 0
            right = abs(vals[i + 1]) if i < m else 0
            if abs(vals[i]) >= left and abs(vals[i]) >= right:
                if peaks and (vals[i] > 0) == (peaks[-1][1] > 0):
                    if abs(vals[i]) > abs(peaks[-1][1]):
                        peaks[-1] = (grid[i], vals[i])
                else:
                    peaks.append((grid[i], vals[i]))
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        if len(peaks) < n + 1:
            raise SystemExit(f"{len(peaks)} of {n + 1} peaks")
        xs = [p[0] for p in peaks]
        top = max(abs(p[1]) for p in peaks)
        if top < err * (1 + mp.mpf("1e-3")):
            err = top
            break
        err = top
    return c, err


def rest(f, x, terms, at0):
    """f(x) near 0 without cancellation trouble."""
    return at0 if abs(x) < mp.mpf("1e-25") else f(x)


def q_exp(r):
    return rest(lambda r: (mp.expm1(r) - r) / r**2, r, 0, mp.mpf(1) / 2)


def q_log(z):
    s = mp.sqrt(z)
    return rest(lambda z: (mp.log((1 + s) / (1 - s)) - 2 * s) / (s * z), z, 0, mp.mpf(2) / 3)


def q_tanh(z):
    t = mp.sqrt(z)
    return rest(lambda z: (mp.tanh(t) - t) / (t * z), z, 0, mp.mpf(-1) / 3)


def q_erf(z):
    t = mp.sqrt(z)
    return rest(lambda z: (mp.erf(t) - t) / t, z, 0, 2 / mp.sqrt(mp.pi) - 1)


def q_sin(z):
    t = mp.sqrt(z)
    return rest(lambda z: (mp.sin(t) - t) / (t * z), z, 0, mp.mpf(-1) / 6)


def q_cos(z):
    return rest(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, z, 0, mp.mpf(1) / 24)


def tail(x):
    return mp.erfc(x / mp.sqrt(2)) / 2


def hazard(x):
    return mp.npdf(x) / tail(x)


def families(split_erf, far, n):
    """(name, formula, f, weight, lo, hi, number of coefficients)."""
    smax = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)
    half = LN2 / 2 * mp.mpf("1.01")
    return [
        ("EXP", "`(e^r - 1 - r) / r^2` in `r`, `|r| <= ln 2 / 2`", q_exp, lambda r: abs(r) + mp.mpf("1e-9"), -half, half, n[0]),
        ("LOG", "`(ln((1 + s) / (1 - s)) - 2s) / s^3` in `s^2`, `|s| <= 3 - 2 sqrt 2`", q_log, lambda z: z / 2 + mp.mpf("1e-9"), 0, smax**2 * mp.mpf("1.01"), n[1]),
        ("TANH", "`(tanh t - t) / t^3` in `t^2`, `t <= 0.55`", q_tanh, lambda z: z + mp.mpf("1e-9"), 0, mp.mpf("0.55") ** 2, n[2]),
        ("ERF_NEAR", f"`(erf t - t) / t` in `t^2`, `t <= {split_erf}`", q_erf, lambda z: mp.mpf(1), 0, mp.mpf(split_erf) ** 2, n[3]),
        ("ERF_FAR", f"`ln(1 - erf t)` in `t`, `{split_erf} < t <= {far}`", lambda t: mp.log(mp.erfc(t)), lambda t: mp.erfc(t) / mp.erf(t), split_erf, far, n[4]),
        ("NORMAL_TAIL", "`ln(2 Phi(-x))` in `x`, `0 <= x <= 5.7`", lambda x: mp.log(2 * tail(x)), tail, 0, mp.mpf("5.7"), n[7]),
        ("NORMAL_HAZARD", "`phi(x) / Phi(-x)` in `x`, `0 <= x <= 5.7`", hazard, lambda x: tail(x) * max(x, mp.mpf(1)), 0, mp.mpf("5.7"), n[8]),
        ("SIN", "`(sin t - t) / t^3` in `t^2`, `t <= pi / 4`", q_sin, lambda z: z + mp.mpf("1e-9"), 0, (mp.pi / 4) ** 2, n[5]),
        ("COS", "`(cos t - 1 + t^2 / 2) / t^4` in `t^2`, `t <= pi / 4`", q_cos, lambda z: z**2 + mp.mpf("1e-9"), 0, (mp.pi / 4) ** 2, n[6]),
    ]


def nearest(x, single):
    d = float(x)
    return struct.unpack("f", struct.pack("f", d))[0] if single else d


def literal(x, single):
    if not single:
        return repr(x)
    for digits in range(6, 12):
        s = f"{x:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(s)))[0] == x:
            return repr(float(s))
    return repr(x)


def emit(ty, single, fams):
    print(f"/// The polynomials of `{ty}`, lowest power first.")
    print(f"pub(super) mod {ty}_table {{")
    for name, what, f, w, lo, hi, n in fams:
        if n == 0:
            continue
        c, err = remez(f, w, lo, hi, n, SKEW if name in SKEWED else 1)
        bits = mp.log(err, 2)
        print(f"{ty} {name} {n}: 2^{mp.nstr(bits, 4)}", file=sys.stderr)
        print(f"    /// {what}; error 2^{mp.nstr(bits, 3)} of the function.")
        print(f"    pub(in crate::math) const {name}: [{ty}; {n}] = [")
        for x in c:
            print(f"        {literal(nearest(x, single), single)},")
        print("    ];")
    print("}")


if __name__ == "__main__":
    print("//! Minimax polynomials, written by `tools/coefficients.py`; do not edit.")
    print("#![allow(clippy::excessive_precision)]\n")
    emit("f32", True, families("0.93", "4", [6, 3, 5, 7, 7, 0, 0, 10, 10]))
    print()
    emit("f64", False, families("1.0", "6", [11, 7, 11, 13, 18, 6, 6, 0, 0]))
