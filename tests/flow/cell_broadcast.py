#!/usr/bin/env python3
"""The whole server against a real base station controller (osmo-bsc, virtual cells): an alert in Chinese and English is
heard on the air word for word; an update replaces it, a cancel takes it away, a restarted controller gets it again, a drill
uses identifiers that phones show only when asked to.   scar: A4"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import harness

LAB = os.path.join(harness.ROOT, "tests", "peers", "cell_broadcast")
LIVE, TWIN = "127.0.0.41", "127.0.0.42"  # a laboratory each, with an air of its own
# Two sectors in Fangshan (110111); the third stands there, too, and has no transmitter.
CELLS = """cgi,lon,lat,azimuth,beam,range_m,technology,bsc
460-00-1001-101,116.14,39.73,0,360,3000,gsm,bsc-1
460-00-1001-102,116.15,39.74,0,360,3000,gsm,bsc-1
460-00-1002-103,116.16,39.75,0,360,3000,gsm,bsc-1
"""
ENDPOINT = """
[[endpoint]]
name = "cb"
channel = "cbsp"
peer = "live"
areas = ["110000"]
drills = "terminal"
sandbox = "cb-test"
[endpoint.cbsp]
cells = "cells.csv"
state = "data/cb.json"
watch = "1s"
period = 30
[[endpoint.cbsp.bsc]]
name = "bsc-1"
host = "{live}"

[[endpoint]]
name = "cb-test"
channel = "cbsp"
peer = "sandbox"
areas = ["110000"]
drills = "terminal"
[endpoint.cbsp]
cells = "cells.csv"
[[endpoint.cbsp.bsc]]
name = "bsc-1"
host = "{twin}"
"""


def lab(script, folder, ip):
    done = subprocess.run([os.path.join(LAB, script), os.path.join(folder, ip)], env=dict(os.environ, CB_IP=ip), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


class Handset:
    """Near the first cell, from now on: every whole message that it hears."""

    def __init__(self, folder, ip):
        self.path = os.path.join(folder, ip + ".jsonl")
        self.file = open(self.path, "ab")
        self.process = subprocess.Popen([sys.executable, "-u", os.path.join(LAB, "air_listen.py"), "--group", f"239.193.{ip.rsplit('.', 1)[1]}.1", "--seconds", "600"],
                                        stdout=self.file, stderr=subprocess.STDOUT)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.file.close()

    def messages(self, since=0):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            found = [json.loads(line) for line in file if line.endswith("\n") and '"text"' in line]
        return found[since:]


def cb(server, alert):
    return next(d for d in server.deliveries(alert) if d["endpoint"] == "cb")


def main():
    if not shutil.which("osmo-bsc") or not shutil.which("osmo-bts-virtual"):
        print("osmo-bsc or osmo-bts-virtual is missing: run scripts/setup")
        return 1
    folder = tempfile.mkdtemp(prefix="tocsin-lab-")
    server, failed, handsets = harness.Server(), True, []
    try:
        lab("start.sh", folder, LIVE)
        lab("start.sh", folder, TWIN)
        with open(os.path.join(server.city, "cells.csv"), "w", encoding="utf-8") as file:
            file.write(CELLS)
        path = os.path.join(server.city, "tocsin.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("[city]\n", '[city]\ncells = "cells.csv"\n', 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        server.append(ENDPOINT.format(live=LIVE, twin=TWIN))
        handsets += [Handset(folder, LIVE), Handset(folder, TWIN)]
        server.start()
        checks(server, *handsets, folder)
        failed = False
    finally:
        for handset in handsets:
            handset.close()
        try:
            server.close(keep=failed)
        finally:
            lab("stop.sh", folder, LIVE)
            lab("stop.sh", folder, TWIN)
            shutil.rmtree(folder, ignore_errors=True)
    print("ok")
    return 0


def post(server, message, query=""):
    status, body, _ = server.post(message, query=query)
    assert status == 202, body
    return body["id"]


def on_air(server, alert):
    server.wait(lambda: cb(server, alert)["grade"] == "on_air", 60, "it to be on air", lambda: json.dumps(cb(server, alert), indent=1))
    return cb(server, alert)


def hears(server, handset, since, what, *words):
    """All of the words, each in some message after the first `since`."""
    def there():
        texts = [m["text"].lower() for m in handset.messages(since)]
        return all(any(word in text for text in texts) for word in words)
    server.wait(there, 90, what, lambda: json.dumps(handset.messages(since), ensure_ascii=False)[:3000])


def checks(server, handset, tester, folder):
    red = harness.cap("cb-1", districts=("110111",), sent=-2)
    first = post(server, red)
    row = on_air(server, first)
    assert row["partial"] and row["counts"]["total"] == 3, row
    assert any("103" in name for name in row["missed"]), row
    hears(server, handset, 0, "the alert on the air", "暴雨红色", "rainstorm")
    names = {m["msgid"] for m in handset.messages()}
    assert len(names) == 2 and all(4370 <= name <= 6399 and not 4380 <= name <= 4382 for name in names), names
    print("the alert: identifiers", names, "serials", {m["serial"] for m in handset.messages()})

    second = post(server, harness.cap("cb-2", "Update", harness.triple(red), colour="Orange", severity="Severe", districts=("110111",), sent=-1))
    on_air(server, second)
    hears(server, handset, 0, "the update", "暴雨橙色")
    time.sleep(6)  # what was half sent
    since = len(handset.messages())
    hears(server, handset, since, "the update again", "暴雨橙色")
    assert not any("红色" in m["text"] for m in handset.messages(since)), "the old one is still on the air"
    print("replaced by the update")

    lab("stop.sh", folder, LIVE)
    since = len(handset.messages())
    lab("start.sh", folder, LIVE)
    hears(server, handset, since, "the restarted controller to have it again", "暴雨橙色")
    print("back after the controller's restart")

    status, cancel, _ = server.call("POST", f"/v1/alerts/{second}/cancel", b'{"reason": "the rain is over"}', "sender", "application/json")
    assert status == 202, cancel
    server.wait(lambda: cb(server, cancel["id"])["ended"] == "complete", 60, "the cancel", lambda: json.dumps(cb(server, cancel["id"]), indent=1))
    since = len(handset.messages())
    hears(server, handset, since, "the all-clear", "解除")
    since = len(handset.messages())
    time.sleep(40)
    assert not any("橙色" in m["text"] and "解除" not in m["text"] for m in handset.messages(since)), handset.messages(since)
    print("taken back")

    since = len(handset.messages())
    drill = post(server, harness.cap("cb-3", status="Exercise", districts=("110111",)))

    def twin():
        return next(d for d in server.deliveries(drill) if d["endpoint"] == "cb-test")
    server.wait(lambda: twin()["grade"] == "on_air", 60, "the drill", lambda: json.dumps(server.deliveries(drill), indent=1))
    hears(server, tester, 0, "the drill on the twin's air", "演练", "exercise")
    assert all(m["text"].startswith(("演练", "【演练】", "EXERCISE")) for m in tester.messages()), tester.messages()
    exercise = {m["msgid"] for m in tester.messages()}
    assert not exercise & names and exercise <= set(range(4380, 4383)) | set(range(4393, 4396)) | {4398, 4399, 4400, 6400}, exercise
    time.sleep(10)
    assert not any("演练" in m["text"] or "exercise" in m["text"].lower() for m in handset.messages(since)), "the public heard a drill"
    print("a drill: identifiers", exercise, "and nothing of it on the live air")


if __name__ == "__main__":
    sys.exit(main())
