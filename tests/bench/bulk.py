"""Rows of bulk text messages: one campaign to very many through tocsind, its own Redis and the project's simulator."""
import json
import os
import signal
import subprocess
import time

import harness

LINKS = 8


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) / 1024


def redis_bytes(server):
    sock = os.path.join(server.city, "data", "redis.sock")
    text = subprocess.run(["redis-cli", "-s", sock, "info", "memory"], capture_output=True, text=True).stdout
    return int(text.split("used_memory:")[1].split()[0])


def disk_mb(server):
    data = os.path.join(server.city, "data")
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(data) for name in names
               if not name.endswith(".sock")) / 1e6


def endpoint(port, rate, window):
    links = "".join(f'[[endpoint.smpp.link]]\nname = "l{i}"\n' for i in range(LINKS))
    return harness.SMPP.format(port=port, test_port=1).replace(
        'system_id = "tocsin"\npassword_file = "smpp.password"\n',
        f'system_id = "tocsin"\npassword_file = "smpp.password"\nwindow = {window}\nrate = {rate / LINKS}\n{links}', 1)


class Run:
    """A city of so many people; campaign() tells all of them and says what it took."""

    def __init__(self, people, rate=0, window=1000, smsc=()):
        self.server = harness.Server(sample=people)
        port = self.server.start_smsc(*smsc, journal=False)
        self.server.append(endpoint(port, rate, window))
        self.server.start()
        begun = time.monotonic()
        self.server.run("audience", "import", "public", self.server.city + "/audience.csv", timeout=900)
        self.imported_s = time.monotonic() - begun
        self.serial = 0

    def cpu(self):
        return [cpu_s(self.server.process.pid), cpu_s(self.server.redis_pid()), cpu_s(self.server.smsc.pid)]

    def post(self):
        self.serial += 1
        status, body, _ = self.server.post(harness.cap(f"s-{self.serial}", districts=("110000",), expires=7200))
        assert status == 202, body
        return body["id"]

    def campaign(self, timeout=900):
        before, memory = self.cpu(), redis_bytes(self.server)
        alert = self.post()
        self.server.settled(alert, timeout=timeout)
        spent = [b - a for a, b in zip(before, self.cpu())]
        sms = next(d for d in self.server.deliveries(alert) if d["endpoint"] == "sms")
        count = sms["counts"]["delivered"]
        assert count == sms["counts"]["total"], sms["counts"]
        seconds = (sms["complete_ms"] - sms["first_handed_ms"]) / 1000
        return {"alert": alert, "count": count, "seconds": seconds, "rate": count / seconds,
                "own_us": spent[0] / count * 1e6, "redis_us": spent[1] / count * 1e6, "smsc_us": spent[2] / count * 1e6,
                "us": (spent[0] + spent[1]) / count * 1e6, "bytes": (redis_bytes(self.server) - memory) / count}

    def close(self):
        self.server.close()


def bare(people):
    """The raw limit: a windowed client without store or matching, the same simulator, the same minute."""
    server = harness.Server(sample=10)
    try:
        port = server.start_smsc(journal=False)
        done = subprocess.run([os.path.join(harness.BUILD, "bench-window"), str(port), str(people), "1000"],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    finally:
        server.close()


def paced(row, quick):
    """33,334 a second: a city of 20 million in ten minutes."""
    wanted = 33334
    run = Run(100_000 if quick else 400_000, rate=wanted, smsc=("--tick", "5"))
    try:
        done = run.campaign()
    finally:
        run.close()
    share = done["us"] * done["rate"] / 1e6
    row("sms_paced", done["rate"], wanted, "messages/s", done["rate"] / wanted, 0.95, 1)
    row("sms_paced.core", share, 0.15, "of one core", 0.15 / share, 1.0, 1)


def flat(row, quick):
    people = 200_000 if quick else 1_000_000
    peer = bare(people)
    run = Run(people)
    try:
        done = run.campaign()
    finally:
        run.close()
    row("sms_flat", done["rate"], 500_000, "messages/s", done["rate"] / 500_000, 1.0, 1)
    row("sms_flat.bare", done["rate"], peer["per_second"], "messages/s", done["rate"] / peer["per_second"], None, 1)
    row("sms_cpu", done["us"], 2.0, "us/message", 2.0 / done["us"], 1.0, 1)
    row("sms_cpu.bare", done["us"], peer["cpu_us"], "us/message", peer["cpu_us"] / done["us"], None, 1)
    row("sms_memory", done["bytes"], 64, "bytes/receipt", 64 / done["bytes"], 0.9, 1)
    return done


def window(row, quick):
    """Eight links whose peers keep ten receipts unacknowledged, and we acknowledge after the fsync."""
    run = Run(60_000 if quick else 300_000, rate=33334, smsc=("--receipt-window", "10"))
    try:
        done = run.campaign()
    finally:
        run.close()
    row("sms_window", done["rate"], 30_000, "messages/s", done["rate"] / 30_000, 1.0, 1)


def city(row, people=20_000_000):
    """By hand: everybody, exact; then a restart in the middle of a second campaign."""
    run = Run(people)
    try:
        print(f"import {run.imported_s:.1f} s", flush=True)
        done = run.campaign(timeout=1800)
        row("sms_city.seconds", done["seconds"], 60, "s", 60 / done["seconds"], 1.0, 1)
        row("sms_city.us", done["us"], 2.0, "us/message", 2.0 / done["us"], 1.0, 1)
        row("sms_city.redis_bytes", done["bytes"], 64, "bytes/receipt", 64 / done["bytes"], 0.9, 1)
        print(f"own memory {rss_mb(run.server.process.pid):.0f} MB, Redis {rss_mb(run.server.redis_pid()):.0f} MB, disk {disk_mb(run.server):.0f} MB", flush=True)
        alert = run.post()
        run.server.wait(lambda: half(run.server, alert), 300, "half of the second campaign")
        begun = time.monotonic()
        os.kill(run.server.redis_pid(), signal.SIGKILL)
        run.server.kill()
        run.server.start(wait=120)
        intake = time.monotonic() - begun
        before = counts(run.server, alert)
        run.server.wait(lambda: counts(run.server, alert)["handed"] > before["handed"], 120, "the campaign to go on")
        row("sms_city.intake_again", intake, 3.0, "s", 3.0 / intake, 1.0, 1)
        again = time.monotonic() - begun
        row("sms_city.serves_again", again, 10.0, "s", 10.0 / again, 1.0, 1)
        run.server.settled(alert, timeout=1800)
        assert counts(run.server, alert)["delivered"] == done["count"], counts(run.server, alert)
    finally:
        run.close()


def counts(server, alert):
    return next(d for d in server.deliveries(alert) if d["endpoint"] == "sms")["counts"]


def half(server, alert):
    now = counts(server, alert)
    return now["handed"] * 2 > now["total"]
