#pragma once
#include <cstdint>
#include <string>
#include <vector>

/// Who could be told: an audience as groups of numbers that share everything that decides about
/// them. A person stands in exactly one group, so nobody is reached twice (design.md 12).
namespace tocsin::plan {

struct Group {
    std::vector<std::string> regions;  // all that the person is listed in, in code order
    std::string network;               // mobile operator, or "other"
    std::string language;              // "zh-CN"
    std::string role;                  // "public", "responsible"
    bool opted_out = false;
    std::uint32_t count = 0;
};

/// Version names one import; its pages never change (server/ledger writes them, 1,000 a page).
struct Audience {
    std::string name, version;
    std::vector<Group> groups;
};

/// All audiences as of now. A value: handed to the planner, replaced after an import.
struct Census {
    std::vector<Audience> audiences;
    const Audience* find(std::string_view name) const;
};

}  // namespace tocsin::plan
