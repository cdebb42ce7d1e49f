#include "server/receipts/progress.hpp"

#include "server/receipts/pace.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace tocsin::receipts {
namespace {

namespace json = boost::json;

void add(Progress& p, const Delivery& d) {
    ++p.orders;
    ++p.states[state(d)];
    p.open += !terminal(d);
    p.partial += d.partial;
    p.displaced += d.displaced;
    if (d.handed_at && (!p.first_handed || *d.handed_at < *p.first_handed))
        p.first_handed = d.handed_at;
    if (d.ended_at && (!p.completed || *d.ended_at > *p.completed)) p.completed = d.ended_at;
    if (!d.bulk) return;
    auto& r = p.recipients;
    r.total += d.counts.total;
    r.handed += d.counts.handed;
    r.accepted += d.counts.accepted;
    r.delivered += d.counts.delivered;
    r.failed += d.counts.failed;
    r.expired += d.counts.expired;
    // An ended delivery waits for nobody, though some of its people may never have answered.
    const auto final = d.counts.delivered + d.counts.failed + d.counts.expired;
    if (!terminal(d) && final < d.counts.total) r.pending += d.counts.total - final;
}

/// Endpoints work side by side: the slowest tells. One that has no pace could be it.
struct Left {
    std::optional<std::chrono::duration<double>> most;
    bool unknown = false;
    void add(const Delivery& d, Instant now) {
        if (!d.bulk || terminal(d)) return;
        const auto left = remaining(d, now);
        if (!left)
            unknown = true;
        else if (left->count() > 0)
            most = most ? std::max(*most, *left) : *left;
    }
    std::optional<std::chrono::seconds> whole() const {
        if (unknown || !most) return std::nullopt;
        return std::chrono::seconds(std::uint64_t(std::min(most->count() + 0.5, 1e9)));
    }
};

void finish(Progress& p, const Left& left) {
    if (p.open > 0 || p.orders == 0) p.completed.reset();
    p.eta = left.whole();
}

template <class Rows> Progress over(const Rows& rows, Instant now) {
    Progress p;
    Left left;
    for (const auto& row : rows) {
        const Delivery* d = nullptr;
        if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(row)>>)
            d = row;
        else
            d = &row;
        add(p, *d);
        left.add(*d, now);
    }
    finish(p, left);
    return p;
}

json::value since(const std::optional<Instant>& at, Instant accepted) {
    if (!at) return nullptr;
    return std::max<std::int64_t>(0, (*at - accepted).count());
}

json::object object(const Progress& p, Instant accepted) {
    json::object states;
    for (const auto& [name, number] : p.states) states[name] = number;
    const auto& r = p.recipients;
    return {{"orders", p.orders},
            {"states", std::move(states)},
            {"open", p.open},
            {"partial", p.partial},
            {"displaced", p.displaced},
            {"recipients", json::object{{"total", r.total},
                                        {"handed", r.handed},
                                        {"accepted", r.accepted},
                                        {"delivered", r.delivered},
                                        {"failed", r.failed},
                                        {"expired", r.expired},
                                        {"pending", r.pending}}},
            {"first_handed_ms", since(p.first_handed, accepted)},
            {"complete_ms", since(p.completed, accepted)},
            {"eta_s", p.eta ? json::value(p.eta->count()) : json::value(nullptr)}};
}

}  // namespace

Progress progress(std::span<const Delivery> rows, Instant now) { return over(rows, now); }
Progress progress(std::span<const Delivery* const> rows, Instant now) { return over(rows, now); }

Groups progress_by(std::span<const Delivery> rows,
                   const std::function<std::vector<std::string>(const Delivery&)>& groups,
                   Instant now) {
    Groups all;
    std::map<std::string, Left> left;
    for (const auto& row : rows)
        for (const auto& group : groups(row)) {
            add(all[group], row);
            left[group].add(row, now);
        }
    for (auto& [group, p] : all) finish(p, left[group]);
    return all;
}

Groups progress_by_channel(std::span<const Delivery> rows, Instant now) {
    return progress_by(
        rows, [](const Delivery& d) { return std::vector{d.channel}; }, now);
}

std::string to_json(const Progress& p, Instant accepted) {
    return json::serialize(object(p, accepted));
}

std::string to_json(const Groups& groups, Instant accepted) {
    json::object all;
    for (const auto& [name, p] : groups) all[name] = object(p, accepted);
    return json::serialize(all);
}

}  // namespace tocsin::receipts
