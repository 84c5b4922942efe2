#!/usr/bin/env python3
"""Compares what kymod says with what psutil and node_exporter say of the same machine.

All three are read for SECONDS (15). Every value of kymo's is put between the readings of the other
that were made just before and just after it: a counter must lie between those two, a gauge between
the least and the greatest of them and their neighbours. What is judged is how far it lies outside:
of counters the worst reading, of gauges, which may swing between two readings, the median.

Usage: compare.py [--seconds S] [--kymod PATH] [--out FILE]
Exits with 0 when all agree, 1 when something does not, 69 when a peer can't be had.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

from compare_table import BEFORE_S, MIB, rows

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
UNAVAILABLE = 69


def give_up(text):
    print(f"compare: {text}", file=sys.stderr)
    sys.exit(UNAVAILABLE)


def psutil_or_restart():
    """psutil; from a virtual environment of its own, in which this program then runs again."""
    try:
        import psutil

        return psutil
    except ImportError:
        pass
    folder = TARGET / "compare-venv"
    python = folder / "bin" / "python"
    if Path(sys.prefix).resolve() == folder.resolve():
        give_up("psutil is in its virtual environment and can't be imported")
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "psutil"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        give_up(f"psutil can't be installed into {folder}: {error}")
    os.execv(python, [python, *sys.argv])


def node_exporter_path():
    name = "prometheus-node-exporter"
    if not shutil.which(name):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        install = [*root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", name]
        try:
            subprocess.run([*root, "apt-get", "update", "-qq"], check=True)
            subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            give_up(f"Debian's {name} is not installed and can't be: {error}")
    return shutil.which(name) or give_up(f"{name} is not in the path")


class Kymod:
    """A kymod of our own, and every frame of a subscriber of everything."""

    def __init__(self, path):
        self.folder = tempfile.TemporaryDirectory(prefix="kymo-compare-")
        environment = dict(os.environ, KYMO_STATE=self.folder.name + "/state")
        self.process = subprocess.Popen(
            [path, "--dir", self.folder.name], stdout=subprocess.PIPE, env=environment, text=True
        )
        if not self.process.stdout.readline().startswith("ready"):
            give_up(f"{path} does not start")
        self.frames = []
        self.is_over = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.folder.name + "/json.sock")
        self.socket.sendall(b'{"subscribe":["vitals","samples"],"rate_hz":10}\n')
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        keys = {}
        with self.socket.makefile("rb") as lines:
            for line in lines:
                if self.is_over.is_set():
                    return
                frame = json.loads(line)
                if frame["type"] == "catalog":
                    for sensor in frame["sensors"]:
                        attributes = tuple(sorted(sensor["attributes"].items()))
                        keys[sensor["id"]] = (sensor["name"], attributes)
                elif frame["type"] == "samples":
                    self.add(frame, {
                        keys[sample["id"]]: (sample["value"], sample.get("age_ms", 0) / 1e3, 0.001)
                        for sample in frame["samples"]
                        # A held value is an old one.
                        if sample["value"] is not None and "state" not in sample
                    })
                elif frame["type"] == "vitals":
                    self.add(frame, vitals(frame))

    def add(self, frame, values):
        self.frames.append((frame["timestamp"], values))

    def end(self):
        self.is_over.set()
        self.thread.join()
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def vitals(frame):
    """Values with their age and how much older they may be: ages below a second are not told."""
    ages = frame.get("age_ms", {})
    values = {}
    for field, value in frame.items():
        if value is None or field in frame.get("validity", {}):
            continue
        age = (ages[field] / 1e3, 0.001) if field in ages else (0, 1.0)
        if field == "load":
            for name, one in zip(("1", "5", "15"), value):
                values[("vitals", f"load {name}")] = (one, *age)
        elif isinstance(value, (int, float)):
            values[("vitals", field)] = (value, *age)
    if "uptime_s" in frame and frame["uptime_s"] is not None:
        boot = frame["timestamp"] - frame["uptime_s"]
        values[("vitals", "boot time")] = (boot, 0, 0.001)
    return values


class Peer:
    """Reads another program again and again: each reading has its begin, its end, its values."""

    def __init__(self, read, pause):
        self.read, self.pause = read, pause
        self.readings = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.is_over.is_set():
            begin = time.time()
            values = self.read()
            self.readings.append((begin, time.time(), values))
            time.sleep(self.pause)

    def end(self):
        self.is_over.set()
        self.thread.join()


class NodeExporter:
    def __init__(self, path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = [f"--web.listen-address=127.0.0.1:{self.port}", "--collector.processes"]
        self.process = subprocess.Popen(
            [path, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            try:
                self.read()
                return
            except OSError:
                time.sleep(0.1)
        self.end()
        give_up(f"{path} does not answer on port {self.port}")

    def read(self):
        """Series by name and labels as they are written."""
        url = f"http://127.0.0.1:{self.port}/metrics"
        text = urllib.request.urlopen(url, timeout=10).read().decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def end(self):
        self.process.terminate()
        self.process.wait()


def read_psutil(psutil):
    folders = [part.mountpoint for part in psutil.disk_partitions()]
    return {
        "cpu": psutil.cpu_times(percpu=True),
        "memory": psutil.virtual_memory(),
        "swap": psutil.swap_memory(),
        "disk": psutil.disk_io_counters(perdisk=True, nowrap=False) or {},
        "network": psutil.net_io_counters(pernic=True, nowrap=False) or {},
        "space": {folder: psutil.disk_usage(folder) for folder in folders},
        "load": psutil.getloadavg(),
        "processes": len(psutil.pids()),
        "boot": psutil.boot_time(),
        "temperatures": psutil.sensors_temperatures(),
    }


def kymo_readings(frames, terms):
    """What kymo said of a sum of sensors: earliest and latest time of the reading, and value."""
    found = []
    for timestamp, values in frames:
        if not all(key in values for key, _ in terms):
            continue
        age, slack = max((values[key][1:] for key, _ in terms), key=sum)
        value = sum(values[key][0] * factor for key, factor in terms)
        found.append((timestamp - age - slack, timestamp - age, value))
    return found


def differences(readings, peer, of, is_counter):
    """How far each reading lies outside of those around it. Those at the ends have none."""
    found = []
    values = [(begin, end, of(values)) for begin, end, values in peer]
    values = [value for value in values if value[2] is not None]
    for earliest, latest, value in readings:
        before = [v for _, end, v in values if end <= earliest]
        # The tick's time is taken just before the reading.
        after = [v for begin, _, v in values if begin >= latest + BEFORE_S]
        if not before or not after:
            continue
        within = [v for begin, end, v in values if end > earliest and begin < latest + BEFORE_S]
        if is_counter:
            low, high = before[-1], after[0]
        else:
            around = before[-2:] + within + after[:2]
            low, high = min(around), max(around)
        found.append(max(0.0, low - value, value - high))
    return found


def judge(row, frames, peers):
    """Differences of each instance beside each peer."""
    outcome = {}
    for name, of in (("psutil", row.psutil), ("node_exporter", row.node)):
        if of is None:
            continue
        readings = kymo_readings(frames, row.kymo)
        found = differences(readings, peers[name], of, row.is_counter)
        if found:
            pick = max if row.is_counter else statistics.median
            outcome[name] = (pick(found), len(found))
    return outcome


def number(value):
    return "—" if value is None else f"{value:.6g}"


def bound(row):
    """A tolerance as people write it."""
    if row.unit == "bytes" and row.tolerance:
        return f"{row.tolerance / MIB:g} MiB"
    return f"{row.tolerance:g} {row.unit}".strip()


def table(results):
    lines = [
        "| what | of | readings | beside psutil | beside node_exporter | may be | why | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for what, of in results.items():
        row = of[0][0]
        worst = {}
        for name in ("psutil", "node_exporter"):
            values = [outcome[name][0] for _, outcome in of if name in outcome]
            worst[name] = max(values, default=None)
        count = sum(number for _, outcome in of for _, number in outcome.values())
        values = [value for value in worst.values() if value is not None]
        verdict = "not compared"
        if values:
            verdict = "agree" if max(values) <= row.tolerance else "**differ**"
        judged = "worst" if row.is_counter else "median"
        lines.append(
            f"| {what} | {len(of)} | {count} | {number(worst['psutil'])} |"
            f" {number(worst['node_exporter'])} | {bound(row)}, {judged} |"
            f" {row.why} | {verdict} |"
        )
    return lines


def report(results, seconds, versions):
    uname = os.uname()
    cpus = os.cpu_count()
    head = [
        "# Compared",
        "",
        "Written by `make compare`; not edited. kymod, psutil and node_exporter read one machine at the",
        "same time; how they are compared stands in `scripts/compare.py`, field by field in",
        "`scripts/compare_table.py`. The figures are how far kymo's value lies outside of the other's",
        "readings around it; 0 is within them.",
        "",
        f"* date: {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, {seconds:g} s",
        f"* machine: {uname.sysname} {uname.release} {uname.machine}, {cpus} CPUs",
        f"* peers: {versions}",
        "",
    ]
    return "\n".join(head + table(results)) + "\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--kymod", default=TARGET / "release" / "kymod")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def observe(args, psutil):
    """Everything that the three say in the time."""
    exporter = NodeExporter(node_exporter_path())
    kymod = Kymod(args.kymod)
    peers = [Peer(lambda: read_psutil(psutil), 0.03), Peer(exporter.read, 0.4)]
    try:
        time.sleep(args.seconds)
    finally:
        for peer in peers:
            peer.end()
        kymod.end()
        exporter.end()
    return kymod.frames, dict(zip(("psutil", "node_exporter"), (peer.readings for peer in peers)))


def main():
    args = arguments()
    psutil = psutil_or_restart()
    version = subprocess.run([node_exporter_path(), "--version"], capture_output=True, text=True)
    words = (version.stdout + version.stderr).split()
    versions = f"psutil {psutil.__version__}, node_exporter {words[2]}"
    frames, peers = observe(args, psutil)
    results = {}
    for row in rows({key for _, values in frames for key in values}):
        results.setdefault(row.what, []).append((row, judge(row, frames, peers)))
    text = report(results, args.seconds, versions)
    print(text)
    if args.out:
        args.out.write_text(text)
    is_good = True
    for of in results.values():
        for row, outcome in of:
            if not outcome:
                print(f"not compared: {row.what}: {row.kymo}", file=sys.stderr)
            for name, (found, _) in outcome.items():
                if found > row.tolerance:
                    is_good = False
                    print(f"differs by {found}: {row.what} ({name}): {row.kymo}", file=sys.stderr)
    return 0 if is_good and results else 1


if __name__ == "__main__":
    sys.exit(main())
