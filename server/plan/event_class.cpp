#include "server/plan/plan.hpp"
#include "server/plan/templates.hpp"

namespace tocsin::plan {

std::string Planner::event_class(std::string_view key) const {
    for (const auto& event : templates_->events().all())
        if (event.key == key) return event.family;
    return "";
}

}  // namespace tocsin::plan
