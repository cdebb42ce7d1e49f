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

    def test_a_refusal_for_want_of_an_instruction_says_where_and_what_to_do(self):  # scar: B4
        body = harness.cap("b-9", instruction="")
        status, problem, _ = self.server.post(body.replace(b"<info>", b"\n\n<info>"))
        self.assertEqual(status, 422, problem)
        found = [v for v in problem["violations"] if v["rule"] == "instruction-missing"]
        # line 1 is the declaration; each <info> stands two lines further down
        self.assertEqual([(v["line"], v["element"], v["severity"]) for v in found], [(4, "alert/info[1]", "error")])
        self.assertIn("add <instruction>", found[0]["message"])
        self.assertIn("override=", found[0]["message"])
        self.assertNotIn("goes out instead", problem["detail"] + found[0]["message"])
        status, answer, _ = self.server.post(body, query="?override=the%20advice%20of%20the%20templates%20will%20do")
        self.assertEqual(status, 202, answer)
        self.assertIn("overridden", next(w["message"] for w in answer["warnings"] if w["rule"] == "instruction-missing"))

    def test_the_places_of_the_planners_rules_are_lines_too(self):
        body = harness.cap("b-10").replace(b"110109000000", b"990109000000").replace(b"<geocode>", b"\n<geocode>")
        status, problem, _ = self.server.post(body)
        self.assertEqual(status, 422, problem)
        self.assertEqual([(v["line"], v["element"]) for v in problem["violations"] if v["rule"] == "geocode-unknown"][0],
                         (3, "alert/info[1]/area[1]/geocode[1]"))

    def test_C1_a_name_that_is_no_region_warns_nobody_more(self):
        import re
        by_name = lambda name: b"<area><areaDesc>" + name.encode() + b"</areaDesc></area>"
        good = harness.cap("b-11")
        lost = re.sub(rb"<area>.*?</area>", by_name("某地"), good)
        status, problem, _ = self.server.post(lost)  # it would cover nobody: refused
        self.assertEqual(status, 422, problem)
        self.assertIn("area-no-geometry", [v["rule"] for v in problem["violations"]])
        both = good.replace(b"<area>", by_name("某地") + b"<area>")
        status, answer, _ = self.server.post(both)  # the rest of it stands, and the sender is told
        self.assertEqual(status, 202, answer)
        self.assertIn("area-no-geometry", [w["rule"] for w in answer["warnings"]])
        self.assertEqual(self.server.alert(answer["id"])["regions"], ["110109"])

    def test_pages_of_a_list_join_without_gap_or_repeat(self):
        for i in range(7):
            self.assertEqual(self.server.post(harness.cap(f"page-{i}", districts=("110101",)))[0], 202)
        whole = [a["id"] for a in self.server.call("GET", "/v1/alerts?limit=1000", role="agency")[1]["items"]]
        for path, most, key in (("/v1/alerts?", 2, "id"), (f"/v1/alerts/{whole[0]}/deliveries?", 1, "endpoint")):
            seen, cursor, calls = [], "", 0
            while True:
                status, page, _ = self.server.call("GET", f"{path}limit={most}" + (f"&cursor={cursor}" if cursor else ""), role="agency")
                self.assertEqual(status, 200, page)
                self.assertEqual(set(page), {"items", "next"})
                self.assertLessEqual(len(page["items"]), most)
                seen += [item[key] for item in page["items"]]
                cursor, calls = page["next"], calls + 1
                if not cursor:
                    break
                self.assertLess(calls, 100)
            self.assertEqual(len(seen), len(set(seen)))
            if key == "id":
                self.assertEqual(seen, whole)

    def test_a_state_that_there_is_not_is_an_error_and_no_empty_list(self):
        identifier = self.server.post(harness.cap("b-12"))[1]["id"]
        for path in (f"/v1/alerts/{identifier}/deliveries?state=lost", f"/v1/alerts/{identifier}/recipients?state=lost"):
            status, problem, _ = self.server.call("GET", path, role="operator")
            self.assertEqual(status, 400, (path, problem))

    def test_a_bad_audience_name_is_the_callers_fault(self):
        status, problem, _ = self.server.call("PUT", "/v1/audiences/a%20b", b"number,region\n", "operator", "text/csv")
        self.assertIn(status, (400, 422), problem)


if __name__ == "__main__":
    unittest.main(verbosity=2)
