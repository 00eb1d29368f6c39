#!/usr/bin/env python3
"""Writes power_scipy.json beside this file: powers by brute force and by statsmodels.

    pip install scipy==1.17.1 statsmodels==0.15.0
    python3 stats/tests/golden/power.py

Welch's test is integrated over both estimated variances in two dimensions; tests of shares are asked of every pair of
counts. Nothing here is clever.
"""

import json
import os

import numpy as np
from scipy import integrate, special, stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import test_proportions_2indep

HERE = os.path.dirname(os.path.abspath(__file__))
cases = []


def add(kind, inputs, value):
    cases.append({"kind": kind, "inputs": inputs, "value": value})


def welch(n0, n1, sd0, sd1, delta, alpha):
    """P(|T| > t) over the two chi-squared variances, on a Gauss-Legendre grid of their quantiles' range."""
    x, w = np.polynomial.legendre.leggauss(400)
    grids = []
    for n, sd in ((n0, sd0), (n1, sd1)):
        law = stats.chi2(n - 1)
        low, high = np.sqrt(law.ppf(1e-14)), np.sqrt(law.isf(1e-14))
        root = low + (x + 1) / 2 * (high - low)
        grids.append((root**2 * sd**2 / (n - 1) / n, w * (high - low) / 2 * law.pdf(root**2) * 2 * root))
    (v0, w0), (v1, w1) = grids
    V0, V1 = np.meshgrid(v0, v1, indexing="ij")
    df = (V0 + V1) ** 2 / (V0**2 / (n0 - 1) + V1**2 / (n1 - 1))
    reach = stats.t.isf(alpha / 2, df) * np.sqrt(V0 + V1)
    error = np.sqrt(sd0**2 / n0 + sd1**2 / n1)
    chance = special.ndtr((delta - reach) / error) + special.ndtr((-delta - reach) / error)
    return float(w0 @ chance @ w1)


for n0, n1, sd0, sd1 in [(5, 5, 1, 1), (5, 12, 1, 3), (12, 5, 1, 3), (4, 40, 2, 1), (30, 60, 1, 1.5), (300, 30, 1, 0.2)]:
    for shift in (0.0, 1.0, 2.5, 4.0):
        delta = shift * float(np.sqrt(sd0**2 / n0 + sd1**2 / n1))
        add("welch", {"n0": n0, "n1": n1, "sd0": sd0, "sd1": sd1, "delta": delta, "alpha": 0.05}, welch(n0, n1, sd0, sd1, delta, 0.05))


def rejects(method, xt, nt, xc, nc, alpha):
    pt, pc = xt / nt, xc / nc
    if method == "fisher":
        return stats.fisher_exact([[xt, nt - xt], [xc, nc - xc]])[1] < alpha
    if method == "boschloo":
        return stats.boschloo_exact([[xt, nt - xt], [xc, nc - xc]], n=128).pvalue < alpha
    if method == "pooled_z":
        p = (xt + xc) / (nt + nc)
        v = p * (1 - p) * (1 / nt + 1 / nc)
        return v > 0 and 2 * stats.norm.sf(abs(pt - pc) / np.sqrt(v)) < alpha
    if method == "score":
        if xt + xc in (0, nt + nc):
            return False
        return test_proportions_2indep(xt, nt, xc, nc, value=0, method="score", compare="diff", correction=True).pvalue < alpha
    v_t, v_c = pt * (1 - pt) / (nt - 1), pc * (1 - pc) / (nc - 1)
    if v_t + v_c == 0:
        return False
    df = (v_t + v_c) ** 2 / (v_t**2 / (nt - 1) + v_c**2 / (nc - 1))
    return 2 * stats.t.sf(abs(pt - pc) / np.sqrt(v_t + v_c), df) < alpha


for method, sizes in [("fisher", [(10, 10), (24, 13)]), ("pooled_z", [(10, 10), (60, 45)]), ("score", [(12, 9), (35, 35)]),
                      ("mean", [(10, 14), (60, 45)]), ("boschloo", [(7, 9)])]:
    for nc, nt in sizes:
        for pc, pt in [(0.1, 0.1), (0.1, 0.4), (0.6, 0.25)]:
            power = 0.0
            for xc in range(nc + 1):
                for xt in range(nt + 1):
                    chance = stats.binom.pmf(xc, nc, pc) * stats.binom.pmf(xt, nt, pt)
                    if chance > 1e-16 and rejects(method, xt, nt, xc, nc, 0.05):
                        power += chance
            add("counts", {"method": method, "n0": nc, "n1": nt, "p0": pc, "p1": pt}, float(power))

for effect in (0.05, 0.3):
    for ratio in (0.25, 1.0, 3.0):
        for power in (0.8, 0.95):
            add("t_size", {"effect": effect, "ratio": ratio, "power": power},
                float(TTestIndPower().solve_power(effect, power=power, alpha=0.05, ratio=ratio)))
            add("z_size", {"effect": effect, "ratio": ratio, "power": power},
                float(NormalIndPower().solve_power(effect, power=power, alpha=0.05, ratio=ratio)))

with open(os.path.join(HERE, "power_scipy.json"), "w") as file:
    json.dump(cases, file, indent=1)
    file.write("\n")
