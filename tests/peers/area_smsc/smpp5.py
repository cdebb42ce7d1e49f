"""The broadcast part of SMPP 5.0 as its tables say, read strictly; shapes as in 3GPP TS 23.032. Shares
nothing with the channel. Fault: (status for the answer, what is wrong)."""
import re
import struct

BIND_TX, BIND_TRX, DELIVER, UNBIND, ENQUIRE, BROADCAST, QUERY, CANCEL, NACK = 2, 9, 5, 6, 0x15, 0x111, 0x112, 0x113, 0x80000000
RESPONSE = 0x80000000
REFERENCE, VERSION, PAYLOAD, STATE, CONTENT, CLASS, REPEAT, INTERVAL, AREA, ERROR, SUCCESS = (
    0x0204, 0x0210, 0x0424, 0x0427, 0x0601, 0x0603, 0x0604, 0x0605, 0x0606, 0x0607, 0x0608)
SCHEDULED, ENROUTE, DELIVERED, EXPIRED, DELETED = range(5)


class Fault(Exception):
    def __init__(self, status, what):
        super().__init__(what)
        self.status, self.what = status, what


class Body:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def u8(self):
        if self.at >= len(self.raw):
            raise Fault(0x02, "the body ends too soon")
        self.at += 1
        return self.raw[self.at - 1]

    def text(self, most, name):
        end = self.raw.find(b"\0", self.at)
        if end < 0 or end + 1 - self.at > most:
            raise Fault(0x02, f"{name}: no NUL within {most} bytes")
        self.at, value = end + 1, self.raw[self.at:end]
        if not all(0x20 <= byte < 0x7F for byte in value):
            raise Fault(0x02, f"{name}: {value!r} is not printable ASCII")
        return value.decode()

    def tlvs(self, known):
        out = []
        while self.at < len(self.raw):
            if self.at + 4 > len(self.raw):
                raise Fault(0xC0, "bytes behind the last TLV")
            tag, length = struct.unpack_from(">HH", self.raw, self.at)
            if self.at + 4 + length > len(self.raw):
                raise Fault(0xC0, f"TLV {tag:#06x} is longer than its PDU")
            if tag not in known:
                raise Fault(0xC1, f"TLV {tag:#06x} does not belong here")
            if known[tag] is not None and length != known[tag]:
                raise Fault(0xC2, f"TLV {tag:#06x} has {length} bytes, not {known[tag]}")
            if tag != AREA and any(tag == other for other, _ in out):
                raise Fault(0xC4, f"TLV {tag:#06x} twice")
            out.append((tag, self.raw[self.at + 4:self.at + 4 + length]))
            self.at += 4 + length
        return out

    def source(self):
        ton, npi = self.u8(), self.u8()
        if ton > 6 or npi not in (0, 1, 3, 4, 6, 8, 9, 10, 14, 18):
            raise Fault(0x0A, f"source_addr: ton {ton}, npi {npi}")
        return ton, npi, self.text(21, "source_addr")


def pdu(command, sequence, body=b"", status=0):
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def tlv(tag, value):
    return struct.pack(">HH", tag, len(value)) + value


def read_bind(raw):
    body = Body(raw)
    out = {"system_id": body.text(16, "system_id"), "password": body.text(65, "password"), "system_type": body.text(13, "system_type"),
           "version": body.u8()}
    body.u8(), body.u8(), body.text(41, "address_range")
    if body.at != len(raw):
        raise Fault(0x02, "bytes behind the bind")
    return out


def coordinates(raw):
    north, east = int.from_bytes(raw[:3], "big"), int.from_bytes(raw[3:6], "big")
    latitude = (north & 0x7FFFFF) * 90 / 2 ** 23 * (-1 if north & 0x800000 else 1)
    return latitude, (east - (1 << 24) if east & 0x800000 else east) * 360 / 2 ** 24


def read_area(raw):
    """A text that says what it is: "110105", "polygon ...", "circle ..."."""
    if len(raw) < 2:
        raise Fault(0x109, f"broadcast_area_identifier of {len(raw)} bytes")
    kind, details = raw[0], raw[1:]
    if kind == 0:
        try:
            return details.decode()
        except UnicodeDecodeError:
            raise Fault(0x108, f"area name {details!r}") from None
    if kind == 1:
        if len(details) != 13 or details[0] != 0xA0:
            raise Fault(0x109, f"ellipsoid arc {details.hex()}")
        latitude, longitude = coordinates(details[1:7])
        inner, outer, offset, turn, confidence = struct.unpack(">HBBBB", details[7:])
        if outer > 127 or offset > 179 or turn > 179 or confidence > 100:
            raise Fault(0x109, f"ellipsoid arc {details.hex()}")
        return f"arc {latitude:.5f},{longitude:.5f} {inner * 5}..{inner * 5 + 10 * (1.1 ** outer - 1):.0f} m {offset * 2}+{(turn + 1) * 2}"
    if kind == 2:
        count = details[0] & 15
        if details[0] >> 4 != 5 or not 3 <= count <= 15 or len(details) != 1 + 6 * count:
            raise Fault(0x109, f"polygon {details.hex()}")
        points = [coordinates(details[1 + 6 * i:7 + 6 * i]) for i in range(count)]
        if len(set(points)) != count:
            raise Fault(0x109, "a point twice in a polygon")
        turned = sum(a[1] * b[0] - b[1] * a[0] for a, b in zip(points, points[1:] + points[:1]))
        if turned > 0:
            raise Fault(0x109, "a polygon counter-clockwise: its area would be the rest of the world")
        return "polygon " + " ".join(f"{latitude:.5f},{longitude:.5f}" for latitude, longitude in points)
    raise Fault(0x109, f"area format {kind}")


def seconds(text):
    """validity_period, relative; None if empty."""
    if not text:
        return None
    if not re.fullmatch(r"\d{12}000R", text):
        raise Fault(0x62, f"validity_period {text!r}")
    year, month, day, hour, minute, second = (int(text[i:i + 2]) for i in range(0, 12, 2))
    if hour > 23 or minute > 59 or second > 59:
        raise Fault(0x62, f"validity_period {text!r}")
    return ((year * 365 + month * 30 + day) * 24 + hour) * 3600 + minute * 60 + second


UNITS = {0, 8, 9, 10, 11, 12, 13, 14}
CONTENT_TYPES = {0, 1, 2, *range(0x10, 0x24), *range(0x30, 0x42), 0x70, 0x71, *range(0x80, 0x86), 0x100}


def read_broadcast(raw):
    body = Body(raw)
    out = {"service_type": body.text(6, "service_type"), "source": body.source(), "message_id": body.text(65, "message_id"),
           "priority": body.u8()}
    if out["priority"] > 4:
        raise Fault(0x06, f"priority_flag {out['priority']}")
    if body.text(17, "schedule_delivery_time"):
        raise Fault(0x61, "a schedule")
    out["valid"] = seconds(body.text(17, "validity_period"))
    out["replace"], out["coding"], default = body.u8(), body.u8(), body.u8()
    if out["replace"] > 1 or default:
        raise Fault(0x54, f"replace_if_present_flag {out['replace']}, sm_default_msg_id {default}")
    known = {AREA: None, CONTENT: 3, REPEAT: 2, INTERVAL: 3, PAYLOAD: None, REFERENCE: 2, CLASS: 1}
    tlvs = body.tlvs(known)
    given = dict(tlvs)
    for tag in (AREA, CONTENT, REPEAT, INTERVAL, PAYLOAD):
        if tag not in given:
            raise Fault(0xC3, f"TLV {tag:#06x} is missing")
    out["areas"] = [(value, read_area(value)) for tag, value in tlvs if tag == AREA]
    if len({value for value, _ in out["areas"]}) != len(out["areas"]):
        raise Fault(0x10A, "an area twice")
    network, out["content"] = given[CONTENT][0], int.from_bytes(given[CONTENT][1:], "big")
    if network > 3 or out["content"] not in CONTENT_TYPES:
        raise Fault(0x10B, f"broadcast_content_type {given[CONTENT].hex()}")
    out["repeat"] = int.from_bytes(given[REPEAT], "big")
    unit, every = given[INTERVAL][0], int.from_bytes(given[INTERVAL][1:], "big")
    if unit not in UNITS or (unit == 0) != (every == 0):
        raise Fault(0x107, f"broadcast_frequency_interval {given[INTERVAL].hex()}")
    if CLASS in given and given[CLASS][0] > 3:
        raise Fault(0x10C, f"broadcast_message_class {given[CLASS][0]}")
    out["reference"] = int.from_bytes(given[REFERENCE], "big") if REFERENCE in given else None
    if out["message_id"] and out["reference"] is not None:
        raise Fault(0xC1, "message_id and user_message_reference at once")
    try:
        out["words"] = {0: lambda text: text.decode("ascii"), 8: lambda text: text.decode("utf-16-be")}[out["coding"]](given[PAYLOAD])
    except (KeyError, UnicodeDecodeError):
        raise Fault(0x104, f"data_coding {out['coding']} with {given[PAYLOAD].hex()}") from None
    if not out["words"]:
        raise Fault(0x01, "no words")
    return out


def read_which(raw, cancel):
    body = Body(raw)
    out = {"service_type": body.text(6, "service_type") if cancel else "", "message_id": body.text(65, "message_id"), "source": body.source()}
    given = dict(body.tlvs({REFERENCE: 2, **({CONTENT: 3} if cancel else {})}))
    out["reference"] = int.from_bytes(given[REFERENCE], "big") if REFERENCE in given else None
    if bool(out["message_id"]) == (out["reference"] is not None):
        raise Fault(0x0C, "message_id or user_message_reference, one of them")
    return out
