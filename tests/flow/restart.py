#!/usr/bin/env python3
"""Stops, starts and kills send nothing that was not already due, and lose nothing."""
import collections
import json
import unittest

import harness


class Restart(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server(sample=2000)
        port = self.server.start_smsc("--latency", "20")
        self.server.append(harness.SMPP.format(port=port, test_port=port + 1))
        self.server.start()
        self.server.run("audience", "import", "public", self.server.city + "/audience.csv")

    def tearDown(self):
        self.server.close()

    def test_A8_restarts_in_the_middle_send_nobody_a_message_twice_beyond_a_window(self):
        districts = ("110105", "110108", "110106")
        status, body, _ = self.server.post(harness.cap("r-1", districts=districts))
        self.assertEqual(status, 202, body)
        for _ in range(3):
            self.server.stop()
            self.server.start()
        for _ in range(2):
            self.server.kill()
            self.server.start()
        self.server.settled(body["id"], timeout=120)
        sms = next(d for d in self.server.deliveries(body["id"]) if d["endpoint"] == "sms")
        self.assertEqual(sms["state"], "delivered", sms)
        times = collections.Counter(s["destination"] for s in self.server.submits())
        self.assertEqual(len(times), sms["counts"]["total"])
        extra = sum(times.values()) - len(times)
        self.assertLessEqual(extra, 2 * 100, "more than a window a kill")  # F8 E8
        before = len(self.server.submits())
        for _ in range(3):
            self.server.stop()
            self.server.start()
        self.assertEqual(len(self.server.submits()), before)

    def test_an_import_in_the_middle_changes_nobody_and_a_cancel_still_reaches_all(self):  # promises 1, 12
        status, body, _ = self.server.post(harness.cap("r-3", districts=("110105",), sent=-2))
        self.assertEqual(status, 202, body)
        other = self.server.folder + "/other.csv"
        with open(other, "w", encoding="utf-8") as file:
            file.write("number,region\n8613800000001,110101\n")
        self.server.run("audience", "import", "public", other)
        self.server.kill()
        self.server.start()
        self.server.settled(body["id"], timeout=60)
        sms = next(d for d in self.server.deliveries(body["id"]) if d["endpoint"] == "sms")
        self.assertEqual((sms["state"], sms["counts"]["delivered"]), ("delivered", sms["counts"]["total"]))
        told = {s["destination"] for s in self.server.submits()}
        before = len(self.server.submits())
        self.server.kill()
        self.server.start()
        done = self.server.run("cancel", body["id"], "--reason", "over", "--yes", "--json")
        self.server.settled(json.loads(done.stdout)["id"])
        self.assertEqual({s["destination"] for s in self.server.submits()[before:]}, told)

    def test_the_site_shows_the_same_after_a_restart(self):
        status, body, _ = self.server.post(harness.cap("r-2"))
        self.server.settled(body["id"])
        before = self.server.get(self.server.public + "/feeds/alerts.geojson")[1]
        self.assertIn("r-2", before)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.get(self.server.public + "/feeds/alerts.geojson")[1], before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
