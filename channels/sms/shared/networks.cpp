#include "channels/sms/shared/networks.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

namespace tocsin::sms {
namespace {

constexpr std::string_view names[networks_count] = {"other", "cmcc", "cucc", "ctcc", "cbn"};

// Prefixes of the Ministry of Industry and Information Technology's numbering plan, three digits,
// and four where virtual operators or satellites share one. 154 and 164 are assigned to nobody.
struct Range {
    Network network;
    std::string_view prefixes;
};
constexpr Range ranges[] = {
    {Network::cmcc,
     "134 135 136 137 138 139 147 148 150 151 152 157 158 159 165 172 178 182 183 184 187 188 195 "
     "197 198 "
     "1440 1703 1705 1706"},
    {Network::cucc,
     "130 131 132 145 146 155 156 166 167 171 175 176 185 186 196 1400 1704 1707 1708 1709"},
    {Network::ctcc,
     "133 149 153 162 173 177 180 181 189 190 191 193 199 1349 1410 1700 1701 1702 1740"},
    {Network::cbn, "192"},
};

using Table = std::array<Network, 10000>;  // by four digits

constexpr Table make_table() {
    Table table{};
    for (const std::size_t length : {3u, 4u})  // the longer prefix has the last word
        for (const auto& [network, text] : ranges)
            for (std::size_t from = 0; from < text.size();) {
                const auto to = std::min(text.find(' ', from), text.size());
                std::size_t value = 0;
                for (auto i = from; i < to; ++i) value = value * 10 + std::size_t(text[i] - '0');
                if (to - from == length)
                    for (std::size_t i = 0; i < (length == 3 ? 10u : 1u); ++i)
                        table[length == 3 ? value * 10 + i : value] = network;
                from = to + 1;
            }
    return table;
}
constexpr Table table = make_table();

constexpr std::uint64_t china = 86, mobile_digits = 100'000'000'000;  // 10^11

std::string_view word(std::string_view& line) {
    constexpr std::string_view gap = " ,\t;\r";
    line.remove_prefix(std::min(line.find_first_not_of(gap), line.size()));
    const auto out = line.substr(0, line.find_first_of(gap));
    line.remove_prefix(out.size());
    return out;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (text.size() == 11 && text[0] == '1') return china * mobile_digits + value;
    return text.size() >= 7 && text.size() <= 15 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Network> network_named(std::string_view name) {
    for (std::size_t i = 0; i < networks_count; ++i)
        if (names[i] == name) return Network(i);
    return std::nullopt;
}

std::string_view name(Network network) { return names[std::size_t(network)]; }

Network network_by_prefix(std::uint64_t e164) {
    return e164 / mobile_digits == china ? table[e164 / 10'000'000 % 10'000] : Network::other;
}

void Portability::insert(std::uint64_t e164, Network network) {
    if (used_ * 2 >= slots_.size()) {
        const auto old = std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 2));
        mask_ = slots_.size() - 1, used_ = 0;
        for (const auto slot : old)
            if (slot != 0) insert(slot >> 3, Network(slot & 7));
    }
    auto at = place(e164);
    while (slots_[at] != 0 && slots_[at] >> 3 != e164) at = (at + 1) & mask_;
    used_ += slots_[at] == 0;
    slots_[at] = e164 << 3 | std::uint64_t(network);
}

Result<std::shared_ptr<const Portability>> Portability::parse(std::string_view text,
                                                              std::string_view named) {
    auto out = std::make_shared<Portability>();
    for (std::size_t line_number = 1; !text.empty(); ++line_number) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        line = line.substr(0, line.find('#'));
        const auto digits = word(line), network = word(line);
        if (digits.empty()) continue;
        const auto number = number_in(digits);
        const auto whose = network_named(network);
        if (!number || !whose || !word(line).empty())
            return Fault{Cause::malformed,
                         fmt::format("{}:{}: not a number and cmcc, cucc, ctcc, cbn or other",
                                     named, line_number)};
        out->insert(*number, *whose);
    }
    return std::shared_ptr<const Portability>(std::move(out));
}

Result<std::shared_ptr<const Portability>> Portability::read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    if (!in || !(all << in.rdbuf())) return Fault{Cause::malformed, "cannot read " + file.string()};
    return parse(all.view(), file.filename().string());
}

}  // namespace tocsin::sms
