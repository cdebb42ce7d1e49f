#include "channels/sms/shared/routes.hpp"

#include <algorithm>

namespace tocsin::sms {
namespace {

/// A region's code without the zeros that stand for "all of it", two by two: 110000 is 11.
std::string_view stem(std::string_view code) {
    while (code.size() > 2 && code.ends_with("00")) code.remove_suffix(2);
    return code;
}

bool within(std::string_view regions, const std::vector<std::string>& admitted) {
    while (!regions.empty()) {
        const auto region = regions.substr(0, regions.find(' '));
        for (const auto& code : admitted)
            if (region.starts_with(stem(code))) return true;
        regions.remove_prefix(std::min(region.size() + 1, regions.size()));
    }
    return false;
}

std::uint8_t digits_of(std::uint64_t number) {
    std::uint8_t count = 1;
    while (number >= 10) number /= 10, ++count;
    return count;
}

constexpr auto powers = [] {
    std::array<std::uint64_t, 20> out{1};
    for (std::size_t i = 1; i < out.size(); ++i) out[i] = out[i - 1] * 10;
    return out;
}();

}  // namespace

std::optional<std::string> whole_prefix(std::string_view prefix) {
    const bool international = prefix.starts_with('+');
    if (international) prefix.remove_prefix(1);
    if (prefix.empty() || prefix.size() > 15 ||
        prefix.find_first_not_of("0123456789") != prefix.npos || prefix[0] == '0')
        return std::nullopt;
    return (!international && prefix[0] == '1' ? "86" : "") + std::string(prefix);
}

Router::Router(const std::vector<Filter>& lanes, std::shared_ptr<const Portability> ported)
    : filters_(lanes), ported_(std::move(ported)) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
        const auto bit = Lanes(1) << lane;
        if (!lanes[lane].any())
            open_ |= bit;
        else
            alike_ = false;
        for (const auto& text : lanes[lane].prefixes)
            if (const auto whole = whole_prefix(text)) {
                by_prefix_ |= bit;
                prefixes_.push_back(
                    {std::stoull(*whole), std::uint8_t(whole->size()), std::uint8_t(lane)});
            }
    }
    find(0);  // route 0: what no filter names
    slice({}, {});
}

void Router::slice(std::string_view network, std::string_view region) {
    if (alike_ || (routes_.size() > 1 && network == network_name_ && region == region_)) return;
    network_name_ = network, region_ = region;
    network_ = network_named(network);
    for (std::size_t of = 0; of < networks_count; ++of) {
        admit_[of] = 0;
        for (std::size_t lane = 0; lane < filters_.size(); ++lane) {
            const auto& filter = filters_[lane];
            const bool well =
                filter.any() &&
                (filter.networks.empty() || std::ranges::count(filter.networks, Network(of))) &&
                (filter.regions.empty() || region.empty() || within(region, filter.regions));
            if (well) admit_[of] |= Lanes(1) << lane;
        }
    }
}

Lanes Router::match(std::uint64_t number) const {
    const auto moved = ported_ ? ported_->find(number) : std::nullopt;
    const auto network = moved ? *moved : network_ ? *network_ : network_by_prefix(number);
    const auto admitted = admit_[std::size_t(network)];
    if (!(admitted & by_prefix_)) return admitted;
    const auto digits = digits_of(number);
    Lanes named = 0;
    for (const auto& prefix : prefixes_)
        if (digits >= prefix.digits && number / powers[digits - prefix.digits] == prefix.value)
            named |= Lanes(1) << prefix.lane;
    return admitted & (named | ~by_prefix_);
}

RouteId Router::find(Lanes matched) {
    auto found = std::ranges::find(matches_, matched) - matches_.begin();
    if (found == std::ptrdiff_t(matches_.size())) {
        matches_.push_back(matched);
        routes_.push_back(matched ? Route{matched, open_} : Route{open_, 0});
    }
    last_ = matched;
    return last_id_ = RouteId(found);
}

}  // namespace tocsin::sms
