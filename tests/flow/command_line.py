#!/usr/bin/env python3
"""Every command: --json says JSON and nothing else, exit statuses are exact, prompts never hang."""
import json
import os
import subprocess
import unittest

import harness


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(sample=50)
        cls.server.start()
        cls.red = os.path.join(cls.server.folder, "red.xml")
        cls.bad = os.path.join(cls.server.folder, "bad.xml")
        with open(cls.red, "wb") as file:
            file.write(harness.cap("c-1"))
        with open(cls.bad, "wb") as file:
            file.write(harness.cap("c-2").replace(b"<urgency>Immediate</urgency>", b"", 1))
        cls.id = json.loads(cls.server.run("post", cls.red, "--json").stdout)["id"]
        cls.server.settled(cls.id)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def test_json_everywhere(self):
        csv = os.path.join(self.server.city, "audience.csv")
        commands = [("validate", self.red), ("plan", self.red), ("post", self.red), ("status",), ("status", self.id), ("alerts",),
                    ("deliveries", self.id), ("recipients", self.id),
                    ("acknowledgements", self.id), ("acknowledgements", self.id[:14]), ("replies",), ("replies", "--limit", "5"), ("endpoints",), ("endpoints", "pause", "log", "--reason", "r"),
                    ("endpoints", "resume", "log"), ("endpoints", "probe", "log"), ("audience", "import", "public", csv),
                    ("audience", "list"), ("audience", "remove", "public", "--yes"), ("me",), ("doctor",), ("reload",)]
        for command in commands:
            with self.subTest(command=command):
                done = self.server.run(*command, "--json", check=False)
                self.assertIn(done.returncode, (0, 1), done.stderr)
                for line in done.stdout.splitlines():
                    json.loads(line)
                if command[0] != "doctor":
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_exit_statuses(self):
        rows = [(0, ("validate", self.red)), (1, ("validate", self.bad)), (1, ("post", self.bad)), (2, ("post",)), (2, ("pots", self.red)),
                (2, ("status", "--nonsense")), (1, ("status", "nothing-like-it")), (2, ("audience", "remove", "public")), (2, ("validate", "/nonexistent")),
                (0, ("replies",)), (2, ("replies", "--limit", "0")), (2, ("replies", "--limit", "x")), (0, ("acknowledgements", self.id)),
                (2, ("acknowledgements",)), (1, ("acknowledgements", "nothing-like-it")), (1, ("recipients", self.id, "--state", "bogus")),
                (1, ("alerts", "area=999"))]
        for status, command in rows:
            with self.subTest(command=command):
                self.assertEqual(self.server.run(*command, check=False, stdin="").returncode, status)
        nobody = subprocess.run([harness.BUILD + "/tocsin", "--url", "https://127.0.0.1:1", "--token-file",
                                 self.server.city + "/tokens/agency.token", "alerts"], capture_output=True, text=True)
        self.assertEqual(nobody.returncode, 3)

    def test_errors_are_json_too(self):
        done = self.server.run("post", self.bad, "--json", check=False)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(done.returncode, 1)
        self.assertTrue({"type", "title", "detail", "hint"} <= set(error))
        self.assertIn("xsd", [v["rule"] for v in error["violations"]])

    def test_a_refused_stream_says_one_json_value(self):
        done = self.server.run("recipients", self.id, "--json", "--state", "bogus", check=False)
        lines = done.stdout.splitlines()
        self.assertEqual((done.returncode, len(lines)), (1, 1), done.stdout)
        self.assertIn("state is one of", json.loads(lines[0])["error"]["detail"])
        done = self.server.run("recipients", self.id, "--state", "bogus", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("state is one of", done.stderr)

    def test_wrong_parameters_of_lists_are_refused_alike(self):
        for path in ("/v1/replies?limit=abc", "/v1/replies?limit=-1", "/v1/replies?limit=0", "/v1/replies?limit=1001", "/v1/replies?cursor=zz",
                     "/v1/alerts?limit=1001", "/v1/alerts?area=999", "/v1/alerts?area="):
            with self.subTest(path=path):
                status, body, _ = self.server.call("GET", path, role="operator")
                body = body if isinstance(body, dict) else json.loads(body)
                self.assertEqual((status, body["type"], body["title"]), (400, "/problems/unknown-parameter", "A query parameter is unknown or wrong"))
        self.assertEqual(self.server.call("GET", "/v1/alerts?area=110000", role="operator")[0], 200)
        self.assertEqual(self.server.call("GET", "/v1/replies?limit=1000", role="operator")[0], 200)

    def test_a_typo_names_the_nearest_and_quiet_is_quiet(self):
        self.assertIn("'post'", self.server.run("pots", check=False).stderr)
        self.assertEqual(self.server.run("validate", self.red, "--quiet").stdout, "")

    def test_what_is_missing_is_named_and_nothing_else_is_guessed(self):
        for command, missing in ((("cancel", self.id), "--reason"), (("endpoints", "pause", "log"), "--reason"), (("post",), "file"),
                                 (("audience", "import", "public"), "file"), (("cancel", "--config", "posts"), "id")):
            with self.subTest(command=command):
                done = self.server.run(*command, check=False, config="--config" not in command)
                self.assertEqual(done.returncode, 2)
                self.assertIn(missing, done.stderr)
                self.assertNotIn("did you mean", done.stderr)
        for command, near in ((("pots", self.red), "'post'"), (("endpoints", "pase", "log"), "'pause'"), (("cancel", self.id, "--raeson", "x"), "'--reason'"),
                              (("audience", "imprt", "public"), "'import'"), (("--config", self.server.city, "staus"), "'status'")):
            with self.subTest(command=command):
                done = self.server.run(*command, check=False, config=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(f"did you mean {near}", done.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for command in (("status",), ("status", self.id), ("alerts", "--json"), ("plan", self.red), ("recipients", self.id), ("validate", "--json", self.red),
                        ("completion", "bash"), ("--help",), ("me",)):
            with self.subTest(command=command), open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([harness.BUILD + "/tocsin", *command, "--config", self.server.city], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=30)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("cannot write", done.stderr)
        done = subprocess.run(["sh", "-c", f"exec '{harness.BUILD}/tocsin' status --config '{self.server.city}' >&-"],
                              stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 1, done.stderr)
        with open("/dev/full", "w", encoding="utf-8") as full:  # a failure of another kind keeps its status
            done = subprocess.run([harness.BUILD + "/tocsin", "--url", "https://127.0.0.1:1", "--token-file", self.server.city + "/tokens/agency.token",
                                   "alerts", "--json"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 3)

    def test_a_question_that_nobody_can_answer_says_which_option_is_needed(self):
        for command in (("audience", "remove", "public"), ("cancel", self.id, "--reason", "over")):
            for more in ((), ("--json",)):
                if command[0] == "cancel" and more:
                    continue  # scripts that ask for JSON have said what they want
                done = self.server.run(*command, *more, check=False, stdin="")
                said = done.stderr + done.stdout
                self.assertEqual(done.returncode, 2, said)
                self.assertIn("--yes", said)
                self.assertIn("terminal", said)
                self.assertNotIn("cannot read", said)
        self.assertEqual(self.server.alert(self.id)["state"], "active")

    def test_a_unique_beginning_of_an_id_will_do(self):
        self.assertIn("verified", self.server.run("status", self.id[:14]).stdout)

    def test_tables_fit_80_columns(self):
        for command in (("alerts",), ("endpoints",), ("deliveries", self.id), ("status", self.id), ("replies",), ("acknowledgements", self.id)):
            for line in self.server.run(*command).stdout.splitlines():
                columns = sum(2 if ord(c) > 0x2E80 else 1 for c in line)
                self.assertLessEqual(columns, 80, line)

    def test_completion_is_a_script_that_bash_reads(self):
        script = self.server.run("completion", "bash", config=False).stdout
        done = subprocess.run(["bash", "-c", script + "\nCOMP_WORDS=(tocsin po); COMP_CWORD=1; _tocsin; echo ${COMPREPLY[@]}"],
                              capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), "post")
        for typed, whole in (("repl", "replies"), ("ack", "acknowledgements")):
            done = subprocess.run(["bash", "-c", script + f"\nCOMP_WORDS=(tocsin {typed}); COMP_CWORD=1; _tocsin; echo ${{COMPREPLY[@]}}"],
                                  capture_output=True, text=True)
            self.assertEqual(done.stdout.strip(), whole)

    def test_check_names_every_fault_with_its_line(self):
        path = os.path.join(self.server.folder, "wrong.toml")
        with open(os.path.join(self.server.city, "tocsin.toml"), encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("alert_bytes = 1048576", "alert_bites = 5").replace('channel = "null"', 'channel = "nul"'))
        done = subprocess.run([harness.BUILD + "/tocsind", "--check", "--config", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout + done.stderr, r"wrong\.toml:\d+:\d+: limits\.alert_bites: unknown key; did you mean 'alert_bytes'\?")
        self.assertRegex(done.stdout + done.stderr, r"'nul' is none of .*did you mean 'null'\?")

    def test_a_bad_reload_changes_nothing(self):
        path = os.path.join(self.server.city, "tocsin.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write("\nnonsense = 1\n")
            self.server.run("reload")
            self.server.wait(lambda: "config.refused" in self.server.tail(), 10, "config.refused")
            self.assertEqual(self.server.call("GET", "/v1/me")[0], 200)
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.server.run("reload")
        self.server.wait(lambda: "config.applied" in self.server.tail(), 10, "config.applied")


class Replies(unittest.TestCase):
    def test_what_phones_replied_is_shown_a_line_each(self):
        server = harness.Server(sample=200)
        try:
            port = server.start_smsc("--replies", "0.3:1,0.3:water in the house", "--text")
            server.append(harness.SMPP.format(port=port, test_port=1))
            server.start()
            server.run("audience", "import", "public", server.city + "/audience.csv")
            alert = json.loads(server.run("post", "-", "--json", stdin=harness.cap("c-3", districts=("110000",)).decode()).stdout)["id"]

            def lines(*command):
                return [json.loads(line) for line in server.run(*command, "--json").stdout.splitlines()]
            server.wait(lambda: len(lines("acknowledgements", alert)) > 20 and len(lines("replies")) > 20, 30, "replies")
            for one in lines("acknowledgements", alert):
                self.assertEqual((one["endpoint"], one.get("role", "public")), ("sms", "public"))
                self.assertRegex(one["number"], r"^\+86\d{11}$")
            for one in lines("replies", "--limit", "7"):
                self.assertEqual((one["endpoint"], one["words"]), ("sms", "water in the house"))
            self.assertEqual(len(lines("replies", "--limit", "7")), 7)
            table = server.run("replies", "--limit", "7").stdout.splitlines()
            self.assertEqual((len(table), table[0].split()), (8, ["AT", "NUMBER", "ENDPOINT", "WORDS"]))
            self.assertIn("water", table[1])
            table = server.run("acknowledgements", alert).stdout.splitlines()
            self.assertEqual(table[0].split(), ["NUMBER", "ENDPOINT", "ROLE", "AT"])
            self.assertIn("public", table[1])
            for line in table:
                self.assertLessEqual(len(line), 80)
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
