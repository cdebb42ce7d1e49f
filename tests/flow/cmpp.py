#!/usr/bin/env python3
"""A red storm over China Mobile's protocol: from POST to the last report, compared with the book of a
strict gateway. A kill in the middle repeats what was unanswered or just answered, and loses nothing."""
import collections
import csv
import json
import os
import signal
import subprocess
import sys
import unittest

import harness

GATEWAY = os.path.join(harness.ROOT, "tests", "peers", "ismg", "ismg.py")
ENDPOINT = """
[[endpoint]]
name = "sms"
channel = "cmpp"
peer = "live"
areas = ["110000"]
audience = "public"
[endpoint.cmpp]
source_addr = "901234"
secret_file = "cmpp.secret"
source = "10690012379"
service_id = "WARN"
reconnect = "50ms"
[[endpoint.cmpp.link]]
name = "east"
host = "127.0.0.1"
port = {port}
[[endpoint.cmpp.link]]
name = "west"
host = "127.0.0.1"
port = {port}
"""


class Cmpp(unittest.TestCase):
    def begin(self, *faults):
        self.server = harness.Server(sample=600)
        self.addCleanup(self.server.close)
        self.book = os.path.join(self.server.folder, "book")
        self.gateway = subprocess.Popen(
            [sys.executable, "-B", GATEWAY, "--port", "0", "--book", self.book, "--log-submits", "--source", "1069",
             "--service", "WARN", "--skew", "60", *faults], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.gateway.stdout.close)
        self.addCleanup(self.gateway.wait, 10)
        self.addCleanup(self.gateway.kill)
        port = int(self.gateway.stdout.readline().split()[1])
        secret = os.path.join(self.server.city, "cmpp.secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("secret\n")
        os.chmod(secret, 0o600)
        self.server.append(ENDPOINT.format(port=port))
        self.server.start()
        self.server.run("audience", "import", "public", self.server.city + "/audience.csv")

    def events(self, name):
        with open(self.book, encoding="utf-8") as file:
            return [event for event in map(json.loads, file) if event["event"] == name]

    def summary(self):
        """The gateway's own, after the server has gone in order: no violation."""
        self.server.stop()
        self.gateway.send_signal(signal.SIGTERM)
        told = json.loads(self.gateway.stdout.read())
        self.assertEqual(told["violations"], 0, self.events("violation"))
        return told

    def people(self, districts):
        with open(self.server.city + "/audience.csv", encoding="utf-8", newline="") as file:
            return {row["number"].lstrip("+") for row in csv.DictReader(file)
                    if row["region"][:6] in districts and row["opt_out"] not in ("1", "true", "yes")}

    def post(self, message):
        status, body, _ = self.server.post(message)
        self.assertEqual(status, 202, body)
        return body["id"]

    def sms(self, alert):
        return next(d for d in self.server.deliveries(alert) if d["endpoint"] == "sms")

    def test_everybody_once_and_each_report_counted(self):
        self.begin("--final", "DELIVRD:9,UNDELIV:1", "--early", "0.3", "--twice", "0.2")
        districts = ("110109", "110111")
        wanted = self.people(districts)
        alert = self.post(harness.cap("rain-1", districts=districts, sent=-2))
        self.server.settled(alert)
        messages = self.events("message")
        self.assertEqual(sorted(m["to"] for m in messages), sorted(wanted))
        self.assertTrue(any("【北京预警】" in m["words"] and "红色" in m["words"] for m in messages))
        lost = {report["to"] for report in self.events("report") if report["stat"] == "UNDELIV"}
        self.assertEqual(self.sms(alert)["counts"]["delivered"], len(wanted) - len(lost))
        self.assertGreater(len(lost), 0)

        # one line a person, with the gateway's own id in hexadecimal and its own word
        status, raw, _ = self.server.call("GET", f"/v1/alerts/{alert}/recipients", role="operator")
        self.assertEqual(status, 200, raw)
        lines = [json.loads(line) for line in raw.decode().splitlines()] if isinstance(raw, bytes) else [raw]
        self.assertEqual(len([line for line in lines if "number" in line]), len(wanted))

        told = self.summary()
        self.assertEqual(told["duplicates"], 0)
        self.assertEqual(told["reports_acked"], told["reports"])
        self.assertEqual(told["terminates"], 2)

    def test_E8_killed_in_the_middle_all_are_reached_and_few_twice(self):
        self.begin("--latency", "20ms-60ms", "--report-delay", "10ms")
        districts = ("110109", "110111", "110105", "110108")
        wanted = self.people(districts)
        alert = self.post(harness.cap("rain-1", districts=districts, sent=-2))
        self.server.wait(lambda: len(self.events("message")) > len(wanted) // 3, 30, "a third to be sent")
        self.server.kill()
        self.server.start()
        self.server.settled(alert)
        self.assertEqual(self.sms(alert)["counts"]["delivered"], len(wanted))
        told = self.summary()
        self.assertEqual(told["distinct"], len(wanted))
        again = collections.Counter((submit["to"][0], submit["part"]) for submit in self.events("submit"))
        again = {to for (to, _), count in again.items() if count > 1}
        # The windows, and what was answered in the last ticks, whose answers were not on disk yet.
        self.assertLessEqual(len(again), 2 * 16 + 2 * 16)


if __name__ == "__main__":
    unittest.main(verbosity=2)
