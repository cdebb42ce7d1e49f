#!/usr/bin/env python3
"""The whole server against a message centre that none of us wrote (npm smpp): an alert's texts are
taken, and the receipts that make it delivered are that program's own."""
import json
import os
import shutil
import subprocess
import sys

import harness

FOLDER = os.path.join(harness.ROOT, "tests", "peers", "node-smpp")


def main():
    if not shutil.which("node") or not os.path.isdir(os.path.join(FOLDER, "node_modules")):
        print("node or its packages are missing: run scripts/setup")
        return 1
    server = harness.Server(sample=2000)
    environment = dict(os.environ, PORT="0", DLR_DELAY_MS="50", IDFMT="hexdec", NO_TLV="1")
    peer = subprocess.Popen(["node", os.path.join(FOLDER, "smsc.js")], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        port = int(peer.stdout.readline().split()[1])
        server.start_smsc()  # not used: for its password file
        server.append(harness.SMPP.format(port=port, test_port=1).replace(
            'password_file = "smpp.password"', 'password_file = "smpp.password"\nid_form = "resp_hex_receipt_dec"\nreceipt_tlv = false'))
        server.start()
        server.run("audience", "import", "public", server.city + "/audience.csv")
        status, body, _ = server.post(harness.cap("n-1", districts=("110109", "110111")))
        assert status == 202, body
        server.settled(body["id"], timeout=60)
        sms = next(d for d in server.deliveries(body["id"]) if d["endpoint"] == "sms")
        assert sms["state"] == "delivered", sms
        assert sms["counts"]["delivered"] == sms["counts"]["total"] > 50, sms["counts"]
        print(json.dumps(sms["counts"]))
    finally:
        server.close()
        peer.terminate()
        peer.wait(timeout=10)
        peer.stdout.close()
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
