#include "server/api/testing.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

using namespace tocsin;
using namespace tocsin::api;
using namespace tocsin::api::testing;
using namespace std::chrono_literals;

namespace {

/// One server for the tests that change nothing of it.
Running& shared() {
    static Running running;
    return running;
}

std::string request(std::string_view method, std::string_view target, std::string_view more = "") {
    return fmt::format(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sender\r\n{}\r\n", method,
        target, more);
}

Words words(std::string identifier) {
    Words out;
    out.identifier = std::move(identifier);
    return out;
}

Running quick(std::function<void(Config&)> change) {
    return Running([change](Config& config, Deps&) { change(config); });
}

}  // namespace

TEST_CASE("an alert is accepted, durable, once: 202, then 200 with the same id") {
    Running running;
    auto client = running.client();
    const auto cap = cap_message(words("first"));
    const auto first = client.post(cap);
    REQUIRE_MESSAGE(first.status == 202, first.body);
    const auto id = first.text("id");
    CHECK(first.fields.at("location") == "/v1/alerts/" + id);
    CHECK(first.text("status_url") == "/v1/alerts/" + id);
    CHECK(first.text("state") == "active");
    CHECK(first.text("mode") == "live");
    CHECK(first.text("revision") == "1");
    CHECK(first.text("plan_sha256").size() == 64);
    CHECK(first.text("forecast/0/endpoint") == "null-1");
    CHECK(running.hub.stirred == 1);
    const auto again = client.post(cap);
    CHECK(again.status == 200);
    CHECK(again.text("id") == id);
    CHECK(again.text("plan_sha256") == first.text("plan_sha256"));
    CHECK(running.hub.stirred == 1);
    CHECK(running.alerts() == 1);
    CHECK(client.call("GET", "/v1/alerts/" + id + "/cap", "agency").body == cap);
}

TEST_CASE("E1, E2: the same identity with other bytes is refused, and nothing changes") {
    Running running;
    auto client = running.client();
    auto one = words("same");
    const auto id = client.post(cap_message(one)).text("id");
    one.description = "Another text.";
    const auto other = client.post(cap_message(one));
    CHECK(other.status == 409);
    CHECK(other.is_problem());
    CHECK(other.text("rule") == "duplicate");
    CHECK(other.text("alert") == id);
    CHECK(running.alerts() == 1);
    CHECK(running.hub.stirred == 1);
}

TEST_CASE("E5: a Cancel that comes first leaves a tombstone, and the Alert is never carried") {
    Running running;
    auto client = running.client();
    const auto late = words("late");
    auto cancel = words("cancel");
    cancel.type = "Cancel";
    cancel.references = triple_of(late);
    cancel.sent = -30s;
    cancel.info = false;
    const auto first = client.post(cap_message(cancel));
    REQUIRE_MESSAGE(first.status == 202, first.body);
    CHECK(first.text("warnings/0/rule") == "references-unknown");
    const auto second = client.post(cap_message(late));
    REQUIRE_MESSAGE(second.status == 202, second.body);
    CHECK(second.text("state") == "cancelled");
}

TEST_CASE("E5: Alert and Cancel end alike in either order") {
    for (const bool cancel_first : {true, false}) {
        Running running;
        auto client = running.client();
        auto cancel = words("c");
        cancel.type = "Cancel";
        cancel.references = triple_of(words("a"));
        cancel.sent = -30s;
        cancel.info = false;
        const auto alert = cap_message(words("a"));
        if (cancel_first) client.post(cap_message(cancel));
        const auto id = client.post(alert).text("id");
        if (!cancel_first) client.post(cap_message(cancel));
        CAPTURE(cancel_first);
        CHECK(client.call("GET", "/v1/alerts/" + id, "operator").text("state") == "cancelled");
    }
}

TEST_CASE("bad input: each has its answer as a problem, and no effect") {
    auto& running = shared();
    const auto before = running.alerts();
    const auto good = cap_message(words("bad"));
    const auto change = [&](std::string_view from, std::string_view to) {
        auto text = good;
        const auto at = text.find(from);
        REQUIRE(at != text.npos);
        return text.replace(at, from.size(), to);
    };
    const auto with = [](std::function<void(Words&)> edit) {
        auto made = words("bad");
        edit(made);
        return cap_message(made);
    };
    struct Row {
        std::string_view what, token, type;
        std::string body;
        int status;
        std::string_view rule;
        std::string_view query = "";
    };
    const std::string_view cap = "application/cap+xml";
    const std::string bomb =
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x \"xxxxxxxxxx\"><!ENTITY y "
        "\"&x;&x;&x;&x;\">]>" +
        good.substr(good.find("?>") + 2);
    const std::string open_ring =
        "<areaDesc>here</areaDesc><polygon>39.9,116.1 40.0,116.1 40.0,116.2 39.9,116.2</polygon>";
    const Row rows[] = {
        {"no XML", "sender", cap, "hello", 400, "not-well-formed"},
        {"nothing", "sender", cap, "", 400, ""},
        {"cut", "sender", cap, good.substr(0, good.size() / 2), 400, "not-well-formed"},
        {"another namespace", "sender", cap, change("cap:1.2", "cap:9.9"), 400, "root"},
        {"CAP 1.0", "sender", cap,
         change("urn:oasis:names:tc:emergency:cap:1.2", "http://www.incident.com/cap/1.0"), 400,
         "root"},
        {"CAP 1.1", "sender", cap, change("cap:1.2", "cap:1.1"), 400, "root"},
        {"entity bomb", "sender", cap, bomb, 400, "doctype"},
        {"bad encoding", "sender", cap, change("Heavy rain.", "\xFF\xFE"), 400, "bad-encoding"},
        {"too large", "sender", cap, good + std::string(1048577, ' '), 413, ""},
        {"content type", "sender", "application/json", good, 415, ""},
        {"no content type", "sender", "", good, 415, ""},
        {"charset", "sender", "text/xml; charset=iso-8859-1", good, 415, ""},
        {"no token", "", cap, good, 401, ""},
        {"bad token", "nonsense", cap, good, 401, ""},
        {"expired token", "expired", cap, good, 401, ""},
        {"reader's token", "agency", cap, good, 403, "role-not-allowed"},
        {"player's token", "player", cap, good, 403, "role-not-allowed"},
        {"another's CAP sender", "other", cap, good, 403, "sender-unknown"},
        {"A1: live by a drill's token", "drill", cap, good, 403, "mode-not-allowed"},
        {"wrong area", "orange", cap, with([](Words& w) { w.geocode = "110111000000"; }), 403,
         "area-not-allowed"},
        {"C2: the whole city", "orange", cap, with([](Words& w) { w.geocode = "110000000000"; }),
         403, "area-not-allowed"},
        {"wrong level", "orange", cap, with([](Words& w) { w.severity = "Extreme"; }), 403,
         "level-not-allowed"},
        {"wrong event", "orange", cap, with([](Words& w) { w.event = "flood"; }), 403,
         "event-not-allowed"},
        {"unknown geocode", "sender", cap, with([](Words& w) { w.geocode = "990109000000"; }), 422,
         "geocode-unknown"},
        {"no area", "sender", cap, with([](Words& w) { w.geocode = ""; }), 422, ""},
        {"open polygon", "sender", cap, change("<areaDesc>here</areaDesc>", open_ring), 422,
         "polygon-closed"},
        {"no instruction", "sender", cap, with([](Words& w) { w.instruction = ""; }), 422,
         "instruction-missing"},
        {"D1: expired", "sender", cap, with([](Words& w) { w.sent = -7200s, w.expires = -60s; }),
         422, "expired-now"},
        {"D1: dead on arrival", "sender", cap, with([](Words& w) { w.expires = -120s; }), 422, ""},
        {"G1: an old one again", "sender", cap, with([](Words& w) { w.sent = -90000s; }), 422,
         "sent-old"},
        {"from the future", "sender", cap,
         with([](Words& w) { w.sent = 7200s, w.expires = 9000s; }), 422, "sent-future"},
        {"A11: unknown msgType", "sender", cap, with([](Words& w) { w.type = "Shout"; }), 422,
         "xsd"},
        {"A11: unknown status", "sender", cap, with([](Words& w) { w.status = "Real"; }), 422,
         "xsd"},
        {"update of nothing", "sender", cap, with([](Words& w) { w.type = "Update"; }), 422,
         "references-missing"},
        {"B16: another's alert", "sender", cap, with([](Words& w) {
             w.type = "Update";
             w.references = "x@y,1," + stamp(-90s);
         }),
         403, "references-foreign"},
        {"unknown parameter", "sender", cap, good, 400, "", "?colour=red"},
        {"parameter twice", "sender", cap, good, 400, "", "?override=a&override=b"},
        {"empty reason", "sender", cap, good, 400, "", "?override="},
        {"no such depth", "sender", cap, good, 400, "", "?depth=deep"},
    };
    auto client = running.client();
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto reply = client.call("POST", "/v1/alerts" + std::string(row.query), row.token,
                                       row.body, row.type);
        CHECK_MESSAGE(reply.status == row.status, reply.body);
        CHECK(reply.is_problem());
        CHECK(reply.fields.contains("x-request-id"));
        if (!row.rule.empty()) CHECK_MESSAGE(reply.has_rule(row.rule), reply.body);
        if (reply.fields.contains("connection")) client = running.client();
        // The connection or its successor goes on with the next: a refusal is no crash.
        REQUIRE(client.call("GET", "/v1/me", "sender").status == 200);
    }
    CHECK(running.alerts() == before);
    CHECK(running.hub.stirred == 0);
}

TEST_CASE("a refusal by right says what is allowed") {
    auto one = words("refused");
    one.geocode = "110111000000";
    const auto reply = shared().client().post(cap_message(one), "orange");
    CHECK(reply.text("detail") == "orange may not warn for 110111 房山区; allowed areas: 110109");
    CHECK(reply.text("allowed/0") == "110109");
}

TEST_CASE("an override by reason sets aside what may be set aside, and is kept") {
    Running running;
    auto client = running.client();
    auto one = words("old");
    one.sent = -90000s;
    const auto reply = client.post(cap_message(one), "sender", "?override=%E6%BC%94%E7%BB%83");
    REQUIRE_MESSAGE(reply.status == 202, reply.body);
    CHECK(reply.text("warnings/0/rule") == "sent-old");
    CHECK(client.call("GET", "/v1/alerts/" + reply.text("id"), "operator").text("override") ==
          "演练");
    auto two = words("silent");
    two.instruction = "";
    CHECK(client.post(cap_message(two), "sender", "?override=why").status == 202);
    auto three = words("nowhere");
    three.geocode = "990109000000";
    CHECK(client.post(cap_message(three), "sender", "?override=why").status == 422);
}

TEST_CASE(
    "Drafts are checked and have no effect; Acks are kept and carried nowhere; plans do nothing") {
    Running running;
    auto client = running.client();
    auto draft = words("draft");
    draft.status = "Draft";
    const auto checked = client.post(cap_message(draft), "drill");
    CHECK_MESSAGE(checked.status == 200, checked.body);
    CHECK(checked.text("state") == "draft");
    CHECK(checked.text("id") == "");
    const auto plan =
        client.call("POST", "/v1/plans", "sender", cap_message(words("plan")), "application/xml");
    CHECK(plan.status == 200);
    CHECK(plan.text("level") == "orange");
    CHECK(plan.text("orders/0/endpoint") == "null-1");
    CHECK(plan.text("orders/0/texts/0/words") == "暴雨预警");
    CHECK(running.alerts() == 0);
    CHECK(running.hub.stirred == 0);
    auto ack = words("ack");
    ack.type = "Ack";
    ack.references = triple_of(words("x"));
    ack.info = false;
    const auto kept = client.post(cap_message(ack));
    CHECK_MESSAGE(kept.status == 202, kept.body);
    CHECK(kept.text("warnings/0/rule") == "type-unsupported");
    CHECK(client.call("GET", "/v1/alerts/" + kept.text("id"), "operator").text("orders") == "0");
    running.on_core([&] {
        running.ledger->in_force(
            contract::Mode::live, now(),
            [](Result<std::vector<ledger::AlertRecord>> all) { CHECK(all->empty()); });
    });
}

TEST_CASE("a drill stays a drill: its mode is in its id and its answer") {
    Running running;
    auto one = words("drill");
    one.status = "Exercise";
    const auto reply = running.client().post(cap_message(one), "drill");
    REQUIRE_MESSAGE(reply.status == 202, reply.body);
    CHECK(reply.text("mode") == "exercise");
    CHECK(reply.text("id")[0] == 'e');
}

TEST_CASE("an Update goes on with its chain; an operator's Cancel takes it back by the same way") {
    Running running;
    auto client = running.client();
    const auto first = client.post(cap_message(words("chain")));
    auto update = words("chain-2");
    update.type = "Update";
    update.references = triple_of(words("chain"));
    update.sent = -30s;
    const auto second = client.post(cap_message(update));
    REQUIRE_MESSAGE(second.status == 202, second.body);
    CHECK(second.text("revision") == "2");
    CHECK(second.text("chain") == first.text("chain"));
    CHECK(client.call("GET", "/v1/alerts/" + first.text("id"), "agency").text("state") ==
          "superseded");
    const auto url = "/v1/alerts/" + first.text("id") + "/cancel";
    const auto json = "application/json";
    CHECK(client.call("POST", url, "operator", "{}", json).status == 422);
    CHECK(client.call("POST", url, "operator", "[]", json).status == 400);
    CHECK(client.call("POST", url, "operator", "{\"why\": 1}", json).status == 400);
    CHECK(client.call("POST", url, "agency", "{\"reason\":\"x\"}", json).status == 403);
    CHECK(
        client.call("POST", url, "drill", "{\"reason\":\"x\"}", json).has_rule("mode-not-allowed"));
    const auto taken = client.call("POST", url, "operator", "{\"reason\":\"误报 <&>\"}", json);
    REQUIRE_MESSAGE(taken.status == 202, taken.body);
    CHECK(taken.text("revision") == "3");
    const auto cap = client.call("GET", "/v1/alerts/" + taken.text("id") + "/cap", "operator").body;
    CHECK(cap.find("<msgType>Cancel</msgType>") != cap.npos);
    CHECK(cap.find("误报 &lt;&amp;&gt;") != cap.npos);
    CHECK(client.call("GET", "/v1/alerts/" + second.text("id"), "agency").text("state") ==
          "cancelled");
    const auto twice = client.call("POST", url, "operator", "{\"reason\":\"x\"}", json);
    CHECK(twice.status == 409);
    CHECK(twice.text("state") == "cancelled");
}

TEST_CASE(
    "E5: after its chain's Cancel an Update is refused by name; one that only came late is not") {
    Running running;
    auto client = running.client();
    const auto first = words("a");
    auto cancel = words("c"), late = words("u"), later = words("v");
    cancel.type = "Cancel", late.type = later.type = "Update";
    cancel.references = late.references = later.references = triple_of(first);
    late.sent = -40s, cancel.sent = -30s, later.sent = -20s;
    cancel.info = false;
    REQUIRE(client.post(cap_message(first)).status == 202);
    const auto taken_back = client.post(cap_message(cancel));
    REQUIRE_MESSAGE(taken_back.status == 202, taken_back.body);
    const auto before = running.alerts();
    const auto refused = client.post(cap_message(later));
    CHECK(refused.status == 409);
    CHECK(refused.is_problem());
    CHECK(refused.text("rule") == "chain-cancelled");
    CHECK(refused.text("alert") == taken_back.text("id"));
    CHECK(refused.text("detail").find(triple_of(cancel)) != std::string::npos);
    CHECK(running.alerts() == before);
    // another's Update is none of their business, Cancel or not
    CHECK(client.post(cap_message(later), "other").status == 403);
    const auto taken = client.post(cap_message(late));
    REQUIRE_MESSAGE(taken.status == 202, taken.body);
    CHECK(taken.text("state") == "cancelled");
    CHECK(taken.text("warnings/0/rule") == "chain-cancelled");
    CHECK(taken.text("forecast/0/endpoint") == "");
    CHECK(client.post(cap_message(late)).status == 200);
    CHECK(client.post(cap_message(words("w"))).text("state") == "active");
}

TEST_CASE("lists are filtered, paged and cut to what the reader may see") {
    Running running;
    auto client = running.client();
    for (int i = 0; i < 7; ++i) {
        auto one = words("list-" + std::to_string(i));
        one.sent = std::chrono::seconds(-100 + i);
        one.geocode = i % 2 ? "110111000000" : "110109000000";
        one.severity = i == 3 ? "Extreme" : "Moderate";
        REQUIRE(client.post(cap_message(one)).status == 202);
    }
    const auto count = [&](std::string_view query, std::string_view token = "operator") {
        const auto reply = client.call("GET", "/v1/alerts" + std::string(query), token);
        REQUIRE_MESSAGE(reply.status == 200, reply.body);
        int items = 0;
        while (!reply.text(fmt::format("items/{}/id", items)).empty()) ++items;
        return items;
    };
    CHECK(count("") == 7);
    CHECK(count("", "agency") == 4);  // 110109 only
    CHECK(count("?level=red") == 1);
    CHECK(count("?area=110111") == 3);
    CHECK(count("?area=110000") == 7);
    CHECK(count("?event=flood") == 0);
    CHECK(count("?mode=test") == 0);
    CHECK(count("?state=active&q=list-4") == 1);
    CHECK(count("?sender=11000041600000%40example.org") == 7);
    CHECK(count("?since=2099-01-01T00:00:00Z") == 0);
    CHECK(count("?until=2020-01-01T00:00:00%2B08:00") == 0);
    int seen = 0;
    std::string cursor;
    for (int pages = 0; pages < 9; ++pages) {
        const auto page = client.call(
            "GET", "/v1/alerts?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor), "operator");
        for (int i = 0; !page.text(fmt::format("items/{}/id", i)).empty(); ++i) ++seen;
        cursor = page.text("next");
        if (cursor.empty()) break;
    }
    CHECK(seen == 7);
    for (const auto* bad : {"?limit=0", "?limit=1001", "?limit=x", "?level=green",
                            "?since=yesterday", "?state=", "?x=1"}) {
        CAPTURE(bad);
        CHECK(client.call("GET", "/v1/alerts" + std::string(bad), "operator").status == 400);
    }
    CHECK(client.call("GET", "/v1/alerts/l01jnothing", "operator").status == 404);
    CHECK(client.call("GET", "/v1/alerts/nothing", "operator").status == 404);
}

TEST_CASE("G6: hostile text comes back inert, in JSON and in heads") {
    Running running;
    auto client = running.client();
    auto one = words("hostile");
    one.description =
        "]]&gt;&lt;script&gt;alert(1)&lt;/script&gt; \xE2\x80\xAE \" \\ &#x9; ${jndi}";
    one.event = "rain&lt;/b&gt;\"storm";
    const auto reply = client.post(cap_message(one));
    REQUIRE_MESSAGE(reply.status == 202, reply.body);
    const auto shown = client.call("GET", "/v1/alerts/" + reply.text("id"), "operator");
    CHECK(shown.text("event") == "rain</b>\"storm");
    CHECK(shown.fields.at("x-content-type-options") == "nosniff");
    CHECK(shown.fields.at("content-type") == "application/json");
    const auto echoed = client.call("GET", "/v1/alerts/%3Cscript%3E%0D%0AX:%20y", "operator", "",
                                    "", {"X-Request-Id: <script>"});
    CHECK(echoed.status == 404);
    CHECK_FALSE(echoed.fields.contains("x"));
    CHECK(echoed.fields.at("x-request-id").find('<') == std::string::npos);
}

TEST_CASE("each answer bears the heads that keep browsers and proxies honest") {
    auto client = shared().client();
    const auto reply = client.call("GET", "/v1/me", "orange", "", "", {"X-Request-Id: my-id.1"});
    CHECK(reply.status == 200);
    CHECK(reply.fields.at("x-request-id") == "my-id.1");
    CHECK(reply.fields.at("cache-control") == "no-store");
    CHECK(reply.fields.at("strict-transport-security").starts_with("max-age="));
    CHECK(reply.fields.at("content-security-policy").starts_with("default-src 'none'"));
    CHECK(reply.fields.at("referrer-policy") == "no-referrer");
    CHECK_FALSE(reply.fields.contains("server"));
    CHECK(reply.text("role") == "sender");
    CHECK(reply.text("areas/0") == "110109");
    CHECK(client.call("GET", "/nothing", "sender").is_problem());
    const auto method = client.call("DELETE", "/v1/alerts", "sender");
    CHECK(method.status == 405);
    CHECK(method.fields.at("allow") == "POST, GET, HEAD, OPTIONS");
    const auto options = client.call("OPTIONS", "/v1/alerts/l01/cap");
    CHECK(options.status == 204);
    CHECK(options.fields.at("allow") == "GET, HEAD, OPTIONS");
    const auto head = client.call("HEAD", "/v1/me", "sender");
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    CHECK(std::stoi(head.fields.at("content-length")) > 10);
    CHECK(client.call("GET", "/openapi.yaml").body.starts_with("openapi: 3.1"));
    CHECK(client.call("GET", "/v1/me").fields.at("www-authenticate") == "Bearer");
}

TEST_CASE("pipelined requests are answered in their order on one connection") {
    auto client = shared().client();
    std::string all;
    for (int i = 0; i < 50; ++i)
        all += request("GET", i % 3 == 2 ? "/none" : "/v1/me",
                       fmt::format("X-Request-Id: n{}\r\n", i));
    REQUIRE(client.send(all));
    for (int i = 0; i < 50; ++i) {
        const auto reply = client.read();
        CHECK(reply.status == (i % 3 == 2 ? 404 : 200));
        CHECK(reply.fields.at("x-request-id") == fmt::format("n{}", i));
    }
}

TEST_CASE("pipelined alerts are accepted in their order") {
    Running running;
    auto client = running.client();
    std::string all;
    for (int i = 0; i < 10; ++i) {
        const auto cap = cap_message(words("pipe-" + std::to_string(i)));
        all +=
            request("POST", "/v1/alerts",
                    fmt::format("Content-Type: text/xml\r\nContent-Length: {}\r\n", cap.size())) +
            cap;
    }
    REQUIRE(client.send(all));
    int last = 0;
    for (int i = 0; i < 10; ++i) {
        const auto reply = client.read();
        REQUIRE_MESSAGE(reply.status == 202, reply.body);
        const auto ordinal = std::stoi(reply.text("ordinal"));
        CHECK(ordinal > last);
        last = ordinal;
    }
}

TEST_CASE("bodies come by length or in chunks, and 100-continue is decided before the body") {
    Running running;
    auto client = running.client();
    const auto cap = cap_message(words("chunks"));
    auto text =
        request("POST", "/v1/alerts", "Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\n");
    for (std::size_t at = 0; at < cap.size(); at += 100)
        text += fmt::format("{:x}\r\n{}\r\n", std::min<std::size_t>(100, cap.size() - at),
                            cap.substr(at, 100));
    REQUIRE(client.send(text + "0\r\n\r\n"));
    CHECK(client.read().status == 202);
    const auto two = cap_message(words("continue"));
    client.send(request(
        "POST", "/v1/alerts",
        fmt::format("Content-Type: text/xml\r\nExpect: 100-continue\r\nContent-Length: {}\r\n",
                    two.size())));
    CHECK(client.read_until("\r\n\r\n", 5s).starts_with("HTTP/1.1 100 Continue"));
    client.send(two);
    CHECK(client.read().status == 202);
    client.send(
        request("POST", "/v1/alerts",
                "Content-Type: text/xml\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n"));
    const auto refused = client.read();
    CHECK(refused.status == 413);
    CHECK(refused.fields.at("connection") == "close");
}

TEST_CASE("framing that two could read in two ways is answered 400 and closed") {
    for (const auto* more :
         {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: 5\r\nContent-Length: 5\r\n", "Transfer-Encoding: gzip\r\n", "X : y\r\n",
          " folded\r\n", "Content-Length: 5\n"}) {
        CAPTURE(more);
        auto client = shared().client();
        client.send(request("POST", "/v1/alerts", more) + "hello" + request("GET", "/v1/me"));
        const auto reply = client.read();
        CHECK(reply.status == 400);
        CHECK(reply.is_problem());
        CHECK(reply.fields.at("connection") == "close");
        CHECK(client.closed(5s));  // what was hidden behind it is never read
    }
    auto client = shared().client();
    client.send("GET /" + std::string(70000, 'a'));
    CHECK(client.read().status == 414);
    auto other = shared().client();
    other.send(request("GET", "/v1/me", "X: " + std::string(70000, 'a') + "\r\n"));
    CHECK(other.read().status == 431);
}

TEST_CASE("a body that never ends is stopped while it comes: by its size, or by its time") {
    auto running = quick([](Config& config) {
        config.http.body_grace = 300ms;
        config.http.body_rate = 100000;
        config.http.head = 300ms;
        config.http.idle = 400ms;
    });
    {
        auto client = running.client();
        client.send(request("POST", "/v1/alerts",
                            "Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\n"));
        const auto chunk = fmt::format("{:x}\r\n{}\r\n", 65536, std::string(65536, ' '));
        for (int i = 0; i < 40; ++i)
            if (!client.send(chunk)) break;
        CHECK(client.read().status == 413);
    }
    {
        auto client = running.client();
        client.send(
            request("POST", "/v1/alerts", "Content-Type: text/xml\r\nContent-Length: 1000\r\n") +
            "<");
        const auto began = std::chrono::steady_clock::now();
        const auto reply = client.read();
        CHECK(reply.status == 408);
        CHECK(reply.is_problem());
        CHECK(std::chrono::steady_clock::now() - began < 3s);
    }
    {  // slow-loris: a byte now and then does not buy time for the head
        auto client = running.client();
        client.send("GET /v1/me HTTP/1.1\r\n");
        const auto began = std::chrono::steady_clock::now();
        Reply reply;
        for (int i = 0; i < 50 && reply.status == 0; ++i) {
            client.send("X");
            reply = client.read(false, 50ms);
        }
        CHECK(reply.status == 408);
        CHECK(std::chrono::steady_clock::now() - began < 2s);
    }
    auto idle = running.client();
    CHECK(idle.call("GET", "/v1/me", "sender").status == 200);
    CHECK(idle.closed(3s));
}

TEST_CASE("slow ones hold nobody up, and one address has only so many connections") {
    auto running = quick([](Config& config) { config.connections.per_address = 20; });
    std::vector<Client> slow;
    for (int i = 0; i < 19; ++i) {
        slow.emplace_back(running.ports.api);
        slow.back().send("POST /v1/alerts HT");
    }
    auto client = running.client();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) CHECK(client.call("GET", "/v1/me", "sender").status == 200);
    CHECK(std::chrono::steady_clock::now() - began < 2s);
    Client over(running.ports.api);
    CHECK(over.closed(3s));
    slow.clear();
    for (int tries = 0; tries < 100; ++tries) {
        Client next(running.ports.api);
        if (next.call("GET", "/v1/me", "sender").status == 200) return;
        std::this_thread::sleep_for(20ms);
    }
    FAIL("a freed place is not given again");
}

TEST_CASE("TLS: 1.2 and 1.3, nothing older; certificates that are not ours are no identity") {
    auto& running = shared();
    CHECK(running.client().protocol() == "TLSv1.3");
    Client plain(running.ports.api, false);
    plain.send("GET /v1/me HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(plain.closed(5s));
    const auto good =
        make_leaf(running.folder, running.ca, "bureau", "DNS:bureau.example.org", true);
    Client bureau(running.ports.api, true, good.certificate, good.key);
    CHECK(bureau.call("GET", "/v1/me").text("name") == "bureau");
    CHECK(bureau.call("GET", "/v1/me", "agency").text("name") == "agency");  // a token says more
    CHECK(bureau.call("GET", "/v1/me", "nonsense").status == 401);
    CHECK(bureau.post(cap_message(words("mtls")), "").status == 202);
    const auto other =
        make_leaf(running.folder, running.ca, "other", "DNS:other.example.org", true);
    CHECK(Client(running.ports.api, true, other.certificate, other.key)
              .call("GET", "/v1/me")
              .status == 401);
    const auto expired =
        make_leaf(running.folder, running.ca, "old", "DNS:bureau.example.org", true, -1);
    CHECK(Client(running.ports.api, true, expired.certificate, expired.key)
              .call("GET", "/v1/me")
              .status == 0);
    const auto server_only =
        make_leaf(running.folder, running.ca, "wrong-use", "DNS:bureau.example.org", false);
    CHECK(Client(running.ports.api, true, server_only.certificate, server_only.key)
              .call("GET", "/v1/me")
              .status == 0);
    const auto folder = running.folder / "evil";
    std::filesystem::create_directories(folder);
    const auto forged =
        make_leaf(folder, make_ca(folder), "forged", "DNS:bureau.example.org", true);
    CHECK(Client(running.ports.api, true, forged.certificate, forged.key)
              .call("GET", "/v1/me")
              .status == 0);
    CHECK(running.client().call("GET", "/v1/me", "sender").status == 200);
}

TEST_CASE("TLS: nothing weaker is agreed on, no other protocol, nothing to resume") {
    const auto port = shared().ports.api;
    const auto twelve = shake(port, {TLS1_2_VERSION, TLS1_2_VERSION, "", ""});
    CHECK(twelve.well);
    CHECK(twelve.cipher.starts_with("ECDHE-"));
    CHECK(twelve.cipher.find("GCM") != std::string::npos);
    CHECK_FALSE(twelve.resumable);
    const auto thirteen = shake(port, {TLS1_3_VERSION, TLS1_3_VERSION, "", "\x08http/1.1\x02h2"});
    CHECK(thirteen.version == "TLSv1.3");
    CHECK(thirteen.protocol == "http/1.1");
    CHECK_FALSE(thirteen.resumable);
    CHECK_FALSE(shake(port, {0, 0, "", "\x02h2"}).well);
    for (const int old : {TLS1_VERSION, TLS1_1_VERSION})
        CHECK_FALSE(shake(port, {old, old, "", ""}).well);
    for (const auto* weak :
         {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES256-SHA"})
        CHECK_FALSE(shake(port, {TLS1_2_VERSION, TLS1_2_VERSION, weak, ""}).well);
}

TEST_CASE("without descriptors accepting pauses, does not spin, and goes on when there are some") {
    Running running;
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    std::vector<int> sockets;
    for (int i = 0; i < 12; ++i)
        sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rlimit tight = before;
    tight.rlim_cur = rlim_t(sockets.back()) + 3;  // two more, and the server wants twelve
    setrlimit(RLIMIT_NOFILE, &tight);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(running.ports.api);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (const int one : sockets) ::connect(one, reinterpret_cast<sockaddr*>(&to), sizeof to);
    const auto cpu = std::clock();
    std::this_thread::sleep_for(500ms);
    CHECK(double(std::clock() - cpu) / CLOCKS_PER_SEC < 0.25);
    setrlimit(RLIMIT_NOFILE, &before);
    int let_go = 0;  // by the reserve: they learn at once that nobody will serve them
    for (const int one : sockets) {
        char byte = 0;
        if (::recv(one, &byte, 1, MSG_DONTWAIT) == 0) ++let_go;
    }
    CHECK(let_go >= 1);
    for (const int one : sockets) ::close(one);
    CHECK(running.client().call("GET", "/v1/me", "sender").status == 200);
}

TEST_CASE("a new certificate serves new connections and leaves open ones alone") {
    Running running;
    auto open = running.client();
    CHECK(open.call("GET", "/v1/me", "sender").status == 200);
    const auto next = make_leaf(running.folder, running.ca, "next", "DNS:localhost", false);
    CHECK(running.server->reload_tls({next.certificate, next.key, {}, {}}).has_value());
    CHECK(open.call("GET", "/v1/me", "sender").status == 200);
    CHECK(running.client().call("GET", "/v1/me", "sender").status == 200);
    CHECK(running.server->reload_tls({next.certificate, running.ca.key, {}, {}}).has_error());
    CHECK(running.server->reload_tls({"/nowhere", "/nowhere", {}, {}}).has_error());
    CHECK(running.client().call("GET", "/v1/me", "sender").status == 200);
}

TEST_CASE("429 tells when to come back, and minor storms cannot lock out red") {
    auto running = quick([](Config& config) {
        config.per_sender_per_minute = 3;
        config.failures_per_minute = 2;
    });
    auto client = running.client();
    for (int i = 0; i < 3; ++i)
        CHECK(client.post(cap_message(words("storm-" + std::to_string(i)))).status == 202);
    const auto limited = client.post(cap_message(words("storm-9")));
    CHECK(limited.status == 429);
    CHECK(limited.is_problem());
    CHECK(std::stoi(limited.fields.at("retry-after")) > 0);
    auto red = words("storm-red");
    red.severity = "Extreme";
    CHECK(client.post(cap_message(red)).status == 202);
    CHECK(client.call("GET", "/v1/me", "sender").status == 200);
    CHECK(running.alerts() == 4);
    for (int i = 0; i < 2; ++i) CHECK(client.call("GET", "/v1/me", "guess").status == 401);
    CHECK(client.call("GET", "/v1/me", "guess").status == 429);
    CHECK(client.call("GET", "/v1/me", "sender").status == 200);
}

TEST_CASE("without durability nothing is accepted: 503, and readyz says so") {
    Running running;
    auto client = running.client();
    Client admin(running.ports.admin, false);
    CHECK(admin.call("GET", "/readyz").status == 200);
    running.on_core([&] {
        running.ledger->set_health({true, false, "appendfsync is not always"});
    });
    const auto refused = client.post(cap_message(words("volatile")));
    CHECK(refused.status == 503);
    CHECK(refused.is_problem());
    CHECK(refused.fields.contains("retry-after"));
    CHECK(admin.call("GET", "/readyz").status == 503);
    CHECK(admin.call("GET", "/healthz").status == 200);
    running.on_core([&] { running.ledger->set_health({true, true, ""}); });
    // The store took it and its answer was lost: unknown, and repeating it is safe.
    running.on_core([&] { running.ledger->fail(true); });
    CHECK(client.post(cap_message(words("volatile"))).status == 503);
    running.on_core([&] { running.ledger->fail(false); });
    CHECK(client.post(cap_message(words("volatile"))).status == 202);
    CHECK(admin.call("GET", "/readyz").status == 200);
    const auto metrics = admin.call("GET", "/metrics").body;
    CHECK(metrics.find("tocsin_alerts_received_total{result=\"accepted\"} 1") != metrics.npos);
    CHECK(metrics.find("tocsin_ready 1") != metrics.npos);
    CHECK(metrics.find("route=\"/v1/alerts\"") != metrics.npos);
}

TEST_CASE("SSE tells each change once, resumes without loss, and resets when it is too late") {
    Running running;
    auto client = running.client();
    const auto id = client.post(cap_message(words("sse"))).text("id");
    const auto url = "/v1/alerts/" + id + "/events";
    const auto first = running.dispatch_event(id, "{\"n\":1}");
    auto watcher = running.client();
    watcher.send(request("GET", url));
    auto seen = watcher.read_until("\"n\":1", 5s);
    CHECK(seen.find("text/event-stream") != seen.npos);
    CHECK(seen.find("retry: 2000") != seen.npos);
    CHECK(seen.find("id: ") != seen.npos);
    running.dispatch_event(id, "{\"n\":2}");
    CHECK(watcher.read_until("\"n\":2", 5s).find("\"n\":1") == std::string::npos);
    // Away for more than one page of events, and meanwhile more come.
    for (int n = 3; n < 1203; ++n) running.dispatch_event(id, fmt::format("{{\"n\":{}}}", n));
    auto back = running.client();
    back.send(request("GET", url, "Last-Event-ID: " + first + "\r\n"));
    for (int n = 1203; n < 1250; ++n) running.dispatch_event(id, fmt::format("{{\"n\":{}}}", n));
    const auto all = back.read_until("\"n\":1249}", 10s);
    std::size_t at = 0;
    for (int n = 2; n < 1250; ++n) {
        const auto line = fmt::format("data: {{\"n\":{}}}", n);
        const auto found = all.find(line, at);
        REQUIRE_MESSAGE(found != all.npos, n);
        CHECK(all.find(line, found + 1) == all.npos);
        at = found;
    }
    CHECK(all.find("data: {\"n\":1}\n") == all.npos);
    auto lost = running.client();
    lost.send(request("GET", url, "Last-Event-ID: nonsense\r\n"));
    CHECK(lost.read_until("event: reset", 5s).find("event: reset") != std::string::npos);
    CHECK(running.client().call("GET", url, "player").status == 403);
    CHECK(running.client()
              .call("GET", "/v1/alerts/" + id.substr(0, 20) + "000000/events", "sender")
              .status == 404);
}

TEST_CASE("the stream of everything shows a reader only what is of its area, and beats") {
    auto running = quick([](Config& config) { config.heartbeat = 100ms; });
    auto client = running.client();
    auto other = words("there");
    other.geocode = "110111000000";
    const auto here = client.post(cap_message(words("here"))).text("id");
    const auto there = client.post(cap_message(other)).text("id");
    auto agency = running.client();
    agency.send("GET /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer agency\r\n\r\n");
    agency.read_until("retry: 2000", 5s);
    const auto start = running.dispatch_event(there, "{\"n\":1}");
    running.dispatch_event(here, "{\"n\":2}");
    const auto seen = agency.read_until("\"n\":2", 5s);
    CHECK(seen.find("\"n\":1") == seen.npos);
    CHECK(seen.find(fmt::format("\"alert\":\"{}\"", here)) != seen.npos);
    CHECK(agency.read_until(": still here", 5s).find(": still here") != std::string::npos);
    auto again = running.client();
    again.send(
        "GET /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer agency\r\nLast-Event-ID: "
        "0-1\r\n\r\n");
    const auto resumed = again.read_until("\"n\":2", 5s);
    CHECK(resumed.find("\"n\":2") != resumed.npos);
    CHECK(resumed.find("\"n\":1") == resumed.npos);
}

TEST_CASE("a watcher whose credential is taken away is let go") {
    std::mutex mutex;
    auto rights = std::make_shared<const authority::Authority>(credentials(), places());
    Running running([&](Config& config, Deps& deps) {
        config.heartbeat = 50ms;
        deps.authority = [&] {
            const std::lock_guard lock(mutex);
            return rights;
        };
    });
    auto watcher = running.client();
    watcher.send(request("GET", "/v1/events"));
    watcher.read_until("retry: 2000", 5s);
    {
        const std::lock_guard lock(mutex);
        rights = std::make_shared<const authority::Authority>(std::vector<authority::Credential>{},
                                                              places());
    }
    CHECK(watcher.read_until("\r\n0\r\n\r\n", 5s).ends_with("0\r\n\r\n"));
    CHECK(watcher.call("GET", "/v1/me", "sender").status == 401);
}

TEST_CASE("endpoints are shown, paused with until and reason, resumed and probed") {
    Running running;
    auto client = running.client();
    const auto json = "application/json";
    CHECK(client.call("GET", "/v1/endpoints", "agency").text("items/0/name") == "null-1");
    CHECK(client.call("GET", "/v1/endpoints", "sender").status == 403);
    CHECK(client.call("GET", "/v1/endpoints/null-1", "agency").text("state") == "up");
    CHECK(client.call("GET", "/v1/endpoints/none", "agency").status == 404);
    CHECK(client.call("GET", "/v1/endpoints/null-1/history", "agency").status == 200);
    const auto pause = "/v1/endpoints/null-1/pause";
    CHECK(client.call("POST", pause, "agency", "{\"reason\":\"x\"}", json).status == 403);
    CHECK(client.call("POST", pause, "operator", "{}", json).status == 422);
    CHECK(client
              .call("POST", pause, "operator",
                    "{\"reason\":\"x\",\"until\":\"2001-01-01T00:00:00Z\"}", json)
              .status == 422);
    const auto paused =
        client.call("POST", pause, "operator",
                    "{\"reason\":\"repair\",\"until\":\"2099-01-01T00:00:00+08:00\"}", json);
    CHECK(paused.status == 200);
    CHECK(paused.text("state") == "paused");
    CHECK(paused.text("pause_reason") == "repair");
    CHECK(paused.text("paused_by") == "operator");
    CHECK(client.call("POST", "/v1/endpoints/null-1/resume", "operator", "", json).text("state") ==
          "up");
    CHECK(client.call("POST", "/v1/endpoints/null-1/probe", "operator", "", json).text("well") ==
          "true");
    CHECK(client.call("POST", "/v1/endpoints/none/probe", "operator", "", json).status == 404);
    CHECK(client.call("POST", "/v1/endpoints/pause", "operator", "{\"reason\":\"G2\"}", json)
              .text("items/0/state") == "paused");
    CHECK(client.call("POST", "/v1/endpoints/resume", "operator", "", json).text("items/0/state") ==
          "up");
}

namespace {

/// Lines of "number,region" into one group; a line "stop" is a fault of the header.
class Lines : public AudienceImport {
public:
    Lines(Running*& running, std::string name) : running_(running), name_(std::move(name)) {}
    std::string feed(std::string_view piece) override {
        bytes_ += piece.size();
        text_ += piece.substr(0, 1000);
        return text_.starts_with("stop") ? "line 1: no header" : "";
    }
    void finish(ledger::Then<Outcome> then) override {
        std::vector<ledger::Ledger::GroupNumbers> groups(1);
        groups[0].group.regions = {"110109"};
        groups[0].numbers.assign(bytes_ / 100 + 1, 8613800138000);
        running_->ledger->put_audience(name_, std::move(groups),
                                       [then](Result<plan::Audience> put) {
                                           if (!put) return then(put.error());
                                           then(Outcome{std::move(*put), 1, {{3, "no number"}}});
                                       });
    }

private:
    Running*& running_;
    std::string name_, text_;
    std::size_t bytes_ = 0;
};

}  // namespace

TEST_CASE("an audience streams in, larger than any buffer; its broken lines are named") {
    Running* at = nullptr;
    int changed = 0;
    Running running([&](Config&, Deps& deps) {
        deps.import = [&](const std::string& name) { return std::make_unique<Lines>(at, name); };
        deps.audiences_changed = [&] { ++changed; };
    });
    at = &running;
    auto client = running.client();
    const auto put =
        client.call("PUT", "/v1/audiences/public", "operator", "number,region\n1,2\n", "text/csv");
    CHECK_MESSAGE(put.status == 202, put.body);
    CHECK(put.text("rejected") == "1");
    CHECK(put.text("rejected_lines/0/line") == "3");
    const std::string big(8U << 20U, 'x');
    CHECK(client.call("PUT", "/v1/audiences/big", "operator", big, "text/csv").status == 202);
    CHECK(client.call("GET", "/v1/audiences", "operator").text("items/1/name") == "public");
    CHECK(client.call("GET", "/v1/audiences/public", "operator").text("groups/0/regions/0") ==
          "110109");
    CHECK(client.call("GET", "/v1/audiences/none", "operator").status == 404);
    CHECK(client.call("GET", "/v1/audiences", "agency").status == 403);
    CHECK(client.call("PUT", "/v1/audiences/a", "operator", "{}", "application/json").status ==
          415);
    const auto stopped = client.call("PUT", "/v1/audiences/a", "operator", "stop", "text/csv");
    CHECK(stopped.status == 422);
    client = running.client();
    CHECK(client.call("DELETE", "/v1/audiences/public", "operator").status == 204);
    CHECK(client.call("DELETE", "/v1/audiences/public", "operator").status == 404);
    CHECK(changed == 3);
}

namespace {

class Numbers : public Recipients {
public:
    void page(const std::string&,
              const std::string& state,
              const std::string& cursor,
              ledger::Then<RecipientPage> then) override {
        const int from = cursor.empty() ? 0 : std::stoi(cursor);
        RecipientPage out;
        for (int i = from; i < from + 1000; ++i)
            out.rows.push_back({8613800000000U + unsigned(i), "sms-1", "110109", "cmcc", "zh-CN",
                                state.empty() ? "delivered" : state, 0, now()});
        if (from < 4000) out.next = std::to_string(from + 1000);
        then(std::move(out));
    }
    void find(const std::string&,
              std::uint64_t number,
              ledger::Then<std::vector<Recipient>> then) override {
        std::vector<Recipient> out;
        if (number == 8613800138000)
            out.push_back({number, "sms-1", "110109", "cmcc", "zh-CN", "failed", 69, now()});
        then(std::move(out));
    }
};

}  // namespace

TEST_CASE("recipients stream as lines or CSV; a number is asked for in a body, never in a URL") {
    Numbers numbers;
    Running running([&](Config&, Deps& deps) { deps.recipients = &numbers; });
    auto client = running.client();
    const auto id = client.post(cap_message(words("people"))).text("id");
    const auto url = "/v1/alerts/" + id + "/recipients";
    const auto lines = client.call("GET", url + "?state=failed", "operator");
    CHECK(lines.status == 200);
    CHECK(lines.fields.at("content-type") == "application/x-ndjson");
    CHECK(std::ranges::count(lines.body, '\n') == 5000);
    const auto csv = client.call("GET", url, "operator", "", "", {"Accept: text/csv"});
    CHECK(csv.body.starts_with("number,endpoint,"));
    CHECK(std::ranges::count(csv.body, '\n') == 5001);
    CHECK(client.call("GET", url, "operator", "", "", {"Accept: image/png"}).status == 406);
    CHECK(client.call("GET", url, "agency").status == 403);
    CHECK(client.call("GET", url + "?number=13800138000", "operator").status == 400);
    const auto found = client.call("POST", url + "/find", "operator",
                                   "{\"number\":\"+86 138-0013-8000\"}", "application/json");
    CHECK(found.text("items/0/state") == "failed");
    CHECK(client.call("POST", url + "/find", "operator", "{\"number\":\"x\"}", "application/json")
              .status == 422);
}

TEST_CASE("the public listener serves pages; the admin listener the sandbox's; neither an API") {
    Running running([](Config& config, Deps& deps) {
        config.public_tls = false;
        deps.pages->put("/feeds/alerts.atom", "application/atom+xml", "<feed/>", now());
        deps.pages->put("/", "text/html; charset=utf-8", "<!doctype html>", now());
        deps.sandbox->put("/test/", "text/html", "sandbox", now());
    });
    Client site(running.ports.public_, false);
    const auto feed = site.call("GET", "/feeds/alerts.atom");
    CHECK(feed.status == 200);
    CHECK(feed.body == "<feed/>");
    CHECK(feed.fields.at("access-control-allow-origin") == "*");
    CHECK_FALSE(feed.fields.contains("strict-transport-security"));
    CHECK(site.call("GET", "/feeds/alerts.atom", "", "", "",
                    {"If-None-Match: " + feed.fields.at("etag")})
              .status == 304);
    CHECK(site.call("HEAD", "/").status == 200);
    CHECK(site.call("GET", "/test/").status == 404);
    CHECK(site.call("GET", "/v1/me", "sender").status == 404);
    CHECK(site.call("GET", "/metrics").status == 404);
    CHECK(site.call("POST", "/", "", "x").status == 405);
    Client admin(running.ports.admin, false);
    CHECK(admin.call("GET", "/test/").body == "sandbox");
    CHECK(admin.call("GET", "/v1/me", "sender").status == 404);
}

TEST_CASE("plain HTTP beyond loopback, a taken port and bad files stop the start, by name") {
    Running running;
    const auto fails = [&](std::function<void(Config&)> change) {
        Config config;
        config.api = config.public_ = config.admin = "127.0.0.1:0";
        config.tls = {
            running.server_certificate.certificate, running.server_certificate.key, {}, {}};
        change(config);
        Deps deps;
        deps.core = &running.core;
        deps.ledger = running.ledger.get();
        const auto started = Server(config, deps).start();
        return started.has_error() ? started.error().what : "";
    };
    CHECK(fails([](Config& c) {
              c.public_ = "0.0.0.0:0", c.public_tls = false;
          }).find("not loopback") != std::string::npos);
    CHECK(fails([](Config& c) { c.admin = "0.0.0.0:0"; }).find("not loopback") !=
          std::string::npos);
    CHECK(fails([&](Config& c) {
              c.api = fmt::format("127.0.0.1:{}", running.ports.api);
          }).find("taken") != std::string::npos);
    CHECK(fails([](Config& c) { c.tls.key = "/nowhere.key"; }).find("/nowhere.key") !=
          std::string::npos);
    CHECK(fails([](Config& c) { c.api = "localhost"; }).find("127.0.0.1:8443") !=
          std::string::npos);
}

TEST_CASE("a stop lets answers finish, ends streams and refuses the rest") {
    auto running = std::make_unique<Running>();
    auto client = running->client();
    auto watcher = running->client();
    watcher.send(request("GET", "/v1/events"));
    watcher.read_until("retry: 2000", 5s);
    CHECK(client.call("GET", "/v1/me", "sender").status == 200);
    const auto began = std::chrono::steady_clock::now();
    running->server->stop();
    CHECK(std::chrono::steady_clock::now() - began < 3s);
    CHECK(watcher.closed(3s));
    CHECK(client.closed(3s));
    CHECK(Client(running->ports.api).closed(3s));
}
