#!/usr/bin/env python3
"""Writes several_arms.json beside this file: comparisons of several arms, and of segments with the rest.

    pip install scipy==1.17.1 statsmodels==0.15.0
    python3 stats/tests/golden/several_arms.py

Dunnett's p-values are integrated on a grid over the common factor and the spread. The joint law of segments against the
rest, with weights one over the variance, is that of independent normals cut to intervals, given that their sum is zero: an
integral over the product of their characteristic functions.
"""

import json
import os

import numpy as np
import statsmodels.stats.oneway as oneway
from scipy import optimize, special, stats

HERE = os.path.dirname(os.path.abspath(__file__))
ARMS = [
    [4.1, 5.2, 6.3, 5.5, 4.9, 5.0],
    [6.1, 7.4, 5.9, 8.2, 7.7],
    [5.0, 5.0, 6.0, 9.0, 3.0, 4.0, 6.5],
    [7.0, 6.0, 8.5, 9.5],
]


def dunnett_inside(t, n):
    df = sum(n) - len(n)
    loadings = [np.sqrt(m / (m + n[0])) for m in n[1:]]
    z, s = np.linspace(-10, 10, 2001), np.linspace(1e-4, 4, 2001)
    density = stats.chi.pdf(s * np.sqrt(df), df) * np.sqrt(df)
    inside = np.zeros_like(s)
    for i in range(len(s)):
        if density[i] > 1e-18:
            h = stats.norm.pdf(z)
            for l in loadings:
                rest = np.sqrt(1 - l * l)
                h = h * (special.ndtr((t * s[i] - l * z) / rest) - special.ndtr((-t * s[i] - l * z) / rest))
            inside[i] = h.sum() * (z[1] - z[0])
    return (inside * density).sum() * (s[1] - s[0])


def against_rest_outside(t, variances):
    """P(max > t): x_i = y_i / variance_i are independent normals of variance w_i = 1 / variance_i."""
    w = 1 / np.array(variances)
    total = w.sum()
    ends = t * np.sqrt((1 / w - 1 / total)) * w
    omega = np.linspace(0, 90 / ends.min(), 20_001)
    product = np.ones_like(omega)
    x, weight = np.polynomial.legendre.leggauss(120)
    for end, own in zip(ends, w):
        transform = np.zeros_like(omega)
        for node, mass in zip(x, weight):
            at = end * node
            transform += end * mass * np.cos(omega * at) * stats.norm.pdf(at, scale=np.sqrt(own))
        # Gauss's rule cannot follow the cosine far out, where the product is next to nothing.
        product *= np.where(omega * end <= 90, transform, 0)
    inside = np.trapezoid(product, omega) / np.pi
    return 1 - inside / stats.norm.pdf(0, scale=np.sqrt(total))


n = [len(a) for a in ARMS]
anova = stats.f_oneway(*ARMS)
welch = oneway.anova_oneway(ARMS, use_var="unequal", welch_correction=True)
kruskal = stats.kruskal(*ARMS)
levene = {c: stats.levene(*ARMS, center=c) for c in ["mean", "median"]}
tukey = stats.tukey_hsd(*ARMS)
tukey_ci = tukey.confidence_interval(0.95)
dunnett = stats.dunnett(*ARMS[1:], control=ARMS[0], rng=np.random.default_rng(1))
segments = [[1.0, 1.0, 1.0], [1.0] * 7, [0.5, 1.0, 2.0, 4.0], [0.2, 1.0, 1.0, 3.0, 9.0]]
table = {
    "arms": ARMS,
    "anova": [anova.statistic, anova.pvalue],
    "welch": [welch.statistic, welch.df_num, welch.df_denom, welch.pvalue],
    "kruskal": [kruskal.statistic, kruskal.pvalue],
    "levene_mean": [levene["mean"].statistic, levene["mean"].pvalue],
    "levene_median": [levene["median"].statistic, levene["median"].pvalue],
    "tukey": [
        [i, j, tukey.statistic[i, j], tukey_ci.low[i, j], tukey_ci.high[i, j], tukey.pvalue[i, j]]
        for i in range(4)
        for j in range(i)
    ],
    "dunnett": [[t, 1 - dunnett_inside(abs(t), n)] for t in dunnett.statistic],
    "dunnett_critical": optimize.brentq(lambda t: 0.95 - dunnett_inside(t, n), 2, 4, xtol=1e-10),
    "against_rest": [
        {"variances": v, "tails": [[t, against_rest_outside(t, v)] for t in (1.5, 2.0, 2.5, 3.0)]} for v in segments
    ],
}
with open(os.path.join(HERE, "several_arms.json"), "w") as file:
    json.dump(table, file, indent=1)
    file.write("\n")
