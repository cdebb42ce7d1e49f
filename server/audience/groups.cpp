#include "server/audience/importer.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace tocsin::audience {
namespace {

/// What a group is found by: ids of its region set and network, language, marks.
using Key = std::tuple<std::size_t, std::string_view, std::uint8_t, std::uint8_t>;

auto order_of(const Group& group) {
    return std::tie(group.regions, group.network, group.language, group.role, group.opted_out);
}

}  // namespace

/// Rows by number, so that all about one person stands together; then person by person.
void Importer::group(Imported& into) {
    std::ranges::sort(rows_, {}, [](const Row& row) { return std::pair(row.number, row.order); });
    std::map<std::vector<std::uint16_t>, std::size_t> sets;
    std::vector<const std::vector<std::uint16_t>*> set_of;
    std::map<Key, std::vector<std::uint64_t>> found;
    std::vector<std::uint16_t> places, last_places;
    std::size_t last_set = 0;
    const auto name_of = [&](const Row& row) -> std::string_view {
        const auto name = names_.find(row.order);
        return name == names_.end() ? std::string_view{} : name->second;
    };
    for (std::size_t i = 0; i < rows_.size();) {
        const auto& first = rows_[i];
        auto marks = first.marks;
        std::string_view called = name_of(first);
        places.assign(1, first.region);
        auto next = i + 1;
        for (; next < rows_.size() && rows_[next].number == first.number; ++next) {
            const auto& row = rows_[next];
            const bool same = std::ranges::count(places, row.region) &&
                              row.language == first.language && (row.marks | marks) == marks;
            ++(same ? counts_.repeated : counts_.merged);
            if (!std::ranges::count(places, row.region)) places.push_back(row.region);
            marks |= row.marks;
            if (called.empty()) called = name_of(row);
        }
        std::ranges::sort(places);
        if (i == 0 || places != last_places) {
            const auto [set, is_new] = sets.emplace(places, sets.size());
            if (is_new) set_of.push_back(&set->first);
            last_set = set->second;
            last_places = places;
        }
        found[{last_set, network_of(first.number), first.language, marks}].push_back(first.number);
        if (!called.empty()) into.people.push_back({first.number, std::string(called)});
        ++counts_.people;
        counts_.opted_out += (marks & opted_out_mark) != 0;
        counts_.responsible += (marks & responsible_mark) != 0;
        i = next;
    }
    rows_ = {};
    for (auto& [key, numbers] : found) {
        const auto& [set, network, language, marks] = key;
        auto& made = into.groups.emplace_back();
        for (const auto place : *set_of[set]) made.regions.push_back(regions_.all[place]);
        std::ranges::sort(made.regions);
        made.network = network;
        made.language = languages_.all[language];
        made.role = marks & responsible_mark ? "responsible" : "public";
        made.opted_out = marks & opted_out_mark;
        made.numbers = std::move(numbers);
    }
    std::ranges::sort(into.groups, {}, order_of);
}

}  // namespace tocsin::audience
