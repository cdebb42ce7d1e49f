#!/usr/bin/env python3
"""What an agency reads of its own district is true of its own district: counts by region, and the
columns of a single person's receipt."""
import collections
import csv
import io
import json
import unittest

import harness

# Beijing's mobile prefixes by operator; the last is no mobile number of the mainland.
PEOPLE = {"110109": ("1380013{:04d}", 30), "110111": ("1300013{:04d}", 12), "110107": ("1890013{:04d}", 7)}


class Regions(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server(sample=50)

    def tearDown(self):
        self.server.close()

    def begin(self, *smsc):
        port = self.server.start_smsc(*smsc)
        self.server.append(harness.SMPP.format(port=port, test_port=port + 1))
        self.server.start()
        self.where = {}
        path = self.server.folder + "/people.csv"
        with open(path, "w", encoding="utf-8") as file:
            file.write("number,region,language,role,opt_out\n")
            for region, (pattern, count) in PEOPLE.items():
                for i in range(count):
                    number = pattern.format(i)
                    language = "en-US" if i % 5 == 0 else "zh-CN"
                    file.write(f"{number},{region},{language},public,no\n")
                    self.where["+86" + number] = (region, language)
        self.server.run("audience", "import", "public", path)

    def post(self, *words, **more):
        status, body, _ = self.server.post(harness.cap(*words, **more))
        self.assertEqual(status, 202, body)
        self.server.settled(body["id"])
        return body["id"]

    def rows(self, identifier):
        status, body, _ = self.server.call("GET", f"/v1/alerts/{identifier}/recipients", role="operator")
        self.assertEqual(status, 200, body)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return [json.loads(line) for line in body.splitlines()]

    def test_each_region_counts_its_own_people(self):
        self.begin()
        identifier = self.post("t-1", districts=("110109", "110111"), sent=-2)
        alert = self.server.alert(identifier)
        self.assertEqual(alert["progress"]["recipients"]["total"], 42)
        regions = alert["by_region"]
        self.assertEqual(sorted(regions), ["110109", "110111"])
        for region, (_, count) in list(PEOPLE.items())[:2]:
            people = regions[region]["recipients"]
            self.assertEqual((people["total"], people["delivered"], people["failed"], people["pending"]), (count, count, 0, 0), region)
            self.assertFalse(regions[region]["shared"])
        # a cancel goes to the same people
        status, body, _ = self.server.call("POST", f"/v1/alerts/{identifier}/cancel", b'{"reason": "over"}', "sender", "application/json")
        self.assertEqual(status, 202, body)
        regions = self.server.settled(body["id"])["by_region"]
        self.assertEqual({r: p["recipients"]["delivered"] for r, p in regions.items()}, {"110109": 30, "110111": 12})

    def test_what_is_known_of_the_whole_only_is_said_to_be_shared(self):
        self.begin("--final", "DELIVRD:60,UNDELIV:40")
        identifier = self.post("t-2", districts=("110109", "110111"))
        alert = self.server.alert(identifier)
        whole = alert["progress"]["recipients"]
        self.assertGreater(whole["failed"], 0, "the simulator refused nobody")
        self.assertGreater(whole["delivered"], 0)
        for region, (_, count) in list(PEOPLE.items())[:2]:
            people = alert["by_region"][region]["recipients"]
            self.assertEqual(people["total"], count)
            self.assertIsNone(people["delivered"])
            self.assertTrue(alert["by_region"][region]["shared"])
        # one region alone has all of its delivery
        identifier = self.post("t-3", districts=("110111",))
        alert = self.server.alert(identifier)
        people = alert["by_region"]["110111"]["recipients"]
        self.assertFalse(alert["by_region"]["110111"]["shared"])
        self.assertEqual({k: people[k] for k in ("total", "delivered", "failed")},
                         {k: alert["progress"]["recipients"][k] for k in ("total", "delivered", "failed")})

    def test_a_receipt_says_region_network_and_language(self):
        self.begin()
        identifier = self.post("t-4", districts=("110109", "110111"))
        rows = self.rows(identifier)
        self.assertEqual(len(rows), 42)
        for row in rows:
            self.assertEqual((row["region"], row["language"]), self.where[row["number"]], row)
        networks = collections.Counter((row["region"], row["network"]) for row in rows)
        self.assertEqual(len(networks), 2, networks)  # one operator a district
        self.assertNotIn("", [network for _, network in networks])
        status, body, _ = self.server.call("GET", f"/v1/alerts/{identifier}/recipients", role="operator", headers={"Accept": "text/csv"})
        self.assertEqual(status, 200)
        for row in csv.DictReader(io.StringIO(body.decode())):
            self.assertEqual((row["region"], row["language"]), self.where["+" + row["number"].lstrip("+")], row)
        for number in ("+8613800130007", "+8613000130000"):
            status, body, _ = self.server.call("POST", f"/v1/alerts/{identifier}/recipients/find",
                                               json.dumps({"number": number}).encode(), "operator", "application/json")
            self.assertEqual((status, len(body["items"])), (200, 1), body)
            row = body["items"][0]
            self.assertEqual((row["region"], row["language"]), self.where[number], row)
            self.assertNotEqual(row["network"], "")
        status, body, _ = self.server.call("POST", f"/v1/alerts/{identifier}/recipients/find",
                                           b'{"number": "+8618900130001"}', "operator", "application/json")
        self.assertEqual((status, body["items"]), (200, []))  # listed in a district that was not warned

    def test_a_number_is_placed_in_a_campaign_of_many_pages(self):
        PEOPLE["110109"], before = ("1380013{:04d}", 5600), PEOPLE["110109"]
        try:
            self.begin()
        finally:
            PEOPLE["110109"] = before
        identifier = self.post("t-5", districts=("110109", "110111"))
        for i in (0, 1, 4, 5, 1249, 1250, 2799, 4999, 5000, 5598, 5599):
            number = f"+861380013{i:04d}"
            status, body, _ = self.server.call("POST", f"/v1/alerts/{identifier}/recipients/find",
                                               json.dumps({"number": number}).encode(), "operator", "application/json")
            self.assertEqual((status, [(r["region"], r["language"]) for r in body["items"]]), (200, [self.where[number]]), number)
        rows = self.rows(identifier)
        self.assertEqual({r["number"]: (r["region"], r["language"]) for r in rows},
                         {n: w for n, w in self.where.items() if w[0] != "110107"})

    def test_who_was_told_before_keeps_the_columns_or_has_none(self):
        self.begin()
        red = harness.cap("t-6", districts=("110109",), sent=-20)
        self.post_whole(red)
        orange = harness.cap("t-7", "Update", harness.triple(red), colour="Orange", severity="Severe", districts=("110109",), sent=-15)
        self.post_whole(orange)
        cancel = self.post_whole(harness.cap("t-8", "Cancel", harness.triple(orange), sent=-10))
        rows = self.rows(cancel)
        self.assertEqual(len(rows), 30)
        for row in rows:
            self.assertEqual((row["region"], row["language"]), self.where[row["number"]], row)
        # another area on the way: whom the last message reached is not the plan's alone
        red = harness.cap("t-9", districts=("110109",), sent=-9)
        self.post_whole(red)
        wider = harness.cap("t-10", "Update", harness.triple(red), colour="Orange", severity="Severe", districts=("110109", "110111"), sent=-8)
        self.post_whole(wider)
        cancel = self.post_whole(harness.cap("t-11", "Cancel", harness.triple(wider), sent=-7))
        for row in self.rows(cancel):
            self.assertIn((row["region"], row["language"]), (("", ""), self.where[row["number"]]), row)

    def post_whole(self, message):
        status, body, _ = self.server.post(message)
        self.assertEqual(status, 202, body)
        self.server.settled(body["id"])
        return body["id"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
