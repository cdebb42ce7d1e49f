#pragma once
#include "server/app/config.hpp"
#include "server/authority/authority.hpp"

namespace tocsin::app {

/// A configuration with all that follows from it, checked to the last key; ready to serve.
struct Setup {
    Config config;
    std::shared_ptr<const plan::Planner> planner;
    std::shared_ptr<const authority::Authority> authority;
};

/// Nothing, with at least one complaint, if anything at all is wrong.
std::optional<Setup> read_setup(const std::filesystem::path& file, Complaints& complaints);

}  // namespace tocsin::app
