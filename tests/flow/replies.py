#!/usr/bin/env python3
"""What phones answer: stop, one's own words, an acknowledgement. Who said stop gets no more, except
where policy says that red reaches over it; who acknowledged is listed; what nobody expected is kept."""
import json
import sys

import harness


def main():
    server = harness.Server(sample=3000)
    failed = True
    try:
        port = server.start_smsc("--replies", "0.1:TD,0.2:1,0.05:water in the house", "--text")
        server.append(harness.SMPP.format(port=port, test_port=1).replace(
            'audience = "public"\nsandbox', 'audience = "public"\nred_overrides_opt_out = true\nsandbox'))
        server.start()
        server.run("audience", "import", "public", server.city + "/audience.csv")
        first, told = carry(server, "r-1", "Yellow", "Moderate")
        server.wait(lambda: len(items(server, f"/v1/alerts/{first}/acknowledgements")) >= 0.15 * len(told), 20, "acknowledgements")
        server.wait(lambda: len(items(server, "/v1/replies?limit=1000")) >= 0.03 * len(told), 20, "replies")
        settle(server, first)
        acks = {one["number"].lstrip("+") for one in items(server, f"/v1/alerts/{first}/acknowledgements")}
        words = items(server, "/v1/replies?limit=1000")
        assert acks <= told and 0.15 * len(told) < len(acks) < 0.25 * len(told), (len(acks), len(told))
        assert {one["words"] for one in words} == {"water in the house"}
        assert all(one["number"].lstrip("+") in told and one["endpoint"] == "sms" for one in words)
        page = server.call("GET", "/v1/replies?limit=10", role="operator")[1]
        again = server.call("GET", "/v1/replies?limit=10&cursor=" + page["next"], role="operator")[1]
        assert not {one["id"] for one in page["items"]} & {one["id"] for one in again["items"]}
        assert server.call("GET", "/v1/replies", role="sender")[0] == 403, "numbers are not for everybody"

        server.kill()  # what was acknowledged to the message centre outlives this
        server.start()
        second, told_again = carry(server, "r-2", "Yellow", "Moderate")
        stopped = told - told_again
        assert 0.05 * len(told) < len(stopped) < 0.15 * len(told), (len(stopped), len(told))
        assert not stopped & acks
        rows = [json.loads(line) for line in server.call("GET", f"/v1/alerts/{second}/recipients?state=opted_out", role="operator")[1].decode().splitlines()]
        assert {row["number"].lstrip("+") for row in rows} == stopped, (len(rows), len(stopped))
        _, red = carry(server, "r-3", "Red", "Extreme")
        assert stopped <= red, "red reaches over an opt-out here"
        print(f"{len(told)} told, {len(stopped)} said stop, {len(acks)} acknowledged, {len(words)} wrote to us")
        failed = False
    finally:
        server.close(keep=failed)
    print("ok")


def items(server, path):
    status, body, _ = server.call("GET", path, role="operator")
    assert status == 200, (path, status, body)
    return body["items"]


def carry(server, name, colour, severity):
    before = len(server.submits())
    status, body, _ = server.post(harness.cap(name, colour=colour, severity=severity, districts=("110000",)))
    assert status == 202, body
    server.settled(body["id"])
    return body["id"], {s["destination"].lstrip("+") for s in server.submits()[before:]}


def settle(server, alert):
    """Until no more replies come in."""
    seen = []

    def still():
        seen.append((len(items(server, f"/v1/alerts/{alert}/acknowledgements")), len(items(server, "/v1/replies?limit=1000"))))
        return len(seen) > 10 and len(set(seen[-10:])) == 1
    server.wait(still, 20, "the replies to end")


if __name__ == "__main__":
    sys.exit(main())
