#!/usr/bin/env python3
"""Writes interaction.json beside this file: two crossed experiments by the regression on all cells, with HC2.

    pip install scipy==1.17.1 statsmodels==0.15.0
    python3 stats/tests/golden/interaction.py
"""

import json
import os

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats

HERE = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(8)
n = 400
data = pd.DataFrame({"a": random.integers(0, 2, n), "b": random.integers(0, 3, n)})
data["y"] = np.round(5 + data.a + 0.5 * data.b + 0.8 * data.a * (data.b == 2) + (1 + data.b) * random.normal(size=n), 3)
fit = smf.ols("y ~ C(a) * C(b)", data).fit(cov_type="HC2", use_t=False)
terms = [f"C(a)[T.1]:C(b)[T.{j}]" for j in (1, 2)]
wald = fit.wald_test([[float(name == term) for name in fit.params.index] for term in terms], scalar=True)
counts = pd.crosstab(data.a, data.b)
chi_square = stats.chi2_contingency(counts, correction=False)
two = data[data.b < 2]
two_fit = smf.ols("y ~ C(a) * C(b)", two).fit(cov_type="HC2", use_t=False)
table = {
    "cells": [[list(data.y[(data.a == i) & (data.b == j)]) for j in range(3)] for i in range(2)],
    "interaction": [[fit.params[term], fit.bse[term]] for term in terms],
    "effect": [fit.params["C(a)[T.1]"], fit.bse["C(a)[T.1]"]],
    "wald": float(wald.statistic),
    "wald_of_two": float(two_fit.tvalues["C(a)[T.1]:C(b)[T.1]"] ** 2),
    "dependence": [chi_square.statistic, chi_square.pvalue],
}
with open(os.path.join(HERE, "interaction.json"), "w") as file:
    json.dump(table, file)
    file.write("\n")
