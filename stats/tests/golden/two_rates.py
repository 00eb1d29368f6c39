#!/usr/bin/env python3
"""Writes `two_rates.csv` beside this file: two beta or gamma posteriors compared, by double integrals in 30 digits.

    pip install mpmath==1.4.1 gmpy2==2.3.2
    python3 stats/tests/golden/two_rates.py

Unlike the library, losses are integrated as they are defined, over the region where the loss is positive, and every
density is evaluated with its normalising constant by the logarithm of the gamma function.
"""

import csv
import os

from mpmath import exp, legendre, log, loggamma, mp, mpf

mp.dps = 32
HERE = os.path.dirname(os.path.abspath(__file__))
DEPTH = 55

# The rule with 24 nodes, exact for degree 47.
NODES = []
for i in range(24):
    x = mp.cos(mp.pi * (i + mpf(3) / 4) / (24 + mpf(1) / 2))
    for _ in range(8):
        slope = 24 * (x * legendre(24, x) - legendre(23, x)) / (x * x - 1)
        x -= legendre(24, x) / slope
    NODES.append((x, 2 / ((1 - x * x) * slope * slope)))

CASES = [
    ("beta", 31, 71, 21, 81),
    ("beta", 1, 1, 1, 1),
    ("beta", 0.5, 3.5, 2.5, 1.5),
    ("beta", 4, 997, 13, 988),
    ("beta", 8503, 36199, 8280, 37211),
    ("beta", 120, 30, 1, 40),
    ("beta", 1.5e6, 2.85e7, 1.4996e6, 2.8501e7),
    ("beta", 3e8, 7e8, 2.9997e8, 7.0003e8),
    ("beta", 6e11, 4e11, 5.99999e11, 4.00001e11),
    ("beta", 50, 1e9, 35, 1e9),
    ("gamma", 0.5, 100, 3.5, 120),
    ("gamma", 25.5, 40, 18.5, 41),
    ("gamma", 7.5, 1, 2000.5, 300),
]


class Law:
    """A density over theta, the logit of a share or the logarithm of a rate, cut where it is below e^-DEPTH of its peak."""

    def __init__(self, kind, a, b):
        self.kind, self.a, self.b = kind, mpf(a), mpf(b)
        self.peak = log(self.a / self.b)
        if kind == "beta":
            self.constant = loggamma(self.a + self.b) - loggamma(self.a) - loggamma(self.b)
            sd = 1 / mp.sqrt(self.a * self.b / (self.a + self.b))
        else:
            self.constant = self.a * log(self.b) - loggamma(self.a)
            sd = 1 / mp.sqrt(self.a)
        top = self.log_density(self.peak)
        self.edges = [self.peak]
        for side in (-1, 1):
            at, level = self.peak, top
            while top - level < DEPTH:
                width = min(mpf(1), sd)
                while level - self.log_density(at + side * width) > 3:
                    width /= 2
                at += side * width
                level = self.log_density(at)
                self.edges.append(at)
        self.edges.sort()
        self.sums = {}

    def log_density(self, theta):
        if self.kind == "beta":
            return self.constant + self.a * theta - (self.a + self.b) * log(1 + exp(theta))
        return self.constant + self.a * theta - self.b * exp(theta)

    def value(self, theta):
        return 1 / (1 + exp(-theta)) if self.kind == "beta" else exp(theta)

    def line(self, value):
        """The theta of a value; beyond the table at an end of the support."""
        if value <= 0:
            return self.edges[0]
        if self.kind == "beta":
            return self.edges[-1] if value >= 1 else log(value / (1 - value))
        return log(value)

    def piece(self, low, high, power):
        """The integral of value^power over one piece."""
        centre, half = (low + high) / 2, (high - low) / 2
        total = mpf(0)
        for x, w in NODES:
            theta = centre + half * x
            total += w * exp(self.log_density(theta)) * self.value(theta) ** power
        return half * total

    def below(self, theta, power=0):
        """E[value^power; theta' < theta]."""
        if power not in self.sums:
            sums = [mpf(0)]
            for low, high in zip(self.edges, self.edges[1:]):
                sums.append(sums[-1] + self.piece(low, high, power))
            self.sums[power] = sums
        sums = self.sums[power]
        if theta <= self.edges[0]:
            return mpf(0)
        if theta >= self.edges[-1]:
            return sums[-1]
        at = max(i for i, edge in enumerate(self.edges) if edge <= theta)
        return sums[at] + self.piece(self.edges[at], theta, power)

    def whole(self, power=0):
        self.below(self.peak, power)
        return self.sums[power][-1]


def over_baseline(arm, base, breaks, integrand):
    """The integral over the baseline, in pieces that end at its own edges and at the given ones."""
    inside = [t for t in breaks if base.edges[0] < t < base.edges[-1]]
    edges = sorted(set(base.edges + inside))
    total = mpf(0)
    for low, high in zip(edges, edges[1:]):
        centre, half = (low + high) / 2, (high - low) / 2
        total += half * sum(w * exp(base.log_density(centre + half * x)) * integrand(centre + half * x) for x, w in NODES)
    return total


def partner(comparison, base, arm, theta, c):
    """Where the arm stands, on its line, when the comparison is c."""
    value = base.value(theta)
    if comparison == "difference":
        return arm.line(value + c)
    if comparison == "lift":
        return arm.line(value * (1 + c))
    return theta + log(c)


def back(comparison, base, arm, theta, c):
    value = arm.value(theta)
    if comparison == "difference":
        return base.line(value - c)
    if comparison == "lift":
        return base.line(value / (1 + c))
    return theta - log(c)


def row(kind, a1, b1, a0, b0):
    arm, base = Law(kind, a1, b1), Law(kind, a0, b0)
    for law in (arm, base):
        assert abs(law.whole() - 1) < mpf(10) ** -20, (kind, a1, b1, a0, b0, law.whole())
    mean1, mean0 = arm.whole(1), base.whole(1)
    sd = mp.sqrt(arm.whole(2) - mean1**2 + base.whole(2) - mean0**2)
    same = [t for t in arm.edges]

    def loss(arm_power, sign):
        # E max(p0 - p1, 0) or E max(1 - p1/p0, 0), and the same turned round.
        def inner(theta):
            p0 = base.value(theta)
            chance, mass = arm.below(theta), arm.below(theta, 1)
            if sign < 0:
                gap = p0 * chance - mass
            else:
                gap = (mean1 - mass) - p0 * (1 - chance)
            return gap / p0**arm_power

        return over_baseline(arm, base, same, inner)

    losses = {"difference": (loss(0, -1), loss(0, 1))}
    losses["lift"] = (loss(1, -1), loss(1, 1)) if a0 > 1 else (None, None)
    for comparison in ("difference", "lift", "odds_ratio"):
        if comparison == "odds_ratio" and kind == "gamma":
            continue
        if comparison == "difference":
            values = [mpf(0), mean1 - mean0 + 2 * sd, mean1 - mean0 - mpf(1.5) * sd]
        elif comparison == "lift":
            values = [mpf(0), (mean1 + 2 * sd) / mean0 - 1, (mean1 - sd / 2) / mean0 - 1]
        else:
            odds = exp(arm.peak - base.peak)
            values = [mpf(1), odds * (1 + sd / mean0), odds / (1 + 2 * sd / mean0)]
        for value in values:
            value = mpf(float(value))
            if comparison == "difference" and kind == "beta" and not -1 < value < 1:
                continue
            if comparison == "lift" and value <= -1:
                continue
            breaks = [back(comparison, base, arm, theta, value) for theta in arm.edges]
            below = over_baseline(arm, base, breaks, lambda t: arm.below(partner(comparison, base, arm, t, value)))
            yield [kind, a1, b1, a0, b0, comparison, value, below, *losses.get(comparison, (None, None))]


def text(cell):
    if cell is None:
        return ""
    if isinstance(cell, mpf):
        return mp.nstr(cell, 20, strip_zeros=False, min_fixed=0, max_fixed=0)
    return repr(float(cell)) if isinstance(cell, (int, float)) else cell


def main():
    with open(os.path.join(HERE, "two_rates.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["law", "a1", "b1", "a0", "b0", "comparison", "value", "cdf", "shortfall", "excess"])
        for case in CASES:
            for cells in row(*case):
                cells[6] = float(cells[6])
                out.writerow([text(cell) for cell in cells])
            file.flush()


if __name__ == "__main__":
    main()
