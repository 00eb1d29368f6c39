"""Writes nsw.csv from nsw_mixtape.dta of the package causaldata: python make.py nsw_mixtape.dta > nsw.csv"""

import sys

import pandas

people = pandas.read_stata(sys.argv[1])
people.insert(0, "person", range(1, len(people) + 1))
people.insert(1, "arm", people["treat"].map({0: "control", 1: "training"}))
people.drop(columns=["data_id", "treat"]).to_csv(sys.stdout, index=False, lineterminator="\n")
