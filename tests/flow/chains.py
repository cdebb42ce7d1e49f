#!/usr/bin/env python3
"""What comes after a Cancel: a later Update is refused by name, an older one has no effect and
says so, and a new Alert warns again."""
import unittest

import harness


class Chains(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(sample=50)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def accepted(self, message):
        status, body, _ = self.server.post(message)
        self.assertEqual(status, 202, body)
        return body

    def shown(self, identifier):
        return identifier in self.server.get(self.server.public + "/feeds/alerts.geojson")[1]

    def ended_unsent(self, identifier):
        rows = self.server.deliveries(identifier)
        self.assertTrue(rows)
        self.assertEqual({(d["state"], d["grade"], d["tries"]) for d in rows}, {("cancelled", "queued", 0)}, rows)

    def test_a_second_cancel_says_so(self):
        red = harness.cap("d-1", sent=-30)
        self.accepted(red)
        first = self.accepted(harness.cap("d-2", "Cancel", harness.triple(red), sent=-20))
        self.assertNotIn("chain-cancelled", [w["rule"] for w in first["warnings"]])
        second = self.accepted(harness.cap("d-3", "Cancel", harness.triple(red), sent=-10))
        self.assertIn("d-2", next(w["message"] for w in second["warnings"] if w["rule"] == "chain-cancelled"))

    def test_an_update_after_the_cancel_is_refused_and_the_cancel_is_named(self):
        red = harness.cap("u-1", sent=-30)
        cancel = harness.cap("u-2", "Cancel", harness.triple(red), sent=-20)
        update = harness.cap("u-3", "Update", harness.triple(red), colour="Orange", severity="Severe", sent=-10)
        self.accepted(red)
        taken_back = self.accepted(cancel)
        before = self.server.call("GET", "/v1/alerts", role="agency")[1]["items"]
        for path in ("/v1/alerts", "/v1/plans"):
            status, problem, head = self.server.call("POST", path, update, "sender", "application/cap+xml")
            self.assertEqual((status, head["Content-Type"].split(";")[0]), (409, "application/problem+json"), problem)
            self.assertEqual((problem["rule"], problem["alert"], problem["state"]), ("chain-cancelled", taken_back["id"], "cancelled"))
            self.assertEqual(problem["type"], "/problems/chain-cancelled")
            self.assertIn("u-2", problem["detail"])
            self.assertIn("new Alert", problem["detail"])
        # of the Cancel itself, too
        status, problem, _ = self.server.post(harness.cap("u-4", "Update", harness.triple(cancel), sent=-5))
        self.assertEqual((status, problem["alert"]), (409, taken_back["id"]), problem)
        self.assertEqual([a["id"] for a in self.server.call("GET", "/v1/alerts", role="agency")[1]["items"]], [a["id"] for a in before])
        again = self.accepted(harness.cap("u-5", sent=-1))
        self.assertEqual(again["state"], "active")
        self.server.settled(again["id"])
        self.assertTrue(self.shown("u-5"))

    def test_E5_an_update_older_than_the_cancel_has_no_effect_and_says_so(self):
        red = harness.cap("o-1", sent=-30)
        cancel = harness.cap("o-2", "Cancel", harness.triple(red), sent=-10)
        update = harness.cap("o-3", "Update", harness.triple(red), colour="Orange", severity="Severe", sent=-20)
        self.accepted(red)
        taken_back = self.accepted(cancel)
        body = self.accepted(update)
        self.assertEqual(body["state"], "cancelled")
        warning = next((w for w in body["warnings"] if w["rule"] == "chain-cancelled"), None)
        self.assertIsNotNone(warning, body["warnings"])
        self.assertIn("o-2", warning["message"])
        self.assertEqual(body["forecast"], [])
        self.server.settled(body["id"])
        alert = self.server.alert(body["id"])
        # the record is of the Update's own words, and each endpoint says that it carried nothing of it
        self.assertEqual((alert["level"], alert["msg_type"], alert["state"]), ("orange", "Update", "cancelled"))
        self.assertIn("橙色", alert["headline"])
        self.ended_unsent(body["id"])
        self.assertFalse(self.shown("o-3"))
        self.assertEqual(self.server.alert(taken_back["id"])["level"], "red")

    def test_E5_an_alert_that_comes_after_its_cancel_says_so(self):
        late = harness.cap("l-1", sent=-30)
        self.accepted(harness.cap("l-2", "Cancel", harness.triple(late), sent=-10))
        body = self.accepted(late)
        self.assertIn("chain-cancelled", [w["rule"] for w in body["warnings"]])
        self.assertEqual((body["state"], self.server.alert(body["id"])["level"]), ("cancelled", "red"))
        self.server.settled(body["id"])
        self.ended_unsent(body["id"])

    def test_E5_all_orders_of_arrival_end_alike(self):
        import itertools
        for n, order in enumerate(itertools.permutations("AUC")):
            red = harness.cap(f"p-{n}-a", sent=-30)
            update = harness.cap(f"p-{n}-u", "Update", harness.triple(red), colour="Orange", severity="Severe", sent=-20)
            cancel = harness.cap(f"p-{n}-c", "Cancel", harness.triple(red), sent=-10)
            ids = {which: self.accepted({"A": red, "U": update, "C": cancel}[which])["id"] for which in order}
            for identifier in ids.values():
                self.server.settled(identifier)
            with self.subTest(order="".join(order)):
                self.assertIn(self.server.alert(ids["A"])["state"], ("cancelled", "superseded"))
                self.assertEqual(self.server.alert(ids["U"])["state"], "cancelled")
                self.assertFalse(self.shown(f"p-{n}-a"))
                self.assertFalse(self.shown(f"p-{n}-u"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
