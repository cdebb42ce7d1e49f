#include "server/campaign/reached.hpp"

namespace tocsin::campaign {
namespace {

constexpr std::size_t page_mask = page_recipients / 8;
static_assert(page_recipients % 8 == 0, "each page's bits begin with a byte");

std::size_t pages_of(const GroupPages& group) {
    return (group.count + page_recipients - 1) / page_recipients;
}

}  // namespace

Reached reached_of(const Campaign& campaign) {
    return {campaign.plan().audience, campaign.plan().groups, campaign.reached_mask()};
}

Reached join(std::span<const Reached> revisions, std::size_t& left_out) {
    Reached out;
    std::map<std::uint32_t, GroupPages> groups;
    left_out = 0;
    for (const auto& one : revisions) {
        if (one.audience.empty()) continue;
        if (out.audience.empty()) out.audience = one.audience;
        if (one.audience != out.audience)
            ++left_out;
        else
            for (const auto& group : one.groups) groups.emplace(group.index, group);
    }
    std::map<std::uint32_t, std::size_t> begins;  // group -> where its bits begin
    std::size_t bytes = 0;
    for (const auto& [index, group] : groups) {
        out.groups.push_back(group);
        begins[index] = bytes;
        bytes += pages_of(group) * page_mask;
    }
    out.mask.assign(bytes, '\0');
    for (const auto& one : revisions) {
        if (one.audience != out.audience) continue;
        std::size_t from = 0;
        for (const auto& group : one.groups) {
            const auto to = begins.at(group.index), length = pages_of(group) * page_mask;
            for (std::size_t i = 0; i < length && from + i < one.mask.size(); ++i)
                out.mask[to + i] = char(out.mask[to + i] | one.mask[from + i]);
            from += length;
        }
    }
    return out;
}

}  // namespace tocsin::campaign
