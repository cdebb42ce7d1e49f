"""Writes what went over a connection as a capture file: made-up Ethernet, IPv4 and TCP around the true bytes.

One thing is left out: broadcast_rep_num. Its two octets (SMPP 5.0, 4.8.4.13) are read as one by the dissector
of Wireshark 4.0, which then takes the rest of the PDU for other TLVs. The message centre has checked it."""
import struct
import time

import smpp5


def readable(pdu):
    if struct.unpack_from(">I", pdu, 4)[0] != smpp5.BROADCAST:
        return pdu
    body = smpp5.Body(pdu[16:])
    try:
        body.text(6, "service_type"), body.source(), body.text(65, "message_id"), body.u8()
        body.text(17, "schedule"), body.text(17, "validity"), body.u8(), body.u8(), body.u8()
    except smpp5.Fault:
        return pdu
    kept, at = pdu[16:16 + body.at], 16 + body.at
    while at + 4 <= len(pdu):
        tag, length = struct.unpack_from(">HH", pdu, at)
        if tag != smpp5.REPEAT:
            kept += pdu[at:at + 4 + length]
        at += 4 + length
    return struct.pack(">I", 16 + len(kept)) + pdu[4:16] + kept


class Pcap:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.ports, self.sequences = {}, {}

    def open(self, link, port):
        self.ports[link], self.sequences[link] = port, [1, 1]

    def write(self, link, pdu, from_client):
        data = readable(pdu) if from_client else pdu
        for at in range(0, len(data), 1400):
            self.packet(link, data[at:at + 1400], from_client)

    def packet(self, link, data, from_client):
        sequences, side = self.sequences[link], 0 if from_client else 1
        ports = (self.ports[link], 2775) if from_client else (2775, self.ports[link])
        tcp = struct.pack(">HHIIBBHHH", *ports, sequences[side], sequences[1 - side], 0x50, 0x18, 65535, 0, 0)
        sequences[side] += len(data)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
        frame = bytes(12) + b"\x08\0" + ip + tcp + data
        now = time.time()
        self.file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)

    def close(self):
        self.file.close()
