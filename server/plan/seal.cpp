#include "server/plan/seal.hpp"

#include "server/base/digest.hpp"
#include "server/plan/cell_list.hpp"
#include "server/plan/templates.hpp"

namespace tocsin::plan {
namespace {

/// Each value with its length before it, so that no two plans write the same bytes.
class Writer {
public:
    Writer& put(std::string_view value) {
        bytes_ += fmt::format("{}:", value.size());
        bytes_.append(value);
        return *this;
    }
    Writer& count(std::size_t number) { return put(std::to_string(number)); }
    Writer& number(double value) { return put(fmt::format("{}", value)); }
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

void put_area(Writer& out, const Plan& plan) {
    out.count(plan.regions.size());
    for (const auto& code : plan.regions) out.put(code);
    out.count(plan.polygons.size());
    for (const auto& ring : plan.polygons) {
        out.count(ring.size());
        for (const auto& p : ring) out.number(p.lat).number(p.lon);
    }
    out.count(plan.circles.size());
    for (const auto& c : plan.circles)
        out.number(c.centre.lat).number(c.centre.lon).number(c.radius_km);
}

void put_order(Writer& out, const Order& order) {
    out.put(order.endpoint).put(word(order.action)).count(order.texts.size());
    for (const auto& text : order.texts)
        out.put(word(text.form)).put(text.language).put(text.words);
    if (const auto* regions = std::get_if<contract::Regions>(&order.footprint)) {
        out.put("regions").count(regions->codes.size());
        for (const auto& code : regions->codes) out.put(code);
    } else if (const auto* cells = std::get_if<contract::Cells>(&order.footprint)) {
        out.put("cells").put(cell_bytes(cells->cgi));
    } else {
        out.put("audience").put(order.audience_version.substr(0, order.audience_version.find('/')));
    }
}

}  // namespace

std::string seal(const Plan& plan) {
    Writer out;
    out.put("tocsin plan 1").put(word(plan.mode)).put(word(plan.depth));
    put_area(out, plan);
    out.count(plan.orders.size());
    for (const auto& order : plan.orders) put_order(out, order);
    return sha256_hex(out.bytes());
}

}  // namespace tocsin::plan
