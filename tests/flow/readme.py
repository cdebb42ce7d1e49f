#!/usr/bin/env python3
"""Runs every command of README.md as it stands there, on ports of its own."""
import os
import re
import signal
import subprocess
import tempfile
import unittest

import harness


class Readme(unittest.TestCase):
    def blocks(self):
        with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
            return re.findall(r"```sh\n(.*?)```", file.read(), re.S)

    def test_the_first_alert_by_hand(self):
        by_hand = self.blocks()[1:]  # the first names scripts/demo and scripts/test, which CI runs
        self.assertGreaterEqual(len(by_hand), 3)
        port = harness.free_ports(3)
        script = "\n".join(by_hand).replace("scripts/setup && scripts/build release", "true")
        script = script.replace("build/release/", harness.BUILD + "/").replace("8443", str(port)).replace("8444", str(port + 1))
        script = script.replace("examples/rain", harness.ROOT + "/examples/rain").replace("city/tocsin.toml &", "city/tocsin.toml >ready 2>log & echo $! >pid; until grep -q ready ready; do sleep 0.1; done")
        script = script.replace("curl ", "curl -sS --fail-with-body --noproxy '*' ")
        folder = tempfile.mkdtemp(prefix="tocsin-readme-")
        try:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("11000041600000@example.org,first-1", done.stdout)  # in the feed
            self.assertIn("verified", done.stdout)
        finally:
            with open(os.path.join(folder, "pid"), encoding="utf-8") as file:
                os.kill(int(file.read()), signal.SIGTERM)

    def test_every_file_that_it_names_is_there(self):
        with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
            text = file.read()
        for name in re.findall(r"`((?:server|channels|scripts|schemas|templates|tests|data)/[a-z_./]*)`", text) + re.findall(r"\]\(([^)#:]+)\)", text):
            self.assertTrue(os.path.exists(os.path.join(harness.ROOT, name)), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
