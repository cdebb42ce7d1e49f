#include "server/plan/naming.hpp"

#include "server/plan/measure.hpp"

namespace tocsin::plan {
namespace {

using area::Region;
using area::Tier;

std::string full_name(const Region& region, const Language& language) {
    if (language.names_in_han) return region.name_zh;
    return region.name_en;
}

/// "门头沟区" -> "门头沟", "Mentougou District" -> "Mentougou"; what would leave one sign stays.
std::string short_name(const Region& region, const Language& language, Naming naming) {
    auto name = full_name(region, language);
    if (name.empty()) name = region.name_zh;
    if (naming != Naming::whole)
        for (const auto& [whole, known] : language.area_known)
            if (name == whole) return known;
    if (region.tier != Tier::district && region.tier != Tier::city) return name;
    for (const auto& cut : language.area_cut)
        if (name.ends_with(cut) && characters(name) > characters(cut) + 1)
            return plain(name.substr(0, name.size() - cut.size()));
    return name;
}

const Region* district_of(const area::Atlas& atlas, const Region& region) {
    const auto* at = &region;
    while (at && at->tier != Tier::district && at->tier != Tier::functional && !at->parent.empty())
        at = atlas.find(at->parent);
    return at;
}

}  // namespace

std::string AreaNames::join(const Language& language, std::size_t most) const {
    const Replacements numbers{
        {"count", std::to_string(names.size())},
        {"rest", std::to_string(names.size() - std::min(most, names.size()))}};
    if (most == 0 && names.size() > 1)
        return fill(all_districts ? language.area_count_districts : language.area_count, numbers);
    std::string joined;
    for (std::size_t i = 0; i < names.size() && (i < most || i == 0); ++i)
        joined += (i > 0 ? language.area_join : "") + names[i];
    if (names.size() <= std::max<std::size_t>(most, 1)) return joined;
    auto with = numbers;
    with.emplace_back("names", joined);
    return fill(all_districts ? language.area_more_districts : language.area_more, with);
}

AreaNames name_areas(const area::Atlas& atlas,
                     const std::vector<std::string>& codes,
                     const Language& language,
                     Naming naming) {
    AreaNames out;
    const auto add = [&](std::string name) {
        if (std::ranges::count(out.names, name) == 0) out.names.push_back(std::move(name));
    };
    const Region* last = nullptr;
    for (const auto& code : codes) {
        const auto* region = atlas.find(code);
        if (!region) continue;  // gone from the map since the alert that is taken back
        const auto* district = district_of(atlas, *region);
        const bool below = district && district != region;
        if (region->tier != Tier::district) out.all_districts = false;
        if (region->tier == Tier::city) {
            add(fill(language.area_city, {{"name", short_name(*region, language, naming)}}));
        } else if (!below) {
            add(short_name(*region, language, naming));
        } else if (full_name(*region, language).empty() || naming == Naming::district) {
            add(fill(language.area_part, {{"name", short_name(*district, language, naming)}}));
        } else {
            const bool again = district == last;  // "房山河北镇、佛子庄乡"
            add((again ? "" : short_name(*district, language, naming) + language.space) +
                full_name(*region, language));
        }
        last = district;
    }
    return out;
}

}  // namespace tocsin::plan
