#include "server/app/outpost.hpp"

#include "server/base/log.hpp"
#include "server/contract/loop.hpp"

#include <boost/asio/post.hpp>

namespace tocsin::app {
namespace {

const contract::Listed* channel_named(std::string_view name) {
    for (const auto& listed : contract::catalogue())
        if (listed.name == name) return &listed;
    return nullptr;
}

}  // namespace

Outpost::Outpost(const Endpoint& endpoint, Loops loops, std::shared_ptr<api::Pages> pages)
    : name_(endpoint.plan.name),
      prefix_(endpoint.plan.live ? "" : "/sandbox/" + endpoint.plan.name),
      listed_(channel_named(endpoint.plan.channel)),
      settings_(endpoint.channel),
      loops_(loops),
      pages_(std::move(pages)),
      bulk_(endpoint.plan.bulk) {}

Outpost::~Outpost() = default;

template <class F> void Outpost::on_core(F what) {
    boost::asio::post(loops_.core, [self = shared_from_this(), what = std::move(what)]() mutable {
        if (self->station_) return what(*self->station_);
        self->early_.push_back(std::move(what));
    });
}

template <class F> void Outpost::on_own(F what) {
    boost::asio::post(loops_.own, [self = shared_from_this(), what = std::move(what)]() mutable {
        if (self->channel_) what(*self);
    });
}

Result<bool> Outpost::open(const campaign::Settings* bulk) {
    if (!listed_) return Fault{Cause::refused, "no such channel; endpoint " + name_};
    loop_ = std::make_unique<contract::Loop>(loops_.own);
    contract::Desk* desk = this;
    if (bulk) {
        engine_ = std::make_unique<campaign::Engine>(loops_.own, loops_.core, *bulk, *this, *this);
        desk = engine_.get();
    }
    auto opened = listed_->open(settings_, *loop_, *desk);
    if (!opened) return std::move(opened.error()).during("opening endpoint " + name_);
    channel_ = std::move(*opened);
    if (engine_) {
        engine_->attach(static_cast<contract::BulkChannel&>(*channel_));
        engine_->start();
    }
    return true;
}

void Outpost::attach(dispatch::Station* station) {
    station_ = station;
    if (!station) return;
    for (auto& what : std::exchange(early_, {})) what(*station);
}

void Outpost::close() {
    if (engine_) engine_->halt();
    channel_.reset();
    engine_.reset();
}

std::shared_ptr<dispatch::BulkPort> Outpost::bulk_port() {
    if (!engine_) return nullptr;
    return {shared_from_this(), static_cast<dispatch::BulkPort*>(engine_.get())};
}

void Outpost::carry(contract::Cleared order) {
    on_own([order = std::move(order)](Outpost& self) {
        std::visit([&](const auto& side) { self.channel_->carry(side); }, order);
    });
}
void Outpost::probe() {
    on_own([](Outpost& self) { self.channel_->probe(); });
}
void Outpost::stop() {
    on_own([](Outpost& self) { self.channel_->stop(); });
}

void Outpost::opened(contract::OrderId order, bool well, std::string why) {
    if (station_) station_->opened(order, well, std::move(why));
}
void Outpost::asked(contract::OrderId order) {
    if (station_) station_->asked(order);
}
void Outpost::exhausted(contract::OrderId order) {
    if (station_) station_->exhausted(order);
}
void Outpost::totals(contract::OrderId order, receipts::Counts counts, bool all_final) {
    if (station_) station_->totals(order, counts, all_final);
}
void Outpost::rate(double per_second) {
    if (station_) station_->rate(per_second);
}

void Outpost::report(contract::Evidence evidence) {
    on_core([evidence = std::move(evidence)](dispatch::Station& to) { to.heard(evidence); });
}
void Outpost::link(contract::LinkState state, std::optional<Instant> until) {
    down_ = state == contract::LinkState::down;
    on_core([=](dispatch::Station& to) { to.link(state, until); });
}
void Outpost::forgot() {
    on_core([](dispatch::Station& to) { to.forgot(); });
}
void Outpost::budgets(std::vector<contract::Budget>) {
}  // no channel of today asks a sign for its size
void Outpost::probed(contract::Probed result) {
    on_core([result = std::move(result)](dispatch::Station& to) { to.probed(result); });
}
/// A reply to a channel without recipients: never its words or its number in the log.
void Outpost::heard(std::string, std::string) {
    log::info("endpoint.heard", {{"endpoint", name_}});
}
void Outpost::serve(std::string path, std::string type, std::string body) {
    pages_->put(prefix_ + path, std::move(type), std::move(body), now());
}

}  // namespace tocsin::app
