#!/usr/bin/env python3
"""relay.py PORT [CUT]: passes SMPP on to 127.0.0.1:PORT as it is and counts what is unanswered; once, after CUT
submits, it cuts. Prints "port N", and a line of JSON when it ends by SIGTERM."""
import asyncio
import json
import os
import signal
import struct
import sys

SUBMIT, ANSWER = 4, 0x80000004
told = {"submits": 0, "answers": 0, "most_unanswered": 0, "cuts": 0, "broken": 0}
cut_after = int(sys.argv[2]) if len(sys.argv) > 2 else 0
ids = set()


def count(command, body, unanswered):
    if command == SUBMIT:
        told["submits"] += 1
        unanswered.add(body[12:16])
        told["most_unanswered"] = max(told["most_unanswered"], len(unanswered))
    elif command == ANSWER:
        told["answers"] += 1
        unanswered.discard(body[12:16])
        ids.add(body[16:])


async def pump(source, sink, unanswered):
    try:
        while True:
            head = await source.readexactly(16)
            length, command = struct.unpack(">II", head[:8])
            body = head + await source.readexactly(length - 16)
            count(command, body, unanswered)
            sink.write(body)
            await sink.drain()
            if cut_after and told["submits"] >= cut_after and not told["cuts"]:
                told["cuts"] = 1
                return
    except (asyncio.IncompleteReadError, ConnectionError) as gone:
        told["broken"] += bool(getattr(gone, "partial", b""))
    finally:
        sink.close()


async def take(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    unanswered = set()
    await asyncio.gather(pump(reader, back, unanswered), pump(there, writer, unanswered))


async def main():
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    end = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set_result, None)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await end
    print(json.dumps({**told, "ids": len(ids)}), flush=True)
    os._exit(0)

asyncio.run(main())
