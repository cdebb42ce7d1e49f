#!/usr/bin/env python3
"""F10: without durability nothing is accepted, and what was accepted is still carried."""
import os
import signal
import subprocess
import tempfile
import unittest

import harness


class RedisGone(unittest.TestCase):
    def test_F10_a_killed_redis_comes_back_and_nothing_acknowledged_is_lost(self):
        server = harness.Server()
        try:
            server.start()
            accepted = []
            for number in range(20):
                if number == 10:
                    os.kill(server.redis_pid(), signal.SIGKILL)
                status, body, head = server.post(harness.cap(f"g-{number}"))
                self.assertIn(status, (202, 503), body)
                if status == 503:
                    self.assertIn("Retry-After", head)
                else:
                    accepted.append(body["id"])
            server.wait(lambda: server.get(server.admin + "/readyz")[0] == 200, 20, "readyz")
            for one in accepted:
                self.assertEqual(server.settled(one)["state"], "active")
        finally:
            server.close()

    def test_F10_a_hung_redis_is_not_ready_and_then_is(self):
        server = harness.Server()
        try:
            server.start()
            os.kill(server.redis_pid(), signal.SIGSTOP)
            server.wait(lambda: server.get(server.admin + "/readyz")[0] == 503, 10, "not ready")
            status, _, head = server.post(harness.cap("h-1"))
            self.assertEqual(status, 503)
            self.assertIn("Retry-After", head)
            os.kill(server.redis_pid(), signal.SIGCONT)
            server.wait(lambda: server.get(server.admin + "/readyz")[0] == 200, 20, "ready")
            self.assertIn(server.post(harness.cap("h-2"))[0], (200, 202))
        finally:
            server.close()

    def test_an_external_redis_serves_alike_and_a_careless_one_is_refused(self):
        for fsync, ready in (("always", 200), ("everysec", 503)):
            folder = tempfile.mkdtemp(prefix="tocsin-redis-")
            port = harness.free_ports(1)
            redis = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                                      "--appendonly", "yes", "--appendfsync", fsync], stdout=subprocess.DEVNULL)
            server = harness.Server()
            try:
                path = server.city + "/tocsin.toml"
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text.replace('embedded = true ', f'embedded = false\nurl = "redis://127.0.0.1:{port}"\n#'))
                if ready == 200:
                    server.start()
                    status, body, _ = server.post(harness.cap("x-1"))
                    self.assertEqual(status, 202, body)
                    self.assertEqual(server.settled(body["id"])["state"], "active")
                else:
                    server.log = open(server.folder + "/tocsind.log", "ab")
                    server.process = subprocess.Popen([harness.BUILD + "/tocsind", "--config", path], stdout=subprocess.PIPE,
                                                      stderr=server.log, text=True)
                    server.wait(lambda: server.get(server.admin + "/readyz")[0] == 503, 15, "503")
                    self.assertIn("appendfsync", server.get(server.admin + "/readyz")[1])
                    self.assertEqual(server.post(harness.cap("x-2"))[0], 503)
            finally:
                server.close()
                redis.terminate()
                redis.wait(timeout=10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
