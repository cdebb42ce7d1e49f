#include "server/api/intake_rules.hpp"

#include "server/api/broker.hpp"
#include "server/api/facts.hpp"
#include "server/api/pages.hpp"
#include "server/api/rate.hpp"
#include "server/api/render.hpp"

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

using namespace tocsin;
using namespace tocsin::api;
using namespace std::chrono_literals;

namespace {

const Instant noon = *parse_rfc3339("2026-07-29T12:00:00+08:00");

cap::Time time(Instant at) { return {at, 8h, false}; }

cap::Alert alert(cap::MsgType type, Instant sent, std::optional<Instant> expires = noon + 6h) {
    cap::Alert out;
    out.sender = "a@x";
    out.identifier = "1";
    out.sent = time(sent);
    out.msg_type = type;
    out.status = cap::Status::actual;
    out.infos.emplace_back();
    if (expires) out.infos[0].expires = time(*expires);
    return out;
}

std::string rules(const std::vector<Violation>& all) {
    std::string out;
    for (const auto& one : all)
        out += (one.severity == cap::Weight::error ? "!" : "") + one.rule + " ";
    return out;
}

}  // namespace

TEST_CASE(
    "B9, D1: the clock refuses what is too early, too late or over; errors are marked with !") {
    using enum cap::MsgType;
    struct Row {
        cap::MsgType type;
        cap::Status status;
        Instant sent, expires;
        std::string_view expected;
    };
    constexpr auto actual = cap::Status::actual;
    const Row rows[] = {
        {alert, actual, noon, noon + 1h, ""},
        {alert, actual, noon + 5min, noon + 1h, ""},
        {alert, actual, noon + 5min + 1s, noon + 1h, "sent-future "},
        {alert, actual, noon + 1h, noon + 2h, "sent-future "},
        {alert, actual, noon + 1h + 1s, noon + 2h, "!sent-future "},
        {cancel, actual, noon + 1h + 1s, noon + 2h, "!sent-future "},
        {alert, cap::Status::test, noon + 6min, noon + 2h, ""},
        {alert, cap::Status::test, noon + 2h, noon + 3h, "!sent-future "},
        {alert, actual, noon - 24h, noon + 1h, ""},
        {alert, actual, noon - 24h - 1s, noon + 1h, "!sent-old "},
        {cancel, actual, noon - 24h - 1s, noon + 1h, "!sent-old "},
        {alert, cap::Status::exercise, noon - 72h, noon + 1h, ""},
        {alert, actual, noon - 1h, noon, "!expired-now "},
        {alert, actual, noon - 1h, noon + 1ms, ""},
        {update, actual, noon - 1h, noon - 1s, "!expired-now "},
        {cancel, actual, noon - 1h, noon - 1s, ""},  // A3: after its expiry too
        {ack, actual, noon - 1h, noon - 1s, ""},
        {alert, cap::Status::test, noon - 1h, noon - 1s, "!expired-now "},
    };
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        CAPTURE(i);
        auto one = ::alert(rows[i].type, rows[i].sent, rows[i].expires);
        one.status = rows[i].status;
        CHECK(rules(clock_rules(one, noon)) == rows[i].expected);
    }
}

TEST_CASE("an alert is over when all of it is over; without an end the plan knows") {
    auto two = alert(cap::MsgType::alert, noon - 1h, noon - 1min);
    two.infos.push_back(two.infos[0]);
    two.infos[1].expires = time(noon + 1h);
    CHECK(rules(clock_rules(two, noon)) == "");
    const auto open = alert(cap::MsgType::alert, noon - 1h, std::nullopt);
    CHECK(rules(clock_rules(open, noon)) == "");
    CHECK(expired_now(open, noon, noon)->rule == "expired-now");
    CHECK_FALSE(expired_now(open, noon + 1ms, noon).has_value());
    CHECK_FALSE(expired_now(alert(cap::MsgType::cancel, noon), noon, noon).has_value());
}

TEST_CASE("D2: the same instant with another offset is judged alike") {
    auto utc = alert(cap::MsgType::alert, noon - 25h);
    utc.sent = {noon - 25h, 0min, true};
    CHECK(rules(clock_rules(utc, noon)) == "!sent-old ");
    CHECK(clock_rules(utc, noon)[0].message.find("-00:00") != std::string::npos);
}

TEST_CASE("references: known, unknown, matched by name, too late") {
    auto update = alert(cap::MsgType::update, noon);
    update.references = {{"a@x", "0", time(noon - 1h)}};
    ledger::View view;
    view.matched = {{"a@x", "0", rfc3339(noon - 1h)}};
    CHECK(rules(chain_rules(update, view, false)) == "");
    view.unknown = {0};
    CHECK(rules(chain_rules(update, view, false)) == "references-unknown ");
    CHECK(rules(chain_rules(update, view, true)) == "!references-unknown ");
    view.unknown.clear();
    view.by_name = {0};
    CHECK(rules(chain_rules(update, view, false)) == "references-sent ");
    view.matched[0].sent = rfc3339(noon);
    CHECK(rules(chain_rules(update, view, false)) == "references-sent !references-order ");
    view.by_name.clear();
    view.matched[0].sent = "2026-07-29T04:00:00-00:00";  // the same instant
    CHECK(rules(chain_rules(update, view, false)) == "!references-order ");
}

TEST_CASE("B16: nobody takes back what another sent, not even before it came") {
    authority::Credential credential;
    credential.name = "bureau";
    credential.cap_senders = {"a@x", "b@x"};
    const auto as = [&](authority::Role role) {
        credential.role = role;
        return authority::Principal(std::make_shared<const authority::Credential>(credential));
    };
    struct Row {
        std::string_view sender;
        authority::Role role;
        bool known, fine;
    };
    using enum authority::Role;
    const Row rows[] = {{"a@x", sender, true, true},    {"b@x", sender, true, true},
                        {"c@x", sender, true, false},   {"c@x", sender, false, false},
                        {"c@x", operator_, true, true}, {"a@x", sender, false, true}};
    for (const auto& row : rows) {
        auto cancel = alert(cap::MsgType::cancel, noon);
        cancel.references = {{std::string(row.sender), "0", time(noon - 1h)}};
        ledger::View view;
        view.matched = {{std::string(row.sender), "0", rfc3339(noon - 1h)}};
        if (!row.known) view.unknown = {0};
        CAPTURE(row.sender);
        CHECK(foreign_reference(cancel, view, as(row.role)).has_value() != row.fine);
    }
    auto linked = alert(cap::MsgType::alert, noon);  // B18: a link of an Alert takes nothing back
    linked.references = {{"c@x", "0", time(noon - 1h)}};
    CHECK_FALSE(foreign_reference(linked, {}, as(sender)).has_value());
    CHECK(chain_references(linked).empty());
}

TEST_CASE("a reason sets aside what may be set aside, and nothing else") {
    const auto error = [](std::string rule) {
        return Violation{std::move(rule), cap::Weight::error, 0, "", "m"};
    };
    const std::vector<Violation> both{error("sent-old"), error("geocode-unknown")};
    const auto without = weigh(both, false);
    CHECK(without.errors.size() == 2);
    const auto with = weigh(both, true);
    CHECK(rules(with.errors) == "!geocode-unknown ");
    CHECK(with.overridden == std::vector<std::string>{"sent-old"});
    CHECK(with.warnings[0].rule == "sent-old");
    const std::vector<Violation> noted{{"instruction-missing", cap::Weight::warning, 0, "", "m"}};
    CHECK(weigh(noted, false).errors.empty());
    CHECK(rules(weigh(noted, false, {"instruction-missing"}).errors) ==
          "!instruction-missing ");  // B4
    CHECK(weigh(noted, true, {"instruction-missing"}).errors.empty());
    for (const auto* never : {"expired-now", "sent-future", "no-area", "area-outside", "xsd"})
        CHECK_FALSE(overridable(never));
}

TEST_CASE("B4: a note that becomes a refusal says what to do, not what happens") {
    const std::vector<Violation> noted{
        {"instruction-missing", cap::Weight::warning, 0, "", "the advice goes out instead"},
        {"status-words", cap::Weight::warning, 0, "", "the words speak of a drill"},
        {"sent-old", cap::Weight::error, 0, "", "as it is"}};
    const auto made = weigh(noted, false, {"instruction-missing", "status-words", "sent-old"});
    REQUIRE(made.errors.size() == 3);
    CHECK(made.errors[0].message.find("add <instruction>") != std::string::npos);
    CHECK(made.errors[0].message.find("goes out instead") == std::string::npos);
    CHECK(made.errors[1].message ==
          "the words speak of a drill; mend it, or repeat it with ?override=REASON");
    CHECK(made.errors[2].message == "as it is");
    CHECK(weigh(noted, true, {"instruction-missing"}).warnings[0].message ==
          "the advice goes out instead (overridden)");
}

TEST_CASE("E5: only an Update that is later than its chain's Cancel follows it") {
    struct Row {
        cap::MsgType type;
        std::chrono::seconds after;
        bool follows;
    };
    const Row rows[] = {{cap::MsgType::update, 1s, true},   {cap::MsgType::update, 0s, false},
                        {cap::MsgType::update, -1s, false}, {cap::MsgType::alert, 1s, false},
                        {cap::MsgType::cancel, 1s, false},  {cap::MsgType::ack, 1s, false}};
    for (const auto& row : rows)
        CHECK(follows_cancel(alert(row.type, noon + row.after), noon) == row.follows);
}

TEST_CASE("A2: content types that are taken, and charsets that contradict") {
    struct Row {
        std::string_view type, document;
        bool fine;
    };
    const std::string_view plain = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><alert/>",
                           latin = "<?xml version='1.0' encoding='ISO-8859-1'?><alert/>";
    const Row rows[] = {
        {"application/cap+xml", plain, true},
        {"application/xml; charset=utf-8", plain, true},
        {"TEXT/XML;Charset=\"UTF-8\"", plain, true},
        {"text/xml; charset=us-ascii", plain, true},
        {"text/xml; charset=iso-8859-1", plain, false},
        {"text/xml; charset=iso-8859-1", latin, true},
        {"text/xml; charset=utf-8", latin, false},
        {"text/xml; charset=utf-8", "<alert/>", true},
        {"text/xml; charset=utf-8", "\xFF\xFE<\0", false},
        {"text/xml; charset=utf-16le", "\xFF\xFE<\0", true},
        {"application/json", plain, false},
        {"application/cap+xmlx", plain, false},
        {"multipart/form-data", plain, false},
        {"", plain, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.type);
        const bool fine =
            bad_content_type(row.type, "").empty() && bad_charset(row.type, row.document).empty();
        CHECK(fine == row.fine);
    }
    CHECK_FALSE(bad_content_type("text/xml", "gzip").empty());
    CHECK(bad_content_type("text/xml", "identity").empty());
}

TEST_CASE("B17: a Cancel made here is valid CAP and later than all that it names") {
    auto original = alert(cap::MsgType::alert, noon + 10min);
    original.scope = cap::Scope::public_;
    const std::vector<cap::Reference> of{{"a@x", "1", original.sent},
                                         {"a@x", "2", time(noon - 1h)}};
    const auto cancel = make_cancel(original, of, "city@x", "CANCEL-1", "侧报 <&>", noon + 500ms);
    CHECK(cancel.sent.at > original.sent.at);
    CHECK(cancel.references == of);
    const auto judged = cap::judge(cap::write(cancel));
    REQUIRE_MESSAGE(judged.valid(), rules(judged.violations));
    CHECK(judged.alert->note == "侧报 <&>");
    CHECK(judged.alert->msg_type == cap::MsgType::cancel);
    CHECK(judged.alert->status == cap::Status::actual);
}

TEST_CASE("a bucket lets a minute's worth through at once, then at its pace") {
    Bucket bucket(60);
    int taken = 0;
    for (int i = 0; i < 100; ++i) taken += bucket.take(noon) ? 1 : 0;
    CHECK(taken == 60);
    CHECK(bucket.wait_s(noon) == 1);
    CHECK_FALSE(bucket.take(noon + 999ms));
    CHECK(bucket.take(noon + 1001ms));
    CHECK_FALSE(bucket.take(noon - 1h));  // a clock that jumps back gives nothing away
    Rates rates(1);
    CHECK(rates.take("a", noon) == 0);
    CHECK(rates.take("a", noon) == 60);
    CHECK(rates.take("b", noon) == 0);
    CHECK(Rates(0).take("a", noon) == 0);
}

TEST_CASE("facts come back as they were kept, whatever their texts") {
    AlertFacts facts;
    facts.sender = "a@x";
    facts.headline = "]]><script>\"\\\x01\xFF 红色";
    facts.regions = {"110109", "BJ-F01"};
    facts.level = contract::Level::red;
    facts.warnings = {{"no-expires", "m"}};
    facts.forecast = {{"sms", 10, 20, 1.5}};
    facts.orders = 3;
    const auto back = read_facts(to_json(facts));
    CHECK(back.sender == facts.sender);
    CHECK(back.regions == facts.regions);
    CHECK(back.level == facts.level);
    CHECK(back.orders == 3);
    CHECK(back.headline == "]]><script>\"\\\x01\xEF\xBF\xBD 红色");
    CHECK(back.warnings.at(0).rule == "no-expires");
    CHECK(back.forecast.at(0).segments == 20);
    CHECK(read_facts("not json").regions.empty());
}

TEST_CASE("an event's lines stay one event, and ids are compared by their numbers") {
    CHECK(sse("1-0", "state", "{}") == "id: 1-0\nevent: state\ndata: {}\n\n");
    CHECK(sse("", "reset", "a\nb") == "event: reset\ndata: a\ndata: b\n\n");
    CHECK(later("10-0", "9-5"));
    CHECK(later("10-10", "10-9"));
    CHECK_FALSE(later("10-9", "10-9"));
    CHECK(later("0-0", ""));
    CHECK(with_alert_id("{\"a\":1}", "l1") == "{\"alert\":\"l1\",\"a\":1}");
    CHECK(with_alert_id("{}", "l1") == "{\"alert\":\"l1\"}");
    CHECK(with_alert_id("{\"alert\":\"x\"}", "l1") == "{\"alert\":\"x\"}");
}

TEST_CASE("a page is sent once to who has it already") {
    Pages pages;
    pages.put("/feeds/alerts.atom", "application/atom+xml", "<feed/>", noon);
    const auto page = pages.get("/feeds/alerts.atom");
    REQUIRE(page);
    Request request;
    const auto first = answer_page(*page, request);
    CHECK(first.status == 200);
    request.fields = {{"if-none-match", "\"x\", W/" + page->etag}};
    CHECK(answer_page(*page, request).status == 304);
    request.fields = {{"if-modified-since", http_date(noon)}};
    CHECK(answer_page(*page, request).status == 304);
    CHECK(http_date(noon) == "Wed, 29 Jul 2026 04:00:00 GMT");
    pages.put("/feeds/alerts.atom", "application/atom+xml", "<feed/>", noon + 1h);
    CHECK(pages.get("/feeds/alerts.atom")->modified == noon);  // nothing changed
    pages.put("/feeds/alerts.atom", "", "", noon);
    CHECK(pages.get("/feeds/alerts.atom") == nullptr);
}
