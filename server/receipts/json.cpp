#include "server/base/time.hpp"
#include "server/receipts/delivery.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin::receipts {
namespace {

namespace json = boost::json;

json::value time(const std::optional<Instant>& at) {
    return at ? json::value(rfc3339(*at)) : json::value(nullptr);
}

json::object counts(const Counts& c) {
    return {{"total", c.total},         {"handed", c.handed}, {"accepted", c.accepted},
            {"delivered", c.delivered}, {"failed", c.failed}, {"expired", c.expired}};
}

json::array lines(const std::vector<Seen>& evidence) {
    json::array all;
    for (const auto& seen : evidence)
        all.push_back(json::object{{"at", rfc3339(seen.at)},
                                   {"grade", word(seen.said)},
                                   {"source", seen.source},
                                   {"code", seen.code},
                                   {"text", seen.text},
                                   {"ref", seen.ref}});
    return all;
}

const char* word_of(contract::Action action) {
    switch (action) {
        case contract::Action::publish: return "publish";
        case contract::Action::update: return "update";
        case contract::Action::withdraw: return "withdraw";
    }
    return "?";
}

}  // namespace

std::string to_json(const Delivery& d, bool with_evidence) {
    json::object o{{"endpoint", d.endpoint},
                   {"channel", d.channel},
                   {"action", word_of(d.action)},
                   {"state", state(d)},
                   {"grade", word(d.grade)},
                   {"ended", terminal(d) ? json::value(word(d.ended)) : json::value(nullptr)},
                   {"partial", d.partial},
                   {"displaced", d.displaced},
                   {"tries", d.tries},
                   {"queued_at", time(d.queued_at)},
                   {"handed_at", time(d.handed_at)},
                   {"accepted_at", time(d.accepted_at)},
                   {"delivered_at", time(d.delivered_at)},
                   {"ended_at", time(d.ended_at)}};
    if (d.counts.total > 0) o["counts"] = counts(d.counts);
    if (!d.missed.empty()) o["missed"] = json::array(d.missed.begin(), d.missed.end());
    if (with_evidence) o["evidence"] = lines(d.evidence);
    return json::serialize(o);
}

}  // namespace tocsin::receipts
