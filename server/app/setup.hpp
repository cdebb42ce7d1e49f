#pragma once
#include "server/api/tls.hpp"
#include "server/app/config.hpp"
#include "server/app/faults.hpp"
#include "server/authority/authority.hpp"

namespace tocsin::app {

/// A configuration with all that follows from it, checked to the last key; ready to serve.
struct Setup {
    Config config;
    std::shared_ptr<const plan::Planner> planner;
    std::shared_ptr<const authority::Authority> authority;
};

/// Nothing, with at least one fault, if anything at all is wrong; all faults at once.
std::optional<Setup> read_setup(const std::filesystem::path& file,
                                std::vector<ConfigFault>& faults);

api::TlsFiles tls_files(const Config& config);

}  // namespace tocsin::app
