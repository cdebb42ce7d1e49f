#!/usr/bin/env python3
"""The crash oracle: kill -9 at random moments (server, Redis, both) under a steady stream of
alerts. At the end every alert that got 202 is there and carried, each person got each text at most
once but for one window a kill, and no drill reached a live endpoint.   scar: E8 F8 A4

kill.py [--rounds N] [--seed N]
"""
import argparse
import collections
import os
import random
import signal
import sys
import threading
import time

import harness

WINDOW = 100  # unacknowledged submits on one link, the channel's default


class Stream(threading.Thread):
    """Posts alerts until told to stop; repeats each until it gets a definite answer."""

    def __init__(self, server, dice):
        super().__init__(daemon=True)
        self.server, self.dice = server, dice
        self.ending = threading.Event()
        self.accepted, self.refusals, self.faults = {}, collections.Counter(), []
        self.serial = 0

    def run(self):
        while not self.ending.is_set():
            self.serial += 1
            drill = self.dice.random() < 0.3
            district = self.dice.choice(["110101", "110109", "110112", "110119"])
            message = harness.cap(f"k-{self.serial}", status="Exercise" if drill else "Actual", districts=(district,),
                                  colour=self.dice.choice(["Red", "Orange"]), headline=None, expires=7200)
            self.insist(f"k-{self.serial}", message, drill)
            time.sleep(0.02)

    def insist(self, name, message, drill):
        while True:
            try:
                status, body, _ = self.server.post(message)
            except OSError:
                status, body = 0, None
            if status in (200, 202):
                self.accepted[name] = (body["id"], drill)
                return
            self.refusals[status] += 1
            if status not in (0, 429, 503):
                self.faults.append((name, status, body))
                return
            if self.ending.is_set() and status == 0:
                return  # never acknowledged: nothing is promised
            time.sleep(0.05)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--seed", type=int, default=7)
    options = options.parse_args()
    print(f"seed {options.seed}, {options.rounds} rounds")
    dice = random.Random(options.seed)
    server = harness.Server(sample=400)
    port = server.start_smsc("--latency", "5", "--text")
    server.append(harness.SMPP.format(port=port, test_port=1))  # nobody is at the sandbox: drills wait there
    toml = server.city + "/tocsin.toml"
    with open(toml, encoding="utf-8") as file:
        text = file.read().replace("per_sender_per_minute = 60", "per_sender_per_minute = 100000")
    with open(toml, "w", encoding="utf-8") as file:
        file.write(text)
    server.start()
    server.run("audience", "import", "public", server.city + "/audience.csv")
    stream = Stream(server, random.Random(options.seed + 1))
    stream.start()
    kills = collections.Counter()
    for _ in range(options.rounds):
        time.sleep(10 ** dice.uniform(-2, 0.3))
        victim = dice.choice(["server", "redis", "both"])
        kills[victim] += 1
        if victim != "server":
            kill(server.redis_pid())
        if victim != "redis":
            server.kill()
            server.start(wait=30)
    server.wait(lambda: server.get(server.admin + "/readyz")[0] == 200, 60, "readyz")
    stream.ending.set()
    stream.join(timeout=60)
    faults = list(stream.faults)
    print(f"kills {dict(kills)}; {len(stream.accepted)} accepted; refused meanwhile {dict(stream.refusals)}")

    live = {name: alert for name, (alert, drill) in stream.accepted.items() if not drill}
    for name, (alert, drill) in stream.accepted.items():
        status, body, _ = server.call("GET", "/v1/alerts/" + alert, role="agency")
        if status != 200:
            faults.append((name, "lost", status))
        elif not drill:
            server.settled(alert, timeout=120)
            for d in server.deliveries(alert):
                if d["state"] not in ("handed", "delivered", "verified", "complete"):
                    faults.append((name, d["endpoint"], d["state"]))
    submits = server.submits()
    drills = [s for s in submits if "演练" in s["text"] or "EXERCISE" in s["text"]]
    faults += [("drill at a live peer", s["text"]) for s in drills]
    # each alert's campaign has its own destinations: count them per alert from the receipts
    due = sum(d["counts"]["total"] for alert in live.values() for d in server.deliveries(alert) if d["endpoint"] == "sms")
    extra = len(submits) - due
    bound = WINDOW * 2 * options.rounds
    print(f"{len(live)} live alerts carried, {due} texts due, {len(submits)} sent, {extra} twice (bound {bound})")
    if extra < 0:
        faults.append(("texts missing", extra))
    if extra > bound:
        faults.append(("more duplicates than a window a kill", extra))
    server.close(keep=bool(faults))
    for fault in faults[:20]:
        print("FAULT", fault)
    print("ok" if not faults else f"{len(faults)} faults; folder {server.folder}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
