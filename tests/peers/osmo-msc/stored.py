#!/usr/bin/env python3
"""stored.py sms.db: what osmo-msc keeps, a line a message: destination, source, parts, words. Parts are put
together by their user data header; "?" where one is missing."""
import sqlite3
import sys

single, parts = [], {}
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute(
    "select dest_addr, src_addr, data_coding_scheme, ud_hdr_ind, user_data from SMS order by id")
for to, source, coding, header, data in rows:
    assert coding == 8, f"data_coding_scheme {coding}"
    if not header:
        single.append((to, source, 1, data.decode("utf-16-be")))
        continue
    assert data[:3] == b"\5\0\3" or data[:3] == b"\6\x08\4", data[:7].hex()
    length = data[0] + 1
    reference, total, number = data[3:length - 2], data[length - 2], data[length - 1]
    parts.setdefault((to, source, reference, total), {})[number] = data[length:].decode("utf-16-be")
for (to, source, _, total), found in parts.items():
    single.append((to, source, total, "".join(found.get(number, "?") for number in range(1, total + 1))))
for entry in sorted(single):
    print(*entry)
