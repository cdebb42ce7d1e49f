#!/usr/bin/env python3
"""What is wrong gets a clear answer, and nothing of it stays."""
import unittest

import harness


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(sample=50)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def rows(self):
        good = harness.cap("b-1")
        change = lambda old, new, count=1: good.replace(old.encode(), new.encode(), count)
        polygon = "<areaDesc>110109</areaDesc><polygon>39.9,116.1 40.0,116.1 40.0,116.2 39.9,116.2</polygon>"
        bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;&x;&x;">]>' + good.split(b"?>", 1)[1]
        cap_type = "application/cap+xml"
        return [
            ("no XML", b"hello", cap_type, 400, "not-well-formed"),
            ("no body", b"", cap_type, 400, None),
            ("another namespace", change("cap:1.2", "cap:9.9"), cap_type, 400, "root"),
            ("CAP 1.0", change("urn:oasis:names:tc:emergency:cap:1.2", "http://www.incident.com/cap/1.0"), cap_type, 400, "root"),
            ("CAP 1.1", change("cap:1.2", "cap:1.1"), cap_type, 400, "root"),
            ("an entity bomb", bomb, cap_type, 400, "doctype"),
            ("another type", good, "application/json", 415, None),
            ("too large", good + b" " * 1048576, cap_type, 413, None),
            ("no instruction of a level", change("<urgency>Immediate</urgency>", ""), cap_type, 422, "xsd"),
            ("unknown geocode", change("110109000000", "990109000000", 2), cap_type, 422, "geocode-unknown"),
            ("unhandled geocode scheme (C8)", change("CPEAS Geographic Code", "UGC", 2), cap_type, 422, "geocode-unknown"),
            ("open polygon", change("<areaDesc>110109</areaDesc>", polygon, 2), cap_type, 422, "polygon-closed"),
            ("expired",  # scar: D1
             harness.cap("b-2", expires=-60, sent=-120), cap_type, 422, None),
            ("sent long ago", harness.cap("b-3", sent=-90000), cap_type, 422, "sent-old"),
            ("another's sender", harness.cap("b-4", sender="somebody@example.org"), cap_type, 403, None),
            ("unknown msgType (A11)", change("<msgType>Alert<", "<msgType>Shout<"), cap_type, 422, "xsd"),
        ]

    def test_each_has_its_answer_and_no_effect(self):
        before = self.server.call("GET", "/v1/alerts", role="agency")[1]["items"]
        for name, body, kind, status, rule in self.rows():
            with self.subTest(name):
                got, problem, head = self.server.call("POST", "/v1/alerts", body, "sender", kind)
                self.assertEqual(got, status, problem)
                self.assertEqual(head["Content-Type"].split(";")[0], "application/problem+json")
                self.assertTrue(problem["title"] and problem["status"] == status)
                if rule:
                    self.assertIn(rule, [v["rule"] for v in problem["violations"]])
                    self.assertTrue(all(v["message"] for v in problem["violations"]))
        self.assertEqual(self.server.call("GET", "/v1/alerts", role="agency")[1]["items"], before)

    def test_a_bad_token_opens_nothing(self):
        for header in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
            self.assertEqual(self.server.call("POST", "/v1/alerts", harness.cap("b-5"), None, "application/cap+xml", header)[0], 401)

    def test_an_update_of_the_unknown_starts_the_chain_and_says_so(self):
        status, body, _ = self.server.post(harness.cap("b-6", "Update", f"{harness.SENDER},nobody-knows,{harness.stamp(-60)}"))
        self.assertEqual(status, 202, body)
        self.assertIn("references-unknown", [w["rule"] for w in body["warnings"]])

    def test_E5_a_cancel_of_the_unknown_leaves_a_tombstone(self):
        late = harness.cap("b-7", sent=-30)
        status, body, _ = self.server.post(harness.cap("b-8", "Cancel", harness.triple(late)))
        self.assertEqual(status, 202, body)
        status, body, _ = self.server.post(late)
        self.assertEqual(status, 202, body)
        self.server.settled(body["id"])
        self.assertEqual(self.server.alert(body["id"])["state"], "cancelled")
        self.assertNotIn("b-7", self.server.get(self.server.public + "/feeds/alerts.geojson")[1])

    def test_an_audience_with_broken_lines_says_which(self):
        csv = "number,region,language,role,opt_out\n13800000001,110101,zh-CN,public,no\nnonsense,110101,zh-CN,public,no\n13800000002,999999,zh-CN,public,no\n"
        status, body, _ = self.server.call("PUT", "/v1/audiences/broken", csv.encode(), "operator", "text/csv")
        self.assertEqual(status, 202, body)
        self.assertEqual((body["recipients"], body["rejected"]), (1, 2), body)
        self.assertEqual([r["line"] for r in body["rejected_lines"]], [3, 4])

    def test_unknown_query_parameters_are_an_error(self):
        self.assertEqual(self.server.call("GET", "/v1/alerts?colour=red", role="agency")[0], 400)
        self.assertEqual(self.server.call("GET", "/v1/alerts?cursor=zzz", role="agency")[0], 400)

    def test_a_bad_audience_name_is_the_callers_fault(self):
        status, problem, _ = self.server.call("PUT", "/v1/audiences/a%20b", b"number,region\n", "operator", "text/csv")
        self.assertIn(status, (400, 422), problem)


if __name__ == "__main__":
    unittest.main(verbosity=2)
