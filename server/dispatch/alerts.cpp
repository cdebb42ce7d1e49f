#include "server/dispatch/alerts.hpp"

#include <algorithm>

namespace tocsin::dispatch {

const plan::Order* Carried::order_for(std::string_view endpoint) const {
    const auto at = std::ranges::find(plan.orders, endpoint, &plan::Order::endpoint);
    return at == plan.orders.end() ? nullptr : &*at;
}

void Alerts::get(const std::string& id, ledger::Then<Shared> then) {
    if (const auto at = kept_.find(id); at != kept_.end()) return then(at->second);
    auto& waiting = waiting_[id];
    waiting.push_back(std::move(then));
    if (waiting.size() > 1) return;
    ledger_.alert(id, alive_.guard([this, id](Result<std::optional<ledger::AlertRecord>> found) {
        if (found.has_error()) return answer(id, found.error());
        if (!*found) return answer(id, Fault{Cause::refused, "no alert " + id});
        answer(id, put(std::move(**found)));
    }));
}

Result<Shared> Alerts::put(ledger::AlertRecord record) {
    if (const auto at = kept_.find(record.id); at != kept_.end()) return at->second;
    auto plan = unpack_(record.plan);
    if (plan.has_error())
        return std::move(plan).error().during("unpacking the plan of " + record.id);
    record.cap.clear();
    record.plan.clear();
    auto id = record.id;
    auto made = std::make_shared<const Carried>(Carried{std::move(record), std::move(*plan)});
    kept_[id] = made;
    order_.push_back(std::move(id));
    while (order_.size() > keep_) {  // a station holds what it still carries
        kept_.erase(order_.front());
        order_.pop_front();
    }
    return Shared(made);
}

void Alerts::answer(const std::string& id, const Result<Shared>& found) {
    const auto waiting = std::move(waiting_.extract(id).mapped());
    for (const auto& then : waiting) then(found);
}

}  // namespace tocsin::dispatch
