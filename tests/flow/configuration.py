#!/usr/bin/env python3
"""tocsin.toml: every fault with its file, line and key, also those in other files; and keys that
do what they say."""
import json
import os
import socket
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

import harness

CELLS = """cgi,lon,lat,azimuth,beam,range_m,technology,bsc
460-00-1001-101,116.40,39.92,0,360,450,gsm,bsc-1
"""
CBSP = """
[[endpoint]]
name = "{name}"
channel = "cbsp"
peer = "sandbox"
areas = ["110000"]
[endpoint.cbsp]
cells = "cells.csv"
reply_timeout = "60s"
keep_alive_timeout = "60s"
{more}
[[endpoint.cbsp.bsc]]
name = "{bsc}"
host = "{host}"
port = {port}
"""


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(sample=20)
        cls.path = os.path.join(cls.server.city, "tocsin.toml")
        with open(cls.path, encoding="utf-8") as file:
            cls.good = file.read()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def setUp(self):
        self.put(self.path, self.good)

    def put(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def check(self, *words):
        return subprocess.run([harness.BUILD + "/tocsind", "--check", "--config", self.path, *words],
                              capture_output=True, text=True, timeout=60)

    def faults(self):
        """The faults of --json, and the same of the form for people: they must tell of the same."""
        done, people = self.check("--json"), self.check()
        self.assertEqual((done.returncode, people.returncode), (2, 2), done.stdout + done.stderr)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        lines = people.stdout.splitlines()
        self.assertEqual(len(found), len(lines))
        for fault, line in zip(found, lines):
            self.assertEqual(set(fault), {"file", "line", "column", "key", "rule", "message"}, fault)
            self.assertRegex(fault["rule"], r"^[a-z]+(-[a-z]+)*$")
            self.assertTrue(fault["message"], fault)
            place = f"{fault['file']}:{fault['line']}:" if fault["line"] else fault["file"] + ":"
            self.assertTrue(line.startswith(place), (line, fault))
            if fault["key"]:
                self.assertIn(f" {fault['key']}: {fault['message']}", line)
        return found

    def one(self, **wanted):
        found = self.faults()
        hits = [f for f in found if all(f[k] == v for k, v in wanted.items())]
        self.assertEqual(len(hits), 1, found)
        return hits[0]

    def line_of(self, text, path=None):
        with open(path or self.path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if text in line:
                    return number
        raise AssertionError(f"no line with {text}")

    def test_a_good_one_says_so(self):
        self.assertEqual(self.check().returncode, 0)
        done = self.check("--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["endpoints"]), (0, 4), done.stdout)

    def test_faults_of_the_file_itself_are_objects(self):
        self.put(self.path, self.good.replace("alert_bytes = 1048576", "alert_bites = 5").replace('channel = "null"', 'channel = "nul"', 1)
                 .replace("connections = 4096", 'connections = "many"').replace("intake_threads = 2", "intake_threads = 200"))
        found = {(f["key"], f["rule"]): f for f in self.faults()}
        fault = found["limits.alert_bites", "unknown-key"]
        self.assertEqual((fault["file"], fault["line"]), ("tocsin.toml", self.line_of("alert_bites")))
        self.assertIn("did you mean 'alert_bytes'?", fault["message"])
        self.assertEqual(found["endpoint[1].channel", "wrong-choice"]["line"], self.line_of('"nul"'))
        self.assertEqual(found["limits.connections", "wrong-type"]["line"], self.line_of('"many"'))
        self.assertEqual(found["limits.intake_threads", "out-of-range"]["line"], self.line_of("= 200"))

    def test_no_toml_at_all_names_its_line(self):
        self.put(self.path, self.good.replace("[listen]", "[listen"))
        self.assertEqual(self.one(rule="syntax")["line"], self.line_of("[listen"))

    def test_a_missing_file_is_named(self):
        os.rename(self.path, self.path + ".away")
        try:
            fault = self.faults()[0]
            self.assertEqual((fault["line"], fault["rule"]), (0, "unreadable"))
        finally:
            os.rename(self.path + ".away", self.path)

    def test_areas_that_no_region_has(self):
        self.put(self.path, self.good.replace('areas = ["110000"]', 'areas = ["110000", "999999"]', 1)
                 .replace('areas = ["*"]', 'areas = ["110199"]', 1))
        fault = self.one(key="endpoint[1].areas")
        self.assertEqual((fault["line"], fault["rule"]), (self.line_of('"999999"'), "region-unknown"))
        fault = self.one(key="credential[1].areas")
        self.assertEqual((fault["line"], fault["rule"]), (self.line_of('"110199"'), "region-unknown"))

    def test_faults_of_every_kind_come_at_once(self):
        self.put(self.path, self.good.replace("alert_bytes = 1048576", "alert_bites = 5")
                 .replace('areas = ["110000"]', 'areas = ["999999"]', 1))
        self.assertEqual({f["rule"] for f in self.faults()}, {"unknown-key", "region-unknown"})

    def test_a_fault_is_told_once(self):
        self.put(self.path, self.good.replace('areas = ["110000"]', 'areas = "110000"', 1).replace('templates = "templates"', 'templates = 5'))
        found = self.faults()
        keys = [(f["key"], f["message"]) for f in found]
        self.assertEqual(len(keys), len(set(keys)), keys)
        self.assertIn("endpoint[1].areas", [key for key, _ in keys])

    def test_hostile_keys_stay_in_their_line(self):
        self.put(self.path, self.good.replace("[limits]", '[limits]\n"a\\nb\\u001b[31m" = 1'))
        fault = next(f for f in self.faults() if f["rule"] == "unknown-key")
        self.assertIn("\x1b", fault["key"] + fault["message"])

    def test_what_needs_a_restart_is_refused_by_a_reload(self):
        other = harness.Server(sample=20)
        try:
            other.start()
            path = os.path.join(other.city, "tocsin.toml")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.put(path, text.replace("per_sender_per_minute = 60", "per_sender_per_minute = 61"))
            other.run("reload")
            other.wait(lambda: "need a restart" in other.tail(), 10, "the refusal")
        finally:
            other.close()

    def test_an_audience_that_cannot_be_one(self):
        self.put(self.path, self.good + harness.SMPP.format(port=1, test_port=2).replace('"public"', '"pub lic"', 1))
        self.put(os.path.join(self.server.city, "smpp.password"), "secret\n")
        os.chmod(os.path.join(self.server.city, "smpp.password"), 0o600)
        fault = self.one(key="endpoint[5].audience")
        self.assertEqual(fault["line"], self.line_of('"pub lic"'))

    def test_two_endpoints_never_share_a_state(self):
        """A copied section: after a restart the drill's twin would carry on the live one's alerts."""
        web = '[[endpoint]]\nname = "{0}"\nchannel = "web"\npeer = "sandbox"\nareas = ["110000"]\n[endpoint.web]\nbase = "http://127.0.0.1:9/{0}"\nverify = "http://127.0.0.1:9/{0}"\nstate = "{1}"\n'
        self.put(self.path, self.good + web.format("site-a", "data/a.json") + web.format("site-b", "data/b.json"))
        self.assertEqual(self.check().returncode, 0, self.check().stdout)
        self.put(self.path, self.good + web.format("site-a", "data/same.json") + web.format("site-b", "data/../data/./same.json"))
        fault = self.one(key="endpoint[6].web.state", rule="repeated")
        self.assertEqual(fault["line"], self.line_of("./same.json"))
        self.assertIn("'site-a'", fault["message"])
        self.assertIn("'site-b'", fault["message"])
        done = subprocess.run([harness.BUILD + "/tocsind", "--config", self.path], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("site-a", done.stdout + done.stderr)

    def test_a_listener_has_an_address_of_its_own(self):
        port = self.server.port
        self.put(self.path, self.good.replace(f'public = "127.0.0.1:{port + 1}"', f'public = "127.0.0.1:{port}"'))
        fault = self.one(key="listen.public", rule="repeated")
        self.assertEqual(fault["line"], self.line_of("public = "))
        self.put(self.path, self.good.replace(f'"127.0.0.1:{port}"', '"127.0.0.1:0"').replace(f'"127.0.0.1:{port + 1}"', '"127.0.0.1:0"'))
        self.assertEqual(self.check().returncode, 0, self.check().stdout)

    def test_a_word_has_one_meaning(self):
        bare = self.good.split("[replies]")[0]
        self.put(self.path, bare + '[replies]\nstop = ["TD"]\nacknowledge = ["OK", "td"]\n')
        fault = self.one(key="replies.acknowledge", rule="repeated")
        self.assertEqual(fault["line"], self.line_of("acknowledge ="))
        self.put(self.path, bare + '[replies]\nstop = ["1"]\n')  # our own list of acknowledgements has it
        self.assertIn("acknowledge", self.one(key="replies.stop", rule="repeated")["message"])

    def cells(self, first="", second="", name="bsc-1", host="127.0.0.2"):
        """Two endpoints for cells; by default each has its own controller."""
        self.put(os.path.join(self.server.city, "cells.csv"), CELLS)
        self.put(self.path, self.good.replace("[city]\n", '[city]\ncells = "cells.csv"\n', 1)
                 + CBSP.format(name="cb-a", host="127.0.0.1", bsc="bsc-1", port=48049, more=first)
                 + CBSP.format(name="cb-b", host=host, bsc=name, port=48049, more=second))

    def test_a_controller_is_of_one_endpoint(self):
        self.cells()
        self.assertEqual(self.check().returncode, 0, self.check().stdout)
        self.cells(host="127.0.0.1")
        fault = self.one(key="endpoint[6].cbsp.bsc[1].host", rule="repeated")
        self.assertIn("'cb-a'", fault["message"])
        self.assertIn("'cb-b'", fault["message"])
        self.assertGreater(fault["line"], self.line_of('"cb-b"'))
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        self.put(self.path, text.replace('host = "127.0.0.1"', 'listen = "127.0.0.1:48050"'))  # both dial us, at one door
        self.one(key="endpoint[6].cbsp.bsc[1].listen", rule="repeated")
        self.cells('state = "data/cb"', 'state = "data/cb"')
        self.assertIn("'cb-a'", self.one(key="endpoint[6].cbsp.state", rule="repeated")["message"])

    def test_the_citys_cells_are_those_of_its_channels(self):
        self.cells(name="bsc-9")
        self.assertIn("bsc-9", self.one(key="endpoint[6].cbsp.bsc[1].name")["message"])
        self.put(os.path.join(self.server.city, "other.csv"), CELLS)
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        self.put(self.path, text.replace('"cells.csv"\nreply', '"other.csv"\nreply', 1).replace("bsc-9", "bsc-1"))
        self.assertEqual(self.one(key="endpoint[5].cbsp.cells")["line"], self.line_of("other.csv"))

    def test_changed_cells_open_their_channel_anew_at_a_reload(self):
        door = socket.create_server(("127.0.0.1", 0))
        door.settimeout(10)
        other = harness.Server(sample=20)
        links = []
        try:
            path = os.path.join(other.city, "tocsin.toml")
            with open(path, encoding="utf-8") as file:
                text = file.read().replace("[city]\n", '[city]\ncells = "cells.csv"\n', 1)
            self.put(os.path.join(other.city, "cells.csv"), CELLS)
            self.put(path, text + CBSP.format(name="cb", host="127.0.0.1", bsc="bsc-1", port=door.getsockname()[1], more=""))
            other.start()
            links.append(door.accept()[0])
            applied = lambda count: other.wait(lambda: other.tail(1000).count("config.applied") == count, 10, "config.applied")
            other.run("reload")
            applied(1)
            door.settimeout(1)
            with self.assertRaises(TimeoutError):  # nothing changed: the link stays
                links.append(door.accept()[0])
            self.put(os.path.join(other.city, "cells.csv"), CELLS + "460-00-1001-102,116.41,39.92,0,360,450,gsm,bsc-1\n")
            other.run("reload")
            applied(2)
            door.settimeout(10)
            links.append(door.accept()[0])
        finally:
            other.close()
            for link in links:
                link.close()
            door.close()

    def edited(self, name, edit):
        """One fault after `edit` of a file of the city, which is put back."""
        path = os.path.join(self.server.city, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            self.put(path, edit(text))
            return self.faults()
        finally:
            self.put(path, text)

    def test_templates_name_file_line_and_name(self):
        found = self.edited("templates/rainstorm/sms.zh-CN.mustache" if os.path.exists(self.server.city + "/templates/rainstorm/sms.zh-CN.mustache")
                            else "templates/default/sms.zh-CN.mustache", lambda text: "{{sgnature}}\n" + text)
        fault = next(f for f in found if f["key"] == "sgnature")
        self.assertRegex(fault["file"], r"^templates/.*sms\.zh-CN\.mustache$")
        self.assertEqual((fault["line"], fault["rule"]), (1, "template"))
        found = self.edited("templates/default/words.zh-CN.toml", lambda text: 'evnt = "x"\n' + text)
        fault = next(f for f in found if f["key"] == "evnt")
        self.assertEqual((fault["file"], fault["line"], fault["rule"]), ("templates/default/words.zh-CN.toml", 1, "unknown-key"))

    def test_regions_name_file_and_line(self):
        found = self.edited("regions.geojson", lambda text: text.replace('"tier"', '"tear"', 1))
        self.assertEqual((found[0]["file"], found[0]["rule"]), ("regions.geojson", "regions"), found)
        self.assertGreater(found[0]["line"], 0)
        found = self.edited("regions.geojson", lambda text: text[:len(text) // 2])
        self.assertEqual((found[0]["file"], found[0]["rule"]), ("regions.geojson", "regions"), found)
        self.assertGreater(found[0]["line"], 1)

    def test_a_key_that_is_not_the_certificates(self):
        self.put(self.path, self.good.replace('key = "tls/server.key"', 'key = "tls/other.key"'))
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "tls/other.key", cwd=self.server.city)
        fault = self.one(key="tls.certificate")
        self.assertEqual(fault["line"], self.line_of("certificate ="))

    def test_a_revocation_list_that_is_none(self):
        self.put(os.path.join(self.server.city, "none.crl"), "no list\n")
        self.put(self.path, self.good.replace("# client_ca =", 'client_ca = "tls/ca.crt"\nclient_crl = "none.crl"\n# client_ca ='))
        self.assertEqual(self.one(key="tls.client_crl")["line"], self.line_of("client_crl ="))
        # a list without a CA would promise what nobody does
        self.put(self.path, self.good.replace("# client_ca =", 'client_crl = "none.crl"\n# client_ca ='))
        self.assertIn("client_ca", self.one(key="tls.client_crl")["message"])


class Keys(unittest.TestCase):
    """Keys that intake goes by."""

    def setUp(self):
        self.server = harness.Server(sample=20)
        self.path = os.path.join(self.server.city, "tocsin.toml")

    def tearDown(self):
        self.server.close()

    def change(self, old, new):
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def test_the_citys_own_sender_signs_the_cancels_made_here(self):
        self.change('name_en = "Beijing"', 'name_en = "Beijing"\nown_sender = "warnings@beijing.example"')
        self.server.start()
        status, body, _ = self.server.post(harness.cap("k-1", sent=-5))
        self.assertEqual(status, 202, body)
        status, body, _ = self.server.call("POST", f"/v1/alerts/{body['id']}/cancel", b'{"reason": "over"}', "operator", "application/json")
        self.assertEqual(status, 202, body)
        self.assertEqual(self.server.alert(body["id"])["sender"], "warnings@beijing.example")

    def test_a_strict_senders_unknown_reference_is_an_error(self):
        self.change("strict_references = []", f'strict_references = ["{harness.SENDER}"]')
        self.server.start()
        status, problem, _ = self.server.post(harness.cap("k-2", "Update", f"{harness.SENDER},nobody-knows,{harness.stamp(-60)}"))
        self.assertEqual((status, problem.get("violations", [{}])[0].get("rule")), (422, "references-unknown"), problem)

    def test_so_many_bad_tokens_a_minute(self):
        self.change("failures_per_minute = 30", "failures_per_minute = 3")
        self.server.start()
        bad = {"Authorization": "Bearer nonsense"}
        got = [self.server.call("GET", "/v1/me", role=None, headers=bad)[0] for _ in range(5)]
        self.assertEqual(got, [401, 401, 401, 429, 429])
        self.assertEqual(self.server.call("GET", "/v1/me")[0], 200)  # who has a token is not shut out

    def test_a_restricted_alert_goes_only_where_the_configuration_says(self):
        body = harness.cap("k-3").replace(b"<scope>Public</scope>", b"<scope>Restricted</scope><restriction>staff</restriction>")
        self.change('areas = ["110000"]', 'areas = ["110000"]\nrestricted = true')
        self.server.start()
        status, plan, _ = self.server.call("POST", "/v1/plans", body, "sender", "application/cap+xml")
        self.assertEqual((status, [o["endpoint"] for o in plan["orders"]]), (200, ["log"]), plan)

    def test_a_citys_own_geocodes(self):
        body = harness.cap("k-4").replace(b"CPEAS Geographic Code", b"City Code")
        self.change('default_life = "24h"', 'geocode_schemes = ["City Code"]\ndefault_life = "24h"')
        self.server.start()
        status, plan, _ = self.server.call("POST", "/v1/plans", body, "sender", "application/cap+xml")
        self.assertEqual((status, plan.get("regions")), (200, ["110109"]), plan)

    def test_rules_that_refuse_and_encodings_that_are_taken(self):
        self.change("strict_references = []", 'strict_references = []\nrefused_rules = ["status-words"]\ngb18030 = true')
        self.server.start()
        plan = lambda body: self.server.call("POST", "/v1/plans", body, "sender", "application/cap+xml")
        status, problem, _ = plan(harness.cap("k-5", description="这是演练。"))
        self.assertEqual((status, problem["violations"][0]["rule"]), (422, "status-words"), problem)
        self.assertEqual(plan(harness.cap("k-6", instruction=""))[0], 200)
        text = harness.cap("k-7").decode().replace('encoding="UTF-8"', 'encoding="GB18030"')
        status, answer, _ = plan(text.encode("gb18030"))
        self.assertEqual((status, answer["regions"]), (200, ["110109"]), answer)

    def test_a_rule_that_there_is_not_is_named(self):
        self.change("strict_references = []", 'strict_references = []\nrefused_rules = ["status-word"]')
        done = subprocess.run([harness.BUILD + "/tocsind", "--check", "--json", "--config", self.path], capture_output=True, text=True, timeout=60)
        fault = json.loads(done.stdout)
        self.assertEqual((done.returncode, fault["key"], fault["rule"]), (2, "limits.refused_rules", "wrong-choice"))

    def certificates(self, names):
        """A CA of clients, one certificate a name, and how to revoke."""
        self.ca = os.path.join(self.server.folder, "clients")
        os.makedirs(self.ca)
        with open(os.path.join(self.ca, "ca.cnf"), "w", encoding="utf-8") as file:
            file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\ncrlnumber=crlnumber\nnew_certs_dir=.\ncertificate=ca.crt\n"
                       "private_key=ca.key\ndefault_md=sha256\ndefault_days=2\ndefault_crl_days=2\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n")
        for name, text in (("index.txt", ""), ("serial", "10\n"), ("crlnumber", "10\n")):
            with open(os.path.join(self.ca, name), "w", encoding="utf-8") as file:
                file.write(text)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=clients", "-days", "2", cwd=self.ca)
        for name in names:
            openssl("req", *curve, "-keyout", name + ".key", "-out", name + ".csr", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}.example.org", "-addext", "extendedKeyUsage=clientAuth", cwd=self.ca)
            openssl("ca", "-config", "ca.cnf", "-batch", "-in", name + ".csr", "-out", name + ".crt", "-notext", cwd=self.ca)
        openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem", cwd=self.ca)

    def revoke(self, name):
        openssl("ca", "-config", "ca.cnf", "-revoke", name + ".crt", cwd=self.ca)
        openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem", cwd=self.ca)

    def me(self, name):
        """Status of /v1/me by the certificate; 0: the handshake failed."""
        context = ssl.create_default_context(cafile=os.path.join(self.server.city, "tls", "ca.crt"))
        context.load_cert_chain(os.path.join(self.ca, name + ".crt"), os.path.join(self.ca, name + ".key"))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(self.server.url + "/v1/me", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def test_a_revoked_client_certificate_is_refused_after_a_reload(self):
        names = ("bureau", "post", "gone")
        self.certificates(names)
        self.revoke("gone")
        self.change("# client_ca =", f'client_ca = "{self.ca}/ca.crt"\nclient_crl = "{self.ca}/crl.pem"\n# client_ca =')
        for name in names:
            self.server.append(f'[[credential]]\nname = "c-{name}"\nperson = "{name}"\nrole = "agency"\n'
                               f'certificate_san = "DNS:{name}.example.org"\nareas = ["*"]\nmodes = ["live"]\n')
        self.server.start()
        self.assertEqual([self.me(name) for name in names], [200, 200, 0])
        self.revoke("bureau")
        self.server.run("reload")
        self.server.wait(lambda: "config.applied" in self.server.tail(), 10, "config.applied")
        self.assertEqual([self.me(name) for name in names], [0, 200, 0])
        self.assertEqual(self.server.call("GET", "/v1/me")[0], 200)  # tokens as before


class Stop(unittest.TestCase):
    def test_a_stop_is_no_fault(self):
        server = harness.Server(sample=20)
        try:
            server.start()
            status, body, _ = server.post(harness.cap("s-1"))
            self.assertEqual(status, 202, body)
            server.settled(body["id"])
            server.stop()
            text = server.tail(1000)
            self.assertIn("server.stopping", text)
            self.assertEqual([line for line in text.splitlines() if '"level":"error"' in line], [])
            stop = text[text.index("server.stopping"):].splitlines()[1:]
            self.assertEqual([line for line in stop if '"level":"info"' not in line], [])
            server.start()  # and a real loss is still told
            os.kill(server.redis_pid(), 9)
            server.wait(lambda: "ledger.degraded" in server.tail(), 10, "ledger.degraded")
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
