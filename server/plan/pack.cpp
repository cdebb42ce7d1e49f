#include "server/base/digest.hpp"
#include "server/plan/cell_list.hpp"
#include "server/plan/plan.hpp"
#include "server/plan/templates.hpp"

#include <boost/json.hpp>

#include <charconv>

/// A plan as bytes: {"v":1,"crc":"…","plan":{…}}. Texts stand once, whoever carries them; doubles
/// are text, so that they come back as they were.
namespace tocsin::plan {
namespace {

namespace json = boost::json;

constexpr std::string_view head = R"({"v":1,"crc":")", middle = R"(","plan":)", tail = "}";
constexpr std::size_t crc_digits = 8;

std::int64_t ms(Instant at) { return at.time_since_epoch().count(); }

std::string points(const area::Ring& ring) {
    std::string out;
    for (const auto& p : ring) out += fmt::format("{}{},{}", out.empty() ? "" : " ", p.lat, p.lon);
    return out;
}

json::array strings(const std::vector<std::string>& list) {
    json::array out;
    for (const auto& item : list) out.emplace_back(item);
    return out;
}

class Packer {
public:
    json::object pack(const Plan& p) {
        json::object o;
        o["mode"] = word(p.mode);
        o["depth"] = word(p.depth);
        o["level"] = word(p.level);
        o["sent"] = ms(p.sent);
        o["expires"] = ms(p.expires);
        o["facts"] = facts(p.facts);
        o["event"] = json::array{p.event_key, p.event_class, p.event_code};
        o["headline"] = p.headline;
        o["regions"] = strings(p.regions);
        auto& polygons = o["polygons"].emplace_array();
        for (const auto& ring : p.polygons) polygons.emplace_back(points(ring));
        auto& circles = o["circles"].emplace_array();
        for (const auto& c : p.circles)
            circles.emplace_back(fmt::format("{},{} {}", c.centre.lat, c.centre.lon, c.radius_km));
        o["orders"] = orders(p.orders);
        o["standing"] = orders(p.standing);
        auto& spoken = o["spoken"].emplace_array();
        for (const auto& s : p.spoken)
            spoken.push_back(json::array{s.language, s.event, s.sender, s.digest});
        auto& warnings = o["warnings"].emplace_array();
        for (const auto& w : p.warnings) warnings.push_back(json::array{w.rule, w.message});
        auto& forecast = o["forecast"].emplace_array();
        for (const auto& f : p.forecast) forecast.push_back(pack(f));
        auto& reach = o["cell_reach"].emplace_array();
        for (const auto& r : p.cell_reach) reach.push_back(pack(r));
        o["sha256"] = p.sha256;
        o["texts"] = std::move(texts_);
        return o;
    }

private:
    static json::object facts(const contract::Facts& f) {
        return {{"event", f.event},         {"severity", f.severity}, {"urgency", f.urgency},
                {"certainty", f.certainty}, {"sender", f.sender},     {"identifier", f.identifier},
                {"sent", ms(f.sent)},       {"onset", ms(f.onset)}};
    }

    json::array orders(const std::vector<Order>& list) {
        json::array out;
        for (const auto& order : list) out.push_back(pack(order));
        return out;
    }

    static json::array pack(const Forecast& f) {
        json::array languages;
        for (const auto& l : f.languages)
            languages.push_back(json::array{l.language, l.recipients, l.segments_each});
        return {f.endpoint,
                f.recipients,
                f.segments,
                fmt::format("{}", f.seconds),
                fmt::format("{}", f.rate),
                f.measured,
                std::move(languages)};
    }

    static json::object pack(const CellReach& r) {
        json::object o{{"endpoint", r.endpoint},
                       {"cells", r.cells},
                       {"bscs", r.bscs},
                       {"km2", fmt::format("{},{} {}", r.place_km2, r.covered_km2, r.outside_km2)}};
        if (r.people_outside) o["people"] = *r.people_outside;
        return o;
    }

    json::object pack(const Order& order) {
        json::object o;
        o["endpoint"] = order.endpoint;
        o["action"] = word(order.action);
        auto& texts = o["texts"].emplace_array();
        for (const auto& text : order.texts) texts.emplace_back(index_of(text));
        if (const auto* regions = std::get_if<contract::Regions>(&order.footprint)) {
            o["regions"] = strings(regions->codes);
            if (!regions->geometry.empty()) o["geometry"] = regions->geometry;
        } else if (const auto* cells = std::get_if<contract::Cells>(&order.footprint)) {
            o["cells"] = base64(cell_bytes(cells->cgi));
        } else {
            const auto& audience = std::get<contract::Audience>(order.footprint);
            o["audience"] =
                json::array{audience.campaign, audience.recipients, audience.only_reached_by};
        }
        if (!order.audience_version.empty()) o["version"] = order.audience_version;
        if (!order.groups.empty())
            o["groups"] = json::array(order.groups.begin(), order.groups.end());
        if (!order.sense.empty()) o["sense"] = order.sense;
        json::array people;
        for (const auto& group : order.people)
            people.push_back(json::array{json::array(group.regions.begin(), group.regions.end()),
                                         group.network, group.language, group.role, group.opted_out,
                                         group.count});
        if (!people.empty()) o["people"] = std::move(people);
        return o;
    }

    std::size_t index_of(const contract::Text& text) {
        const auto [at, fresh] =
            seen_.try_emplace({text.form, text.language, text.words}, seen_.size());
        if (fresh) texts_.push_back(json::array{word(text.form), text.language, text.words});
        return at->second;
    }

    std::map<std::tuple<contract::Form, std::string, std::string>, std::size_t> seen_;
    json::array texts_;
};

/// Boost.JSON throws what does not fit; that stops at unpack().
template <class Enum, std::size_t Count>
Enum named(const json::value& value, const std::array<Enum, Count>& all) {
    const std::string_view name = value.as_string();
    for (const auto one : all)
        if (name == word(one)) return one;
    throw std::invalid_argument(fmt::format("no such word: {}", name));
}

std::string text(const json::value& value) {
    return std::string(std::string_view(value.as_string()));
}
Instant instant(const json::value& value) {
    return Instant(std::chrono::milliseconds(value.to_number<std::int64_t>()));
}

std::vector<std::string> strings(const json::value& value) {
    std::vector<std::string> out;
    for (const auto& item : value.as_array()) out.push_back(text(item));
    return out;
}

/// "39.9,116.2 39.8,116.3" -> the numbers, exactly as they were.
std::vector<double> numbers(std::string_view list) {
    std::vector<double> out;
    const auto* end = list.data() + list.size();
    for (const auto* at = list.data(); at < end;) {
        double value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc()) throw std::invalid_argument("a coordinate is no number");
        out.push_back(value);
        at = next < end ? next + 1 : end;
    }
    return out;
}

class Unpacker {
public:
    explicit Unpacker(const json::object& from) : from_(from) {
        for (const auto& item : from.at("texts").as_array()) {
            const auto& cells = item.as_array();
            const auto form = form_of(text(cells.at(0)));
            if (!form) throw std::invalid_argument("no such form");
            texts_.push_back({*form, text(cells.at(1)), text(cells.at(2))});
        }
    }

    Plan unpack() const {
        Plan p;
        p.mode = named(from_.at("mode"),
                       std::array{Mode::live, Mode::exercise, Mode::test, Mode::replay});
        p.depth = named(from_.at("depth"),
                        std::array{Depth::platform, Depth::front_end, Depth::terminal});
        p.level = named(from_.at("level"),
                        std::array{Level::blue, Level::yellow, Level::orange, Level::red});
        p.sent = instant(from_.at("sent"));
        p.expires = instant(from_.at("expires"));
        p.facts = facts(from_.at("facts").as_object());
        const auto event = strings(from_.at("event"));
        p.event_key = event.at(0), p.event_class = event.at(1), p.event_code = event.at(2);
        p.headline = text(from_.at("headline"));
        p.regions = strings(from_.at("regions"));
        shapes(p);
        p.orders = orders(from_.at("orders"));
        p.standing = orders(from_.at("standing"));
        for (const auto& item : from_.at("spoken").as_array()) {
            const auto cells = strings(item);
            p.spoken.push_back({cells.at(0), cells.at(1), cells.at(2), cells.at(3)});
        }
        for (const auto& item : from_.at("warnings").as_array())
            p.warnings.push_back({text(item.as_array().at(0)), text(item.as_array().at(1))});
        for (const auto& item : from_.at("forecast").as_array())
            p.forecast.push_back(forecast(item.as_array()));
        if (const auto* all = from_.if_contains("cell_reach"))
            for (const auto& item : all->as_array())
                p.cell_reach.push_back(reach(item.as_object()));
        p.sha256 = text(from_.at("sha256"));
        return p;
    }

private:
    static contract::Facts facts(const json::object& f) {
        return {text(f.at("event")),     text(f.at("severity")), text(f.at("urgency")),
                text(f.at("certainty")), text(f.at("sender")),   text(f.at("identifier")),
                instant(f.at("sent")),   instant(f.at("onset"))};
    }

    static Forecast forecast(const json::array& cells) {
        Forecast f{text(cells.at(0)), cells.at(1).to_number<std::uint64_t>(),
                   cells.at(2).to_number<std::uint64_t>(), numbers(text(cells.at(3))).at(0)};
        if (cells.size() < 7) return f;  // as plans were packed before
        f.rate = numbers(text(cells.at(4))).at(0);
        f.measured = cells.at(5).as_bool();
        for (const auto& item : cells.at(6).as_array())
            f.languages.push_back({text(item.at(0)), item.at(1).to_number<std::uint64_t>(),
                                   item.at(2).to_number<std::uint64_t>()});
        return f;
    }

    static CellReach reach(const json::object& o) {
        const auto km2 = numbers(o.at("km2").as_string());
        CellReach r{text(o.at("endpoint")),
                    o.at("cells").to_number<std::uint64_t>(),
                    o.at("bscs").to_number<std::uint64_t>(),
                    km2.at(0),
                    km2.at(1),
                    km2.at(2)};
        if (const auto* people = o.if_contains("people"))
            r.people_outside = people->to_number<std::uint64_t>();
        return r;
    }

    void shapes(Plan& p) const {
        for (const auto& item : from_.at("polygons").as_array()) {
            const auto n = numbers(item.as_string());
            area::Ring ring;
            for (std::size_t i = 0; i + 1 < n.size(); i += 2) ring.push_back({n[i], n[i + 1]});
            p.polygons.push_back(std::move(ring));
        }
        for (const auto& item : from_.at("circles").as_array()) {
            const auto n = numbers(item.as_string());
            p.circles.push_back({{n.at(0), n.at(1)}, n.at(2)});
        }
    }

    std::vector<Order> orders(const json::value& list) const {
        std::vector<Order> out;
        for (const auto& item : list.as_array()) out.push_back(order(item.as_object()));
        return out;
    }

    Order order(const json::object& o) const {
        Order out;
        out.endpoint = text(o.at("endpoint"));
        out.action =
            named(o.at("action"), std::array{Action::publish, Action::update, Action::withdraw});
        for (const auto& index : o.at("texts").as_array())
            out.texts.push_back(texts_.at(index.to_number<std::size_t>()));
        out.footprint = footprint(o);
        if (const auto* version = o.if_contains("version")) out.audience_version = text(*version);
        if (const auto* groups = o.if_contains("groups"))
            for (const auto& group : groups->as_array())
                out.groups.push_back(group.to_number<std::uint32_t>());
        if (const auto* sense = o.if_contains("sense")) out.sense = text(*sense);
        if (const auto* people = o.if_contains("people"))
            for (const auto& group : people->as_array())
                out.people.push_back({strings(group.at(0)), text(group.at(1)), text(group.at(2)),
                                      text(group.at(3)), group.at(4).as_bool(),
                                      group.at(5).to_number<std::uint32_t>()});
        return out;
    }

    static contract::Footprint footprint(const json::object& o) {
        if (const auto* regions = o.if_contains("regions")) {
            const auto* geometry = o.if_contains("geometry");
            return contract::Regions{strings(*regions), geometry ? text(*geometry) : ""};
        }
        if (const auto* cells = o.if_contains("cells")) {
            const auto bytes = from_base64(cells->as_string());
            auto list = bytes ? cells_in(*bytes) : bytes.error();
            if (!list) throw std::invalid_argument(list.error().what);
            return contract::Cells{std::move(*list)};
        }
        const auto& audience = o.at("audience").as_array();
        return contract::Audience{text(audience.at(0)), audience.at(1).to_number<std::uint32_t>(),
                                  audience.at(2).to_number<std::uint16_t>()};
    }

    const json::object& from_;
    std::vector<contract::Text> texts_;
};

/// The bytes of the plan inside its envelope, if all of it is as it was written.
Result<std::string_view> opened(std::string_view bytes) {
    if (!bytes.starts_with(head) || !bytes.ends_with(tail) ||
        bytes.size() < head.size() + crc_digits + middle.size() + tail.size())
        return Fault{Cause::malformed, "not a packed plan of version 1"};
    const auto sum = bytes.substr(head.size(), crc_digits);
    bytes.remove_prefix(head.size() + crc_digits);
    if (!bytes.starts_with(middle))
        return Fault{Cause::malformed, "not a packed plan of version 1"};
    bytes.remove_prefix(middle.size());
    bytes.remove_suffix(tail.size());
    if (fmt::format("{:08x}", crc32c(bytes)) != sum)
        return Fault{Cause::malformed,
                     fmt::format("packed plan is damaged: its sum is not {}", sum)};
    return bytes;
}

}  // namespace

std::string pack(const Plan& plan) {
    const auto body = json::serialize(Packer().pack(plan));
    return fmt::format("{}{:08x}{}{}{}", head, crc32c(body), middle, body, tail);
}

Result<Plan> unpack(std::string_view bytes) {
    const auto body = opened(bytes);
    if (body.has_error()) return body.error();
    try {
        const auto value = json::parse(*body);
        return Unpacker(value.as_object()).unpack();
    } catch (const std::exception& e) {
        return Fault{Cause::malformed, fmt::format("packed plan: {}", e.what())};
    }
}

}  // namespace tocsin::plan
