#!/usr/bin/env python3
"""Writes the golden table of `stats::sequential` beside this file.

    pip install mpmath==1.3.0
    python3 stats/tests/golden/sequential.py

Every e-value is what its definition says: a likelihood ratio integrated numerically against the density of the mixing
law, with 40 digits. The library's closed forms are not used.
"""

import csv
import os

from mpmath import exp, linspace, log, mp, mpf, quad, sqrt

mp.dps = 40
HERE = os.path.dirname(os.path.abspath(__file__))


def twice_log(alpha):
    return -2 * log(mpf(alpha))


def rho(v_opt, alpha):
    return mpf(v_opt) / (twice_log(alpha) + log(1 + twice_log(alpha)))


def ln_integral(ln_f, low, high, peak, width):
    """`ln` of the integral of `exp(ln_f)`, cut where the integrand is far below its peak."""
    cuts = [peak + width * step for step in linspace(-40, 40, 41)]
    cuts = [low] + [cut for cut in cuts if low < cut < high] + [high]
    height = ln_f(min(max(peak, low + width / 1000), high))
    return height + log(quad(lambda x: exp(ln_f(x) - height), cuts))


def normal(s, v, v_opt, alpha, sides):
    r = rho(v_opt, alpha if sides == 2 else 2 * mpf(alpha))
    scale = log((1 if sides == 2 else 2) * sqrt(r / (2 * mp.pi)))
    centre, width = s / (v + r), 1 / sqrt(v + r)
    low = centre - 60 * width if sides == 2 else mpf(0)
    high = max(centre, 0) + 60 * width
    return ln_integral(lambda x: scale - r * x * x / 2 + x * s - x * x * v / 2, low, high, centre, width)


def gamma_exponential(s, v, v_opt, alpha, c):
    r = rho(v_opt, 2 * mpf(alpha))
    # With u = 1 - c*x the mixing law of u is gamma, of shape and rate rho/c^2, cut to u < 1.
    psi = lambda u: (-log(u) - (1 - u)) / mpf(c) ** 2
    shape = r / mpf(c) ** 2
    law = lambda u: (shape - 1) * log(u) - shape * u
    grid = [mpf(0)] + [mpf(10) ** -k for k in (40, 20, 12, 8, 5, 3, 2)] + [mpf(j) / 400 for j in range(8, 401)]
    integral = lambda f: log(quad(lambda u: exp(f(u)), grid))
    return integral(lambda u: law(u) + (1 - u) / mpf(c) * s - psi(u) * v) - integral(law)


def binomial(x, n, p, t_opt, alpha):
    c = max(rho(t_opt, alpha) - 1, mpf("1e-3"))
    a, b = c * p, c * (1 - p)
    like = lambda q: (a + x - 1) * log(q) + (b + n - x - 1) * log(1 - q)
    prior = lambda q: (a - 1) * log(q) + (b - 1) * log(1 - q)
    tiny = [mpf(10) ** -k for k in (60, 40, 20, 12, 8, 5, 3, 2)]
    grid = [mpf(0)] + tiny + [mpf(j) / 100 for j in range(2, 99)] + [1 - t for t in reversed(tiny)] + [mpf(1)]
    integral = lambda f: log(quad(lambda q: exp(f(q)), grid))
    return integral(like) - integral(prior) - x * log(mpf(p)) - (n - x) * log(1 - mpf(p))


def poisson(x, expected, x_opt, alpha):
    a, m = rho(x_opt, alpha), mpf(expected)
    # The rate as a multiple of the tested one.
    like = lambda q: (a + x - 1) * log(q) - (a + m) * q
    prior = lambda q: (a - 1) * log(q) - a * q
    integral = lambda f, peak, width: ln_integral(f, mpf(0), peak + 80 * width, peak, width)
    numerator = integral(like, (a + x) / (a + m), sqrt(a + x) / (a + m))
    return numerator - integral(prior, mpf(1), 1 / sqrt(a)) + m


def main():
    rows = []
    for sides in (1, 2):
        for s, v in ((0.0, 50.0), (12.5, 50.0), (-30.0, 400.0), (90.0, 900.0), (800.0, 10000.0)):
            rows.append((f"normal_{sides}", s, v, 250.0, 0.05, 0.0, normal(mpf(s), mpf(v), 250, 0.05, sides)))
    for s, v, c in ((0.0, 20.0, 1.0), (9.0, 20.0, 1.0), (40.0, 100.0, 2.0), (-10.0, 100.0, 0.5), (150.0, 400.0, 0.125)):
        rows.append(("gamma_exponential", s, v, 100.0, 0.05, c, gamma_exponential(mpf(s), mpf(v), 100, 0.05, c)))
    for x, n, p in ((0, 30, 0.25), (12, 30, 0.25), (60, 100, 0.5), (300, 1000, 0.25), (1000, 1000, 0.875)):
        rows.append(("binomial", float(x), float(n), 100.0, 0.05, p, binomial(x, n, mpf(p), 100, 0.05)))
    for x, expected in ((0, 4.0), (25, 10.0), (400, 350.0), (10, 60.0)):
        rows.append(("poisson", float(x), expected, 100.0, 0.05, 0.0, poisson(x, expected, 100, 0.05)))
    with open(os.path.join(HERE, "sequential.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["mixture", "first", "second", "opt", "alpha_opt", "third", "ln_e"])
        for row in rows:
            out.writerow([repr(v) if isinstance(v, float) else v if isinstance(v, str) else mp.nstr(v, 25) for v in row])


if __name__ == "__main__":
    main()
