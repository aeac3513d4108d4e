# SPDX-License-Identifier: ISC
"""What every measurement shares: rows of figures, their JSON, and processes measured by their own resource usage."""
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
ROUNDS = 3


def run(argv, stdin=None, stdout=None, env=None):
    """Runs a program and returns (elapsed seconds, CPU seconds of it and its waited-for children, peak KiB)."""
    actions = []
    said = BUILD / "bench" / "stderr"
    said.parent.mkdir(parents=True, exist_ok=True)
    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, path, flags in ((0, stdin or "/dev/null", os.O_RDONLY), (1, stdout or "/dev/null", new), (2, said, new)):
        actions.append((os.POSIX_SPAWN_OPEN, number, str(path), flags, 0o600))
    start = time.monotonic()
    pid = os.posix_spawnp(argv[0], [str(a) for a in argv], env or os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    elapsed = time.monotonic() - start
    if status != 0:
        sys.exit(f"bench: '{' '.join(map(str, argv))}' failed with status {os.waitstatus_to_exitcode(status)}:\n"
                 f"{said.read_text(errors='replace')}")
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def peak(argv, stdin=None, stdout=None, env=None):
    """MiB of a program's largest resident set. time(1) starts it: a child of this process would inherit ours."""
    said = BUILD / "bench" / "peak"
    run(["/usr/bin/time", "-q", "-f", "%M", "-o", said, *argv], stdin, stdout, env)
    return int(said.read_text()) / 1024


class Table:
    """Rows {work, unit, better, ours, peers, limit}; printed as they come, and written as JSON at the end."""

    def __init__(self, name, rounds=ROUNDS):
        self.name, self.rows = name, []
        print(f"{name}: medians of {rounds} alternating runs\n"
              f"{'work':<58}{'unit':<14}{'ours':>10}  peers, and the machine's limit", flush=True)

    def add(self, work, unit, better, ours, peers, limit, alone=False):
        """alone: we stand beside ourselves in another form, which is the limit; otherwise a row needs a peer."""
        median = statistics.median
        row = {"work": work, "unit": unit, "better": better, "ours": round(median(ours), 4),
               "peers": {k: round(median(v), 4) for k, v in peers.items()},
               "limit": {k: round(median(v), 4) for k, v in limit.items()}}
        if not row["peers"] and not alone:
            sys.exit(f"bench: the row '{work}' has no peer to stand beside")
        self.rows.append(row)
        sides = []
        for peer, value in row["peers"].items():
            good, bad = (row["ours"], value) if better == "higher" else (value, row["ours"])
            ratio = f" (ours is {good / bad:.2f} x as good)" if min(good, bad) > 0 else ""
            sides.append(f"{peer} {value:g}{ratio}")
        sides += [f"limit {k} {v:g}" for k, v in row["limit"].items()]
        print(f"{work:<58}{unit:<14}{row['ours']:>10g}  {'; '.join(sides)}", flush=True)

    def note(self, text):
        print(f"  ({text})", flush=True)

    def write(self):
        path = BUILD / "bench" / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.rows, indent=1) + "\n")
        print(f"written to {path.relative_to(ROOT)}")
