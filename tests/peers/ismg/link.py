"""One connection: strict about what comes, and as awkward as the options say."""
import asyncio
import collections
import struct
import time

import wire


class Link(asyncio.Protocol):
    numbers = 0

    def __init__(self, gateway):
        Link.numbers += 1
        self.number, self.gateway, self.options, self.book = Link.numbers, gateway, gateway.options, gateway.book
        self.account, self.transport, self.pending = None, None, b""
        self.sequence, self.their_sequence = 0, None
        self.unanswered = {}  # sequence -> (delivery, timer)
        self.late = collections.OrderedDict()  # sequences given up or answered: a late answer is no fault
        self.answers = collections.OrderedDict()  # sequence -> (packet, answer or None while it is under way)
        self.under_way = {}  # sequence -> (timer, messages): taken, not answered yet
        self.outstanding, self.tests, self.missed = 0, {}, 0
        self.stalled = self.terminating = False
        self.heard, self.tokens, self.refilled = time.monotonic(), float(self.options.rate), time.monotonic()
        self.timers = []

    # connection

    def connection_made(self, transport):
        self.transport = transport
        self.timers.append(self.after(self.options.connect_within, self.never_connected))

    def after(self, delay, call, *words):
        return asyncio.get_running_loop().call_later(delay, call, *words)

    def never_connected(self):
        if not self.account:
            self.violation(f"no CONNECT within {self.options.connect_within} s")
            self.close()

    def connection_lost(self, _):
        for timer in self.timers + [timer for _, timer in self.unanswered.values()]:
            timer.cancel()
        for timer, messages in self.under_way.values():  # taken is taken: reports come, the answer never does
            timer.cancel()
            self.book.count("answers_lost", len(messages) > 0)
            for message in messages:
                self.gateway.settle(message)
        self.under_way.clear()
        if not self.account:
            return
        if not self.terminating and not self.stalled:
            self.book.note("closed_without_terminate", link=self.number)
        self.account.links.remove(self)
        for delivery, _ in reversed(self.unanswered.values()):
            self.book.count("reports_again")
            self.account.waiting.appendleft(delivery)
        self.unanswered.clear()
        self.gateway.pump(self.account)

    def close(self):
        if self.transport:
            self.transport.close()

    def violation(self, what, command=None):
        self.book.violation(self.number, what, wire.NAMES.get(command, command))

    def send(self, data):
        if not self.stalled:
            self.transport.write(data)

    def data_received(self, data):
        if self.stalled:
            return
        self.heard = time.monotonic()
        self.pending += data
        while len(self.pending) >= wire.HEADER and not self.transport.is_closing() and not self.stalled:
            length, command, sequence = struct.unpack_from(">III", self.pending)
            if not wire.HEADER <= length <= wire.PACKET_MAX:
                self.violation(f"Total_Length: {length}", command)
                self.close()
                return
            if len(self.pending) < length:
                return
            body, self.pending = self.pending[wire.HEADER:length], self.pending[length:]
            self.take(command, sequence, body)

    def take(self, command, sequence, body):
        known = {wire.CONNECT: self.connect, wire.TERMINATE: self.terminate, wire.SUBMIT: self.submit, wire.QUERY: self.query,
                 wire.CANCEL: self.cancel, wire.ACTIVE_TEST: self.active_test, wire.DELIVER | wire.RESPONSE: self.delivered,
                 wire.ACTIVE_TEST | wire.RESPONSE: self.active_test_answered, wire.TERMINATE | wire.RESPONSE: self.terminate_answered}
        if command not in known:
            self.violation(f"Command_Id: {command:#x}", command)
            self.close()
        elif not self.account and command != wire.CONNECT:
            self.violation("before CONNECT", command)
            self.close()
        elif self.terminating and not command & wire.RESPONSE:
            self.violation("a request after TERMINATE", command)
        else:
            if not command & wire.RESPONSE:
                self.check_sequence(command, sequence)
            try:
                known[command](sequence, body)
            except wire.Malformed as wrong:
                self.violation(wrong.what, command)
                self.close()

    def check_sequence(self, command, sequence):
        """Rises by one; a packet sent again (SUBMIT after T) keeps its number."""
        wanted = None if self.their_sequence is None else (self.their_sequence + 1) & 0xFFFFFFFF
        if wanted is not None and sequence != wanted and sequence not in self.answers:
            self.book.count("sequence_gaps")
            if self.options.strict_sequence:
                self.violation(f"Sequence_Id: {sequence} after {self.their_sequence}", command)
        if sequence not in self.answers:
            self.their_sequence = sequence

    def faults(self, fields, command):
        for _, what in fields.faults:
            self.violation(what, command)
        return fields.faults[0][0] if fields.faults else 0

    # session

    def connect(self, sequence, body):
        try:
            fields, said = wire.read_connect(body)
        except wire.Malformed as wrong:
            self.violation(wrong.what, wire.CONNECT)
            self.answer_connect(sequence, 1, bytes(16))
            return
        status = self.judge(fields, said)
        if status:
            self.book.note("connects_refused", link=self.number, status=status, account=said["account"])
            self.answer_connect(sequence, status, said["proof"])
            return
        self.account = self.gateway.accounts[said["account"]]
        self.account.links.append(self)
        self.book.note("connects", link=self.number, account=self.account.name, version=said["version"])
        self.answer_connect(sequence, 0, said["proof"])
        if self.options.cut_every:
            self.timers.append(self.after(self.options.cut_every, self.cut))
        if self.options.active_test:
            self.timers.append(self.after(self.options.active_test, self.watch))
        self.gateway.pump(self.account)

    def judge(self, fields, said):
        options = self.options
        if self.account:
            fields.fault(1, "CONNECT: twice on one connection")
        if said["version"] != 0x30:
            fields.fault(4, f"Version: {said['version']:#x}")
        if options.skew:
            now = time.strptime(f"2024{said['stamp']:010d}", "%Y%m%d%H%M%S") if not fields.faults else None
            there = self.gateway.now()
            if now and abs((now.tm_yday - there.replace(year=2024).timetuple().tm_yday) * 86400 + (now.tm_hour - there.hour) * 3600
                           + (now.tm_min - there.minute) * 60 + now.tm_sec - there.second) > options.skew:
                fields.fault(3, f"Timestamp: {said['stamp']:010d} is not {there:%m%d%H%M%S}")
        status = self.faults(fields, wire.CONNECT)
        if status:
            return status
        account = self.gateway.accounts.get(said["account"])
        if not account:
            return 2
        if said["proof"] != wire.authenticator_source(account.name, account.secret, said["stamp"]):
            return 3
        if options.connections and len(account.links) >= options.connections:
            return 5
        if options.version < said["version"] and options.version_status:
            return options.version_status
        return 0

    def answer_connect(self, sequence, status, proof):
        wide = self.options.version >= 0x30
        account, ours = self.account, bytes(16)
        if status == 0:
            secret = account.secret + ("x" if self.options.bad_authenticator else "")
            ours = wire.authenticator_ismg(status, proof, secret, wide)
        self.send(wire.connect_response(sequence, status, ours, self.options.version, wide))
        if status:
            self.close()

    def terminate(self, sequence, body):
        if body:
            self.violation(f"Total_Length: TERMINATE has a body of {len(body)}", wire.TERMINATE)
        if self.outstanding:
            self.book.write("terminated_early", link=self.number, unanswered=self.outstanding)
        self.book.note("terminates", link=self.number)
        self.terminating = True
        self.send(wire.packet(wire.TERMINATE | wire.RESPONSE, sequence))
        self.timers.append(self.after(2, self.close))

    def terminate_answered(self, _, body):
        if body or not self.terminating:
            self.violation("TERMINATE_RESP: not asked, or with a body")
        self.close()

    def hang_up(self):
        """The gateway's own TERMINATE."""
        self.terminating = True
        self.book.note("terminates_sent", link=self.number)
        self.send(wire.packet(wire.TERMINATE, self.next()))
        self.timers.append(self.after(5, self.close))

    def active_test(self, sequence, body):
        if body:
            self.violation(f"Total_Length: ACTIVE_TEST has a body of {len(body)}", wire.ACTIVE_TEST)
        self.book.count("active_tests")
        if not self.options.silent_test:
            self.send(wire.packet(wire.ACTIVE_TEST | wire.RESPONSE, sequence, b"\0"))

    def active_test_answered(self, sequence, body):
        if sequence not in self.tests:
            self.violation(f"ACTIVE_TEST_RESP: Sequence_Id {sequence} was not asked")
        if body != b"\0":
            self.violation(f"ACTIVE_TEST_RESP: its body is {body.hex() or 'empty'}, not one reserved byte")
        self.tests.clear()
        self.missed = 0

    def watch(self):
        """ACTIVE_TEST when nothing came for C; three without an answer end the link."""
        quiet = time.monotonic() - self.heard
        if quiet >= self.options.active_test:
            if self.missed >= 3:
                self.book.note("active_tests_missed", link=self.number)
                self.close()
                return
            self.missed += 1
            self.test()
        self.timers.append(self.after(self.options.active_test, self.watch))

    def test(self):
        sequence = self.next()
        self.tests[sequence] = time.monotonic()
        self.book.count("active_tests_sent")
        self.send(wire.packet(wire.ACTIVE_TEST, sequence))

    def next(self):
        self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        return self.sequence

    # trouble

    def cut(self, mode=None):
        mode = mode or self.options.cut_mode
        self.book.note("cuts", link=self.number, mode=mode)
        if mode == "half":
            self.send(wire.packet(wire.ACTIVE_TEST | wire.RESPONSE, 1, b"\0")[:7])
        if mode == "stall":
            self.stalled = True
            self.transport.pause_reading()
        elif mode == "rst":
            self.transport.abort()
        else:
            self.close()

    # messages

    def submit(self, sequence, body):
        self.book.count("submits")
        before = self.answers.get(sequence)
        if before and before[0] == body:
            self.book.note("resent", link=self.number, sequence=sequence)
            if before[1] is not None:
                self.send(before[1])
            return
        if before and before[1] is None:
            self.violation(f"Sequence_Id: {sequence} is still unanswered", wire.SUBMIT)
            self.send(self.submit_response(sequence, 0, wire.REPEATED))
            return
        self.outstanding += 1
        self.remember(sequence, body, None)
        result, values = self.weigh(body)
        messages = [] if result else self.gateway.take(self.account, values)
        self.book.count("accepted", int(not result))
        self.book.results[str(result)] += 1
        self.log_submit(sequence, result, values, messages)
        self.answer_later(sequence, body, result, messages)

    def weigh(self, body):
        options, book = self.options, self.book
        try:
            fields, values = wire.read_submit(body, self.gateway.now(), options.destinations)
        except wire.Malformed as wrong:
            self.violation(wrong.what, wire.SUBMIT)
            return wrong.result, None
        if values["msg_src"] != self.account.name:
            fields.fault(wire.MSG_SOURCE, f"Msg_src: {values['msg_src']!r} is not {self.account.name!r}")
        if not values["source"].startswith(options.source):
            fields.fault(wire.SOURCE, f"Src_Id: {values['source']!r} does not begin with {options.source!r}")
        if options.service and values["service"] not in options.service:
            fields.fault(wire.SERVICE, f"Service_Id: {values['service']!r} is not ours")
        result = self.faults(fields, wire.SUBMIT)
        if result:
            return result, values
        if options.window and self.outstanding > options.window:
            book.count("over_window")
            self.violation(f"window: more than {options.window} unanswered", wire.SUBMIT)
            return wire.FLOW, values
        if self.gateway.throttles() or not self.has_token():
            book.count("throttled")
            return wire.FLOW, values
        if options.serves and not any(n.removeprefix("86").startswith(options.serves) for n in values["to"]):
            return wire.NOT_SERVED, values
        return self.gateway.fate.error(options.errors, values["to"][0]), values

    def has_token(self):
        rate = self.options.rate
        if not rate:
            return True
        now = time.monotonic()
        self.tokens, self.refilled = min(float(rate), self.tokens + (now - self.refilled) * rate), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def log_submit(self, sequence, result, values, messages):
        if not values or not self.options.log_submits:
            return
        self.book.write("submit", link=self.number, sequence=sequence, result=result, to=values["to"], source=values["source"],
                        part=values["number"], parts=values["total"], format=values["format"], level=values["level"], report=values["report"],
                        service=values["service"], words=values["words"], reference=values["part"] and values["part"][0],
                        valid_until=values["valid_until"] and values["valid_until"].isoformat(), ids=[f"{m.id:016x}" for m in messages])

    def answer_later(self, sequence, body, result, messages):
        to, part = (messages[0].to, messages[0].number) if messages else ("", 1)
        fate, gateway = self.gateway.fate, self.gateway
        once = (self.account.name, to, part)
        if messages and fate.strikes("mute", self.options.no_answer, to, part) and once not in gateway.lost_answers:
            gateway.lost_answers.add(once)
            self.book.count("answers_lost")
            self.outstanding -= 1  # the gateway has done with it; the client cannot know
            answer = self.submit_response(sequence, messages[0].id, 0)
            self.remember(sequence, body, answer)
            for message in messages:
                gateway.settle(message)
            return
        delay = fate.between("latency", self.options.latency, to, part)
        if delay > 0:
            self.under_way[sequence] = (self.after(delay, self.answer_submit, sequence, body, result, messages), messages)
        else:
            self.answer_submit(sequence, body, result, messages)

    def answer_submit(self, sequence, body, result, messages):
        self.under_way.pop(sequence, None)
        early = [message for message in messages if self.gateway.early(message)]
        for message in early:
            self.book.count("reports_early")
            delivery = self.gateway.report_of(message, self.gateway.stat(message))
            message.final = self.gateway.stat(message)
            self.book.count("reports")
            self.send_delivery(delivery)
        self.outstanding -= 1
        answer = self.submit_response(sequence, messages[0].id if messages else 0, result)
        self.remember(sequence, body, answer)
        self.send(answer)
        for message in messages:
            self.gateway.settle(message)

    def submit_response(self, sequence, id, result):
        return wire.packet(wire.SUBMIT | wire.RESPONSE, sequence, struct.pack(">QI", id, result))

    def remember(self, sequence, body, answer):
        self.answers[sequence] = (body, answer)
        self.answers.move_to_end(sequence)
        while len(self.answers) > 4096:
            self.answers.popitem(last=False)

    # deliveries

    def takes_deliveries(self):
        return (not self.stalled and not self.terminating and not self.transport.is_closing()
                and len(self.unanswered) < self.options.deliver_window)

    def send_delivery(self, delivery, sequence=None):
        sequence = sequence or self.next()
        delivery.sends += 1
        timer = self.after(self.options.resend, self.not_answered, sequence)
        self.unanswered[sequence] = (delivery, timer)
        self.send(wire.packet(wire.DELIVER, sequence, delivery.body))

    def not_answered(self, sequence):
        delivery, _ = self.unanswered.pop(sequence)
        self.book.count("reports_again")
        if delivery.sends % 3:
            self.send_delivery(delivery, sequence)
            return
        self.forget(sequence)
        self.book.note("mute", link=self.number, outer=f"{delivery.outer:016x}", sends=delivery.sends)
        self.account.waiting.append(delivery)
        self.close()

    def forget(self, sequence):
        self.late[sequence] = True
        while len(self.late) > 4096:
            self.late.popitem(last=False)

    def delivered(self, sequence, body):
        fields, outer, result = wire.read_deliver_response(body)
        self.faults(fields, wire.DELIVER)
        if sequence not in self.unanswered:
            if sequence not in self.late:
                self.violation(f"DELIVER_RESP: Sequence_Id {sequence} was not sent")
            return
        delivery, timer = self.unanswered.pop(sequence)
        timer.cancel()
        self.forget(sequence)
        if outer != delivery.outer:
            self.violation(f"DELIVER_RESP: Msg_Id {outer:016x}, DELIVER said {delivery.outer:016x}")
        if result:
            self.book.note("reports_refused", link=self.number, result=result)
            self.gateway.later(self.options.resend, self.again, self.account, delivery)
        else:
            self.book.count(f"{delivery.kind}_acked")
        self.gateway.pump(self.account)

    def again(self, account, delivery):
        self.book.count("reports_again")
        account.waiting.append(delivery)
        self.gateway.pump(account)

    # questions

    def query(self, sequence, body):
        fields, day, kind, code = wire.read_query(body)
        self.faults(fields, wire.QUERY)
        self.book.note("queries", link=self.number, day=day, kind=kind, code=code)
        counts = self.book.counts
        told = [0] * 8
        if not fields.faults and day == self.gateway.now().strftime("%Y%m%d"):
            done = counts["reports_acked"]
            told = [counts["accepted"], counts["segments"], done, counts["segments"] - done, 0, counts["replies_acked"],
                    counts["replies"] - counts["replies_acked"], 0]
        self.send(wire.query_response(sequence, day, kind, code, told))

    def cancel(self, sequence, body):
        fields = wire.Fields(body)
        id = fields.number(8, "Msg_Id")
        fields.end()
        self.faults(fields, wire.CANCEL)
        message = self.gateway.messages.get(id)
        done = bool(message and message.account is self.account and not message.final)
        if done:
            message.final = "DELETED"
        self.book.note("cancels", link=self.number, id=f"{id:016x}", done=done)
        self.send(wire.packet(wire.CANCEL | wire.RESPONSE, sequence, struct.pack(">I", 0 if done else 1)))
