#!/usr/bin/env python3
"""Runs `estimand analyze` and a peer in turn on the same files, and prints times, memory, ratios and whether the numbers agree.

    ESTIMAND_SHARED=DIR tests/bench/run.py --work SCRATCH [--only w1,w2,cold] [--large]

README.md beside it says what is measured. Needs Python 3.10 or later and Linux, nothing else: the peers are installed
into a virtual environment in the scratch folder.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOLERANCE = 1e-9
# The last instant of the generated calendar.
END = "2026-02-12T00:00:00Z"

# Metrics that a peer gives in seconds and the project in milliseconds, as the files hold them.
IN_MILLISECONDS = {"play_seconds": "play_time", "view_seconds": "view_time", "seconds_per_session": "time_per_session"}
# The peer's name of a number, and ours.
NUMBERS = {"n0": "n_baseline", "n1": "n", "control": "mean_baseline", "treatment": "mean", "effect": "estimate", "se": "std_error"}


def measured(command):
    """Runs a command to its end: its output, wall and processor seconds, and peak memory in megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}: {err.decode()[-2000:]}")
    return out, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def disagreement(ours, peer):
    """The largest relative difference between numbers that both give, and how many there are."""
    worst, compared = 0.0, 0
    rows = {row["metric"]: row for row in ours["estimates"]
            if row["decides"] and row["scale"] == "absolute" and not row["segment"] and not row["period"]}
    for metric, numbers in peer["result"].items():
        row = rows[IN_MILLISECONDS.get(metric, metric)]
        for theirs, name in NUMBERS.items():
            if theirs not in numbers:
                continue
            scale = 1000 if metric in IN_MILLISECONDS and not theirs.startswith("n") else 1
            expected = numbers[theirs] * scale
            worst = max(worst, abs(row[name] - expected) / max(abs(expected), 1e-300))
            compared += 1
    return worst, compared


class Table:
    """What was measured, one line per workload."""

    def __init__(self):
        self.lines = []

    def add(self, what, wall, cpu, peak, against=None, agreement=""):
        ours = f"{wall:.3g} s / {cpu:.3g} / {peak:,.0f} MB"
        theirs = f"{against[0]:.3g} s / {against[1]:.3g} / {against[2]:,.0f} MB" if against else ""
        ratio = f"{wall / against[0]:.2f} / {cpu / against[1]:.2f}" if against else ""
        self.lines.append((what, ours, theirs, ratio, agreement))
        print(f"  {what}: {ours}" + (f"; peer {theirs}; ratio {ratio}; {agreement}" if against else ""), flush=True)

    def print(self):
        print("\n| workload | estimand: wall / cpu s / peak | peer | ratio of wall / cpu | largest difference |")
        print("| --- | --- | --- | --- | --- |")
        for line in self.lines:
            print("| " + " | ".join(line) + " |")


class Bench:
    def __init__(self, options):
        self.options = options
        self.shared = Path(os.environ["ESTIMAND_SHARED"]) / "bench"
        self.work = options.work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.python = self.environment()
        self.estimand = options.estimand or self.built()
        self.table = Table()

    def environment(self):
        python = self.work / "env" / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", self.work / "env"], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                            "-r", HERE / "requirements.txt"], check=True)
        return python

    def built(self):
        subprocess.run(["cargo", "build", "--release", "--workspace"], cwd=ROOT, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        return target / "release" / "estimand"

    def project(self, kind, name, *generate):
        """A project in the scratch folder, with generated data inside."""
        folder = self.work / name
        for part in ("sources", "metrics", "experiments"):
            shutil.rmtree(folder / part, ignore_errors=True)
        shutil.copytree(HERE / kind, folder, dirs_exist_ok=True)
        if not (folder / "data").exists():
            subprocess.run([self.python, self.shared / "generate.py", "--out", folder / "data.part", *map(str, generate)],
                           check=True)
            (folder / "data.part").rename(folder / "data")
        return folder

    def ours(self, project, *more):
        command = [self.estimand, "analyze", "experiment", "--project", project, "--format", "json", "--quiet",
                   "--threads", self.options.threads, *more]
        out, *used = measured(command)
        return json.loads(out), used

    def peer(self, script, project):
        command = [self.python, self.shared / "peers" / script, "--data", project / "data",
                   "--threads", self.options.threads]
        answer = json.loads(measured(command)[0].splitlines()[-1])
        # Its own clock starts after its imports.
        return answer, (answer["seconds"], answer["cpu_seconds"], answer["peak_rss_mb"])

    def beside(self, what, script, project, *more):
        """Ours and the peer in turn; the best of each."""
        best, best_peer = None, None
        for _ in range(self.options.repeat):
            peer, used = self.peer(script, project)
            best_peer = min(best_peer or used, used)
            answer, used = self.ours(project, *more)
            best = min(best or used, used)
        worst, compared = disagreement(answer, peer)
        verdict = f"{worst:.1e} of {compared} numbers" + ("" if worst <= TOLERANCE else "  ABOVE 1e-9")
        self.table.add(what, *best, best_peer, verdict)

    def alone(self, what, project, *more):
        best = None
        for _ in range(self.options.repeat):
            used = self.ours(project, *more)[1]
            best = min(best or used, used)
        self.table.add(what, *best)

    def often(self, what, command, times=30):
        runs = [measured(command)[1:] for _ in range(times)]
        wall, cpu, peak = (statistics.median(run[part] for run in runs) for part in range(3))
        self.table.add(f"{what} (median of {times})", wall, cpu, peak)

    def w1(self):
        sizes = [(1_000_000, 10_000_000)] + ([(3_000_000, 30_000_000)] if self.options.large else [])
        for users, events in sizes:
            what = f"W1, {users // 10**6} M users, {events // 10**6} M events"
            project = self.project("w1", f"w1-{users // 10**6}m", "--users", users, "--events", events,
                                   "--tables", "assignments,events")
            self.beside(what, "w1_duckdb_sql.py", project, "--as-of", END)
            if users > 1_000_000:
                limit = ("--memory-limit", "1500MB")
                self.alone(f"{what}, {' '.join(limit)}", project, "--as-of", END, *limit)

    def w2(self):
        project = self.project("w2", "w2-10m", "--tables", "unit")
        self.beside("W2, 10 M rows, 10 metrics", "w2_datafusion_sql.py", project)

    def cold(self):
        project = self.project("w2", "w2-50k", "--unit-rows", 50_000, "--tables", "unit")
        analyze = [self.estimand, "analyze", "--format", "json", "--quiet"]
        self.often("cold start, a project, 50,000 rows, 10 metrics", [*analyze, "experiment", "--project", project])
        metrics = [part for j in range(1, 11) for part in ("--metric", f"mean(m{j})")]
        file = [project / "data" / "unit.parquet", "--arm", "variant", "--control", "0", "--covariate", "p1"]
        self.often("cold start, a file, 50,000 rows, 10 metrics", [*analyze, *file, *metrics])
        self.often("--help", [self.estimand, "--help"])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True, help="scratch folder: environment, data, projects (3 GB; 5 GB with --large)")
    arguments.add_argument("--only", default="w1,w2,cold", help="which workloads")
    arguments.add_argument("--large", action="store_true", help="W1 also with 3 M users and 30 M events")
    arguments.add_argument("--repeat", type=int, default=3, help="runs of each, of which the best counts")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--estimand", type=Path, help="the command; built in release unless given")
    options = arguments.parse_args()
    if "ESTIMAND_SHARED" not in os.environ:
        print("skipped: ESTIMAND_SHARED names no folder with bench/generate.py and bench/peers")
        return
    bench = Bench(options)
    for name in options.only.split(","):
        print(name, flush=True)
        getattr(bench, name)()
    bench.table.print()


if __name__ == "__main__":
    main()
