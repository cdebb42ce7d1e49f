#!/usr/bin/env python3
"""A drill runs through the same code and never reaches a live peer."""
import unittest

import harness


class Drill(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server(sample=300)
        self.live = self.server.start_smsc("--text")
        live_log, live = self.server.smsc_log, self.server.smsc
        self.server.smsc_log = self.server.folder + "/smsc-test.log"
        sandbox = self.server.start_smsc("--text")
        self.sandbox_process, self.sandbox_log = self.server.smsc, self.server.smsc_log
        self.server.smsc, self.server.smsc_log = live, live_log
        self.server.append(harness.SMPP.format(port=self.live, test_port=sandbox))
        self.server.start()
        self.server.run("audience", "import", "public", self.server.city + "/audience.csv")

    def tearDown(self):
        self.server.close()
        self.sandbox_process.terminate()
        self.sandbox_process.wait(timeout=10)

    def drilled(self):
        log, self.server.smsc_log = self.server.smsc_log, self.sandbox_log
        try:
            return self.server.submits()
        finally:
            self.server.smsc_log = log

    def test_A1_a_drill_credential_cannot_send_an_actual_alert(self):
        status, problem, _ = self.server.post(harness.cap("a-1"), role="drill")
        self.assertEqual(status, 403, problem)
        self.assertEqual(self.server.call("GET", "/v1/alerts", role="agency")[1]["items"], [])

    def test_A4_A7_an_exercise_goes_to_the_twins_only_and_says_so_in_every_word(self):
        status, body, _ = self.server.post(harness.cap("a-2", status="Exercise"), role="drill")
        self.assertEqual(status, 202, body)
        self.assertEqual(body["mode"], "exercise")
        self.server.settled(body["id"])
        self.assertEqual({d["endpoint"] for d in self.server.deliveries(body["id"])}, {"log-test", "site-test", "sms-test"})
        self.assertEqual(self.server.submits(), [])  # not one byte at the live SMSC
        texts = [s["text"] for s in self.drilled()]
        self.assertTrue(texts)
        for text in texts:
            mark = "演练" if "演练" in text else "EXERCISE"
            bare = text.removeprefix("【北京预警】").removeprefix("[Beijing Alert] ")
            self.assertTrue(bare.startswith(mark) or text.startswith(mark), text)
            self.assertTrue(text.endswith(mark), text)
        self.assertNotIn("a-2", self.server.get(self.server.public + "/feeds/alerts.geojson")[1])
        self.assertIn("a-2", self.server.get(self.server.admin + "/sandbox/site-test/feeds/alerts.geojson")[1])

    def test_a_drill_cannot_cancel_what_is_live(self):
        live = harness.cap("a-3")
        status, body, _ = self.server.post(live)
        self.assertEqual(status, 202, body)
        self.server.settled(body["id"])
        cancel = harness.cap("a-4", "Cancel", harness.triple(live), status="Exercise")
        self.server.post(cancel, role="drill")
        self.assertEqual(self.server.alert(body["id"])["state"], "active")
        self.assertIn("a-3", self.server.get(self.server.public + "/feeds/alerts.geojson")[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
