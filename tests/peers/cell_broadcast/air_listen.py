#!/usr/bin/env python3
"""A virtual handset: joins the GSMTAP multicast of osmo-bts-virtual, reassembles CBCH blocks into
pages and pages into messages, and prints one JSON object per line.  Python 3 stdlib only, no privilege.

  air_listen.py [--group 239.193.1.1] [--port 4729] [--dev lo] [--seconds 30]
                [--expect-msgid N] [--expect-serial N] [--expect-text SUBSTRING] [--arfcn N] [--pages]
With --expect-*: exit 0 as soon as a complete message matches, 1 at the end of --seconds.
"""
import argparse, json, socket, struct, sys, time

GSM7 = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
        "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
EXT = {"^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2f, "[": 0x3c, "~": 0x3d, "]": 0x3e, "|": 0x40,
       "€": 0x65, "\f": 0x0a}


def unpack7(data, n=93):
    acc = nbits = 0
    out = []
    for b in data:
        acc |= b << nbits
        nbits += 8
        while nbits >= 7 and len(out) < n:
            out.append(acc & 127)
            acc >>= 7
            nbits -= 7
    text, esc = "", False
    inv = {v: k for k, v in EXT.items()}
    for c in out:
        if esc:
            text += inv.get(c, " ")
            esc = False
        elif c == 0x1b:
            esc = True
        else:
            text += GSM7[c]
    return text.rstrip("\r")


CBCH = (0x0c, 0x0f)            # GSMTAP channel types: CBCH on SDCCH/8 (52) and on CCCH+SDCCH/4 (51)


def text_of(dcs, pages):
    if dcs in (0x48, 0x11) or (dcs & 0xcc) == 0x48:
        raw = b"".join(pages)
        if dcs == 0x11:
            raw = raw[2:]
        return raw.decode("utf-16-be", "replace").rstrip("\r\0")
    return "".join(unpack7(p) for p in pages)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--group", default="239.193.1.1")
    ap.add_argument("--port", type=int, default=4729)
    ap.add_argument("--dev", default="lo")
    ap.add_argument("--seconds", type=float, default=30)
    ap.add_argument("--arfcn", type=int)
    ap.add_argument("--pages", action="store_true", help="also one line per page")
    ap.add_argument("--expect-msgid", type=lambda s: int(s, 0))
    ap.add_argument("--expect-serial", type=lambda s: int(s, 0))
    ap.add_argument("--expect-text")
    a = ap.parse_args()
    expect = a.expect_msgid is not None or a.expect_serial is not None or a.expect_text is not None
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((a.group, a.port))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 struct.pack("4s4si", socket.inet_aton(a.group), b"\0" * 4, socket.if_nametoindex(a.dev)))
    t0 = time.monotonic()
    blocks, msgs, null = {}, {}, 0
    while True:
        left = a.seconds - (time.monotonic() - t0)
        if left <= 0:
            break
        s.settimeout(left)
        try:
            f = s.recv(2048)
        except socket.timeout:
            break
        if len(f) < 16 or f[0] != 2 or f[2] != 1 or f[12] not in CBCH:
            continue
        hl = f[1] * 4
        arfcn = struct.unpack(">H", f[4:6])[0] & 0x3fff
        if a.arfcn is not None and arfcn != a.arfcn:
            continue
        fn = struct.unpack(">I", f[8:12])[0]
        tb = (fn // 51) % 8
        chan = "basic" if tb < 4 else "extended"
        b = f[hl:]
        if (b[0] >> 5) & 3 != 1:               # link protocol discriminator of SMSCB is 01
            continue
        seq, last = b[0] & 15, bool(b[0] & 16)
        if seq == 15:
            null += 1
            continue
        k = (arfcn, chan)
        if seq == 0:
            blocks[k] = [b[1:23]]
        elif k in blocks and len(blocks[k]) == seq:
            blocks[k].append(b[1:23])
        else:
            blocks.pop(k, None)
            continue
        if not last:
            continue
        page = b"".join(blocks.pop(k))
        serial, msgid, dcs, pp = struct.unpack(">HHBB", page[:6])
        nr, total = pp >> 4, pp & 15
        o = {"t": round(time.monotonic() - t0, 3), "arfcn": arfcn, "chan": chan, "fn": fn, "msgid": msgid,
             "serial": "0x%04x" % serial, "dcs": "0x%02x" % dcs, "page": nr, "pages": total}
        if a.pages:
            print(json.dumps(dict(o, hex=page[6:].hex())), flush=True)
        m = msgs.setdefault((arfcn, chan, msgid, serial), {})
        m[nr] = page[6:]
        if len(m) == total:
            body = [m[i] for i in sorted(m)]
            txt = text_of(dcs, body)
            o.update(text=txt, complete=True)
            o.pop("page")
            print(json.dumps(o, ensure_ascii=False), flush=True)
            msgs[(arfcn, chan, msgid, serial)] = {}
            if expect and (a.expect_msgid in (None, msgid)) and (a.expect_serial in (None, serial)) \
                    and (a.expect_text is None or a.expect_text in txt):
                return 0
    print(json.dumps({"end": True, "null_blocks": null}), flush=True)
    return 1 if expect else 0


sys.exit(main())
