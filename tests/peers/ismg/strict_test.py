#!/usr/bin/env python3
"""The gateway judged by a tiny client of its own, written from the byte tables: shares no line with it."""
import hashlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
STAMP = 1124022300


class Ismg:
    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-ismg-")
        self.book_path, self.control_path = self.folder.name + "/book", self.folder.name + "/control"
        self.process = subprocess.Popen([sys.executable, HERE + "/ismg.py", "--port", "0", "--port-file", self.folder.name + "/port",
                                         "--book", self.book_path, "--control", self.control_path, "--log-submits", *options],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        said = self.process.stdout.readline().split()
        with open(self.folder.name + "/port", encoding="utf-8") as file:
            assert said == ["port", file.read().strip()], said
        self.port = int(said[1])

    def control(self, line):
        with open(self.control_path, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def end(self):
        self.process.terminate()
        said = self.process.communicate(timeout=10)[0]
        with open(self.book_path, encoding="utf-8") as file:
            self.book = [json.loads(line) for line in file]
        self.folder.cleanup()
        return json.loads(said)

    def events(self, kind):
        return [event for event in self.book if event["event"] == kind]


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.sequence, self.bytes, self.kept = 0, b"", []

    def request(self, command, body=b"", sequence=None):
        self.sequence = self.sequence + 1 if sequence is None else sequence
        self.socket.sendall(struct.pack(">III", 12 + len(body), command, self.sequence) + body)
        return self.sequence

    def answer(self, command, sequence, body=b""):
        self.socket.sendall(struct.pack(">III", 12 + len(body), command, sequence) + body)

    def packet(self, wait=5.0):
        """(command, sequence, body), None at the end of the connection; "silence" after `wait`."""
        end = time.monotonic() + wait
        while len(self.bytes) < 4 or len(self.bytes) < struct.unpack(">I", self.bytes[:4])[0]:
            if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                return "silence"
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self.bytes += more
        length, command, sequence = struct.unpack(">III", self.bytes[:12])
        body, self.bytes = self.bytes[12:length], self.bytes[length:]
        return command, sequence, body

    def connect(self, account=b"901234", secret=b"secret", version=0x30, stamp=STAMP, mangle=lambda body: body):
        self.proof = hashlib.md5(account + b"\0" * 9 + secret + b"%010d" % stamp).digest()
        self.request(1, mangle(account.ljust(6, b"\0") + self.proof + bytes([version]) + struct.pack(">I", stamp)))
        return self.packet()

    def submitted(self, body, sequence=None):
        """(Msg_Id, Result); what else comes meanwhile is kept."""
        asked = self.request(4, body, sequence)
        while True:
            command, number, body = self.packet()
            if command == 0x80000004 and number == asked:
                return struct.unpack(">QI", body)
            self.kept.append((command, number, body))

    def delivered(self, wait=5.0, result=0):
        """The next DELIVER's body, answered."""
        command, sequence, body = self.kept.pop(0) if self.kept else self.packet(wait)
        assert command == 5, command
        self.answer(0x80000005, sequence, body[:8] + struct.pack(">I", result))
        return body


def submit(to=(b"8613800000001",), words="暴雨红色预警".encode("utf-16-be"), **other):
    f = {"msg_id": bytes(8), "total": 1, "number": 1, "report": 1, "level": 9, "service": b"WARN", "fee_user": 2, "fee_id": b"",
         "fee_type": 0, "pid": 0, "udhi": 0, "format": 8, "source": b"901234", "fee": b"01", "price": b"000000", "valid": b"",
         "at": b"", "src_id": b"12379", "count": len(to), "dest_type": 0, "length": len(words), "link": bytes(20), **other}
    return (f["msg_id"] + bytes([f["total"], f["number"], f["report"], f["level"]]) + f["service"].ljust(10, b"\0")
            + bytes([f["fee_user"]]) + f["fee_id"].ljust(32, b"\0") + bytes([f["fee_type"], f["pid"], f["udhi"], f["format"]])
            + f["source"].ljust(6, b"\0") + f["fee"].ljust(2, b"\0") + f["price"].ljust(6, b"\0") + f["valid"].ljust(17, b"\0")
            + f["at"].ljust(17, b"\0") + f["src_id"].ljust(21, b"\0") + bytes([f["count"]]) + b"".join(n.ljust(32, b"\0") for n in to)
            + bytes([f["dest_type"], f["length"] & 255]) + words + f["link"])


def number(index):
    return b"86138%08d" % index


class Gateway(unittest.TestCase):
    def start(self, *options, connect=True):
        self.ismg = Ismg(*options)
        self.addCleanup(self.ismg.process.kill)
        self.client = self.another() if connect else None
        return self.client

    def another(self):
        client = Client(self.ismg.port)
        self.addCleanup(client.socket.close)
        self.assertEqual(client.connect()[0], 0x80000001)
        return client

    def bare(self):
        client = Client(self.ismg.port)
        self.addCleanup(client.socket.close)
        return client

    def end(self, violations=0):
        told = self.ismg.end()
        self.assertEqual(told["violations"], violations, self.ismg.events("violation"))
        self.assertEqual(self.ismg.process.returncode, 1 if violations else 0)
        return told


class Session(Gateway):
    def test_a_connection_is_taken_and_the_gateway_proves_itself(self):
        self.start(connect=False)
        client = self.bare()
        command, sequence, body = client.connect()
        self.assertEqual((command, sequence, len(body)), (0x80000001, 1, 21))
        self.assertEqual(body[:4], bytes(4))
        self.assertEqual(body[4:20], hashlib.md5(bytes(4) + client.proof + b"secret").digest())
        self.assertEqual(body[20], 0x30)
        client.request(2)
        self.assertEqual(client.packet(), (0x80000002, 2, b""))
        client.socket.close()
        self.assertEqual(self.end()["terminates"], 1)

    def test_a_connection_is_refused_by_the_right_status(self):
        rows = (({"secret": b"guess"}, 3, 0), ({"account": b"90123"}, 2, 0), ({"version": 0x31}, 4, 1), ({"stamp": 1350000000}, 1, 1),
                ({"mangle": lambda body: body + b"\0"}, 1, 1), ({"account": b"90\0004"}, 2, 1))
        self.start(connect=False)
        for how, status, _ in rows:
            with self.subTest(how=how):
                client = self.bare()
                self.assertEqual(struct.unpack(">I", client.connect(**how)[2][:4])[0], status)
                self.assertIsNone(client.packet())
        self.assertEqual(self.end(sum(row[2] for row in rows))["connects_refused"], len(rows))

    def test_a_gateway_of_version_2_answers_in_thirty_bytes(self):
        for status in (4, 0):
            self.start("--version", "0x20", "--version-status", str(status), connect=False)
            command, _, body = self.bare().connect()
            self.assertEqual((command, len(body), body[0], body[17]), (0x80000001, 18, status, 0x20))
            self.end()

    def test_a_gateway_that_does_not_know_the_secret_can_be_told(self):
        self.start("--bad-authenticator", connect=False)
        client = self.bare()
        body = client.connect()[2]
        self.assertEqual(body[:4], bytes(4))
        self.assertNotEqual(body[4:20], hashlib.md5(bytes(4) + client.proof + b"secret").digest())
        self.end()

    def test_before_CONNECT_and_beyond_a_packet_s_length_nothing_is_read(self):
        self.start(connect=False)
        for raw in (struct.pack(">III", 12, 8, 1), struct.pack(">III", 11, 1, 1), struct.pack(">III", 1 << 20, 1, 1)):
            client = self.bare()
            client.socket.sendall(raw)
            self.assertIsNone(client.packet())
        self.end(3)

    def test_active_tests_go_both_ways_and_silence_ends_a_link(self):
        client = self.start("--active-test", "100ms")
        client.request(8)
        self.assertEqual(client.packet(), (0x80000008, 2, b"\0"))
        command, sequence, body = client.packet()
        self.assertEqual((command, body), (8, b""))
        client.answer(0x80000008, sequence, b"\0")
        asked = 0
        while (packet := client.packet()) is not None:
            self.assertEqual(packet[0], 8)
            asked += 1
        self.assertEqual(asked, 3)
        told = self.end()
        self.assertEqual((told["active_tests"], told["active_tests_missed"]), (1, 1))

    def test_answers_that_were_not_asked_for_are_violations(self):
        client = self.start()
        client.answer(0x80000008, 77, b"\0")
        client.answer(0x80000005, 78, bytes(12))
        client.request(8)
        self.assertEqual(client.packet()[0], 0x80000008)
        self.end(2)

    def test_the_gateway_may_terminate_and_connections_end_in_every_way(self):
        client = self.start()
        self.ismg.control("terminate")
        command, sequence, body = client.packet()
        self.assertEqual((command, body), (2, b""))
        client.answer(0x80000002, sequence)
        self.assertIsNone(client.packet())
        for mode in ("fin", "rst", "half"):
            client = self.another()
            self.ismg.control("cut " + mode)
            self.assertIsNone(client.packet())
            self.assertEqual(len(client.bytes), 7 if mode == "half" else 0)
        client = self.another()
        self.ismg.control("cut stall")
        time.sleep(0.1)
        client.request(8)
        self.assertEqual(client.packet(0.3), "silence")
        self.assertEqual(self.end()["cuts"], 4)


def long(udh, total=2, part=1, **other):
    return submit(words=udh + "雨".encode("utf-16-be") * 60, udhi=1, total=total, number=part, **other)


REFUSED = (  # what is wrong, body, Result
    ("Msg_Id given", submit(msg_id=b"\0" * 7 + b"\1"), 1),
    ("Pk_number 2 of 1", submit(number=2), 1),
    ("Pk_total 0", submit(total=0, number=0), 1),
    ("two parts without a header", submit(total=2), 1),
    ("Registered_Delivery 2", submit(report=2), 1),
    ("Msg_level 10", submit(level=10), 1),
    ("Service_Id not padded by NUL", submit(service=b"WARN      "[:4] + b"\0 "), 7),
    ("Fee_UserType 4", submit(fee_user=4), 1),
    ("payer without Fee_UserType 3", submit(fee_id=b"8613800000001"), 12),
    ("Fee_UserType 3 without payer", submit(fee_user=3), 12),
    ("Fee_terminal_type 2", submit(fee_type=2), 12),
    ("TP_pId 1", submit(pid=1), 1),
    ("TP_udhi 2", submit(udhi=2), 1),
    ("Msg_Fmt 5", submit(format=5), 1),
    ("Msg_src of another", submit(source=b"901235"), 11),
    ("FeeType 06", submit(fee=b"06"), 5),
    ("FeeCode in words", submit(price=b"free"), 5),
    ("ValId_Time of 12 digits", submit(valid=b"261124120000"), 1),
    ("ValId_Time in month 13", submit(valid=b"271324120000032+"), 1),
    ("ValId_Time over", submit(valid=b"200101000000032+"), 1),
    ("ValId_Time in a zone beyond 12 h", submit(valid=b"991124120000049+"), 1),
    ("At_Time of words", submit(at=b"tomorrow"), 1),
    ("Src_Id with a letter", submit(src_id=b"12379a"), 10),
    ("Src_Id of another", submit(src_id=b"10086"), 10),
    ("no destination", submit(to=(), count=0), 1),
    ("100 destinations", submit(to=tuple(number(i) for i in range(100))), 1),
    ("more destinations than said", submit(to=(number(1), number(2)), count=1), 4),
    ("destination with a plus", submit(to=(b"+8613800000001",)), 13),
    ("destination too short", submit(to=(b"861380000000",)), 13),
    ("bytes behind a destination", submit(to=(b"8613800000001\0\0x",)), 13),
    ("one number twice", submit(to=(number(1), number(1))), 13),
    ("Dest_terminal_type 2", submit(dest_type=2), 13),
    ("Msg_Length short of the words", submit(length=4), 4),
    ("Msg_Length beyond the packet", submit(length=200), 4),
    ("141 bytes of UCS2", submit(words=b"\x59\x24" * 70 + b"\0", length=141), 6),
    ("161 bytes of ASCII", submit(words=b"a" * 161, format=0), 6),
    ("UCS2 of odd length", submit(words=b"\x59\x24\x59"), 1),
    ("half a surrogate pair", submit(words=b"\xd8\x3c"), 1),
    ("a byte over 7F in ASCII", submit(words=b"\xe9", format=0), 1),
    ("broken GBK", submit(words=b"\xc4", format=15), 1),
    ("no words", submit(words=b""), 1),
    ("LinkID with a byte behind NUL", submit(link=bytes(19) + b"x"), 1),
    ("a byte too many", submit() + b"\0", 4),
    ("a byte too few", submit()[:-1], 4),
    ("header says part 2", long(b"\5\0\3\x2a\2\2"), 1),
    ("header says 3 parts", long(b"\5\0\3\x2a\3\1"), 1),
    ("header does not add up", long(b"\5\0\4\x2a\2\1"), 1),
    ("header longer than the message", submit(words=b"\xff\0\3", udhi=1, total=2), 1),
    ("two concatenation elements", long(b"\x0a\0\3\x2a\2\1\0\3\x2a\2\1"), 1),
)
TAKEN = (
    ("one", submit()),
    ("99 destinations", submit(to=tuple(number(i) for i in range(99)))),
    ("absolute validity", submit(valid=b"991124120000032+")),
    ("relative validity", submit(valid=b"000000001000000R")),
    ("ASCII of 160", submit(words=b"a" * 160, format=0)),
    ("GBK", submit(words="暴雨".encode("gbk"), format=15)),
    ("UCS2 of 140 bytes with an emoji", submit(words=("雨" * 68 + "🌊").encode("utf-16-be"))),
    ("flash", submit(format=24)),
    ("a payer", submit(fee_user=3, fee_id=b"8613800000001")),
    ("bare eleven digits", submit(to=(b"13800000001",))),
    ("8-bit reference", long(b"\5\0\3\x2a\2\1")),
    ("16-bit reference", long(b"\6\x08\4\x2a\x2b\2\1")),
)


class Submit(Gateway):
    def test_what_is_not_as_written_is_refused_by_the_right_result(self):
        client = self.start("--source", "12379", "--window", "0")
        for what, body, result in REFUSED:
            with self.subTest(what):
                self.assertEqual(client.submitted(body), (0, result))
        told = self.end(len(self.violations()))
        self.assertEqual((told["accepted"], told["submits"]), (0, len(REFUSED)))

    def violations(self):
        with open(self.ismg.book_path, encoding="utf-8") as file:
            found = [json.loads(line) for line in file if '"violation"' in line]
        self.assertGreaterEqual(len(found), len(REFUSED))
        return found

    def test_what_is_as_written_is_taken(self):
        client = self.start("--source", "12379")
        for what, body in TAKEN:
            with self.subTest(what):
                id, result = client.submitted(body)
                self.assertEqual(result, 0)
                self.assertGreater(id, 0)
        self.assertEqual(self.end()["accepted"], len(TAKEN))

    def test_the_id_holds_the_time_and_stands_for_a_range_that_wraps_inside(self):
        client = self.start("--first-id", "65534", "--gateway", "123456")
        id, _ = client.submitted(submit(to=tuple(number(i) for i in range(4))))
        now = time.gmtime(time.time() + 8 * 3600)
        self.assertEqual((id >> 60, id >> 55 & 31, id >> 50 & 31), (now.tm_mon, now.tm_mday, now.tm_hour))
        self.assertEqual((id >> 16 & 0x3FFFFF, id & 0xFFFF), (123456, 65534))
        told = {}
        while len(told) < 4:
            body = client.delivered()
            told[body[8 + 21 + 10 + 3:][:32].rstrip(b"\0")] = struct.unpack(">Q", body[8 + 21 + 10 + 3 + 32 + 3:][:8])[0]
        self.assertEqual([told[number(i)] for i in range(4)], [id & ~0xFFFF | low for low in (65534, 65535, 0, 1)])
        self.assertEqual(self.end()["segments"], 4)

    def test_parts_are_put_together_and_repeats_are_counted(self):
        client = self.start()
        text = "暴雨" * 60
        for times in range(2):
            for part in (1, 2):
                words = b"\5\0\3\x2a\2" + bytes([part]) + text[(part - 1) * 67:part * 67].encode("utf-16-be")
                self.assertEqual(client.submitted(submit(words=words, udhi=1, total=2, number=part))[1], 0)
        told = self.end()
        self.assertEqual((told["messages"], told["duplicates"], told["incomplete"]), (2, 2, 0))
        self.assertEqual({m["words"] for m in self.ismg.events("message")}, {text})

    def test_sent_again_it_gets_the_same_answer_another_with_its_number_does_not(self):
        client = self.start("--latency", "200ms")
        client.request(4, submit(), 40)
        client.request(4, submit(words=b"\x59\x24"), 40)
        self.assertEqual(struct.unpack(">QI", client.packet()[2]), (0, 3))
        id = struct.unpack(">QI", client.packet()[2])
        self.assertEqual(id[1], 0)
        client.kept.append(client.packet())  # the report
        self.assertEqual(client.submitted(submit(), 40), id)
        told = self.end(1)
        self.assertEqual((told["accepted"], told["resent"]), (1, 1))

    def test_more_unanswered_than_the_window_is_a_violation(self):
        client = self.start("--window", "4", "--latency", "100ms")
        for index in range(6):
            client.request(4, submit(to=(number(index),), report=0))
        results = sorted(struct.unpack(">QI", client.packet()[2])[1] for _ in range(6))
        self.assertEqual(results, [0, 0, 0, 0, 8, 8])
        self.assertEqual(self.end(2)["over_window"], 2)

    def test_throttling_in_bursts_by_rate_and_by_hand(self):
        client = self.start("--throttle", "5:3")
        results = [client.submitted(submit(to=(number(i),), report=0))[1] for i in range(16)]
        self.assertEqual(results, [0] * 5 + [8] * 3 + [0] * 5 + [8] * 3)
        self.end()
        client = self.start("--rate", "10")
        results = [client.submitted(submit(to=(number(i),), report=0))[1] for i in range(20)]
        self.assertEqual(results[:10], [0] * 10)
        self.assertIn(8, results)
        self.end()
        client = self.start()
        self.ismg.control("throttle 2")
        time.sleep(0.1)
        self.assertEqual([client.submitted(submit(to=(number(i),), report=0))[1] for i in range(3)], [8, 8, 0])
        self.end()

    def test_errors_strike_the_same_numbers_in_each_run(self):
        runs = []
        for _ in range(2):
            client = self.start("--errors", "9:0.2,13:0.1", "--serves", "138", "--seed", "7")
            runs.append([client.submitted(submit(to=(number(i),), report=0))[1] for i in range(100)])
            self.assertEqual(client.submitted(submit(to=(b"8615500000001",)))[1], 9)
            self.end()
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(set(runs[0]), {0, 9, 13})

    def test_an_answer_that_never_comes_comes_when_it_is_sent_again(self):
        client = self.start("--no-answer", "1")
        sequence = client.request(4, submit(report=0))
        self.assertEqual(client.packet(0.2), "silence")
        self.assertEqual(client.submitted(submit(report=0), sequence)[1], 0)
        told = self.end()
        self.assertEqual((told["accepted"], told["answers_lost"], told["resent"]), (1, 1, 1))


class Reports(Gateway):
    def test_a_report_is_71_bytes_with_the_answer_s_id_inside(self):
        for form, width in ((71, 32), (60, 21)):
            client = self.start("--report-form", str(form))
            id, _ = client.submitted(submit())
            body = client.delivered()
            self.assertEqual(len(body), 8 + 21 + 10 + 3 + 32 + 3 + form + 20)
            self.assertEqual(body[8:29].rstrip(b"\0"), b"12379")
            self.assertEqual(body[42:74].rstrip(b"\0"), b"8613800000001")
            self.assertEqual((body[75], body[76]), (1, form))
            content = body[77:77 + form]
            self.assertEqual(struct.unpack(">Q", content[:8])[0], id)
            self.assertNotEqual(body[:8], content[:8])
            self.assertEqual(content[8:15], b"DELIVRD")
            now = time.strftime("%y%m%d%H", time.gmtime(time.time() + 8 * 3600)).encode()
            self.assertTrue(content[15:25].startswith(now) and content[25:35].startswith(now), content)
            self.assertEqual(content[35:35 + width].rstrip(b"\0"), b"8613800000001")
            self.assertEqual(len(content[35 + width:]), 4)
            time.sleep(0.05)
            self.assertEqual(self.end()["reports_acked"], 1)

    def test_unanswered_it_comes_again_under_its_number_then_on_the_next_link(self):
        client = self.start("--resend", "100ms")
        client.submitted(submit())
        sent = [client.packet() for _ in range(3)]
        self.assertEqual([packet[0] for packet in sent], [5, 5, 5])
        self.assertEqual(len({packet for packet in sent}), 1)
        self.assertIsNone(client.packet())
        again = self.another()
        self.assertEqual(again.delivered()[:8], sent[0][2][:8])
        time.sleep(0.1)
        told = self.end()
        self.assertEqual((told["reports"], told["reports_acked"], told["reports_waiting"]), (1, 1, 0))

    def test_refused_it_comes_again_and_another_s_id_is_no_answer(self):
        client = self.start("--resend", "100ms")
        client.submitted(submit())
        client.delivered(result=1)
        command, sequence, body = client.packet()
        self.assertEqual(command, 5)
        client.answer(0x80000005, sequence, bytes(8) + struct.pack(">I", 0))
        client.request(8)
        self.assertEqual(client.packet()[0], 0x80000008)
        self.assertEqual(self.end(1)["reports_refused"], 1)

    def test_no_more_than_its_window_is_under_way_to_us(self):
        client = self.start("--deliver-window", "2", "--window", "0")
        for index in range(5):
            client.submitted(submit(to=(number(index),)))
        self.assertEqual(len(client.kept), 2)
        self.assertEqual(client.packet(0.2), "silence")
        self.assertEqual(len({client.delivered()[:8] for _ in range(5)}), 5)
        self.end()

    def test_lost_late_twice_unknown_early_and_final_are_what_the_seed_says(self):
        client = self.start("--lost", "0.1", "--late", "0.1:100ms", "--twice", "0.1", "--unknown", "0.1", "--early", "0.2",
                            "--intermediate", "0.2", "--final", "DELIVRD:8,UNDELIV:1,MA:0001:1", "--seed", "3", "--deliver-window", "1000")
        given, early = {}, 0
        for index in range(200):
            before = len(client.kept)
            id, result = client.submitted(submit(to=(number(index),)))
            self.assertEqual(result, 0)
            early += any(packet[2][77:85] == struct.pack(">Q", id) for packet in client.kept[before:])
            given[id] = index
        said, unknown = {}, 0
        while client.kept or (packet := client.packet(0.4)) != "silence":
            if not client.kept:
                client.kept.append(packet)
            content = client.delivered()[77:]
            id = struct.unpack(">Q", content[:8])[0]
            if id in given:
                said.setdefault(id, []).append(content[8:15].rstrip(b"\0"))
            else:
                unknown += 1
        told = self.end()
        finals = {id: [stat for stat in stats if stat != b"ACCEPTD"] for id, stats in said.items()}
        self.assertEqual(len(given) - sum(1 for stats in finals.values() if stats), told["reports_lost"])
        self.assertEqual(sum(1 for stats in finals.values() if len(stats) == 2), told["reports_doubled"])
        self.assertEqual((unknown, early), (told["reports_unknown"], told["reports_early"]))
        for number_ in ("reports_lost", "reports_doubled", "reports_unknown", "reports_early"):
            self.assertGreater(told[number_], 5)
        self.assertEqual({stat for stats in finals.values() for stat in stats}, {b"DELIVRD", b"UNDELIV", b"MA:0001"})
        self.assertEqual((told["reports_acked"], told["reports_waiting"]), (told["reports"], 0))

    def test_taken_is_taken_though_the_link_is_cut_before_the_answer(self):
        client = self.start("--latency", "300ms")
        client.request(4, submit())
        self.ismg.control("cut")
        self.assertIsNone(client.packet())
        self.assertEqual(self.another().delivered()[77 + 8:77 + 15], b"DELIVRD")
        self.assertEqual(self.end()["answers_lost"], 1)


class Others(Gateway):
    def test_a_phone_s_words_come_as_they_were_said_long_ones_in_parts(self):
        client = self.start()
        self.ismg.control("mo 8613800000009 12379 TD")
        body = client.delivered()
        self.assertEqual((body[8:29].rstrip(b"\0"), body[42:74].rstrip(b"\0")), (b"12379", b"8613800000009"))
        self.assertEqual((body[75], body[41], body[77:77 + body[76]]), (0, 0, b"TD"))
        self.ismg.control("mo 8613800000009 12379 " + "退订" * 40)
        words = b""
        for part in (1, 2):
            body = client.delivered()
            self.assertEqual((body[40], body[41]), (1, 8))
            content = body[77:77 + body[76]]
            self.assertEqual((content[:3], content[4:6]), (b"\5\0\3", bytes([2, part])))
            words += content[6:]
        self.assertEqual(words.decode("utf-16-be"), "退订" * 40)
        time.sleep(0.05)
        self.assertEqual(self.end()["replies_acked"], 3)

    def test_what_is_not_reported_yet_can_be_cancelled(self):
        client = self.start("--report-delay", "300ms")
        id, _ = client.submitted(submit())
        client.request(7, struct.pack(">Q", id))
        self.assertEqual(client.packet()[2], bytes(4))
        self.assertEqual(client.delivered()[85:92], b"DELETED")
        client.request(7, struct.pack(">Q", id))
        self.assertEqual(client.packet()[2], struct.pack(">I", 1))
        self.assertEqual(self.end()["cancels"], 2)

    def test_a_query_is_answered_with_the_day_s_counts(self):
        client = self.start()
        client.submitted(submit(to=(number(1), number(2)), report=0))
        today = time.strftime("%Y%m%d", time.gmtime(time.time() + 8 * 3600)).encode()
        client.request(6, today + b"\0" + bytes(10) + bytes(8))
        command, _, body = client.packet()
        self.assertEqual((command, len(body), body[:8]), (0x80000006, 51, today))
        self.assertEqual(struct.unpack(">8I", body[19:])[:2], (1, 2))
        client.request(6, b"20261301" + b"\1" + bytes(18))
        client.packet()
        self.end(2)


if __name__ == "__main__":
    unittest.main()
