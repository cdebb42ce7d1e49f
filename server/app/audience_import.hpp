#pragma once
#include "server/api/server.hpp"
#include "server/area/atlas.hpp"

namespace tocsin::app {

/// CSV pieces in (on an intake thread), a stored audience out (on the core loop).
std::unique_ptr<api::AudienceImport> make_import(std::string name,
                                                 std::shared_ptr<const area::Atlas> atlas,
                                                 ledger::Ledger& ledger);

}  // namespace tocsin::app
