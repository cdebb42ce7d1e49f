"""What outlives a connection: accounts, message ids, and reports until they are acknowledged."""
import asyncio
import collections
import random
from dataclasses import dataclass, field
from datetime import datetime

import wire
from fate import Fate


@dataclass
class Account:
    name: str
    secret: str
    links: list = field(default_factory=list)
    waiting: collections.deque = field(default_factory=collections.deque)


@dataclass
class Message:
    id: int
    account: Account
    to: str
    source: str
    number: int
    submitted: datetime
    wants_report: bool
    final: str = ""


@dataclass
class Delivery:
    """One DELIVER, kept until its response says 0."""
    outer: int
    body: bytes
    kind: str  # reports, replies
    sends: int = 0


class Gateway:
    def __init__(self, options, book):
        self.options, self.book, self.fate = options, book, Fate(options.seed)
        self.accounts = {name: Account(name, secret) for name, _, secret in (a.partition(":") for a in options.account)}
        self.random = random.Random(options.seed)
        self.sequence = options.first_id
        self.messages, self.waited, self.lost_answers = {}, 0, set()
        self.burst_left, self.until_burst = 0, options.throttle[0]
        self.turn = 0

    @staticmethod
    def now():
        return datetime.now(wire.BEIJING)

    def ids(self, count):
        """Msg_Id .. Msg_Id + count - 1, in the order of the destinations; the 16-bit part wraps inside."""
        when, first = self.now(), self.sequence
        self.sequence = (self.sequence + count) & 0xFFFF
        return [wire.message_id(when, self.options.gateway, (first + i) & 0xFFFF) for i in range(count)]

    def throttles(self):
        """Bursts: after so many submits, so many answers 8."""
        every, length = self.options.throttle
        if not every:
            return False
        if self.burst_left:
            self.burst_left -= 1
            return True
        self.until_burst -= 1
        if self.until_burst <= 0:
            self.until_burst, self.burst_left = every, length
        return False

    def take(self, account, values):
        """Ids for each destination of an accepted SUBMIT."""
        when, out = self.now(), []
        for id, to in zip(self.ids(len(values["to"])), values["to"]):
            message = Message(id, account, to, values["source"], values["number"], when, values["report"] == 1)
            self.messages[id] = message
            out.append(message)
            self.book.count("segments")
            if self.book.segment(values["source"], to, values):
                self.book.count("duplicates")
        return out

    # reports

    def stat(self, message):
        return self.fate.choose("final", self.options.final, message.to, 1)

    def early(self, message):
        return message.wants_report and self.fate.strikes("early", self.options.early, message.to, message.number)

    def settle(self, message):
        """Schedules what the phone's network will say."""
        options, fate = self.options, self.fate
        to, part = message.to, message.number
        if not message.wants_report or message.final:
            return
        if fate.strikes("lost", options.lost, to, part):
            self.book.count("reports_lost")
            return
        delay = fate.between("report", options.report_delay, to, part)
        if fate.strikes("late", options.late[0], to, part):
            delay += options.late[1]
        if fate.strikes("accepted", options.intermediate, to, part):
            self.later(delay / 2, self.say, message, "ACCEPTD")
        self.later(delay, self.say, message, self.stat(message))
        if fate.strikes("twice", options.twice, to, part):
            self.book.count("reports_doubled")
            self.later(delay + 0.05, self.say, message, self.stat(message))
        if fate.strikes("unknown", options.unknown, to, part):
            self.book.count("reports_unknown")
            ghost = Message(self.random.getrandbits(63), message.account, to, message.source, part, message.submitted, True)
            self.later(delay, self.say, ghost, "DELIVRD")

    def later(self, delay, call, *words):
        if delay <= 0:
            call(*words)
            return
        self.waited += 1
        asyncio.get_running_loop().call_later(delay, self._came, call, words)

    def _came(self, call, words):
        self.waited -= 1
        call(*words)

    def say(self, message, stat):
        if message.final == "DELETED":
            stat = "DELETED"
        elif stat != "ACCEPTD":
            message.final = stat
        self.deliver(message.account, self.report_of(message, stat))

    def report_of(self, message, stat):
        content = wire.report(message.id, stat, message.submitted, self.now(), message.to, message.id & 0xFFFFFFFF,
                              self.options.report_form == 71)
        outer = self.ids(1)[0]
        self.book.write("report", id=f"{message.id:016x}", stat=stat, to=message.to)
        return Delivery(outer, wire.deliver(outer, message.source, message.to, True, content), "reports")

    def deliver(self, account, delivery):
        self.book.count(delivery.kind)
        account.waiting.append(delivery)
        self.pump(account)

    def pump(self, account):
        """Deliveries leave on the account's links in turn, each link as far as its window."""
        while account.waiting:
            ready = [link for link in account.links if link.takes_deliveries()]
            if not ready:
                return
            self.turn += 1
            ready[self.turn % len(ready)].send_delivery(account.waiting.popleft())

    def reply(self, source, dest, words, account=None):
        """A text that a phone sent: in parts if it is long."""
        fmt, raw = (0, words.encode("ascii")) if words.isascii() else (8, words.encode("utf-16-be"))
        most = 160 if fmt == 0 else 140
        parts = [raw] if len(raw) <= most else [raw[at:at + 134] for at in range(0, len(raw), 134)]
        reference = self.random.getrandbits(8)
        for number, piece in enumerate(parts, 1):
            header = bytes([5, 0, 3, reference, len(parts), number]) if len(parts) > 1 else b""
            outer = self.ids(1)[0]
            self.deliver(account or next(iter(self.accounts.values())),
                         Delivery(outer, wire.deliver(outer, dest, source, False, header + piece, fmt, int(bool(header))), "replies"))
