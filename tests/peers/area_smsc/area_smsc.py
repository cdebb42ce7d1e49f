#!/usr/bin/env python3
"""A message centre that broadcasts to areas (SMPP 5.0), strict, for tests: see README.md."""
import argparse
import asyncio
import ctypes
import json
import os
import signal
import struct
import sys
import time

sys.dont_write_bytecode = True  # a test's own folder stays clean
import smpp5
from pcap import Pcap


class Centre:
    def __init__(self, options):
        self.options, self.manner = options, options.manner
        self.got, self.stored, self.violations, self.links = [], {}, [], set()
        self.first_tries, self.binds, self.number = set(), 0, 0
        self.counts = {"broadcasts": 0, "queries": 0, "cancels": 0, "unbinds": 0, "closed_without_unbind": 0}
        self.pcap = Pcap(options.pcap) if options.pcap else None
        self.success = dict(pair.split("=") for pair in options.success)

    def in_force(self):
        for one in self.stored.values():
            if one["state"] == smpp5.ENROUTE and one["ends"] is not None and time.time() >= one["ends"]:
                one["state"] = smpp5.EXPIRED
        return [one for one in self.stored.values() if one["state"] == smpp5.ENROUTE]

    def find(self, which):
        self.in_force()
        if which["message_id"]:
            one = self.stored.get(which["message_id"])
            return one if one and one["source"] == which["source"] else None
        own = [one for one in self.stored.values() if one["reference"] == which["reference"] and one["source"] == which["source"]]
        return own[-1] if own else None  # the most recent

    def take(self, said):
        """(id, areas that were not taken)"""
        failed = [area for area, name in said["areas"] if name in self.options.fail_area]
        old = self.find(said) if said["replace"] and (said["reference"] is not None or said["message_id"]) else None
        if old and old["state"] == smpp5.ENROUTE:
            id = old["id"]
        else:
            self.number += 1
            id = f"area-{self.number:06d}"
        ends = None if said["valid"] is None else time.time() + said["valid"]
        self.stored.pop(id, None)
        self.stored[id] = {**said, "id": id, "ends": ends, "state": smpp5.ENROUTE,
                           "areas": [(area, name) for area, name in said["areas"] if area not in failed]}
        return id, failed

    def share(self, name):
        return 0 if self.manner == "lies" else int(self.success.get(name, 100))

    def summary(self):
        return {**self.counts, "binds": self.binds, "violations": self.violations}


class Link(asyncio.Protocol):
    def __init__(self, centre):
        self.centre, self.bound, self.unbound, self.pending, self.outgoing = centre, False, False, b"", 0

    def connection_made(self, transport):
        self.transport = transport
        self.centre.links.add(self)
        if self.centre.pcap:
            self.centre.pcap.open(self, transport.get_extra_info("peername")[1])

    def connection_lost(self, _):
        self.centre.links.discard(self)
        if self.bound and not self.unbound and self.centre.manner not in ("vanishes", "away"):
            self.centre.counts["closed_without_unbind"] += 1

    def send(self, data):
        if self.centre.pcap:
            self.centre.pcap.write(self, data, False)
        self.transport.write(data)

    def wrong(self, what):
        self.centre.violations.append(what)

    def data_received(self, data):
        if self.centre.manner == "mute":
            return
        self.pending += data
        while len(self.pending) >= 16 and not self.transport.is_closing():
            length, command, status, sequence = struct.unpack_from(">IIII", self.pending)
            if not 16 <= length <= 65536:
                self.wrong(f"command_length {length}")
                return self.transport.close()
            if len(self.pending) < length:
                return
            if self.centre.pcap:
                self.centre.pcap.write(self, self.pending[:length], True)
            body, self.pending = self.pending[16:length], self.pending[length:]
            self.hear(command, status, sequence, body)

    def hear(self, command, status, sequence, body):
        if command & smpp5.RESPONSE:
            if command != smpp5.ENQUIRE | smpp5.RESPONSE:
                self.wrong(f"an answer {command:#x} that nobody asked for")
            return
        if status or not 1 <= sequence <= 0x7FFFFFFF:
            self.wrong(f"a request with status {status:#x}, sequence {sequence:#x}")
        known = {smpp5.BIND_TX: self.bind, smpp5.BIND_TRX: self.bind, smpp5.UNBIND: self.unbind, smpp5.ENQUIRE: self.enquire,
                 smpp5.BROADCAST: self.broadcast, smpp5.QUERY: self.query, smpp5.CANCEL: self.cancel}
        if command not in known:
            self.wrong(f"command_id {command:#x}")
            return self.send(smpp5.pdu(smpp5.NACK, sequence, b"", 0x03))
        if not self.bound and command not in (smpp5.BIND_TX, smpp5.BIND_TRX):
            self.wrong(f"command_id {command:#x} before the bind")
            return self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"", 0x04))
        try:
            known[command](command, sequence, body)
        except smpp5.Fault as fault:
            self.wrong(fault.what)
            self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"", fault.status))

    def bind(self, command, sequence, body):
        said, options = smpp5.read_bind(body), self.centre.options
        if said["version"] != 0x50:
            self.wrong(f"interface_version {said['version']:#x}")
        if said["password"] != options.password:
            return self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"", 0x0E))
        self.bound = True
        self.centre.binds += 1
        self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"area\0" + smpp5.tlv(smpp5.VERSION, b"\x50")))

    def unbind(self, command, sequence, body):
        self.unbound = True
        self.centre.counts["unbinds"] += 1
        self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence))

    def enquire(self, command, sequence, body):
        self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence))

    def broadcast(self, command, sequence, body):
        centre = self.centre
        centre.counts["broadcasts"] += 1
        said = smpp5.read_broadcast(body)
        status = 0x109 if centre.manner == "refuses" else 0
        if centre.manner == "busy" and (said["reference"], said["words"]) not in centre.first_tries:
            centre.first_tries.add((said["reference"], said["words"]))
            status = 0x14
        centre.got.append({"t": time.time(), "taken": not status, "words": said["words"], "reference": said["reference"],
                           "areas": [name for _, name in said["areas"]], "source": said["source"][2], "content": said["content"],
                           "service_type": said["service_type"], "priority": said["priority"], "valid": said["valid"],
                           "repeat": said["repeat"], "replace": said["replace"], "coding": said["coding"]})
        if centre.manner == "vanishes":
            self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"area\0")[:9])
            return self.transport.close()
        if centre.manner == "hangs":
            return
        if status:
            return self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"", status))
        id, failed = centre.take(said)
        answer = id.encode() + b"\0"
        for area in failed:
            answer += smpp5.tlv(smpp5.ERROR, struct.pack(">I", 0x10D)) + smpp5.tlv(smpp5.AREA, area)
        self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, answer))

    def query(self, command, sequence, body):
        self.centre.counts["queries"] += 1
        one = self.centre.find(smpp5.read_which(body, False))
        if not one:
            return self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"", 0x0C))
        answer = one["id"].encode() + b"\0" + smpp5.tlv(smpp5.STATE, bytes([one["state"]]))
        for area, name in one["areas"]:
            answer += smpp5.tlv(smpp5.AREA, area) + smpp5.tlv(smpp5.SUCCESS, bytes([self.centre.share(name)]))
        self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, answer))

    def cancel(self, command, sequence, body):
        self.centre.counts["cancels"] += 1
        which = smpp5.read_which(body, True)
        one = self.centre.find(which)
        status = 0 if one and one["state"] == smpp5.ENROUTE else 0x10F
        if one and which["service_type"] and which["service_type"] != one["service_type"]:
            self.wrong(f"cancel_broadcast_sm under service_type {which['service_type']!r}, it was {one['service_type']!r}")
            status = 0x10F
        if not status:
            one["state"] = smpp5.DELETED
        self.send(smpp5.pdu(command | smpp5.RESPONSE, sequence, b"", status))


class Control:
    """play MANNER | leave | got | shown | delete ID | summary: a line asks, a line of JSON answers."""

    def __init__(self, centre, port):
        self.centre, self.port, self.server = centre, port, None

    async def listen(self):
        if not self.server:
            self.server = await asyncio.get_running_loop().create_server(lambda: Link(self.centre), "127.0.0.1", self.port)
            self.port = self.server.sockets[0].getsockname()[1]

    async def leave(self):
        if self.server:
            self.server.close()
            self.server = None
        for link in list(self.centre.links):
            link.transport.abort()

    async def obey(self, line):
        word, _, rest = line.strip().partition(" ")
        centre = self.centre
        if word == "play":
            centre.manner = rest
            await self.listen()
        elif word == "leave":
            centre.manner = "away"
            await self.leave()
        elif word == "got":
            return centre.got
        elif word == "shown":
            return [{"words": one["words"], "areas": [name for _, name in one["areas"]], "id": one["id"], "reference": one["reference"]} for one in centre.in_force()]
        elif word == "delete":
            for one in centre.in_force():
                one["state"] = smpp5.DELETED
        elif word == "summary":
            return centre.summary()
        return "ok"

    async def serve(self, reader, writer):
        while line := await reader.readline():
            writer.write(json.dumps(await self.obey(line.decode()), ensure_ascii=False).encode() + b"\n")
        writer.close()


async def main():
    read = argparse.ArgumentParser(description=__doc__)
    add = read.add_argument
    add("--port", type=int, default=0)
    add("--manner", default="well", help="well, refuses, busy, hangs, mute, vanishes, lies")
    add("--password", default="")
    add("--success", action="append", default=[], metavar="AREA=PERCENT")
    add("--fail-area", action="append", default=[], help="not taken, though the message is")
    add("--pcap", help="all bytes, as a capture that tshark reads")
    options = read.parse_args()
    centre = Centre(options)
    control = Control(centre, options.port)
    await control.listen()
    asking = await asyncio.start_server(control.serve, "127.0.0.1", 0)
    end = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: end.done() or end.set_result(None))
    print("port", control.port, flush=True)
    print("control", asking.sockets[0].getsockname()[1], flush=True)
    await end
    if centre.pcap:
        centre.pcap.close()
    print(json.dumps(centre.summary(), ensure_ascii=False), flush=True)
    sys.stdout.flush()
    os._exit(1 if centre.violations else 0)

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a test that is killed takes it along
    asyncio.run(main())
