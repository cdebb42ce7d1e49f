#include "server/app/setup.hpp"

#include "server/app/app.hpp"
#include "server/area/cell_map.hpp"
#include "server/authority/places.hpp"
#include "server/contract/bulk.hpp"
#include "server/contract/loop.hpp"

#include <boost/json.hpp>

#include <cctype>
#include <iostream>
#include <map>
#include <set>

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

std::filesystem::path one_form_of(const std::filesystem::path& file) {
    std::error_code bad;
    const auto whole = std::filesystem::absolute(file, bad);
    return (bad ? file : whole).lexically_normal();
}

/// Where a controller is dialled, or where it dials us; and the key that says so.
std::pair<const char*, std::string> address_of(const Settings& bsc) {
    if (auto door = bsc.text("listen"); !door.empty()) return {"listen", std::move(door)};
    auto host = bsc.text("host");
    if (host.empty()) return {"host", ""};
    for (char& c : host) c = char(std::tolower(static_cast<unsigned char>(c)));
    return {"host", fmt::format("{}:{}", host, bsc.number("port", 48049, 1, 65535))};
}

/// One reading of a configuration; each look finds what it can, whatever the others found.
class Reading {
public:
    Reading(Setup& setup,
            const Settings& source,
            Complaints& complaints,
            std::vector<ConfigFault>& faults)
        : setup_(setup),
          config_(setup.config),
          source_(source),
          complaints_(complaints),
          faults_(faults) {}

    void run() {
        look_at_tls();
        look_at_regions();
        look_at_cells();
        look_at_words();
        try_channels();
        look_at_sharing();
    }

private:
    bool exists(const std::filesystem::path& path) const {
        std::error_code ignored;
        return !path.empty() && std::filesystem::exists(path, ignored);
    }
    /// As the configuration names it.
    std::string name_of(std::string_view key) const { return source_.table("city").text(key); }

    void look_at_tls();
    void look_at_regions();
    void look_at_areas(const area::Atlas& atlas);
    void look_at_cells();
    void look_at_own_cells(const Settings& channel, const std::vector<std::string>& bscs) const;
    void complain_of_cells(const Fault& fault);
    void look_at_words();
    void try_channels();
    void look_at_sharing();

    Setup& setup_;
    Config& config_;
    const Settings& source_;
    Complaints& complaints_;
    std::vector<ConfigFault>& faults_;
};

/// File after file, so that each fault stands at its own key.
void Reading::look_at_tls() {
    const auto all = tls_files(config_);
    api::TlsFiles files;
    files.certificate = all.certificate, files.key = all.key;
    if (!exists(files.certificate) || !exists(files.key)) return;
    const auto table = source_.table("tls");
    const auto fits = [&](const char* key) {
        const auto made = api::make_tls(files);
        if (!made) table.complain(key, made.error().what);
        return made.has_value();
    };
    if (!fits("certificate") || !exists(all.client_ca)) return;
    files.client_ca = all.client_ca;
    if (!fits("client_ca") || !exists(all.client_crl)) return;
    files.client_crl = all.client_crl;
    fits("client_crl");
}

void Reading::look_at_regions() {
    if (!exists(config_.regions)) return;
    auto atlas = area::Atlas::load(config_.regions);
    if (!atlas)
        return faults_.push_back(region_fault(atlas.error(), config_.regions, name_of("regions")));
    for (const auto& scheme : config_.geocode_schemes) atlas->accept_scheme(scheme);
    const auto shared = std::make_shared<const area::Atlas>(std::move(*atlas));
    look_at_areas(*shared);
    config_.city.atlas = shared;
    setup_.authority = std::make_shared<const authority::Authority>(config_.credentials,
                                                                    authority::places_of(shared));
}

void Reading::look_at_areas(const area::Atlas& atlas) {
    for (const auto* list : {"endpoint", "credential"})
        for (const auto& one : source_.tables(list))
            for (const auto& code : one.texts("areas"))
                if (code != "*" && !atlas.find(code))
                    one.complain("areas", fmt::format("no region has the code {}", code));
}

/// Who broadcasts to cells must know where they are; who does not may still check the file.
void Reading::look_at_cells() {
    std::vector<std::string> bscs;
    if (exists(config_.cells)) {
        const auto cells = contract::load_cells(config_.cells);
        if (cells.has_error()) return complain_of_cells(cells.error());
        config_.city.cells = std::make_shared<const area::CellMap>(*cells);
        bscs = cells->bscs;
    }
    const auto tables = source_.tables("endpoint");
    for (std::size_t i = 0; i < config_.endpoints.size(); ++i) {
        const auto& endpoint = config_.endpoints[i].plan;
        if (endpoint.cells.empty()) continue;
        if (config_.cells.empty()) {
            tables[i].complain("channel", "city.cells is missing: it broadcasts to cells");
            continue;
        }
        look_at_own_cells(tables[i].table(endpoint.channel), bscs);
        if (!config_.city.cells) continue;
        for (const auto& name : endpoint.bscs)
            if (std::ranges::find(bscs, name) == bscs.end())
                tables[i].complain("bscs", fmt::format("no cell is of the BSC {}", name));
    }
}

/// What is planned by one file and broadcast by another would miss cells that nobody counts.
void Reading::look_at_own_cells(const Settings& channel,
                                const std::vector<std::string>& bscs) const {
    const auto own = channel.file("cells");
    if (!own.empty() && one_form_of(own) != one_form_of(config_.cells))
        return channel.complain("cells", "is another file than city.cells: plans go by that one");
    if (!config_.city.cells) return;
    for (const auto& bsc : channel.tables("bsc"))
        if (const auto name = bsc.text("name");
            !name.empty() && std::ranges::find(bscs, name) == bscs.end())
            bsc.complain("name", fmt::format("no cell is of the BSC {}", name));
}

void Reading::complain_of_cells(const Fault& fault) {
    std::string_view rest = fault.what;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        auto one = read_complaint(rest.substr(0, end), name_of("cells"));
        one.file = name_of("cells");
        faults_.push_back(std::move(one));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

void Reading::look_at_words() {
    if (!config_.city.atlas || config_.city.languages.empty() || !exists(config_.city.templates))
        return;
    config_.city.endpoints.clear();
    for (const auto& endpoint : config_.endpoints) config_.city.endpoints.push_back(endpoint.plan);
    auto planner = plan::Planner::make(config_.city);
    if (planner)
        setup_.planner = std::move(*planner);
    else
        for (auto& one : template_faults(planner.error(), name_of("templates")))
            faults_.push_back(std::move(one));
}

void Reading::try_channels() {
    boost::asio::io_context never_run{1};
    contract::Loop loop(never_run);
    DeafDesk desk;
    const auto tables = source_.tables("endpoint");
    for (std::size_t i = 0; i < config_.endpoints.size(); ++i)
        for (const auto& listed : contract::catalogue()) {
            const auto& endpoint = config_.endpoints[i];
            if (listed.name != endpoint.plan.channel) continue;
            const auto before = complaints_.list().size();
            const auto opened = listed.open(endpoint.channel, loop, desk);
            if (!opened && complaints_.list().size() == before)
                tables[i].complain(endpoint.plan.channel, opened.error().what);
        }
}

/// A copied section must not make one of two endpoints: with the state of the live one, a drill's
/// twin takes up its alerts, and the other way round.
void Reading::look_at_sharing() {
    std::map<std::filesystem::path, std::string> states;
    std::map<std::string, std::size_t> controllers;
    const auto tables = source_.tables("endpoint");
    for (std::size_t i = 0; i < config_.endpoints.size(); ++i) {
        const auto& name = config_.endpoints[i].plan.name;
        const auto own = tables[i].table(config_.endpoints[i].plan.channel);
        if (const auto file = own.file("state"); !file.empty())
            if (const auto [at, fresh] = states.emplace(one_form_of(file), name); !fresh)
                own.complain("state",
                             fmt::format("{} is already the state of endpoint '{}', not of '{}'",
                                         own.text("state"), at->second, name));
        for (const auto& bsc : own.tables("bsc")) {
            const auto [key, address] = address_of(bsc);
            if (address.empty()) continue;
            if (const auto [at, fresh] = controllers.emplace(address, i); !fresh && at->second != i)
                bsc.complain(
                    key, fmt::format("{} is already a BSC of endpoint '{}', not of '{}'", address,
                                     config_.endpoints[at->second].plan.name, name));
        }
    }
}

}  // namespace

api::TlsFiles tls_files(const Config& config) {
    api::TlsFiles files;
    files.certificate = config.tls.certificate;
    files.key = config.tls.key;
    files.client_ca = config.tls.client_ca;
    files.client_crl = config.tls.client_crl;
    return files;
}

std::optional<Setup> read_setup(const std::filesystem::path& file,
                                std::vector<ConfigFault>& faults) {
    Complaints complaints;
    const auto name = file.filename().string();
    auto config = read_config(file, complaints);
    if (!config) return faults.push_back(read_complaint(config.error().what, name)), std::nullopt;
    Setup setup{std::move(*config), nullptr, nullptr};
    std::vector<ConfigFault> elsewhere;
    Reading(setup, *setup.config.source, complaints, elsewhere).run();
    std::set<std::string_view> told;  // what is looked at twice complains twice
    for (const auto& what : complaints.list())
        if (told.insert(what).second) faults.push_back(read_complaint(what, name));
    faults.insert(faults.end(), elsewhere.begin(), elsewhere.end());
    setup.config.source.reset();  // it complains to what ends here
    if (!faults.empty()) return std::nullopt;
    return setup;
}

namespace {

json::object object(const ConfigFault& fault) {
    return {{"file", fault.file}, {"line", fault.line}, {"column", fault.column},
            {"key", fault.key},   {"rule", fault.rule}, {"message", fault.message}};
}

}  // namespace

int check(const std::filesystem::path& file, bool as_json) {
    std::vector<ConfigFault> faults;
    const auto setup = read_setup(file, faults);
    for (const auto& one : faults)
        std::cout << (as_json ? json::serialize(object(one)) : to_text(one)) << "\n";
    if (setup)
        std::cout << (as_json ? json::serialize(
                                    json::object{{"endpoints", setup->config.endpoints.size()}})
                              : file.string() + ": good")
                  << "\n";
    if (!std::cout.flush()) return std::cerr << "tocsind: cannot write standard output\n", 1;
    return setup ? 0 : 2;
}

}  // namespace tocsin::app
