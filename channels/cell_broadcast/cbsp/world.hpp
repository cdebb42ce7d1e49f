#pragma once
#include "channels/cell_broadcast/cbsp/air.hpp"
#include "channels/cell_broadcast/cbsp/centre.hpp"
#include "channels/cell_broadcast/cbsp/model_bsc.hpp"
#include "server/base/log.hpp"
#include "server/contract/cell.hpp"
#include "server/contract/gate.hpp"

#include <doctest/doctest.h>

/// For tests only: the centre, a desk that remembers, and model controllers, in virtual time.
namespace tocsin::cbsp {

using namespace std::chrono_literals;
using namespace contract;

struct Told final : Desk {
    std::vector<Evidence> all;
    std::vector<LinkState> links;
    std::vector<Probed> probes;
    int forgotten = 0;

    void report(Evidence e) override { all.push_back(std::move(e)); }
    void link(LinkState state, std::optional<Instant>) override { links.push_back(state); }
    void forgot() override { ++forgotten; }
    void budgets(std::vector<Budget>) override {}
    void probed(Probed p) override { probes.push_back(std::move(p)); }
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}

    const Evidence* last(OrderId id) const {
        for (auto at = all.rbegin(); at != all.rend(); ++at)
            if (at->order == id) return &*at;
        return nullptr;
    }
    const Evidence* of(OrderId id, Said said) const {
        for (auto at = all.rbegin(); at != all.rend(); ++at)
            if (at->order == id && at->said == said) return &*at;
        return nullptr;
    }
    std::size_t count(OrderId id, Said said) const {
        return std::size_t(std::ranges::count_if(
            all, [&](const Evidence& e) { return e.order == id && e.said == said; }));
    }
};

inline const Instant noon{std::chrono::milliseconds(1'800'000'000'000)};

struct World {
    static constexpr int cells_each = 3;

    static std::uint64_t number(int bsc, int i) {
        return to_number(
            {Radio::gsm, 460, 0, false, std::uint64_t(1001 + bsc) << 16 | std::uint64_t(101 + i)});
    }
    static Place place(int bsc, int i) {
        return {plmn(460, 0, false), std::uint16_t(1001 + bsc), std::uint16_t(101 + i)};
    }

    explicit World(int controllers = 2,
                   std::function<void(Setup&)> change = {},
                   int cells = cells_each) {
        log::threshold(static_cast<log::Severity>(int(log::Severity::error) + 1));
        setup.cells = "cells.csv";
        setup.profile = cell_broadcast::find_profile("china");
        setup.covers = {"110000"};
        setup.all_clear = 0ms;
        setup.times.reset = Reset::never;
        for (int bsc = 0; bsc < controllers; ++bsc) {
            setup.controllers.push_back({fmt::format("bsc-{}", bsc + 1), "host", 48049, ""});
            file.bscs.push_back(setup.controllers.back().name);
            std::vector<Place> places;
            for (int i = 0; i < cells; ++i) {
                places.push_back(place(bsc, i));
                file.rows.push_back({.cgi = number(bsc, i), .bsc = std::uint32_t(bsc)});
            }
            models.emplace_back(std::move(places));
            reachable.push_back(true);
        }
        connected.resize(models.size());
        if (change) change(setup);
        life(std::nullopt);
    }
    /// A (new) life of ours.
    void life(std::optional<State> state) {
        for (std::size_t i = 0; i < connected.size(); ++i) connected[i] = false;
        centre.emplace(setup, file, std::move(state), desk, [] { return 0.5; });
        centre->begin(now);
        centre->tick(now);
        shuttle();
    }
    /// Bytes to and fro until nobody has any.
    void shuttle() {
        for (bool more = true; more;) {
            more = false;
            for (const auto i : centre->take_stirred()) {
                auto& session = centre->session(i);
                const auto wish = session.wish(now);
                if (wish == Wish::connect) connect(i), more = true;
                if (wish == Wish::close) {
                    connected[i] = false;
                    centre->broke(i, "", now), more = true;
                }
                auto bytes = session.take_outbox();
                if (!connected[i] || bytes.empty()) continue;
                const auto begun = std::chrono::steady_clock::now();
                auto answer = models[i].take(bytes);
                peers_took += std::chrono::steady_clock::now() - begun;
                if (hold)
                    held += answer;
                else if (!answer.empty())
                    centre->received(i, answer, now), more = true;
            }
        }
    }
    void connect(std::size_t i) {
        if (!reachable[i]) return centre->broke(i, "connection refused", now);
        connected[i] = true;
        centre->connected(i, now);
        centre->received(i, models[i].connect(), now);
    }
    void cut(std::size_t i, bool for_long = false) {
        reachable[i] = !for_long;
        connected[i] = false;
        centre->broke(i, "connection reset", now);
        shuttle();
    }
    void say(std::size_t i, const std::string& bytes) {
        centre->received(i, bytes, now);
        shuttle();
    }
    void pass(std::chrono::milliseconds time, std::chrono::milliseconds step = 100ms) {
        for (const auto end = now + time; now < end;) {
            now += std::min<std::chrono::milliseconds>(
                step, std::chrono::duration_cast<std::chrono::milliseconds>(end - now));
            centre->tick(now);
            shuttle();
        }
    }
    /// Sends what is on air, as the models' transmitters would, once.
    void on_air() {
        for (auto& model : models) model.broadcast();
    }

    static std::vector<std::uint64_t> all_cells(int controllers = 2, int cells = cells_each) {
        std::vector<std::uint64_t> out;
        for (int bsc = 0; bsc < controllers; ++bsc)
            for (int i = 0; i < cells; ++i) out.push_back(number(bsc, i));
        return out;
    }
    Message order(OrderId id,
                  Action action = Action::publish,
                  std::vector<std::uint64_t> cells = all_cells()) const {
        Message m{};
        m.id = id;
        m.mode = Mode::live;
        m.depth = Depth::terminal;
        m.action = action;
        m.shown = action == Action::publish ? std::uint16_t(0) : std::uint16_t(id.revision - 1);
        m.level = Level::red;
        m.expires = now + 1h;
        m.facts.event = "暴雨";
        if (action != Action::withdraw)
            m.texts = {
                {Form::cb, "zh-CN", fmt::format("暴雨红色预警{}.{}", id.ordinal, id.revision)},
                {Form::cb, "en-US", fmt::format("Red rain {}.{}", id.ordinal, id.revision)}};
        m.footprint = Cells{std::move(cells)};
        return m;
    }
    void carry(Message m, Peer peer = Peer::live) {
        auto cleared = Gate::clear(std::make_shared<const Message>(m), m.mode,
                                   Outlet{"cb", peer, Depth::terminal}, now);
        REQUIRE(cleared.has_value());
        std::visit([&](const auto& order) { centre->carry(order, now); }, *cleared);
        shuttle();
    }
    State state() {
        now += 1s;  // above the pause between two savings
        auto bytes = centre->take_state(now);
        if (bytes) saved = *bytes;
        auto out = unpack(saved);
        REQUIRE(out.has_value());
        return *out;
    }
    std::set<std::string> words(std::size_t i) const { return models[i].words_on_air(); }
    void check_nothing_wrong() const {
        for (const auto& model : models) {
            const auto wrong = fmt::format("{}", fmt::join(model.wrong, "; "));
            CHECK(wrong == "");
        }
    }

    Setup setup;
    CellsFile file;
    Told desk;
    std::vector<ModelBsc> models;
    std::vector<bool> reachable, connected;
    Instant now = noon;
    bool hold = false;
    std::string held, saved;
    std::chrono::steady_clock::duration peers_took{};
    std::optional<Centre> centre;
};

}  // namespace tocsin::cbsp
