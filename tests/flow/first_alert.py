#!/usr/bin/env python3
"""One storm from POST to the last receipt: red, down to orange, lifted. Every word and every
receipt is compared with what the peers themselves recorded."""
import json
import unittest

import harness


class FirstAlert(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server(sample=600)
        port = self.server.start_smsc("--text")
        self.server.append(harness.SMPP.format(port=port, test_port=port + 1))
        self.server.start()
        self.server.run("audience", "import", "public", self.server.city + "/audience.csv")

    def tearDown(self):
        self.server.close()

    def people(self, districts):
        """Numbers of the sample audience in these districts who did not opt out, by language."""
        with open(self.server.city + "/audience.csv", encoding="utf-8") as file:
            head, *rows = [line.rstrip("\r\n").split(",") for line in file]
        at = {name: head.index(name) for name in ("number", "region", "opt_out")}
        return {row[at["number"]].lstrip("+") for row in rows
                if row[at["region"]][:6] in districts and row[at["opt_out"]] not in ("1", "true", "yes")}

    def post(self, message):
        status, body, _ = self.server.post(message)
        self.assertEqual(status, 202, body)
        return body

    def test_a_storm_reaches_everybody_once_and_is_taken_back(self):
        districts = ("110109", "110111", "110107")
        red = harness.cap("rain-1", districts=districts, sent=-2)
        first = self.post(red)
        alert = self.server.settled(first["id"])
        self.assertEqual((alert["state"], alert["level"], alert["mode"]), ("active", "red", "live"))

        wanted = self.people(districts)
        self.assertGreater(len(wanted), 20)
        sms = next(d for d in self.server.deliveries(first["id"]) if d["endpoint"] == "sms")
        self.assertEqual(sms["state"], "delivered")
        self.assertEqual(sms["counts"]["delivered"], len(wanted))
        submits = self.server.submits()
        self.assertEqual(sorted(s["destination"] for s in submits), sorted(wanted))  # each once, nobody else
        zh = [s["text"] for s in submits if "【北京预警】" in s["text"]]
        self.assertTrue(zh and all("暴雨" in t and "红色" in t for t in zh))
        self.assertTrue(all(len(t) <= 70 for t in zh), max(zh, key=len))  # a red template fits one segment

        # the very bytes on the public site, proven by the channel itself
        site = next(d for d in self.server.deliveries(first["id"]) if d["endpoint"] == "site")
        self.assertEqual(site["state"], "verified")
        features = json.loads(self.server.get(self.server.public + "/feeds/alerts.geojson")[1])["features"]
        self.assertEqual([f["properties"]["identifier"] for f in features], ["rain-1"])
        cap_path = features[0]["properties"]["cap"].removeprefix(self.server.public)
        self.assertEqual(self.server.get(self.server.public + cap_path, raw=True)[1], red)
        self.assertEqual(self.server.call("GET", f"/v1/alerts/{first['id']}/cap", role="agency")[1], red)

        # E2: the same bytes again are the same answer; E1: other bytes under the same name are refused
        status, again, _ = self.server.post(red)
        self.assertEqual((status, again["id"]), (200, first["id"]))
        status, problem, head = self.server.post(red.replace("100毫米".encode(), "120毫米".encode()))
        self.assertEqual((status, head["Content-Type"].split(";")[0]), (409, "application/problem+json"))

        orange = harness.cap("rain-2", "Update", harness.triple(red), severity="Severe", colour="Orange", districts=districts, sent=-1)
        second = self.post(orange)
        self.server.settled(second["id"])
        self.assertEqual(self.server.alert(first["id"])["state"], "superseded")
        features = json.loads(self.server.get(self.server.public + "/feeds/alerts.geojson")[1])["features"]
        self.assertEqual([f["properties"]["identifier"] for f in features], ["rain-2"])  # scar:E4 one live version
        self.assertEqual(len(self.server.submits()), 2 * len(wanted))

        done = self.server.run("cancel", second["id"], "--reason", "降雨已结束", "--yes", "--json")
        third = json.loads(done.stdout)
        self.server.settled(third["id"])
        self.assertEqual(self.server.alert(second["id"])["state"], "cancelled")
        features = json.loads(self.server.get(self.server.public + "/feeds/alerts.geojson")[1])["features"]
        self.assertEqual([(f["properties"]["msgType"], f["properties"]["state"]) for f in features], [("Cancel", "lifted")])
        submits = self.server.submits()
        self.assertEqual(sorted(s["destination"] for s in submits[2 * len(wanted):]), sorted(wanted))  # exactly those it reached
        self.assertTrue(all("解除" in s["text"] or "lifted" in s["text"].lower() or "over" in s["text"].lower()
                            for s in submits[2 * len(wanted):]))

        lines = self.server.run("recipients", first["id"], "--json").stdout.splitlines()
        self.assertEqual(len(lines), len(wanted))
        self.assertEqual({json.loads(line)["state"] for line in lines}, {"delivered"})

    def test_progress_is_told_by_events_that_can_be_resumed(self):
        body = self.post(harness.cap("rain-9"))
        self.server.settled(body["id"])
        import urllib.request
        def read(after=None):
            request = urllib.request.Request(f"{self.server.url}/v1/alerts/{body['id']}/events")
            request.add_header("Authorization", "Bearer " + self.server.token("agency"))
            if after:
                request.add_header("Last-Event-ID", after)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.server.context))
            ids = []
            with opener.open(request, timeout=3) as stream:
                try:
                    for line in stream:
                        if line.startswith(b"id:"):
                            ids.append(line[3:].strip().decode())
                except OSError:
                    pass  # nothing more comes: the alert has ended
            return ids
        every = read()
        self.assertGreater(len(every), 4)
        self.assertEqual(read(every[2]), every[3:])


    def test_a_polygon_reaches_the_map_longitude_first(self):  # scar: C4
        polygon = "<polygon>39.90,116.00 40.00,116.00 40.00,116.10 39.90,116.10 39.90,116.00</polygon><geocode>"
        message = harness.cap("map-1").replace(b"<geocode>", polygon.encode())
        self.server.settled(self.post(message)["id"])
        feature = json.loads(self.server.get(self.server.public + "/feeds/alerts.geojson")[1])["features"][0]
        ring = feature["geometry"]["coordinates"][0][0]
        self.assertTrue(all(115 < lon < 118 and 39 < lat < 41 for lon, lat in ring), ring)


if __name__ == "__main__":
    unittest.main(verbosity=2)
