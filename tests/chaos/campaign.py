#!/usr/bin/env python3
"""One campaign to very many, and kill -9 in the middle of it, again and again (server, Redis, both).
At the end each recipient has exactly one record, all are delivered, none was lost, and no more texts
went out than recipients + kills x window x links.   scar: E8 F11

campaign.py [--people N] [--kills N] [--rate N] [--seed N]
"""
import argparse
import collections
import json
import os
import random
import sys
import time
import urllib.request

import harness
import kill as one_kill

WINDOW, LINKS = 1000, 1


def recipients(server, alert):
    """The report as it streams: number -> how many records, and how many in each state."""
    request = urllib.request.Request(f"{server.url}/v1/alerts/{alert}/recipients",
                                     headers={"Authorization": "Bearer " + server.token("operator"), "Accept": "application/x-ndjson"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=server.context))
    seen, states = collections.Counter(), collections.Counter()
    with opener.open(request, timeout=600) as answer:
        for line in answer:
            row = json.loads(line)
            if "error" in row:
                raise AssertionError(row)
            seen[row["number"].lstrip("+")] += 1
            states[row["state"]] += 1
    return seen, states


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=60_000)
    options.add_argument("--kills", type=int, default=6)
    options.add_argument("--rate", type=int, default=6_000)
    options.add_argument("--seed", type=int, default=7)
    options = options.parse_args()
    print(f"seed {options.seed}, {options.people} people, {options.kills} kills")
    dice = random.Random(options.seed)
    server = harness.Server(sample=options.people)
    port = server.start_smsc("--latency", "5ms", "--late-receipts", "uniform:1-500ms", "--seed", str(options.seed))
    server.append(harness.SMPP.format(port=port, test_port=1).replace(
        'password_file = "smpp.password"', f'password_file = "smpp.password"\nwindow = {WINDOW}\nrate = {options.rate}'))
    server.start()
    server.run("audience", "import", "public", server.city + "/audience.csv", timeout=300)
    status, body, _ = server.post(harness.cap("c-1", districts=("110000",), expires=7200))
    assert status == 202, body
    alert = body["id"]
    kills, longest = collections.Counter(), 0.0
    for _ in range(options.kills):
        time.sleep(dice.uniform(0.1, 0.8) * options.people / options.rate / options.kills)
        victim = dice.choice(["server", "redis", "both"])
        kills[victim] += 1
        if victim != "server":
            one_kill.kill(server.redis_pid())
        if victim != "redis":
            begun = time.monotonic()
            server.kill()
            server.start(wait=60)
            longest = max(longest, time.monotonic() - begun)
    server.settled(alert, timeout=120 + 4 * options.people / options.rate)
    faults = []
    sms = next(d for d in server.deliveries(alert) if d["endpoint"] == "sms")
    due = sms["counts"]["total"]
    if sms["counts"]["delivered"] != due:
        faults.append(("not all delivered", sms["counts"]))
    seen, states = recipients(server, alert)
    if len(seen) != due or set(seen.values()) != {1}:
        faults.append(("records", len(seen), due, seen.most_common(3)))
    if dict(states) != {"delivered": due}:
        faults.append(("states", dict(states)))
    sent = collections.Counter(s["destination"].lstrip("+") for s in server.submits())
    if set(sent) != set(seen):
        faults.append(("sent and recorded differ", len(set(sent) ^ set(seen))))
    extra, bound = sum(sent.values()) - due, options.kills * WINDOW * LINKS
    print(f"kills {dict(kills)}; {due} due, {sum(sent.values())} sent, {extra} twice (bound {bound}); longest restart {longest:.1f} s")
    if extra > bound:
        faults.append(("more sent twice than a window a kill", extra))
    server.close(keep=bool(faults))
    for fault in faults:
        print("FAULT", fault)
    print("ok" if not faults else f"{len(faults)} faults; folder {server.folder}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
