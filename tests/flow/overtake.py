#!/usr/bin/env python3
"""A red campaign overtakes a running yellow one, which goes on where it stopped; a cancelled one
stops at once and says how many it reached.   scar: F2"""
import collections
import sys
import time

import harness

RATE = 2000


def main():
    server = harness.Server(sample=20_000)
    failed = True
    try:
        port = server.start_smsc("--latency", "5ms", "--text")
        server.append(harness.SMPP.format(port=port, test_port=1).replace(
            'password_file = "smpp.password"', f'password_file = "smpp.password"\nrate = {RATE}'))
        server.start()
        server.run("audience", "import", "public", server.city + "/audience.csv")
        yellow = accepted(server, harness.cap("o-yellow", colour="Yellow", severity="Moderate", districts=("110000",)))
        server.wait(lambda: len(server.submits()) > RATE, 30, "the yellow campaign to run")
        red = accepted(server, harness.cap("o-red", colour="Red", districts=("110109",)))
        at = time.time()
        server.wait(lambda: any("红色" in s["text"] for s in server.submits()), 20, "the first red text")
        submits = server.submits()
        first = next(i for i, s in enumerate(submits) if "红色" in s["text"])
        between = sum(1 for s in submits[:first] if s["time"] >= at)
        print(f"{between} yellow texts between the answer to the red alert and its first text")
        assert between <= 0.3 * RATE, "red waited longer than two slices"
        server.settled(red)
        after_red = [s for s in submits_of(server, "红色")]
        assert max(collections.Counter(s["destination"] for s in after_red).values()) == 1
        reached_at_red_end = len(submits_of(server, "黄色"))
        server.settled(yellow, timeout=60)
        sms = next(d for d in server.deliveries(yellow) if d["endpoint"] == "sms")
        told = collections.Counter(s["destination"] for s in submits_of(server, "黄色"))
        assert reached_at_red_end < len(told), "yellow was not overtaken"
        assert len(told) == sms["counts"]["total"] == sms["counts"]["delivered"], (len(told), sms["counts"])
        assert set(told.values()) == {1}, "somebody got yellow twice"
        print(f"yellow went on after {reached_at_red_end} of {len(told)}: each once")
        cancelled(server)
        narrowed(server)
        failed = False
    finally:
        server.close(keep=failed)
    print("ok")


def cancelled(server):
    alert = harness.cap("o-orange", colour="Orange", severity="Severe", districts=("110000",))
    at = time.time()
    orange = accepted(server, alert)
    server.wait(lambda: len(submits_of(server, "橙色")) > RATE, 30, "the orange campaign to run")
    status, body, _ = server.call("POST", f"/v1/alerts/{orange}/cancel", b'{"reason": "test of the cancel"}', "sender", "application/json")
    assert status == 202, body
    server.settled(body["id"], timeout=60)
    sms = next(d for d in server.deliveries(orange) if d["endpoint"] == "sms")
    reached = {s["destination"] for s in submits_of(server, "橙色")}
    assert sms["counts"]["handed"] == len(reached) < sms["counts"]["total"], (len(reached), sms["counts"])
    lifted = {s["destination"] for s in server.submits() if s["time"] > at and s["destination"] in reached
              and ("解除" in s["text"] or "lifted" in s["text"].lower() or "over" in s["text"].lower())}
    back = next(d for d in server.deliveries(body["id"]) if d["endpoint"] == "sms")
    assert back["counts"]["delivered"] == back["counts"]["total"] == len(reached), (back["counts"], len(reached))
    assert lifted == reached, (len(lifted), len(reached))
    print(f"cancelled after {len(reached)} of {sms['counts']['total']}, and says so")


def narrowed(server):
    """An update to a smaller area, then a cancel: whoever was told anything is told that it is over."""
    begun = len(server.submits())
    first = harness.cap("o-wide", colour="Red", districts=("110109", "110111"), sent=-2)
    server.settled(accepted(server, first))
    wide = {s["destination"] for s in server.submits()[begun:]}
    server.settled(accepted(server, harness.cap("o-narrow", "Update", harness.triple(first), colour="Red", districts=("110109",), sent=-1)))
    narrow = {s["destination"] for s in server.submits()[begun + len(wide):]}
    assert narrow < wide, (len(narrow), len(wide))
    before = len(server.submits())
    status, body, _ = server.call("POST", "/v1/alerts/" + newest(server, "o-narrow") + "/cancel",
                                  b'{"reason": "over"}', "sender", "application/json")
    assert status == 202, body
    server.settled(body["id"])
    over = collections.Counter(s["destination"] for s in server.submits()[before:])
    assert set(over) == wide and set(over.values()) == {1}, (len(over), len(wide))
    print(f"{len(wide)} told, {len(narrow)} updated, {len(over)} told that it is over")


def newest(server, identifier):
    items = server.call("GET", "/v1/alerts", role="agency")[1]["items"]
    return next(one["id"] for one in items if one["identifier"] == identifier)


COLOURS = {"红色": "red", "橙色": "orange", "黄色": "yellow"}


def submits_of(server, colour):
    """Warnings of this colour in either language; what takes them back does not count."""
    return [s for s in server.submits() if (colour in s["text"] or COLOURS[colour] in s["text"].lower())
            and "解除" not in s["text"] and "lifted" not in s["text"].lower()]


def accepted(server, message):
    status, body, _ = server.post(message)
    assert status == 202, body
    return body["id"]


if __name__ == "__main__":
    sys.exit(main())
