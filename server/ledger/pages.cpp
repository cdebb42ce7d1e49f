#include "server/ledger/pages.hpp"

#include "server/ledger/keys.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tocsin::ledger {

namespace json = boost::json;

std::size_t pages_of(std::size_t numbers) {
    return (numbers + audience_page_numbers - 1) / audience_page_numbers;
}

std::string pack_page(std::span<const std::uint64_t> all, std::size_t page) {
    const auto from = page * audience_page_numbers;
    const auto part = all.subspan(from, std::min(audience_page_numbers, all.size() - from));
    std::string out;
    out.reserve(part.size() * 8);
    for (const auto number : part)
        for (int shift = 0; shift < 64; shift += 8) out += char((number >> shift) & 0xFFU);
    return out;
}

Result<std::vector<std::uint64_t>> unpack_page(std::string_view bytes) {
    if (bytes.size() % 8 != 0)
        return Fault{Cause::malformed, fmt::format("a page of {} bytes", bytes.size())};
    std::vector<std::uint64_t> out(bytes.size() / 8);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        out[i / 8] |= std::uint64_t(std::uint8_t(bytes[i])) << (i % 8 * 8);
    return out;
}

std::optional<Fault> unfit(std::string_view name, const std::vector<Ledger::GroupNumbers>& groups) {
    const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
    if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, fits))
        return Fault{Cause::malformed, "an audience's name is 1 to 64 letters, digits, - and _"};
    std::uint64_t all = 0;
    for (const auto& group : groups) all += group.numbers.size();
    if (all > UINT32_MAX) return Fault{Cause::over_limit, fmt::format("{} numbers", all)};
    return std::nullopt;
}

std::string pack_audience(const plan::Audience& audience) {
    json::array groups;
    for (const auto& g : audience.groups) {
        json::array regions;
        for (const auto& region : g.regions) regions.emplace_back(region);
        groups.push_back(json::object{{"regions", std::move(regions)},
                                      {"network", g.network},
                                      {"language", g.language},
                                      {"role", g.role},
                                      {"opted_out", g.opted_out},
                                      {"count", g.count}});
    }
    return json::serialize(json::object{{"v", 1},
                                        {"name", audience.name},
                                        {"version", audience.version},
                                        {"groups", std::move(groups)}});
}

namespace {

plan::Group group_of(const json::object& from) {
    const auto text = [&](const char* key) { return std::string(from.at(key).as_string()); };
    plan::Group out;
    for (const auto& region : from.at("regions").as_array())
        out.regions.emplace_back(region.as_string());
    out.network = text("network");
    out.language = text("language");
    out.role = text("role");
    out.opted_out = from.at("opted_out").as_bool();
    out.count = from.at("count").to_number<std::uint32_t>();
    return out;
}

}  // namespace

Result<plan::Audience> unpack_audience(std::string_view text) {
    try {
        const auto value = json::parse(text);
        const auto& from = value.as_object();
        if (from.at("v").to_number<int>() != 1)
            return Fault{Cause::malformed, "an audience written by a newer server"};
        plan::Audience out{std::string(from.at("name").as_string()),
                           std::string(from.at("version").as_string()),
                           {}};
        for (const auto& group : from.at("groups").as_array())
            out.groups.push_back(group_of(group.as_object()));
        return out;
    } catch (const std::exception& error) {
        return Fault{Cause::malformed, fmt::format("an audience's index: {}", error.what())};
    }
}

}  // namespace tocsin::ledger
