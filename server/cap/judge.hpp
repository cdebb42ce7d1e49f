#pragma once
#include "server/cap/alert.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Is this a CAP 1.2 message that we may carry? Structure, prose rules, limits: rules and names as
/// in the manual's table of rules. No clock, no network, no state (those rules: server/plan, api).
namespace tocsin::cap {

struct Limits {
    std::size_t bytes = 1048576, depth = 16, attributes = 16, namespaces = 32, infos = 64,
                areas = 5000, points_per_polygon = 100000, points = 200000, shapes = 10000,
                references = 256, identifier_chars = 256, text_bytes = 65536, signatures = 2,
                named_per_element = 1000;
    bool area_required = false;  // no-area refuses (the intake); false: it warns (files)
    bool gb18030 = false;        // accept a declared GB18030, GBK or GB2312
};

enum class Weight { error, warning };

struct Violation {
    std::string rule;  // "polygon-closed"
    Weight severity;
    long line;            // in the received bytes, from 1; 0 where there is none
    std::string element;  // "alert/info[1]/area[2]/polygon[1]"
    std::string message;  // what is wrong and what the sender should do
};

/// Where the parts stand that rules of state complain of; 0 where there is none.
struct Lines {
    long identifier = 0, sent = 0, references = 0;
};

struct Judged {
    std::optional<Alert> alert;  // only if no violation is an error
    std::vector<Violation> violations;
    bool is_cap = true;      // false: not XML, or not CAP 1.2 at all (HTTP 400, not 422)
    bool too_large = false;  // limit-bytes (HTTP 413)
    Lines lines;
    bool valid() const { return alert.has_value(); }
};

Judged judge(std::string_view bytes, const Limits& limits = {});

/// CAP 1.2, UTF-8, schema order. judge(write(a)).alert == a for every alert that judge() gave.
std::string write(const Alert& alert);

}  // namespace tocsin::cap
