#include "server/plan/census.hpp"

#include <algorithm>

namespace tocsin::plan {

const Audience* Census::find(std::string_view name) const {
    const auto found = std::ranges::find(audiences, name, &Audience::name);
    return found == audiences.end() ? nullptr : &*found;
}

}  // namespace tocsin::plan
