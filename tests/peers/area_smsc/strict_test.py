#!/usr/bin/env python3
"""The area message centre judged by PDUs made by hand: it must refuse what is wrong, and say so."""
import json
import os
import socket
import struct
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def tlv(tag, value):
    return struct.pack(">HH", tag, len(value)) + value


NAME = tlv(0x0606, b"\0" + b"110105")
SQUARE = tlv(0x0606, bytes.fromhex("02" "54" "400000400000" "600000400000" "600000600000" "400000600000"))
TURNED = tlv(0x0606, bytes.fromhex("02" "54" "400000400000" "400000600000" "600000600000" "600000400000"))
ARC = tlv(0x0606, bytes.fromhex("01" "a0" "400000400000" "0000" "1a" "00" "b3" "00"))
CONTENT, REPEAT, INTERVAL = tlv(0x0601, b"\0\0\1"), tlv(0x0604, b"\0\0"), tlv(0x0605, b"\0\0\0")
WORDS, REFERENCE = tlv(0x0424, "雨".encode("utf-16-be")), tlv(0x0204, b"\0\x38")


def broadcast(areas=NAME, content=CONTENT, repeat=REPEAT, interval=INTERVAL, words=WORDS, more=REFERENCE, service=b"CBS", id=b"",
              priority=1, valid=b"000000001000000R", replace=0, coding=8):
    return (service + b"\0" + b"\0\1" + b"12379\0" + id + b"\0" + bytes([priority]) + b"\0" + valid + b"\0" + bytes([replace, coding, 0])
            + areas + content + repeat + interval + words + more)


WRONG = (
    ("no area", broadcast(areas=b""), 0xC3), ("no content type", broadcast(content=b""), 0xC3),
    ("no repetitions", broadcast(repeat=b""), 0xC3), ("no interval", broadcast(interval=b""), 0xC3),
    ("no words", broadcast(words=b""), 0xC3), ("empty words", broadcast(words=tlv(0x0424, b"")), 0x01),
    ("an area twice", broadcast(areas=NAME + NAME), 0x10A), ("a polygon the wrong way round", broadcast(areas=TURNED), 0x109),
    ("a polygon of two points", broadcast(areas=tlv(0x0606, bytes.fromhex("0252400000400000600000400000"))), 0x109),
    ("a polygon cut short", broadcast(areas=tlv(0x0606, bytes.fromhex("0254400000400000"))), 0x109),
    ("an arc with a wrong type", broadcast(areas=tlv(0x0606, b"\1" + bytes(13))), 0x109),
    ("an unknown area format", broadcast(areas=tlv(0x0606, b"\3abc")), 0x109), ("an empty area", broadcast(areas=tlv(0x0606, b"\0")), 0x109),
    ("an unknown content type", broadcast(content=tlv(0x0601, b"\0\x0f\xff")), 0x10B),
    ("a content type of two bytes", broadcast(content=tlv(0x0601, b"\0\1")), 0xC2),
    ("an interval without a unit", broadcast(interval=tlv(0x0605, b"\0\0\5")), 0x107),
    ("an unknown TLV", broadcast(more=tlv(0x0005, b"\1")), 0xC1), ("id and reference", broadcast(id=b"area-000001"), 0xC1),
    ("priority 5", broadcast(priority=5), 0x06), ("an absolute validity", broadcast(valid=b"261124120000032+"), 0x62),
    ("replace 2", broadcast(replace=2), 0x54), ("half a character", broadcast(words=tlv(0x0424, b"\x96")), 0x104),
    ("an unknown coding", broadcast(coding=5), 0x104), ("a message class of 4", broadcast(more=tlv(0x0603, b"\4")), 0x10C),
    ("a service type too long", broadcast(service=b"CBSCBS"), 0x02), ("a TLV longer than its PDU", broadcast() + b"\2\4\0\2", 0xC0))


class Centre(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen([sys.executable, "-B", HERE + "/area_smsc.py"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.process.kill)
        port, control = (int(self.process.stdout.readline().split()[1]) for _ in range(2))
        self.control = socket.create_connection(("127.0.0.1", control)).makefile("rw", encoding="utf-8")
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.addCleanup(self.control.close)
        self.addCleanup(self.socket.close)
        self.sequence = 0

    def ask(self, line):
        self.control.write(line + "\n")
        self.control.flush()
        return json.loads(self.control.readline())

    def request(self, command, body):
        self.sequence += 1
        self.socket.sendall(struct.pack(">IIII", 16 + len(body), command, 0, self.sequence) + body)
        length, _, status, sequence = struct.unpack(">IIII", self.socket.recv(16, socket.MSG_WAITALL))
        self.assertEqual(sequence, self.sequence)
        return status, self.socket.recv(length - 16, socket.MSG_WAITALL) if length > 16 else b""

    def bind(self):
        self.assertEqual(self.request(2, b"tocsin\0\0\0\x50\0\0\0")[0], 0)

    def end(self, violations):
        self.process.terminate()
        told = json.loads(self.process.communicate(timeout=10)[0])
        self.assertEqual(len(told["violations"]), violations, told)
        self.assertEqual(self.process.returncode, 1 if violations else 0)

    def test_each_wrong_broadcast_is_refused_by_its_status(self):
        self.bind()
        for what, body, status in WRONG:
            with self.subTest(what):
                self.assertEqual(self.request(0x111, body)[0], status)
        self.assertEqual(self.ask("shown"), [])
        self.end(len(WRONG))

    def test_what_is_right_is_on_air_replaced_queried_and_cancelled(self):
        self.bind()
        status, id = self.request(0x111, broadcast(areas=NAME + SQUARE + ARC))
        self.assertEqual(status, 0)
        self.assertEqual(self.request(0x111, broadcast(replace=1, words=tlv(0x0424, "雪".encode("utf-16-be"))))[1], id)
        shown = self.ask("shown")
        self.assertEqual([one["words"] for one in shown], ["雪"])
        status, told = self.request(0x112, id + b"\0\1" + b"12379\0")
        self.assertEqual(told, id + tlv(0x0427, b"\1") + NAME + tlv(0x0608, b"\x64"))
        self.assertEqual(self.request(0x113, b"\0\0" + b"\0\1" + b"12379\0" + REFERENCE)[0], 0)
        self.assertEqual(self.request(0x113, b"\0\0" + b"\0\1" + b"12379\0" + REFERENCE)[0], 0x10F)
        self.assertEqual(self.request(0x112, id + b"\0\1" + b"12380\0")[0], 0x0C)
        self.assertEqual(self.ask("shown"), [])
        self.end(0)

    def test_before_the_bind_nothing_is_taken_and_both_names_at_once_are_none(self):
        self.assertEqual(self.request(0x111, broadcast())[0], 0x04)
        self.bind()
        self.assertEqual(self.request(0x112, b"id\0" + b"\0\1" + b"12379\0" + REFERENCE)[0], 0x0C)
        self.assertEqual(self.request(0x44, b"")[0], 0x03)
        self.end(3)


if __name__ == "__main__":
    unittest.main()
