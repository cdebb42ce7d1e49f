#include "server/api/render.hpp"

#include "server/api/head.hpp"
#include "server/authority/credential.hpp"
#include "server/receipts/progress.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin::api {
namespace {

namespace json = boost::json;

json::value time(const std::optional<Instant>& at) {
    return at ? json::value(rfc3339(*at)) : json::value(nullptr);
}

json::value since(const std::optional<Instant>& at, Instant from) {
    if (!at) return nullptr;
    return std::max<std::int64_t>(0, (*at - from).count());
}

json::array list(const std::vector<std::string>& values) {
    json::array out;
    for (const auto& value : values) out.emplace_back(utf8(value));
    return out;
}

const char* word_of(contract::Form form) {
    constexpr const char* words[] = {"sms",   "cb",   "speech",   "crawl", "full_screen",
                                     "board", "page", "headline", "cap"};
    return words[std::size_t(form)];
}

json::value footprint(const contract::Footprint& footprint) {
    if (const auto* regions = std::get_if<contract::Regions>(&footprint))
        return json::object{{"regions", list(regions->codes)}};
    if (const auto* cells = std::get_if<contract::Cells>(&footprint))
        return json::object{{"cells", cells->cgi.size()}};
    return json::object{{"recipients", std::get<contract::Audience>(footprint).recipients}};
}

/// How well the cells fit, beside how many there are.
void add_fit(json::object& to, const plan::CellReach& reach) {
    const auto share = [](double of, double all) { return all > 0 ? of / all : 0; };
    to["bscs"] = reach.bscs;
    to["area_km2"] = reach.place_km2;
    to["covered_share"] = share(reach.covered_km2, reach.place_km2);
    to["outside_km2"] = reach.outside_km2;
    to["outside_share"] = reach.overshoot();
    to["people_outside"] =
        reach.people_outside ? json::value(*reach.people_outside) : json::value(nullptr);
}

json::value render(const plan::Order& order, contract::Mode mode) {
    json::array texts;
    for (const auto& text : order.texts)
        if (text.form != contract::Form::cap)  // the sender has it
            texts.push_back(json::object{{"form", word_of(text.form)},
                                         {"language", text.language},
                                         {"words", utf8(text.words)}});
    return json::object{{"endpoint", order.endpoint},
                        {"action", plan::word(order.action)},
                        {"mode", authority::word(mode)},
                        {"footprint", footprint(order.footprint)},
                        {"texts", std::move(texts)}};
}

}  // namespace

std::string utf8(std::string_view text) {
    if (is_utf8(text)) return std::string(text);
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t length = 1;
        while (length <= 4 && i + length <= text.size() && !is_utf8(text.substr(i, length)))
            ++length;
        if (length <= 4 && i + length <= text.size()) {
            out += text.substr(i, length);
            i += length;
        } else {
            out += "\xEF\xBF\xBD";
            ++i;
        }
    }
    return out;
}

json::value render(const std::vector<cap::Violation>& violations) {
    json::array out;
    for (const auto& v : violations)
        out.push_back(
            json::object{{"rule", v.rule},
                         {"severity", v.severity == cap::Weight::error ? "error" : "warning"},
                         {"line", v.line},
                         {"element", utf8(v.element)},
                         {"message", utf8(v.message)}});
    return out;
}

json::value render(const std::vector<plan::Note>& notes) {
    json::array out;
    for (const auto& note : notes)
        out.push_back(json::object{{"rule", note.rule}, {"message", utf8(note.message)}});
    return out;
}

json::value render(const std::vector<plan::Forecast>& forecast) {
    json::array out;
    for (const auto& row : forecast) {
        json::array languages;
        for (const auto& l : row.languages)
            languages.push_back(json::object{{"language", l.language},
                                             {"recipients", l.recipients},
                                             {"segments_each", l.segments_each}});
        out.push_back(json::object{{"endpoint", row.endpoint},
                                   {"recipients", row.recipients},
                                   {"segments", row.segments},
                                   {"seconds", row.seconds},
                                   {"rate_per_second", row.rate},
                                   {"measured", row.measured},
                                   {"languages", std::move(languages)}});
    }
    return out;
}

json::value render(const ledger::AlertRecord& record, const AlertFacts& f) {
    return json::object{{"id", record.id},
                        {"state", record.state},
                        {"mode", authority::word(record.mode)},
                        {"level", authority::word(f.level)},
                        {"event", utf8(f.event)},
                        {"headline", utf8(f.headline)},
                        {"regions", list(f.regions)},
                        {"sender", utf8(f.sender)},
                        {"identifier", utf8(f.identifier)},
                        {"sent", f.sent},
                        {"msg_type", f.msg_type},
                        {"status", f.status},
                        {"scope", f.scope},
                        {"accepted_at", rfc3339(record.accepted_at)},
                        {"expires", rfc3339(record.expires)},
                        {"chain", record.chain},
                        {"ordinal", record.order.ordinal},
                        {"revision", record.order.revision},
                        {"head", record.head},
                        {"references", list(f.references)},
                        {"withdrawn_by", record.withdrawn_by},
                        {"plan_sha256", f.plan_sha256},
                        {"person", utf8(f.person)},
                        {"override", utf8(f.override_reason)},
                        {"orders", f.orders}};
}

json::value render(const dispatch::EndpointStatus& e) {
    json::value probe = nullptr;
    if (e.last_probe)
        probe = json::object{{"at", rfc3339(e.last_probe->at)},
                             {"well", e.last_probe->well},
                             {"took_ms", e.last_probe->took.count()},
                             {"what", utf8(e.last_probe->what)}};
    return json::object{{"name", e.name},
                        {"channel", e.channel},
                        {"bearer", e.bearer},
                        {"live", e.live},
                        {"areas", list(e.areas)},
                        {"state", e.state},
                        {"since", time(e.since)},
                        {"paused_until", time(e.paused_until)},
                        {"paused_by", utf8(e.paused_by)},
                        {"pause_reason", utf8(e.pause_reason)},
                        {"queued", e.queued},
                        {"in_flight", e.in_flight},
                        {"rate_per_second", e.rate_per_second},
                        {"last_evidence", time(e.last_evidence)},
                        {"next_retry", time(e.next_retry)},
                        {"last_probe", std::move(probe)}};
}

json::value render(const plan::Plan& plan) {
    json::array orders;
    for (const auto& order : plan.orders) {
        auto& shown = orders.emplace_back(render(order, plan.mode)).as_object();
        for (const auto& reach : plan.cell_reach)
            if (reach.endpoint == order.endpoint) add_fit(shown["footprint"].as_object(), reach);
    }
    return json::object{{"mode", authority::word(plan.mode)},
                        {"depth", plan::word(plan.depth)},
                        {"level", authority::word(plan.level)},
                        {"event", utf8(plan.event_key)},
                        {"headline", utf8(plan.headline)},
                        {"sent", rfc3339(plan.sent)},
                        {"expires", rfc3339(plan.expires)},
                        {"regions", list(plan.regions)},
                        {"orders", std::move(orders)},
                        {"forecast", render(plan.forecast)},
                        {"plan_sha256", plan.sha256}};
}

json::value render(const receipts::Delivery& d, Instant accepted) {
    auto value = json::parse(receipts::to_json(d, true));
    auto& out = value.as_object();
    out["first_handed_ms"] = since(d.handed_at, accepted);
    out["complete_ms"] = since(d.ended_at, accepted);
    return value;
}

json::value render_whole(const ledger::AlertRecord& record,
                         const AlertFacts& facts,
                         std::span<const receipts::Delivery> rows,
                         const Ground& ground,
                         Instant now) {
    auto out = render(record, facts).as_object();
    auto progress =
        json::parse(receipts::to_json(receipts::progress(rows, now), record.accepted_at));
    auto& of = progress.as_object();
    // Fan-out writes the rows after the 202: what has none yet is queued, not done.
    if (rows.size() < facts.orders) {
        const auto missing = facts.orders - rows.size();
        of["orders"] = facts.orders;
        auto& states = of["states"].as_object();
        const auto* queued = states.if_contains("queued");
        states["queued"] = (queued ? queued->to_number<std::uint64_t>() : 0) + missing;
        of["complete_ms"] = nullptr;
    }
    if (facts.orders == 0 && rows.empty()) of["complete_ms"] = 0;
    out["progress"] = std::move(progress);
    out["by_channel"] = json::parse(
        receipts::to_json(receipts::progress_by_channel(rows, now), record.accepted_at));
    const auto plan = plan::unpack(record.plan);
    out["by_region"] = plan ? by_region(*plan, rows, ground, record.accepted_at, now)
                            : json::value(json::object());
    out["warnings"] = render(facts.warnings);
    out["forecast"] = render(facts.forecast);
    out["links"] = json::object{{"cap", fmt::format("/v1/alerts/{}/cap", record.id)},
                                {"deliveries", fmt::format("/v1/alerts/{}/deliveries", record.id)},
                                {"events", fmt::format("/v1/alerts/{}/events", record.id)}};
    return out;
}

Response json_answer(int status, const json::value& body) {
    return {status, "application/json", json::serialize(body), {}, false};
}

}  // namespace tocsin::api
