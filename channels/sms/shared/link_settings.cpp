#include "channels/sms/shared/link_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace tocsin::sms {

std::filesystem::path Layers::file(std::string_view key) const {
    const auto base = base_.file(key), own = own_.file(key);
    return own.empty() ? base : own;
}

void Layers::complain(std::string_view key, std::string_view what) const {
    (own_.has(key) || !base_.has(key) ? own_ : base_).complain(key, what);
}

std::string read_secret(const Layers& settings, std::string_view key) {
    const auto file = settings.file(key);
    if (file.empty()) return {};
    std::ifstream in(file);
    std::string line;
    if (!in || !std::getline(in, line)) {
        settings.complain(key, fmt::format("cannot read {}", file.string()));
        return {};
    }
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

Filter read_filter(const Layers& settings) {
    Filter out;
    for (const auto& text : settings.texts("networks")) {
        const auto network = network_named(text);
        if (network)
            out.networks.push_back(*network);
        else
            settings.complain("networks",
                              fmt::format("'{}' is not cmcc, cucc, ctcc, cbn or other", text));
    }
    for (const auto& text : settings.texts("prefixes")) {
        if (whole_prefix(text))
            out.prefixes.push_back(text);
        else
            settings.complain("prefixes", fmt::format("'{}' is no prefix such as 139", text));
    }
    for (const auto& text : settings.texts("regions")) {
        if (!text.empty() && text.find_first_not_of("0123456789") == text.npos)
            out.regions.push_back(text);
        else
            settings.complain("regions", fmt::format("'{}' is no code such as 110105", text));
    }
    return out;
}

std::uint8_t read_flash_levels(const Layers& settings) {
    constexpr std::string_view names[] = {"", "blue", "yellow", "orange", "red"};
    std::uint8_t out = 0;
    for (const auto& text : settings.texts("flash_levels")) {
        const auto found = std::ranges::find(names, text) - std::begin(names);
        if (text.empty() || found == std::ssize(names))
            settings.complain("flash_levels", fmt::format("'{}' is no level", text));
        else
            out |= std::uint8_t(1u << found);
    }
    return out;
}

void read_times(const Layers& settings, std::string_view enquire, Times& out) {
    out.enquire_after = settings.duration(enquire, out.enquire_after);
    out.connect_within = settings.duration("connect_timeout", out.connect_within);
    out.bind_within = settings.duration("bind_timeout", out.bind_within);
    out.retry_first = settings.duration("reconnect", out.retry_first);
    out.retry_most = settings.duration("reconnect_max", out.retry_most);
    for (auto* time : {&out.enquire_after, &out.connect_within, &out.bind_within, &out.retry_first,
                       &out.retry_most})
        *time = std::max(*time, std::chrono::milliseconds(1));
    if (out.retry_most < out.retry_first)
        settings.complain("reconnect_max", "is less than reconnect");
}

std::shared_ptr<const Portability> read_ported(const Settings& settings) {
    const auto file = settings.file("ported_numbers");
    if (file.empty()) return nullptr;
    auto read = Portability::read(file);
    if (read) return std::move(*read);
    settings.complain("ported_numbers", read.error().what);
    return nullptr;
}

void each_link(const Settings& settings,
               const std::function<void(const Layers&, const std::string& name)>& read) {
    const auto tables = settings.tables("link");
    if (tables.empty()) return read({settings, settings}, settings.text("name", "link"));
    if (tables.size() > lanes_most)
        settings.complain("link", fmt::format("{} links, {} at most", tables.size(), lanes_most));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(tables.size(), lanes_most); ++i) {
        const auto& own = tables[i];
        auto name = own.text("name", fmt::format("link {}", i + 1));
        if (std::ranges::count(names, name)) own.complain("name", "is another link's too");
        read({own, settings}, name);
        own.finish();
        names.push_back(std::move(name));
    }
}

}  // namespace tocsin::sms
