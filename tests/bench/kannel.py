#!/usr/bin/env python3
"""Kannel (Debian package kannel), the gateway to compare with, at its best: mtbatch puts the messages
straight into bearerbox, one SMPP bind with a window of 1000, internal store, receipts asked for, looked up and queued.

kannel.py [--count N] [--within S] [--smsc PROGRAM] prints one line of JSON: messages a second, CPU a message.
Sink: tocsin-smsc. Everything is started here, on loopback and on free ports, and ended by its process id."""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

CONFIG = """group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = tocsin
status-password = tocsin
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = "{folder}/bearerbox.log"
log-level = 2
dlr-storage = internal
sms-outgoing-queue-limit = 4000000
sms-incoming-queue-limit = 4000000
smsbox-max-pending = 20000
sms-resend-freq = 1

group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = {smsc}
transceiver-mode = 1
smsc-username = "tocsin"
smsc-password = "secret"
system-type = ""
interface-version = 34
max-pending-submits = 1000
wait-ack = 60
reconnect-delay = 1
enquire-link-interval = 30
source-addr-ton = 0
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
smsbox-id = batch
sendsms-port = 0
log-level = 2

group = sms-service
keyword = default
max-messages = 0
catch-all = 1
text = ""
"""
TEXT = "Red rainstorm warning for Beijing: more than 100 mm in the next 3 hours. Stay indoors, keep away from rivers and from underpasses now."
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def missing():
    """The programs that are not there, in words; empty if all are."""
    return [name for name in ("bearerbox", "mtbatch") if not shutil.which(name, path=PATH)]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    def __init__(self, smsc, within):
        self.folder, self.smsc_program, self.end = tempfile.mkdtemp(prefix="tocsin-kannel-"), smsc, time.monotonic() + within
        self.processes, self.ports = [], {"admin": free_port(), "box": free_port()}

    def start(self, *command, **how):
        # Killed without a word, this script takes them along.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, cwd=self.folder,
                                   env={**os.environ, "PATH": PATH}, **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **how})
        self.processes.append(process)
        return process

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            if process.stdout:
                process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def until(self, so, what):
        while not so():
            if time.monotonic() > self.end:
                raise TimeoutError(f"no {what} in time")
            for process in self.processes:
                if process.poll():
                    raise ChildProcessError(f"{process.args[3]} ended: {process.returncode}{self.last_words()}")
            time.sleep(0.1)

    def last_words(self):
        try:
            with open(self.folder + "/bearerbox.log", encoding="utf-8", errors="replace") as file:
                return "\n" + "".join(file.readlines()[-5:])
        except OSError:
            return ""

    def start_all(self):
        self.sink = self.start(self.smsc_program, "--port", "0", "--system-id", "tocsin", "--password", "secret", stdout=subprocess.PIPE)
        port = int(self.sink.stdout.readline().split()[1])
        with open(self.folder + "/kannel.conf", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, smsc=port, **self.ports))
        self.bearerbox = self.start("bearerbox", "-v", "4", self.folder + "/kannel.conf")
        self.until(self.online, "bind")

    def online(self):
        url = f"http://127.0.0.1:{self.ports['admin']}/status.txt?password=tocsin"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return "(online" in answer.read().decode()
        except OSError:
            return False

    def told(self):
        self.sink.send_signal(signal.SIGUSR1)
        return json.loads(self.sink.stdout.readline())

    def send(self, count):
        with open(self.folder + "/content", "w", encoding="utf-8") as file:
            file.write(TEXT)
        with open(self.folder + "/people", "w", encoding="utf-8") as file:
            file.writelines(f"{8613800000000 + index}\n" for index in range(count))
        before = cpu_s(self.bearerbox.pid)
        self.start("mtbatch", "-v", "4", "-b", "127.0.0.1", "-p", str(self.ports["box"]), "-i", "batch", "-f", "12379", "-D", "3",
                   "-u", "http://127.0.0.1:9/%d", self.folder + "/content", self.folder + "/people")
        self.until(lambda: self.told()["receipts_acked"] >= count, "receipts")
        told, spent = self.told(), cpu_s(self.bearerbox.pid) - before
        assert told["distinct"] == count and told["violations"] == 0, told
        seconds = (told["last_ms"] - told["first_ms"]) / 1000
        return {"peer": "kannel", "messages": count, "per_second": round(count / seconds, 1), "cpu_us": round(spent / count * 1e6, 1),
                "receipts": told["receipts_acked"], "seconds": round(seconds, 3)}


def measure(count, smsc, within=60):
    """As printed; None if Kannel is not installed. Once again if nothing came of it: rarely it stalls."""
    if missing():
        return None
    for last in (False, True):
        run = Run(smsc, within)
        try:
            run.start_all()
            return run.send(count)
        except TimeoutError:
            if last:
                raise
        finally:
            run.close()


def main():
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--count", type=int, default=30000)
    read.add_argument("--within", type=float, default=60, help="seconds for all, then it is given up")
    read.add_argument("--smsc", default=os.path.join(os.environ.get("TOCSIN_BUILD", "build/release"), "tocsin-smsc"))
    read = read.parse_args()
    told = measure(read.count, os.path.abspath(read.smsc), read.within)
    print(json.dumps(told or {"peer": "kannel", "not_installed": missing()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
