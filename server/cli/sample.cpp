#include "server/cli/sample.hpp"

#include "server/area/atlas.hpp"
#include "server/audience/sample.hpp"

#include <fstream>

namespace tocsin::cli {

Result<std::filesystem::path> write_sample(const std::filesystem::path& file,
                                           std::size_t count,
                                           const std::filesystem::path& regions) {
    const auto atlas = area::Atlas::load(regions);
    if (!atlas) return atlas.error();
    std::vector<std::string> districts;
    for (const auto& region : atlas->regions())
        if (region.tier == area::Tier::district) districts.push_back(region.code);
    std::ofstream out(file, std::ios::binary);
    audience::make_sample(count, 2026, districts, [&](std::string_view part) { out << part; });
    out.close();
    if (!out) return Fault{Cause::internal, "cannot write " + file.string()};
    return file;
}

}  // namespace tocsin::cli
