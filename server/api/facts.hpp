#pragma once
#include "server/cap/alert.hpp"
#include "server/contract/order.hpp"
#include "server/plan/plan.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What lists show and rights ask of an accepted alert, without its CAP and its plan: the JSON in
/// ledger::AlertRecord::facts. Pure.
namespace tocsin::api {

struct AlertFacts {
    std::string sender, identifier, sent, status, msg_type, scope;  // CAP's words
    std::string event, headline;                                    // event: key
    std::vector<std::string> categories, regions;
    contract::Level level = contract::Level::blue;
    std::string plan_sha256, credential, person, override_reason;
    std::vector<std::string> references;  // "sender,identifier,sent"
    std::size_t orders = 0;               // endpoints that the plan names
    std::vector<plan::Note> warnings;
    std::vector<plan::Forecast> forecast;
};

std::string to_json(const AlertFacts& facts);
/// Missing members are empty: older records stay readable.
AlertFacts read_facts(std::string_view json);

AlertFacts facts_of(const cap::Alert& alert, const plan::Plan& plan);

}  // namespace tocsin::api
