#!/usr/bin/env python3
"""Runs `estimand analyze`, its peers and the bare scan in turn on the same files, and prints what is asked of each workload
beside what was measured: ratios, memory, and whether the numbers agree.

    ESTIMAND_SHARED=DIR tests/bench/run.py --work SCRATCH [--large] [--only w1,w6] [--engine-path sql]

README.md beside it says what is measured. Needs Python 3.11 or later and Linux, nothing else: the peers are installed into
virtual environments in the scratch folder.
"""
import argparse
import dataclasses
import hashlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOLERANCE = 1e-9
# The last instant of the generated calendar.
END = "2026-02-12T00:00:00Z"
ENGINES = ["duckdb", "datafusion", "polars"]
# How often a scan is repeated in its process, of which the best counts: by then its memory is its own.
SCANS = 4

# Metrics that a peer gives in seconds and the project in milliseconds, as the files hold them.
IN_MILLISECONDS = {"play_seconds": "play_time", "view_seconds": "view_time", "seconds_per_session": "time_per_session"}
# The peer's name of a number, and ours.
NUMBERS = {"n0": "n_baseline", "n1": "n", "control": "mean_baseline", "treatment": "mean", "effect": "estimate", "se": "std_error"}


@dataclasses.dataclass(order=True)
class Used:
    """What a run took: wall and processor seconds, peak memory in megabytes."""

    wall: float
    cpu: float
    peak: float

    def __str__(self):
        return f"{self.wall:.3g} s, {self.cpu:.3g} s, {self.peak:,.0f} MB"


def measured(command, environment=None):
    """Runs a command to its end: its output, and what it took."""
    started = time.perf_counter()
    command = [str(part) for part in command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        raise RuntimeError(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}: {err.decode()[-2000:]}")
    return out, Used(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def of_metrics(rows, peer):
    """Pairs of a number of ours and the peer's, by metric."""
    rows = {row["metric"]: row for row in rows if not row["segment"]}
    for metric, numbers in peer.items():
        row = rows[IN_MILLISECONDS.get(metric, metric)]
        for theirs, name in NUMBERS.items():
            if theirs in numbers:
                scale = 1000 if metric in IN_MILLISECONDS and not theirs.startswith("n") else 1
                yield row[name], numbers[theirs] * scale


def of_segments(rows, peer):
    """Pairs of a number of ours and the peer's, by segment and metric."""
    rows = {(row["segment"] or "all=None", row["metric"]): row for row in rows}
    for key, numbers in peer.items():
        row = rows[tuple(key.split("/"))]
        for theirs in ("effect", "se"):
            yield row[NUMBERS[theirs]], numbers[theirs]


def disagreement(answer, peer, pairs):
    """The largest relative difference between numbers that both give, and how many there are."""
    rows = [row for row in answer["estimates"] if row["decides"] and row["scale"] == "absolute" and not row["period"]]
    differences = [abs(ours - theirs) / max(abs(theirs), 1e-300) for ours, theirs in pairs(rows, peer["result"])]
    return max(differences), len(differences)


class Table:
    """What was asked and what was measured."""

    def __init__(self):
        self.runs, self.asked, self.agreement = [], [], []

    def run(self, workload, who, used):
        self.runs.append((workload, who, used))
        print(f"  {workload}: {who}: {used}", flush=True)

    def ask(self, workload, what, value, must=None, aim=None, least=False, unit="", cpu=None):
        """One requirement; `least` where more is better. `cpu` is the same by processor time, which decides nothing."""
        met = lambda bound: bound is not None and (value >= bound if least else value <= bound)
        verdict = "aim" if met(aim) else "must" if met(must) else "" if must is None else "**no**"
        sign = "≥" if least else "≤"
        written = lambda bound: "" if bound is None else f"{sign} {bound:g}{unit}"
        by_cpu = "" if cpu is None else f"{cpu:.3g}"
        self.asked.append((workload, what, f"{value:.3g}{unit}", by_cpu, written(must), written(aim), verdict))
        print(f"  {workload}: {what}: {value:.3g}{unit}; must {written(must)}; aim {written(aim)}: {verdict}", flush=True)

    def agree(self, workload, who, worst, compared):
        above = "" if worst <= TOLERANCE else "  ABOVE 1e-9"
        self.agreement.append((workload, who, f"{worst:.1e} of {compared} numbers{above}"))
        print(f"  {workload}: {who}: largest difference {worst:.1e} of {compared} numbers{above}", flush=True)

    def print(self):
        print("\n| workload | | wall, processor, peak |\n| --- | --- | --- |")
        for workload, who, used in self.runs:
            print(f"| {workload} | {who} | {used} |")
        for title, lines in [
            ("| workload | asked | measured | by processor | must | aim | met |\n| --- | --- | --- | --- | --- | --- | --- |", self.asked),
            ("| workload | peer | largest difference |\n| --- | --- | --- |", self.agreement),
        ]:
            if lines:
                print("\n" + title)
                for line in lines:
                    print("| " + " | ".join(line) + " |")


class Spill(threading.Thread):
    """Watches how much lies in a folder for temporary files."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.most, self.ended = Path(folder), 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.05):
            total = 0
            for path in self.folder.rglob("*"):
                try:
                    total += path.stat().st_size if path.is_file() else 0
                except FileNotFoundError:
                    pass
            self.most = max(self.most, total)


class Bench:
    def __init__(self, options):
        self.options = options
        self.shared = Path(os.environ["ESTIMAND_SHARED"]) / "bench"
        self.work = options.work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.python = self.environment("env", "requirements.txt")
        self.estimand = options.estimand or self.built()
        self.table = Table()
        # Seconds of our best run, by workload, for the ratios between workloads.
        self.wall = {}

    def environment(self, name, requirements):
        python = self.work / name / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", self.work / name], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", HERE / requirements],
                           check=True)
        return python

    def built(self):
        subprocess.run(["cargo", "build", "--release", "--workspace"], cwd=ROOT, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        return target / "release" / "estimand"

    def generate(self, folder, *arguments):
        if not folder.exists():
            part = folder.with_name(folder.name + ".part")
            subprocess.run([self.python, self.shared / "generate.py", "--out", part, *map(str, arguments)], check=True)
            part.rename(folder)

    def project(self, kind, name, *generate, data=None):
        """A project in the scratch folder with its data: generated inside, or those of a folder that projects share."""
        folder = self.work / name
        for part in ("sources", "metrics", "experiments"):
            shutil.rmtree(folder / part, ignore_errors=True)
        shutil.copytree(HERE / kind, folder, dirs_exist_ok=True)
        if data is None:
            self.generate(folder / "data", *generate)
        else:
            self.generate(self.work / data, *generate)
            if not (folder / "data").exists():
                (folder / "data").symlink_to(self.work / data)
        return folder

    def ours(self, project, *more, experiment="experiment", environment=None):
        command = [self.estimand, "analyze", experiment, "--project", project, "--format", "json", "--quiet",
                   "--threads", self.options.threads, *self.path(), *more]
        out, used = measured(command, environment)
        return out, used

    def path(self):
        return ["--engine-path", self.options.engine_path] if self.options.engine_path else []

    def peer(self, script, project, *more, python=None):
        command = [python or self.python, self.shared / "peers" / script, "--data", project / "data",
                   "--threads", self.options.threads, *more]
        answer = json.loads(measured(command)[0].splitlines()[-1])
        # Its own clock starts after its imports.
        return answer, Used(answer["seconds"], answer["cpu_seconds"], answer["peak_rss_mb"])

    def in_turn(self, workload, runs):
        """Each run in turn, several times: the best of each, and its last answer."""
        best, answers = {}, {}
        for _ in range(self.options.repeat):
            for who, run in runs.items():
                answer, used = run()
                answers[who] = answer
                best[who] = min(best.get(who, used), used)
        for who, used in best.items():
            self.table.run(workload, who, used)
        return best, answers

    def beside(self, workload, project, scan, peers, pairs, *more):
        """Ours, the bare scan by three engines and the peers in turn."""
        runs = {"estimand": lambda: self.ours(project, *more)}
        for engine in ENGINES:
            runs[f"scan by {engine}"] = lambda engine=engine: self.peer(
                "limits.py", project, "--what", scan, "--engine", engine, "--repeat", SCANS)
        for name, (script, *arguments) in peers.items():
            python = self.tea() if name == "tea-tasting" else None
            if name != "tea-tasting" or python:
                runs[name] = lambda script=script, arguments=arguments, python=python: self.peer(
                    script, project, *arguments, python=python)
        best, answers = self.in_turn(workload, runs)
        answer = json.loads(answers["estimand"])
        for name in peers:
            if name in answers:
                self.table.agree(workload, name, *disagreement(answer, answers[name], pairs))
        self.wall[workload] = best["estimand"].wall
        scans = [best[f"scan by {engine}"] for engine in ENGINES]
        scan = Used(*(min(getattr(one, part) for one in scans) for part in ("wall", "cpu", "peak")))
        return best["estimand"], scan, {name: best[name] for name in peers if name in best}

    def ratios(self, workload, used, scan, peers, scans, faster):
        """Asks for so many times the scan at most, and for so many times the speed of each peer at least."""
        must, aim = scans
        self.table.ask(workload, "times the scan", used.wall / scan.wall, must, aim, cpu=used.cpu / scan.cpu)
        for name, (must, aim) in faster.items():
            if name in peers:
                value, cpu = peers[name].wall / used.wall, peers[name].cpu / used.cpu
                self.table.ask(workload, f"times faster than {name}", value, must, aim, least=True, cpu=cpu)

    def tea(self):
        """An environment with tea-tasting, unless it cannot be had."""
        try:
            return self.environment("env-tea", "requirements-tea.txt")
        except subprocess.CalledProcessError as error:
            shutil.rmtree(self.work / "env-tea", ignore_errors=True)
            print(f"  tea-tasting is left out: {error}", flush=True)
            return None

    def often(self, workload, who, command, times=30):
        runs = [measured(command)[1] for _ in range(times)]
        used = Used(*(statistics.median(getattr(run, part) for run in runs) for part in ("wall", "cpu", "peak")))
        self.table.run(workload, f"{who} (median of {times})", used)
        return used

    def events(self, users):
        name = f"w1-{users // 10**6}m"
        return self.project("w1", name, "--users", users, "--events", 10 * users, "--tables", "assignments,events")

    def w1(self):
        workload, ask = "W1, 10 M events, 1 M users", self.table.ask
        peers = {"Polars": ["w1_polars.py"], "DuckDB": ["w1_duckdb_sql.py"]}
        used, *others = self.beside(workload, self.events(10**6), "w1", peers, of_metrics, "--as-of", END)
        self.ratios(workload, used, *others, (4, 2.5), {"Polars": (4, 6), "DuckDB": (7, 11)})
        ask(workload, "peak memory", used.peak, 450, 320, unit=" MB")

    def w1_30m(self):
        workload, ask = "W1, 30 M events, 3 M users", self.table.ask
        peers = {"Polars": ["w1_polars.py"]}
        used, *others = self.beside(workload, self.events(3 * 10**6), "w1", peers, of_metrics, "--as-of", END)
        self.ratios(workload, used, *others, (4.5, None), {"Polars": (None, None)})
        ask(workload, "peak memory", used.peak, 1200, 900, unit=" MB")
        smaller = self.wall.get("W1, 10 M events, 1 M users")
        if smaller:
            ask(workload, "log-log slope from 10 M", math.log(used.wall / smaller) / math.log(3), 1.1, 1.0)

    def w1_60(self):
        workload = "W1 with 60 metrics instead of 20"
        project = self.events(10**6)
        sixty_metrics(project)
        runs = {f"{experiment} metrics": lambda name=name: self.ours(project, "--as-of", END, experiment=name)
                for experiment, name in [("20", "experiment"), ("60", "sixty")]}
        best, _ = self.in_turn(workload, runs)
        self.table.ask(workload, "times the time of 20", best["60 metrics"].wall / best["20 metrics"].wall, 1.6, 1.3)

    def w1_100m(self):
        workload, ask = "W1, 100 M events, 10 M users, 2 GB", self.table.ask
        # Data, and as much again where all of it would be spilled.
        free = shutil.disk_usage(self.work).free / 1e9
        if free < 10 and not (self.work / "w1-10m" / "data").exists():
            print(f"  {workload}: left out: {free:.0f} GB of disk are free, and it needs 10")
            return
        project = self.events(10**7)
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            spill = Spill(folder)
            spill.start()
            _, used = self.ours(project, "--as-of", END, "--memory-limit", "2GB", environment=os.environ | {"TMPDIR": folder})
            spill.ended.set()
            spill.join()
        self.table.run(workload, "estimand", used)
        smaller = self.wall.get("W1, 30 M events, 3 M users")
        if smaller:
            ask(workload, "times the time per row of 30 M", used.wall / smaller * 3 / 10, 1.5)
        ask(workload, "spilled", spill.most / 1e9, aim=0, unit=" GB")

    def w2(self):
        self.of_units("W2, 10 CUPED metrics, 10 M rows", self.project("w2", "w2-10m", "--tables", "unit"), 10)

    def w2_50(self):
        project = self.project("w2", "w2-50", "--tables", "wide", data="wide")
        unit_metrics(project, "wide", 50, covariates=True)
        self.of_units("W2, 50 CUPED metrics, 1 M rows", project, 50)

    def of_units(self, workload, project, metrics):
        peers = {"Polars": ["w2_polars.py", "--metrics", metrics]}
        taken = self.beside(workload, project, f"w2-{metrics}", peers, of_metrics)
        self.ratios(workload, *taken, (1.5, 1.2), {"Polars": (1, None)})

    def w6(self):
        workload = "W6, 50 metrics × 31 segments, 1 M rows"
        project = self.project("w2", "w6", "--tables", "wide", data="wide")
        unit_metrics(project, "wide", 50, dimensions=["country", "platform", "plan"])
        peers = {"DuckDB": ["w6_duckdb_sql.py"], "Polars": ["w6_polars.py"], "tea-tasting": ["w6_tea_tasting.py"]}
        taken = self.beside(workload, project, "w6", peers, of_segments)
        faster = {"DuckDB": (2, None), "Polars": (None, None), "tea-tasting": (None, 40)}
        self.ratios(workload, *taken, (3, 2), faster)

    def w8(self):
        workload = "W8, 50,000 rows, 10 CUPED metrics"
        project = self.project("w2", "w2-50k", "--unit-rows", 50_000, "--tables", "unit")
        analyze = [self.estimand, "analyze", "--format", "json", "--quiet", *self.path()]
        used = self.often(workload, "a project", [*analyze, "experiment", "--project", project])
        self.table.ask(workload, "whole process", 1000 * used.wall, 30, 15, unit=" ms")
        metrics = [part for j in range(1, 11) for part in ("--metric", f"mean(m{j})")]
        file = [project / "data" / "unit.parquet", "--arm", "variant", "--control", "0", "--covariate", "p1"]
        self.often(workload, "a bare file", [*analyze, *file, *metrics])
        self.often(workload, "--help", [self.estimand, "--help"])

    def bytes(self):
        """Both ways of the engine, at several numbers of threads: one answer."""
        projects = [(self.events(10**6), ["--as-of", END]), (self.project("w2", "w2-10m", "--tables", "unit"), [])]
        for project, more in projects:
            answers = set()
            for path in ("native", "sql"):
                for threads in (1, 2, 3, 7, 16) if path == "native" else (2,):
                    command = [self.estimand, "analyze", "experiment", "--project", project, "--format", "json", "--quiet",
                               "--threads", threads, "--engine-path", path, *more]
                    out, used = measured(command)
                    answers.add(hashlib.sha256(out).hexdigest())
                    print(f"  {project.name}, {path}, {threads} threads: {used}", flush=True)
            if len(answers) > 1:
                sys.exit(f"{project.name}: {len(answers)} different answers")
            print(f"  {project.name}: one answer, to the last byte", flush=True)


def unit_metrics(project, table, count, covariates=False, dimensions=()):
    """Makes a unit table's project ask for this many metrics."""
    shutil.rmtree(project / "metrics")
    (project / "metrics").mkdir()
    for j in range(1, count + 1):
        covariate = f'covariates = ["p{j}"]\n' if covariates else ""
        text = f'label = "Metric {j}"\nkind = "mean"\nsource = "unit"\nvalue = "m{j}"\n{covariate}direction = "higher"\n'
        (project / "metrics" / f"m{j}.toml").write_text(text)
    source = project / "sources" / "unit.toml"
    source.write_text(source.read_text().replace("unit.parquet", f"{table}.parquet"))
    names = ", ".join(f'"m{j}"' for j in range(2, count + 1))
    cut = f"dimensions = {json.dumps(list(dimensions))}\n" if dimensions else ""
    (project / "experiments" / "experiment.toml").write_text(
        f'label = "{count} metrics"\nunit = "row"\ncontrol = "0"\narms = [{{ name = "0" }}, {{ name = "1" }}]\n'
        f'assignment = {{ source = "unit", arm = "variant" }}\n{cut}\n'
        f'[metrics]\nprimary = ["m1"]\nsecondary = [{names}]\n\n'
        '[analysis]\npopulation = "enrolled"\noptions = { slope = "pooled" }\n')


def sixty_metrics(project):
    """Adds an experiment with forty metrics more: other events, windows and functions over the same columns."""
    def metric(name, kind, *lines, event=None, window=None):
        lines = [f'kind = "{kind}"', 'source = "events"', *lines, 'direction = "higher"']
        lines += [f"filter = \"event_name = '{event}'\""] if event else []
        lines += [f'window = "{window}"'] if window else []
        (project / "metrics" / f"{name}.toml").write_text("\n".join(lines) + "\n")
        names.append(name)

    names = []
    events = ["view", "search", "add_to_cart", "purchase", "video_play", "error"]
    for window in ["1d", "3d", "14d"]:
        for event in events:
            metric(f"count_{event}_{window}", "mean", 'value = "count(*)"', event=event, window=window)
        for event in ["view", "video_play"]:
            metric(f"time_{event}_{window}", "mean", 'value = "sum(duration)"', event=event, window=window)
        for event in ["add_to_cart", "purchase"]:
            metric(f"share_{event}_{window}", "proportion", event=event, window=window)
        metric(f"revenue_{window}", "mean", 'value = "sum(revenue)"', window=window)
        metric(f"sessions_{window}", "mean", 'value = "count(distinct session_id)"', window=window)
        metric(f"days_{window}", "mean", "value = \"count(distinct date_trunc('day', ts))\"", window=window)
    metric("longest_view", "mean", 'value = "max(duration)"', 'when_empty = 0', event="view")
    text = (project / "experiments" / "experiment.toml").read_text()
    listed = "".join(f'    "{name}",\n' for name in names)
    (project / "experiments" / "sixty.toml").write_text(text.replace("secondary = [\n", f"secondary = [\n{listed}"))


WORKLOADS = ["w1", "w1-30m", "w1-60", "w1-100m", "w2", "w2-50", "w6", "w8", "bytes"]
USUAL = [name for name in WORKLOADS if name not in ("w1-100m", "bytes")]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True,
                           help="scratch folder: environments, data, projects (5 GB; 15 GB with --large)")
    arguments.add_argument("--only", help=f"which of {', '.join(WORKLOADS)}")
    arguments.add_argument("--large", action="store_true", help="W1 also with 10 M users and 100 M events, in 2 GB")
    arguments.add_argument("--repeat", type=int, default=3, help="runs of each, of which the best counts")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--engine-path", choices=["auto", "native", "sql"], help="the way our engine takes")
    arguments.add_argument("--estimand", type=Path, help="the command; built in release unless given")
    options = arguments.parse_args()
    if "ESTIMAND_SHARED" not in os.environ:
        print("skipped: ESTIMAND_SHARED names no folder with bench/generate.py and bench/peers")
        return
    only = options.only.split(",") if options.only else USUAL + ["w1-100m"] * options.large
    bench = Bench(options)
    # In the order of the list: some ratios need the workload before.
    for name in sorted(only, key=WORKLOADS.index):
        print(name, flush=True)
        getattr(bench, name.replace("-", "_"))()
    bench.table.print()


if __name__ == "__main__":
    main()
