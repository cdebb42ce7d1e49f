#pragma once
#include "server/area/atlas.hpp"
#include "server/plan/language.hpp"

/// Regions as people say them.
namespace tocsin::plan {

/// One name a region, in code order; streets stand behind their district's name. Where the language
/// has no name for a street, its district is named in part.
struct AreaNames {
    std::vector<std::string> names;
    bool all_districts = true;
    /// "门头沟、房山、延庆"; of more than `most` names only so many and a count, of none the count.
    std::string join(const Language& language, std::size_t most) const;
};

/// By and by shorter: whole names; known ones ("经开区"); streets as a part of their district.
enum class Naming { whole, known, district };

AreaNames name_areas(const area::Atlas& atlas,
                     const std::vector<std::string>& codes,
                     const Language& language,
                     Naming naming = Naming::whole);

}  // namespace tocsin::plan
