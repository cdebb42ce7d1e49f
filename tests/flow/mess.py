#!/usr/bin/env python3
"""A message centre in a bad way: it loses receipts, delays, repeats and invents them, throttles in bursts and cuts
the link again and again. Totals still add up exactly, and nothing is `delivered` that was not.   scar: F11"""
import collections
import json
import re
import signal
import subprocess
import sys

import harness


def main():
    server = harness.Server(sample=12_000)
    failed = True
    try:
        port = server.start_smsc("--text", "--latency", "uniform:1-10ms", "--late-receipts", "mix:85%10ms,10%2s,5%15s",
                                 "--lose-receipts", "0.05", "--dup-receipts", "0.05", "--unknown-receipts", "0.01", "--receipt-first", "0.02",
                                 "--tps", "900", "--errors", "08:0.02,45:0.01,58:0.01", "--drop-after", "2500", "--drop-mode", "rst",
                                 "--final", "DELIVRD:92,UNDELIV:4,EXPIRED:2,REJECTD:2")
        links = "".join(f'[[endpoint.smpp.link]]\nname = "l{i}"\n' for i in range(4))
        server.append(harness.SMPP.format(port=port, test_port=1).replace(
            'system_id = "tocsin"\npassword_file = "smpp.password"\n',
            f'system_id = "tocsin"\npassword_file = "smpp.password"\nreconnect = "100ms"\nreconnect_max = "500ms"\n{links}', 1))
        server.start()
        server.run("audience", "import", "public", server.city + "/audience.csv")
        status, body, _ = server.post(harness.cap("m-1", districts=("110000",)))
        assert status == 202, body
        alert, last = body["id"], []

        def quiet():
            """All are out, and no receipt came for some seconds (the slowest is 15 s behind)."""
            now = counts(server, alert)
            last.append((now["delivered"], now["failed"]))
            return now["accepted"] + refused(now, last) >= now["total"] and len(last) > 360 and len(set(last[-360:])) == 1
        server.wait(quiet, 150, "the receipts to end", lambda: json.dumps(counts(server, alert)))
        total = counts(server, alert)
        rows = report(server, alert)
        finals = journal(server)
        states = collections.Counter(rows.values())
        assert len(rows) == total["total"], (len(rows), total)
        assert states["delivered"] == total["delivered"] and states["failed"] == total["failed"], (states, total)
        assert sum(states.values()) == total["total"] and set(states) <= {"delivered", "failed", "accepted", "handed"}, states
        for number, state in rows.items():
            assert number in finals or state == "failed", (number, state)
            if state == "delivered":
                assert finals[number] == "DELIVRD", (number, finals[number])
            elif state == "failed" and number in finals:
                assert finals[number] != "DELIVRD", number
        summary = end_smsc(server)
        unheard = states["accepted"] + states["handed"]
        assert summary["violations"] == 0, summary["violated"]
        assert 0 < unheard <= summary["receipts_lost"], (unheard, summary["receipts_lost"])
        print(f"{total}; {unheard} without a receipt of {summary['receipts_lost']} lost; {summary['duplicates']} twice, "
              f"{summary['drops']} cuts, {summary['throttled']} throttled, {summary['receipts_doubled']} receipts doubled")
        failed = False
    finally:
        server.close(keep=failed)
    print("ok")


def refused(now, _):
    return now["total"] - now["handed"]


def counts(server, alert):
    return next(d for d in server.deliveries(alert) if d["endpoint"] == "sms")["counts"]


def report(server, alert):
    text = subprocess.run(["curl", "-s", "--cacert", server.city + "/tls/ca.crt", "-H", "Authorization: Bearer " + server.token("operator"),
                           "-H", "Accept: application/x-ndjson", f"{server.url}/v1/alerts/{alert}/recipients"],
                          capture_output=True, text=True, timeout=60).stdout
    lines = [json.loads(line) for line in text.splitlines()]
    rows = {line["number"].lstrip("+"): line["state"] for line in lines}
    assert len(rows) == len(lines), "somebody has two records"
    return rows


def journal(server):
    """What the centre will say of each number it took."""
    finals = {}
    with open(server.smsc_log, encoding="utf-8") as file:
        for line in file:
            fields = line.split(" ")
            if fields[6] == "00":
                finals[re.sub(r"\D", "", fields[3])] = fields[8]
    return finals


def end_smsc(server):
    server.stop()
    server.smsc.send_signal(signal.SIGTERM)
    text = server.smsc.communicate(timeout=10)[0]
    return json.loads(text[text.index("{"):])


if __name__ == "__main__":
    sys.exit(main())
