#!/usr/bin/env python3
"""What scripts/bench runs. Each row is measured against its peer within the same minute, on the
same machine: absolute figures of a noisy machine say little, their ratio does."""
import json
import os
import subprocess
import sys
import time

import cells as cell_rows
import bulk
import harness
import kannel

measured = {}  # what one row leaves for another of the same run
QUICK = "--quick" in sys.argv
JSON = "--json" in sys.argv


def row(name, ours, peer, unit, ratio, target, runs):
    one = {"name": name, "ours": round(ours, 3), "peer": round(peer, 3), "unit": unit, "ratio": round(ratio, 3), "target": target, "runs": runs}
    print(json.dumps(one) if JSON else
          f"{name:34} {ours:>12.2f} {peer:>12.2f} {unit:14} ratio {ratio:>8.3f}  target {target}", flush=True)


def tool(name, *words):
    done = subprocess.run([os.path.join(harness.BUILD, name), *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def unlimited(server, site=True):
    """No rate limit; without the site, thousands of alerts in force don't make a page of thousands."""
    path = server.city + "/tocsin.toml"
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("per_sender_per_minute = 60", "per_sender_per_minute = 1000000")
    if not site:
        text = text[:text.index('[[endpoint]]\nname = "site"')] + text[text.index("# Text messages:"):]
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def intake():
    """Durable alerts a second against the bare server of the same shape, at 1, 16 and 64 in flight."""
    server = harness.Server()
    body = os.path.join(server.folder, "body.xml")
    with open(body, "wb") as file:
        file.write(harness.cap("@ID@"))
    unlimited(server, site=False)
    seconds = 2 if QUICK else 6
    redis = None
    try:
        server.start()
        socket = os.path.join(server.folder, "bare.sock")
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", server.folder, "--save", "",
                                  "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        bare = subprocess.Popen([os.path.join(harness.BUILD, "bench-bare"), server.city + "/tls/server.crt", server.city + "/tls/server.key", socket],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        bare_port = bare.stdout.readline().split()[1]
        time.sleep(0.5)
        token = server.city + "/tokens/sender.token"
        for flight in (1, 16, 64):
            before = cpu_s(server.process.pid) + cpu_s(server.redis_pid())
            ours = tool("bench-load", "127.0.0.1", server.port, "/v1/alerts", token, body, flight, seconds, f"o{flight}")
            spent = cpu_s(server.process.pid) + cpu_s(server.redis_pid()) - before
            assert set(ours["statuses"]) == {"202"}, ours
            peer = tool("bench-load", "127.0.0.1", bare_port, "/", "-", body, flight, seconds, f"b{flight}")
            row(f"intake.durable.{flight}", ours["per_second"], peer["per_second"], "alerts/s", ours["per_second"] / peer["per_second"], 0.5, 1)
            row(f"intake.p99.{flight}", ours["p99_ms"], peer["p99_ms"], "ms", peer["p99_ms"] / ours["p99_ms"], 0.25, 1)
            row(f"intake.cpu.{flight}", spent / ours["posts"] * 1e6, 0, "us/alert", 0, None, 1)
        bare.stdin.close()
        bare.wait(timeout=10)
    finally:
        server.close()
        if redis:
            redis.terminate()
            redis.wait(timeout=10)


def first_byte():
    """POST to the first byte at the SMSC, idle server."""
    server = harness.Server(sample=400)
    try:
        port = server.start_smsc()
        server.append(harness.SMPP.format(port=port, test_port=1))
        unlimited(server)
        server.start()
        server.run("audience", "import", "public", server.city + "/audience.csv")
        waits = []
        for number in range(20 if QUICK else 200):
            before = len(server.submits())
            begun = time.time()
            status, body, _ = server.post(harness.cap(f"f-{number}"))
            assert status == 202, body
            server.settled(body["id"])
            first = min(s["time"] for s in server.submits()[before:])
            waits.append((first - begun) * 1000)
        waits.sort()
        p50, p99 = waits[len(waits) // 2], waits[int(0.99 * (len(waits) - 1))]
        row("first_byte.p50", p50, 10, "ms", 10 / p50, 1.0, len(waits))
        row("first_byte.p99", p99, 25, "ms", 25 / p99, 1.0, len(waits))
    finally:
        server.close()


def sms_flat():
    """As fast as it goes, against a bare windowed client and the targets."""
    done = bulk.flat(row, QUICK)
    measured["sms"] = (done["rate"], done["us"])


def sms_kannel():
    """The same against Kannel at its best: receipts on, nobody reading them, nothing durable."""
    if kannel.missing():
        one = {"name": "sms_kannel", "not_installed": kannel.missing()}
        print(json.dumps(one) if JSON else f"{'sms_kannel':34} not installed: {', '.join(kannel.missing())} (Debian: kannel)", flush=True)
        return
    if "sms" not in measured:
        sms_flat()
    rate, cpu_us = measured["sms"]
    peer = kannel.measure(20000 if QUICK else 100000, os.path.join(harness.BUILD, "tocsin-smsc"))
    row("sms_kannel", rate, peer["per_second"], "messages/s", rate / peer["per_second"], 50, 1)
    row("sms_kannel.cpu", cpu_us, peer["cpu_us"], "us/message", peer["cpu_us"] / cpu_us, 60, 1)


def cells():
    """A polygon against a city's cells: the slowest of three sizes, and of all its cells."""
    took = cell_rows.measure(os.path.join(harness.BUILD, "bench-cells"), 300000)
    for points, target in ((100, 10), (1000, 5)):
        ours = max(ms for name, ms in took.items() if name.startswith(f"star_{points}_") and name.endswith("/cells"))
        row(f"cells.polygon_{points}", ours, target, "ms", target / ours, 1.0, 1)
    row("cells.city", took["city/cells"], 0, "ms", 0, None, 1)
    row("cells.overshoot", max(ms for name, ms in took.items() if name.endswith("/fit")), 0, "ms", 0, None, 1)


ROWS = {"intake": intake, "first_byte": first_byte, "sms_paced": lambda: bulk.paced(row, QUICK), "sms_flat": sms_flat,
        "sms_window": lambda: bulk.window(row, QUICK), "sms_kannel": sms_kannel, "cells": cells}
BY_HAND = {"sms_city": lambda: bulk.city(row)}  # 20 million: some minutes, 4 GB of memory


def main():
    for name in [word for word in sys.argv[1:] if not word.startswith("--")] or ROWS:
        (ROWS | BY_HAND)[name]()


if __name__ == "__main__":
    main()
