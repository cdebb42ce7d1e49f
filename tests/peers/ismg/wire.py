"""CMPP 3.0 as its byte tables say, read strictly: each field that is not as written is a fault.

Written from the specification (China Mobile, QB-GF-028-2003) and from nothing else: it must not agree
with a client's mistake. A fault is (result for the answer, what is wrong); the answer takes the first.
"""
import hashlib
import re
import struct
from datetime import datetime, timedelta, timezone

CONNECT, TERMINATE, SUBMIT, DELIVER, QUERY, CANCEL, ACTIVE_TEST = 1, 2, 4, 5, 6, 7, 8
RESPONSE = 0x80000000
NAMES = {1: "CONNECT", 2: "TERMINATE", 4: "SUBMIT", 5: "DELIVER", 6: "QUERY", 7: "CANCEL", 8: "ACTIVE_TEST"}
HEADER = 12
PACKET_MAX = 12 + 151 + 32 * 99 + 255
BEIJING = timezone(timedelta(hours=8))

# Result of SUBMIT_RESP
STRUCTURE, COMMAND, REPEATED, LENGTH, FEE_CODE, TOO_LONG, SERVICE, FLOW, NOT_SERVED, SOURCE, MSG_SOURCE, FEE_TERMINAL, \
    DESTINATION = range(1, 14)


class Malformed(Exception):
    """So wrong that nothing behind it can be read."""

    def __init__(self, result, what):
        super().__init__(what)
        self.result, self.what = result, what


class Fields:
    """Walks a body; faults are collected, only a missing byte stops the walk."""

    def __init__(self, body):
        self.body, self.at, self.faults = body, 0, []

    def fault(self, result, what):
        self.faults.append((result, what))

    def octets(self, count, name):
        if self.at + count > len(self.body):
            raise Malformed(LENGTH, f"{name}: the packet ends before it")
        self.at += count
        return self.body[self.at - count:self.at]

    def number(self, count, name, result=STRUCTURE, among=None):
        value = int.from_bytes(self.octets(count, name), "big")
        if among is not None and value not in among:
            self.fault(result, f"{name} is {value}")
        return value

    def text(self, count, name, result=STRUCTURE):
        """Left aligned, printable ASCII, NUL to its full width and nothing behind the first NUL."""
        raw = self.octets(count, name)
        value = raw.split(b"\0", 1)[0]
        if raw.rstrip(b"\0") != value:
            self.fault(result, f"{name}: bytes behind its first NUL: {raw.hex()}")
        if not all(0x20 <= byte < 0x7F for byte in value):
            self.fault(result, f"{name}: not printable ASCII: {raw.hex()}")
        return value.decode("latin-1")

    def end(self, result=LENGTH):
        """Bytes too many explain the other faults: first."""
        if self.at != len(self.body):
            self.faults.insert(0, (result, f"{len(self.body) - self.at} bytes too many"))


def packet(command, sequence, body=b""):
    return struct.pack(">III", HEADER + len(body), command, sequence) + body


def padded(text, count):
    raw = text if isinstance(text, bytes) else text.encode("ascii")
    assert len(raw) <= count, (text, count)
    return raw.ljust(count, b"\0")


# CONNECT

def authenticator_source(account, secret, stamp):
    return hashlib.md5(account.encode() + bytes(9) + secret.encode() + f"{stamp:010d}".encode()).digest()


def authenticator_ismg(status, source, secret, wide=True):
    return hashlib.md5(status.to_bytes(4 if wide else 1, "big") + source + secret.encode()).digest()


def read_connect(body):
    fields = Fields(body)
    account = fields.text(6, "Source_Addr", 2)
    proof = fields.octets(16, "AuthenticatorSource")
    version = fields.number(1, "Version")
    stamp = fields.number(4, "Timestamp")
    fields.end(STRUCTURE)
    if not account:
        fields.fault(2, "Source_Addr is empty")
    try:
        datetime.strptime(f"2024{stamp:010d}", "%Y%m%d%H%M%S")
    except ValueError:
        fields.fault(1, f"Timestamp {stamp} is no MMDDHHMMSS")
    return fields, {"account": account, "proof": proof, "version": version, "stamp": stamp}


def connect_response(sequence, status, proof, version, wide=True):
    return packet(CONNECT | RESPONSE, sequence, status.to_bytes(4 if wide else 1, "big") + proof + bytes([version]))


# SUBMIT

TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([+\-R])")


def read_time(fields, name, now):
    """SMPP's YYMMDDhhmmsstnnp in 17 octets, or nothing."""
    value = fields.text(17, name)
    if not value:
        return None
    found = TIME.fullmatch(value)
    if not found:
        fields.fault(STRUCTURE, f"{name} is {value!r}, not YYMMDDhhmmsstnnp")
        return None
    year, month, day, hour, minute, second, _, quarters = map(int, found.groups()[:8])
    if found[9] == "R":
        if quarters:
            fields.fault(STRUCTURE, f"{name} is relative and names a zone: {value}")
        if hour > 23 or minute > 59 or second > 59:
            fields.fault(STRUCTURE, f"{name} is no time: {value}")
        return now + timedelta(days=365 * year + 30 * month + day, hours=hour, minutes=minute, seconds=second)
    zone = timezone(timedelta(minutes=15 * quarters) * (1 if found[9] == "+" else -1)) if quarters <= 48 else None
    if zone is None:
        fields.fault(STRUCTURE, f"{name}: {quarters} quarters of an hour from UTC")
        return None
    try:
        when = datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        fields.fault(STRUCTURE, f"{name} is no time: {value}")
        return None
    if when <= now:
        fields.fault(STRUCTURE, f"{name} is over: {value}")
    return when


def read_fees(fields):
    who = fields.number(1, "Fee_UserType", STRUCTURE, range(4))
    payer = fields.text(32, "Fee_terminal_Id", FEE_TERMINAL)
    fields.number(1, "Fee_terminal_type", FEE_TERMINAL, (0, 1))
    if (who == 3) != bool(payer):
        fields.fault(FEE_TERMINAL, f"Fee_UserType {who} with Fee_terminal_Id {payer!r}: one excludes the other")
    if payer and not payer.isdigit():
        fields.fault(FEE_TERMINAL, f"Fee_terminal_Id is {payer!r}")


def read_header(fields):
    """The UDH of TP_udhi = 1: (reference, total, number) and its length."""
    content, at, part = fields["content"], 1, None
    if not content or content[0] + 1 > len(content):
        raise Malformed(STRUCTURE, "the user data header is longer than the message")
    end = content[0] + 1
    while at < end:
        if at + 2 > end or at + 2 + content[at + 1] > end:
            raise Malformed(STRUCTURE, f"user data header {content[:end].hex()} does not add up")
        kind, value = content[at], content[at + 2:at + 2 + content[at + 1]]
        if kind in (0, 8):
            if len(value) != (3 if kind == 0 else 4) or part:
                raise Malformed(STRUCTURE, f"concatenation element {content[:end].hex()}")
            part = (int.from_bytes(value[:-2], "big"), value[-2], value[-1])
        at += 2 + len(value)
    return part, end


def read_words(fmt, content):
    """What a phone would show; raises ValueError for what the coding does not hold."""
    if fmt & 0xEF == 0:  # 0, and 16 with a message class
        if any(byte > 0x7F for byte in content):
            raise ValueError("a byte over 7F in ASCII")
        return content.decode("ascii")
    if fmt & 0xEF == 8:
        if len(content) % 2:
            raise ValueError("UCS2 of an odd number of bytes")
        return content.decode("utf-16-be")
    if fmt == 15:
        return content.decode("gb18030")
    return content.hex()


def read_submit(body, now, destinations_max=99):
    """(fields with .faults, values); Malformed if it cannot be walked to its end."""
    fields = Fields(body)
    out = {"msg_id": fields.number(8, "Msg_Id", STRUCTURE, (0,))}
    out["total"] = fields.number(1, "Pk_total")
    out["number"] = fields.number(1, "Pk_number")
    if not 1 <= out["number"] <= out["total"]:
        fields.fault(STRUCTURE, f"Pk_number {out['number']} of Pk_total {out['total']}")
    out["report"] = fields.number(1, "Registered_Delivery", STRUCTURE, (0, 1))
    out["level"] = fields.number(1, "Msg_level", STRUCTURE, range(10))
    out["service"] = fields.text(10, "Service_Id", SERVICE)
    read_fees(fields)
    fields.number(1, "TP_pId", STRUCTURE, {0, *range(0x40, 0x48), 0x7F})
    udhi = fields.number(1, "TP_udhi", STRUCTURE, (0, 1))
    out["format"] = fields.number(1, "Msg_Fmt", STRUCTURE, (0, 3, 4, 8, 15, 16, 24))
    out["msg_src"] = fields.text(6, "Msg_src", MSG_SOURCE)
    fee = fields.text(2, "FeeType", FEE_CODE)
    if fee not in ("01", "02", "03", "04", "05"):
        fields.fault(FEE_CODE, f"FeeType is {fee!r}")
    price = fields.text(6, "FeeCode", FEE_CODE)
    if price and not price.isdigit():
        fields.fault(FEE_CODE, f"FeeCode is {price!r}")
    out["valid_until"] = read_time(fields, "ValId_Time", now)
    out["at"] = read_time(fields, "At_Time", now)
    out["source"] = fields.text(21, "Src_Id", SOURCE)
    if not out["source"].isdigit():
        fields.fault(SOURCE, f"Src_Id is {out['source']!r}")
    count = fields.number(1, "DestUsr_tl")
    if not 1 <= count <= 99:
        raise Malformed(STRUCTURE, f"DestUsr_tl is {count}")
    if count > destinations_max:
        fields.fault(STRUCTURE, f"DestUsr_tl is {count}, this gateway takes {destinations_max}")
    out["to"] = [fields.text(32, "Dest_terminal_Id", DESTINATION) for _ in range(count)]
    for number in out["to"]:
        if not re.fullmatch(r"(86)?1[3-9]\d{9}", number):
            fields.fault(DESTINATION, f"Dest_terminal_Id is {number!r}")
    if len(set(out["to"])) != count:
        fields.fault(DESTINATION, "one number twice in one SUBMIT")
    fields.number(1, "Dest_terminal_type", DESTINATION, (0, 1))
    length = fields.number(1, "Msg_Length")
    out["content"] = fields.octets(length, "Msg_Content")
    fields.text(20, "LinkID")
    fields.end()
    if length > (160 if out["format"] in (0, 16) else 140):
        fields.fault(TOO_LONG, f"Msg_Length {length} with Msg_Fmt {out['format']}")
    read_content(fields, out, udhi)
    return fields, out


def read_content(fields, out, udhi):
    out["part"], start = None, 0
    if udhi:
        out["part"], start = read_header(out)
    said = out["part"][1:] if out["part"] else (1, 1)
    if said != (out["total"], out["number"]):
        fields.fault(STRUCTURE, f"part {said[1]} of {said[0]} in the user data header, "
                     f"Pk_number {out['number']} of Pk_total {out['total']}")
    if out["format"] in (0, 16) and start and (len(out["content"]) - start) > 153:
        fields.fault(TOO_LONG, "more than 153 septets behind a user data header")
    if len(out["content"]) == start:
        fields.fault(STRUCTURE, "no words")
    try:
        out["words"] = read_words(out["format"], out["content"][start:])
    except ValueError as wrong:
        fields.fault(STRUCTURE, f"Msg_Content: {wrong}")
        out["words"] = ""


# DELIVER

STAMP = "%y%m%d%H%M"


def report(message, stat, submitted, done, to, smsc_sequence, wide=True):
    return (struct.pack(">Q", message) + padded(stat, 7) + padded(submitted.strftime(STAMP), 10) + padded(done.strftime(STAMP), 10)
            + padded(to, 32 if wide else 21) + struct.pack(">I", smsc_sequence))


def deliver(outer, dest, source, is_report, content, fmt=0, udhi=0, service=""):
    return (struct.pack(">Q", outer) + padded(dest, 21) + padded(service, 10) + bytes([0, udhi, fmt]) + padded(source, 32)
            + bytes([0, 1 if is_report else 0, len(content)]) + content + bytes(20))


def read_deliver_response(body):
    fields = Fields(body)
    message, result = fields.number(8, "Msg_Id"), fields.number(4, "Result")
    fields.end()
    return fields, message, result


# QUERY and CANCEL

def read_query(body):
    fields = Fields(body)
    day = fields.text(8, "Time")
    kind = fields.number(1, "Query_Type", STRUCTURE, (0, 1))
    code = fields.text(10, "Query_Code")
    if fields.octets(8, "Reserve") != bytes(8):
        fields.fault(STRUCTURE, "Reserve is not empty")
    fields.end()
    try:
        datetime.strptime(day, "%Y%m%d")
    except ValueError:
        fields.fault(STRUCTURE, f"Time is {day!r}, not YYYYMMDD")
    if (kind == 1) != bool(code):
        fields.fault(STRUCTURE, f"Query_Type {kind} with Query_Code {code!r}")
    return fields, day, kind, code


def query_response(sequence, day, kind, code, counts):
    return packet(QUERY | RESPONSE, sequence, padded(day, 8) + bytes([kind]) + padded(code, 10) + struct.pack(">8I", *counts))


def message_id(when, gateway, sequence):
    """Month 4 bits, day 5, hour 5, minute 6, second 6, gateway 22, sequence 16."""
    high = (((when.month << 5 | when.day) << 5 | when.hour) << 6 | when.minute) << 6 | when.second
    return (high << 22 | gateway) << 16 | sequence
