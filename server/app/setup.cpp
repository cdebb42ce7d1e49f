#include "server/app/setup.hpp"

#include "server/app/app.hpp"
#include "server/authority/places.hpp"
#include "server/contract/bulk.hpp"
#include "server/contract/loop.hpp"

#include <boost/json.hpp>

#include <iostream>

namespace tocsin::app {
namespace {

namespace json = boost::json;

/// Hears nothing: channels are opened on a loop that never runs, to see whether they could be.
class DeafDesk final : public contract::BulkDesk {
public:
    void report(contract::Evidence) override {}
    void link(contract::LinkState, std::optional<Instant>) override {}
    void forgot() override {}
    void budgets(std::vector<contract::Budget>) override {}
    void probed(contract::Probed) override {}
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}
    contract::Slice take(contract::OrderId, std::uint32_t) override { return {}; }
    void answered(contract::OrderId, std::span<const contract::Answer>) override {}
    contract::Ticket settled(std::span<const contract::Receipt>) override { return {}; }
    void unknown(contract::OrderId, std::span<const std::uint32_t>) override {}
};

void try_channels(const Config& config, Complaints& complaints) {
    boost::asio::io_context never_run{1};
    contract::Loop loop(never_run);
    DeafDesk desk;
    for (const auto& endpoint : config.endpoints)
        for (const auto& listed : contract::catalogue()) {
            if (listed.name != endpoint.plan.channel) continue;
            const auto before = complaints.list().size();
            const auto opened = listed.open(endpoint.channel, loop, desk);
            if (!opened && complaints.list().size() == before)
                complaints.add(
                    fmt::format("endpoint '{}': {}", endpoint.plan.name, opened.error().what));
        }
}

void check_areas(const Config& config, const area::Atlas& atlas, Complaints& complaints) {
    const auto known = [&](std::string_view code) {
        return code == "*" || atlas.find(code) != nullptr;
    };
    for (const auto& endpoint : config.endpoints)
        for (const auto& code : endpoint.plan.areas)
            if (!known(code))
                complaints.add(fmt::format("endpoint '{}': areas: no region has the code {}",
                                           endpoint.plan.name, code));
    for (const auto& credential : config.credentials)
        for (const auto& code : credential.areas)
            if (!known(code))
                complaints.add(fmt::format("credential '{}': areas: no region has the code {}",
                                           credential.name, code));
}

void build(Setup& setup, Complaints& complaints) {
    auto& config = setup.config;
    auto atlas = area::Atlas::load(config.regions);
    if (!atlas) return complaints.add(atlas.error().what);
    auto shared = std::make_shared<const area::Atlas>(std::move(*atlas));
    check_areas(config, *shared, complaints);
    config.city.atlas = shared;
    config.city.endpoints.clear();
    for (const auto& endpoint : config.endpoints) config.city.endpoints.push_back(endpoint.plan);
    auto planner = plan::Planner::make(config.city);
    if (!planner) return complaints.add(planner.error().what);
    setup.planner = std::move(*planner);
    setup.authority = std::make_shared<const authority::Authority>(config.credentials,
                                                                   authority::places_of(shared));
}

}  // namespace

std::optional<Setup> read_setup(const std::filesystem::path& file, Complaints& complaints) {
    auto config = read_config(file, complaints);
    if (!config) return complaints.add(config.error().what), std::nullopt;
    Setup setup{std::move(*config), nullptr, nullptr};
    if (complaints.list().empty()) build(setup, complaints);
    if (complaints.list().empty()) try_channels(setup.config, complaints);
    if (!complaints.list().empty()) return std::nullopt;
    return setup;
}

int check(const std::filesystem::path& file, bool as_json) {
    Complaints complaints;
    const auto setup = read_setup(file, complaints);
    for (const auto& what : complaints.list())
        std::cout << (as_json ? json::serialize(json::object{{"fault", what}}) : what) << "\n";
    if (setup)
        std::cout << (as_json ? json::serialize(
                                    json::object{{"endpoints", setup->config.endpoints.size()}})
                              : file.string() + ": good")
                  << "\n";
    return setup ? 0 : 2;
}

}  // namespace tocsin::app
