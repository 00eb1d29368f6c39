#!/usr/bin/env python3
"""Writes log_rank.json beside this file: weighted log-rank statistics of the times in time_to_event.json.

    pip install lifelines==0.30.3
    python3 stats/tests/golden/time_to_event.py
"""

import json
import os

import numpy as np
from lifelines.statistics import logrank_test

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = {
    "log_rank": {},
    "gehan": {"weightings": "wilcoxon"},
    "tarone_ware": {"weightings": "tarone-ware"},
    "peto": {"weightings": "peto"},
    "fleming_harrington 1 0": {"weightings": "fleming-harrington", "p": 1, "q": 0},
    "fleming_harrington 0 1": {"weightings": "fleming-harrington", "p": 0, "q": 1},
    "fleming_harrington 0.5 2": {"weightings": "fleming-harrington", "p": 0.5, "q": 2},
}

with open(os.path.join(HERE, "time_to_event.json")) as file:
    cases = json.load(file)["survival"]
found = []
for case in cases:
    arm, time, event = (np.array(case[key]) for key in ("arm", "time", "event"))
    one, other = arm == 0, arm == 1
    for name, options in WEIGHTS.items():
        test = logrank_test(time[one], time[other], event[one], event[other], **options)
        found.append({"case": case["name"], "weights": name, "statistic": float(test.test_statistic), "p": float(test.p_value)})
with open(os.path.join(HERE, "log_rank.json"), "w") as file:
    json.dump(found, file, indent=1)
    file.write("\n")
