#!/usr/bin/env python3
"""What Wireshark's own dissector of CMPP 3.0 makes of our PDUs: nothing malformed, each field where and
what we meant it to be, and the last one ending where the packet does. Usage: check.py PROGRAM"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""
COMMANDS = [0x00000001, 0x80000001] + [0x00000004] * 6 + [0x80000004, 0x00000005, 0x00000005, 0x80000005, 0x00000008,
            0x80000008, 0x00000007, 0x80000007, 0x00000006, 0x80000006, 0x00000002, 0x80000002]


def run(*command):
    # tshark reads no configuration of the user who happens to run the test.
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr.decode()}")
    return done.stdout


def flat(tree, out=None):
    """Names to values; of a name that comes twice the last, and its raw twin [hex, offset, length, ...]."""
    out = {} if out is None else out
    for name, value in tree.items():
        if isinstance(value, dict):
            flat(value, out)
        else:
            out[name] = value
    return out


class Dissector(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            dump, capture = folder + "/pdus.txt", folder + "/pdus.pcap"
            with open(dump, "wb") as file:
                file.write(run(PROGRAM))
            run("text2pcap", "-q", "-T", "40000,7890", dump, capture)
            cls.verbose = run("tshark", "-r", capture, "-V").decode()
            packets = json.loads(run("tshark", "-r", capture, "-T", "json", "-x", "--no-duplicate-keys"))
        cls.packets = [packet["_source"]["layers"] for packet in packets]
        cls.pdus = [flat(layers["cmpp"]) for layers in cls.packets if "cmpp" in layers]

    def of(self, command):
        return [pdu for pdu in self.pdus if int(pdu["cmpp.Command_Id"], 16) == command]

    def test_every_pdu_is_cmpp_and_none_is_malformed(self):
        self.assertEqual([int(pdu["cmpp.Command_Id"], 16) for pdu in self.pdus], COMMANDS)
        for word in ("Malformed", "malformed", "Expert Info", "exception"):
            self.assertNotIn(word, self.verbose)

    def test_the_length_is_the_packet_s_own(self):
        for layers, pdu in zip(self.packets, self.pdus):
            self.assertEqual(int(pdu["cmpp.Total_Length"]), int(layers["tcp"]["tcp.len"]))

    def test_the_last_field_ends_where_the_packet_does(self):
        """All before it must be as wide as the dissector, which is not ours, thinks that they are."""
        last = {0x1: "cmpp.connect.Timestamp", 0x80000001: "cmpp.Version", 0x4: "cmpp.LinkID",
                0x80000004: "cmpp.submit_resp.Result", 0x5: "cmpp.LinkID", 0x80000005: "cmpp.deliver_resp.Result"}
        seen = 0
        for layers in self.packets:
            raw, pdu = layers["cmpp_raw"], flat(layers["cmpp"])
            name = last.get(int(pdu["cmpp.Command_Id"], 16))
            if not name:
                continue
            _, offset, length = pdu[name + "_raw"][:3]
            self.assertEqual(offset + length, raw[1] + raw[2], name)
            seen += 1
        self.assertEqual(seen, 12)

    def test_connect(self):
        [connect], [answer] = self.of(1), self.of(0x80000001)
        self.assertEqual(connect["cmpp.connect.Source_Addr"], "106900")
        self.assertEqual(connect["cmpp.Version"], "03.00")
        self.assertIn("7/21 18:30:05", connect["cmpp.connect.Timestamp"])
        self.assertEqual(answer["cmpp.connect_resp.Status"], "0")
        self.assertEqual(answer["cmpp.Version"], "03.00")

    def test_submits(self):
        submits = self.of(4)
        for submit in submits:
            self.assertEqual(submit["cmpp.submit.Registered_Delivery"], "1")
            self.assertEqual(submit["cmpp.submit.Msg_level"], "3")
            self.assertEqual(submit["cmpp.Servicd_Id"], "WARN")
            self.assertEqual(submit["cmpp.submit.Fee_UserType"], "2")
            self.assertEqual(submit["cmpp.submit.Msg_src"], "106900")
            self.assertEqual(submit["cmpp.submit.FeeType"], "01")
            self.assertEqual(submit["cmpp.submit.FeeCode"], "000000")
            self.assertEqual(submit["cmpp.submit.Src_Id"], "12379")
            self.assertEqual(bytes.fromhex(submit["cmpp.submit.Valld_Time_raw"][0]).rstrip(b"\0"), b"260721190000032+")

        def told(name):
            return [submit[name] for submit in submits]
        self.assertEqual(told("cmpp.Msg_Fmt"), ["0", "8", "8", "8", "8", "0"])
        self.assertEqual(told("cmpp.Msg_Length"), ["28", "12", "140", "14", "12", "5"])
        self.assertEqual(told("cmpp.TP_udhi"), ["0", "0", "1", "1", "0", "0"])
        self.assertEqual(told("cmpp.submit.Pk_total"), ["1", "1", "2", "2", "1", "1"])
        self.assertEqual(told("cmpp.submit.Pk_number"), ["1", "1", "1", "2", "1", "1"])
        self.assertEqual(told("cmpp.submit.DestUsr_tl"), ["1", "1", "1", "1", "1", "20"])
        self.assertEqual(told("cmpp.Sequence_Id"), ["2", "2", "2", "2", "3", "4"])
        numbers = [submit["cmpp.Dest_terminal_Id"] for submit in submits]
        self.assertEqual(numbers[:5], ["8613800000001"] * 4 + ["8613800000002"])
        self.assertEqual(numbers[5], ["8613800000001"] * 20)
        self.assertEqual(submits[1]["cmpp.Msg_Content_raw"][0], "暴雨红色预警".encode("utf-16-be").hex())
        self.assertTrue(submits[2]["cmpp.Msg_Content_raw"][0].startswith("050003070201"))
        self.assertTrue(submits[3]["cmpp.Msg_Content_raw"][0].startswith("050003070202"))

    def test_answers_and_reports(self):
        [answer], [report, reply], [taken] = self.of(0x80000004), self.of(5), self.of(0x80000005)
        self.assertEqual(answer["cmpp.submit_resp.Result"], "8")
        self.assertEqual(int(answer["cmpp.Msg_Id"], 16), 0x7B5A3C0012345678)
        self.assertEqual(report["cmpp.deliver.Registered_Delivery"], "1")
        self.assertEqual(report["cmpp.deliver.Report.Status"], "DELIVRD")
        self.assertEqual(report["cmpp.deliver.Report.Submit_time"], "2607211830")
        self.assertEqual(report["cmpp.deliver.Report.Done_time"], "2607211831")
        self.assertEqual(report["cmpp.Dest_terminal_Id"], "8613800000001")
        self.assertEqual(report["cmpp.Report.SMSC_sequence"], "9")
        self.assertEqual(report["cmpp.deliver.Dest_Id"], "12379")
        self.assertEqual(reply["cmpp.deliver.Registered_Delivery"], "0")
        self.assertEqual(reply["cmpp.Msg_Length"], "2")
        self.assertEqual(reply["cmpp.deliver.Src_terminal_Id"], "8613800000001")
        self.assertEqual(int(taken["cmpp.Msg_Id"], 16), 0x7B5A3C0012345679)
        self.assertEqual(taken["cmpp.deliver_resp.Result"], "0")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
