"""Runs the real programs for flow and chaos tests: a server of its own in a folder of its own.

Only the standard library. Programs come from $TOCSIN_BUILD (ctest sets it).
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("TOCSIN_BUILD", os.path.join(ROOT, "build", "release"))
SENDER = "11000041600000@example.org"


def free_ports(count):
    """`count` neighbouring ports that are free now."""
    for base in range(20000 + os.getpid() % 20000, 60000, 7):
        held = []
        try:
            for port in range(base, base + count):
                one = socket.socket()
                held.append(one)
                one.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise RuntimeError("no free ports")


def stamp(shift=0.0):
    """CAP's form of now + shift seconds, Beijing time."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(time.time() + 8 * 3600 + shift))


def cap(identifier, msg_type="Alert", references="", status="Actual", severity="Extreme", colour="Red",
        event="暴雨", code="11B03", districts=("110109",), expires=3600, sent=0, sender=SENDER,
        headline=None, description="预计未来3小时降雨量将达100毫米以上。", instruction="停止户外活动，远离山区河道。"):
    """A CAP 1.2 message in two languages, as a weather bureau would post it."""
    refs = f"<references>{references}</references>" if references else ""
    zh = {"Red": "红色", "Orange": "橙色", "Yellow": "黄色", "Blue": "蓝色"}[colour]
    mark = "【演练】" if status == "Exercise" else "【测试】" if status == "Test" else ""
    mark_en = {"Exercise": "EXERCISE ", "Test": "TEST "}.get(status, "")
    areas = "".join(f"<area><areaDesc>{d}</areaDesc><geocode><valueName>CPEAS Geographic Code</valueName>"
                    f"<value>{d}000000</value></geocode></area>" for d in districts)

    def info(language, name, head, text, what):
        return (f"<info><language>{language}</language><category>Met</category><event>{name}</event>"
                f"<urgency>Immediate</urgency><severity>{severity}</severity><certainty>Observed</certainty>"
                f"<eventCode><valueName>CN:eventType</valueName><value>{code}</value></eventCode>"
                f"<expires>{stamp(expires)}</expires><senderName>北京市气象台</senderName><headline>{head}</headline>"
                f"<description>{text}</description><instruction>{what}</instruction>"
                f"<parameter><valueName>CN:severity</valueName><value>{colour}</value></parameter>{areas}</info>")

    note = "<note>防汛演练 flood exercise</note>" if status == "Exercise" else ""
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
            f"<identifier>{identifier}</identifier><sender>{sender}</sender><sent>{stamp(sent)}</sent>"
            f"<status>{status}</status><msgType>{msg_type}</msgType><scope>Public</scope>{note}{refs}"
            + info("zh-CN", event, headline or f"{mark}北京市气象台发布{event}{zh}预警信号", mark + description, instruction)
            + info("en-US", "Rainstorm", f"{mark_en}Beijing issues a {colour.lower()} rainstorm warning",
                   f"{mark_en}More than 100 mm of rain in the next 3 hours.", "Stop outdoor activity; keep away from rivers.")
            + "</alert>").encode()


def triple(message):
    """sender,identifier,sent of a CAP message."""
    text = message.decode()
    return ",".join(re.search(f"<{tag}>(.*?)</{tag}>", text).group(1) for tag in ("sender", "identifier", "sent"))


class Server:
    """`tocsin init` in a new folder, then tocsind. Everything it starts ends with it."""

    def __init__(self, extra="", sample=200, audience=True):
        self.folder = tempfile.mkdtemp(prefix="tocsin-test-")
        self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.public = f"https://127.0.0.1:{self.port + 1}"
        self.admin = f"http://127.0.0.1:{self.port + 2}"
        self.city = os.path.join(self.folder, "city")
        self.process = self.smsc = None
        self.smsc_log = os.path.join(self.folder, "smsc.log")
        self.run("init", self.city, "--port", str(self.port), "--sample", str(sample), config=False)
        if extra:
            self.append(extra)
        self.context = ssl.create_default_context(cafile=os.path.join(self.city, "tls", "ca.crt"))

    def append(self, toml):
        with open(os.path.join(self.city, "tocsin.toml"), "a", encoding="utf-8") as file:
            file.write("\n" + toml)

    # --- programs
    def run(self, *words, config=True, check=True, timeout=60, stdin=None):
        command = [os.path.join(BUILD, "tocsin"), *words]
        if config:
            command += ["--config", self.city]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=stdin)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start_smsc(self, *options, journal=True):
        """Our simulator; its port goes into the configuration of [[endpoint]] sms."""
        kept = ["--journal", self.smsc_log] if journal else []
        self.smsc = subprocess.Popen([os.path.join(BUILD, "tocsin-smsc"), "--port", "0", *kept, *options],
                                     stdout=subprocess.PIPE, text=True)
        self.smsc_port = int(self.smsc.stdout.readline().split()[1])
        with open(os.path.join(self.city, "smpp.password"), "w", encoding="utf-8") as file:
            file.write("secret\n")
        os.chmod(os.path.join(self.city, "smpp.password"), 0o600)
        return self.smsc_port

    def start(self, wait=20):
        self.log = open(os.path.join(self.folder, "tocsind.log"), "ab")
        self.process = subprocess.Popen([os.path.join(BUILD, "tocsind"), "--config", os.path.join(self.city, "tocsin.toml")],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready"):
            raise AssertionError(f"not ready: {line!r}\n{self.tail()}")
        self.wait(lambda: self.get(self.admin + "/readyz", raw=True)[0] == 200, wait, "readyz")

    def stop(self, code=0):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            got = self.process.wait(timeout=30)
            self.gone()
            assert got == code, f"exit {got}\n{self.tail()}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.gone()

    def gone(self):
        self.process.stdout.close()
        self.log.close()
        self.process = None

    def redis_pid(self):
        with open(os.path.join(self.city, "data", "redis.pid"), encoding="utf-8") as file:
            return int(file.read())

    def tail(self, lines=40):
        with open(os.path.join(self.folder, "tocsind.log"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def close(self, keep=False):
        try:
            if self.process:
                self.stop()
        finally:
            if self.process:
                self.process.kill()
            if self.smsc:
                self.smsc.send_signal(signal.SIGTERM)
                try:
                    self.smsc.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    self.smsc.kill()
                self.smsc.stdout.close()
            pid_file = os.path.join(self.city, "data", "redis.pid")
            if os.path.exists(pid_file):
                try:
                    os.kill(self.redis_pid(), signal.SIGTERM)
                except (ProcessLookupError, ValueError):
                    pass
            if not keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    # --- HTTP
    def token(self, role):
        with open(os.path.join(self.city, "tokens", role + ".token"), encoding="utf-8") as file:
            return file.read().strip()

    def call(self, method, path, body=None, role="sender", content_type=None, headers=None, timeout=30):
        """(status, parsed or raw body, headers) of the API."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if role:
            request.add_header("Authorization", "Bearer " + self.token(role))
        if content_type:
            request.add_header("Content-Type", content_type)
        for key, value in (headers or {}).items():
            request.add_header(key, value)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context))
        try:
            with opener.open(request, timeout=timeout) as answer:
                raw, status, head = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as error:
            raw, status, head = error.read(), error.code, error.headers
        try:
            return status, json.loads(raw), head
        except ValueError:
            return status, raw, head

    def get(self, url, raw=False):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context))
        try:
            with opener.open(url, timeout=10) as answer:
                body = answer.read()
                return answer.status, body if raw else body.decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read() if raw else error.read().decode()
        except (urllib.error.URLError, OSError):
            return 0, b"" if raw else ""

    def post(self, message, role="sender", query=""):
        return self.call("POST", "/v1/alerts" + query, message, role, "application/cap+xml")

    def alert(self, identifier):
        status, body, _ = self.call("GET", "/v1/alerts/" + identifier, role="agency")
        assert status == 200, (status, body)
        return body

    def deliveries(self, identifier):
        status, body, _ = self.call("GET", f"/v1/alerts/{identifier}/deliveries?limit=1000", role="agency")
        assert status == 200, (status, body)
        return body["items"]

    def settled(self, identifier, timeout=60):
        """The alert once every delivery has ended."""
        self.wait(lambda: self.alert(identifier)["progress"]["complete_ms"] is not None, timeout,
                  f"{identifier} to end", lambda: json.dumps(self.deliveries(identifier), ensure_ascii=False, indent=1))
        return self.alert(identifier)

    def wait(self, true, timeout, what, explain=lambda: ""):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if true():
                return
            time.sleep(0.05)
        raise AssertionError(f"waited {timeout} s for {what}\n{explain()}\n{self.tail() if self.process else ''}")

    def submits(self):
        """What the simulator accepted so far: destination, text (of one part), time in seconds."""
        if not os.path.exists(self.smsc_log):
            return []
        with open(self.smsc_log, encoding="utf-8") as file:
            return [one for one in map(submit, file) if one]


def submit(line):
    """A line of the simulator's journal (tests/peers/smsc/README.md); None: refused, or not whole yet."""
    fields = line.rstrip("\n").split(" ")
    if not line.endswith("\n") or fields[6] != "00":
        return None
    coding, _, octets = fields[9].partition(":")
    text = bytes.fromhex(octets).decode("utf-16-be" if coding == "8" else "latin-1") if octets else fields[9]
    return {"time": int(fields[0]) / 1000, "destination": fields[3], "part": fields[5], "text": text}


SMPP = """
[[endpoint]]
name = "sms"
channel = "smpp"
peer = "live"
areas = ["110000"]
audience = "public"
sandbox = "sms-test"
rate = 10000
[endpoint.smpp]
host = "127.0.0.1"
port = {port}
system_id = "tocsin"
password_file = "smpp.password"

[[endpoint]]
name = "sms-test"
channel = "smpp"
peer = "sandbox"
areas = ["110000"]
audience = "public"
rate = 10000
[endpoint.smpp]
host = "127.0.0.1"
port = {test_port}
system_id = "tocsin-test"
password_file = "smpp.password"
"""
