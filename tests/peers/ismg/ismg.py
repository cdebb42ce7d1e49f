#!/usr/bin/env python3
"""A China Mobile gateway (ISMG) that speaks CMPP 3.0 and nothing else, for tests: see README.md."""
import argparse
import asyncio
import ctypes
import json
import os
import signal
import sys

sys.dont_write_bytecode = True  # a test's own folder stays clean
import fate
from book import Book
from gateway import Gateway
from link import Link


def chance_and_delay(text):
    share, _, delay = text.partition(":")
    return float(share), fate.seconds(delay or "2s")


def every_and_length(text):
    every, _, length = text.partition(":")
    return int(every), int(length or 1)


def options():
    read = argparse.ArgumentParser(description=__doc__)
    add = read.add_argument
    add("--port", type=int, default=7890)
    add("--port-file", help="the port is written here when it listens")
    add("--book", help="JSON lines of what happened")
    add("--log-submits", action="store_true", help="a line in the book for each SUBMIT")
    add("--control", help="a file that grows: lines as on --stdin")
    add("--stdin", action="store_true", help="take control lines from standard input")
    add("--account", action="append", help="SP:SECRET, again for more; 901234:secret")
    add("--source", default="", help="what each Src_Id begins with")
    add("--service", action="append", help="a Service_Id that exists; all do without")
    add("--serves", default="", help="comma list of prefixes; SUBMITs to others get Result 9")
    add("--seed", type=int, default=1)
    add("--gateway", type=int, default=1001, help="the 22-bit gateway code in Msg_Id")
    add("--first-id", type=int, default=0, help="first 16-bit sequence in Msg_Id")
    add("--version", type=lambda text: int(text, 0), default=0x30, help="0x20: answers CONNECT in the form of 2.0")
    add("--version-status", type=int, default=4, help="the status then; 0: takes the connection anyway")
    add("--bad-authenticator", action="store_true", help="the gateway proves itself with another secret")
    add("--skew", type=int, default=0, help="seconds that Timestamp may differ from Beijing's clock; 0: not looked at")
    add("--connections", type=int, default=0, help="at most so many an account: status 5")
    add("--connect-within", type=fate.seconds, default=10)
    add("--strict-sequence", action="store_true", help="a Sequence_Id that does not rise by one is a violation")
    add("--window", type=int, default=16, help="more unanswered SUBMITs are a violation; 0: any")
    add("--destinations", type=int, default=99, help="most DestUsr_tl")
    add("--latency", type=fate.span, default=(0, 0), help="of SUBMIT_RESP: 5ms, 1ms-20ms")
    add("--rate", type=int, default=0, help="SUBMITs a second and connection, Result 8 above")
    add("--throttle", type=every_and_length, default=(0, 0), help="EVERY:LENGTH, after EVERY SUBMITs LENGTH times Result 8")
    add("--errors", type=fate.mix, default=[], help="RESULT:SHARE,... by destination: 9:0.01,13:0.005")
    add("--no-answer", type=float, default=0, help="share of segments taken and not answered the first time")
    add("--final", type=fate.mix, default=[("DELIVRD", 1)], help="STAT:WEIGHT,... by destination")
    add("--report-delay", type=fate.span, default=(0, 0))
    add("--report-form", type=int, choices=(60, 71), default=71, help="71 bytes as in 3.0, 60 as some still send")
    add("--lost", type=float, default=0, help="share of reports never sent")
    add("--late", type=chance_and_delay, default=(0, 0), help="SHARE:DELAY")
    add("--twice", type=float, default=0)
    add("--unknown", type=float, default=0, help="share with a second report of an id that was never given")
    add("--early", type=float, default=0, help="share of reports before their SUBMIT_RESP")
    add("--intermediate", type=float, default=0, help="share with an ACCEPTD before the final report")
    add("--deliver-window", type=int, default=16)
    add("--resend", type=fate.seconds, default=60, help="an unanswered DELIVER goes again after this, 3 times a connection")
    add("--active-test", type=fate.seconds, default=180, help="own ACTIVE_TEST after so much silence")
    add("--silent-test", action="store_true", help="never answers ACTIVE_TEST")
    add("--cut-every", type=fate.seconds, default=0, help="each connection ends after this")
    add("--cut-mode", choices=("fin", "rst", "half", "stall"), default="fin", help="half: in the middle of a packet; stall: half-open")
    read = read.parse_args()
    read.account = read.account or ["901234:secret"]
    read.serves = tuple(filter(None, read.serves.split(",")))
    return read


class Control:
    """mo FROM TO WORDS | cut [MODE] | terminate | test | throttle N"""

    def __init__(self, gateway):
        self.gateway = gateway

    def links(self):
        return [link for account in self.gateway.accounts.values() for link in list(account.links)]

    def line(self, line):
        word, _, rest = line.strip().partition(" ")
        if word == "mo":
            source, dest, words = rest.split(" ", 2)
            self.gateway.reply(source, dest, words)
        elif word == "throttle":
            self.gateway.burst_left, self.gateway.options.throttle = int(rest), (self.gateway.options.throttle[0] or 1 << 60, 1)
            self.gateway.until_burst = 1 << 60
        elif word in ("cut", "terminate", "test"):
            for link in self.links():
                {"cut": lambda: link.cut(rest or None), "terminate": link.hang_up, "test": link.test}[word]()
        elif word:
            print(f"ismg: no such line: {line!r}", file=sys.stderr, flush=True)

    async def follow(self, path):
        rest = ""
        while not os.path.exists(path):
            await asyncio.sleep(0.02)
        with open(path, encoding="utf-8") as file:
            while True:
                rest += file.read()
                while "\n" in rest:
                    line, rest = rest.split("\n", 1)
                    self.line(line)
                await asyncio.sleep(0.02)


async def serve(chosen, book):
    loop, gateway = asyncio.get_running_loop(), None
    gateway = Gateway(chosen, book)
    control, end = Control(gateway), loop.create_future()  # first: who reads the port may end us at once
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: end.done() or end.set_result(None))
    server = await loop.create_server(lambda: Link(gateway), "127.0.0.1", chosen.port)
    port = server.sockets[0].getsockname()[1]
    if chosen.port_file:
        with open(chosen.port_file + ".new", "w", encoding="utf-8") as file:
            file.write(f"{port}\n")
        os.replace(chosen.port_file + ".new", chosen.port_file)
    print("port", port, flush=True)
    following = asyncio.ensure_future(control.follow(chosen.control)) if chosen.control else None
    if chosen.stdin:
        loop.add_reader(sys.stdin, lambda: control.line(sys.stdin.readline()) if not sys.stdin.closed else None)
    await end
    if following:
        following.cancel()
    server.close()
    return sum(len(account.waiting) + sum(len(link.unanswered) for link in account.links)
               for account in gateway.accounts.values()) + gateway.waited


def main():
    chosen = options()
    book = Book(chosen.book)
    waiting = asyncio.run(serve(chosen, book))
    summary = {**book.close(), "reports_waiting": waiting}
    print(json.dumps(summary, ensure_ascii=False), flush=True)
    return 1 if summary["violations"] else 0


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a test that is killed takes it along
    sys.exit(main())
