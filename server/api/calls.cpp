#include "server/api/calls.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin::api {

namespace json = boost::json;

void refuse(Exchange& exchange, const Problem& problem) {
    exchange.send(answer(problem, exchange.request.id));
}

void refuse(Exchange& exchange, const authority::Refusal& refusal) {
    auto made = problem("forbidden", refusal.message);
    made.rule = refusal.rule;
    made.allowed = refusal.allowed;
    refuse(exchange, made);
}

void fail(Exchange& exchange, const Fault& fault) {
    if (fault.cause == Cause::unreachable || fault.cause == Cause::over_limit) {
        auto made = problem("not-durable", "the store does not answer: " + fault.what +
                                               "; what was asked may have been done: ask again");
        made.retry_after_s = 1;
        return refuse(exchange, made);
    }
    if (fault.cause == Cause::malformed)
        return refuse(exchange, problem("unknown-parameter", fault.what));
    if (fault.cause == Cause::refused) return refuse(exchange, problem("unavailable", fault.what));
    refuse(exchange, problem("internal", fault.what));
}

authority::Subject subject_of(const Shared& shared, const AlertFacts& facts, contract::Mode mode) {
    authority::Subject out;
    out.cap_sender = facts.sender;
    out.mode = mode;
    out.level = facts.level;
    out.event = facts.event;
    if (shared.deps.event_class) out.event_class = shared.deps.event_class(facts.event);
    out.categories = facts.categories;
    out.regions = &facts.regions;
    return out;
}

void with_alert(Shared& shared, std::shared_ptr<Exchange> exchange, WithAlert then) {
    const auto id = exchange->request.args.at(0);
    const auto missing = [exchange, id] {
        refuse(*exchange, problem("not-found", fmt::format("no alert '{}'", id)));
    };
    if (!ledger::mode_of_id(id)) return missing();
    auto found = [&shared, exchange, missing,
                  then = std::move(then)](std::optional<ledger::AlertRecord> record) {
        if (!record) return missing();
        const auto facts = read_facts(record->facts);
        const auto& who = *asker(*exchange).who;
        if (auto no = shared.deps.authority()->may(who, authority::Act::read,
                                                   subject_of(shared, facts, record->mode)))
            return refuse(*exchange, *no);
        then(*record, facts);
    };
    on_core(shared, [&shared, id,
                     answer = back<std::optional<ledger::AlertRecord>>(
                         exchange, std::move(found))] { shared.deps.ledger->alert(id, answer); });
}

std::optional<json::value> json_body(Exchange& exchange,
                                     const std::vector<std::string_view>& members) {
    const auto& body = exchange.request.body;
    boost::system::error_code error;
    auto value = body.empty() ? json::value(json::object()) : json::parse(body, error);
    if (error || !value.is_object()) {
        refuse(exchange, problem("malformed", "the body is no JSON object"));
        return std::nullopt;
    }
    for (const auto& [key, member] : value.get_object()) {
        if (std::ranges::find(members, std::string_view(key)) != members.end()) continue;
        refuse(exchange,
               problem("malformed", fmt::format("the member '{}' is unknown; known are {}",
                                                std::string_view(key), fmt::join(members, ", "))));
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> text_member(const json::value& body, std::string_view key) {
    const auto* found = body.get_object().if_contains(key);
    if (!found || !found->is_string()) return std::nullopt;
    return std::string(found->get_string());
}

void note_audit(Shared& shared, const Exchange& exchange, std::string act, std::string about) {
    const auto& who = asker(exchange).who;
    const json::object line{{"act", act},
                            {"about", utf8(about)},
                            {"credential", who ? (*who)->name : ""},
                            {"person", who ? (*who)->person : ""},
                            {"request", exchange.request.id},
                            {"address", exchange.request.address},
                            {"at", rfc3339(shared.deps.clock())}};
    on_core(shared, [&shared, line = json::serialize(line)] {
        shared.deps.ledger->audit(line, [](Result<ledger::Done>) {});
    });
}

}  // namespace tocsin::api
