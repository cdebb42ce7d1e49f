#include "server/cap/judge.hpp"
#include "server/cap/lexical.hpp"
#include "server/cap/table.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tocsin::cap {
namespace {

/// Shortest digits that read back as the same number; never an exponent.
std::string decimal(double value) {
    char digits[400];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
    return {digits, end.ptr};
}

/// Character data. What XML cannot hold becomes U+FFFD; '>' is escaped, so that "]]>" is inert; a
/// CR would be read as LF if it stood there itself.
void escape(std::string& out, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto c = next_character(text, at);
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '\r': out += "&#13;"; break;
            default: append_utf8(out, is_xml_character(c) ? c : U'\uFFFD');
        }
    }
}

class Writer {
public:
    std::string run(const Alert& alert) {
        out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        out_ += fmt::format("<alert xmlns=\"{}\">\n", cap_namespace);
        depth_ = 1;
        header(alert);
        for (const auto& info : alert.infos) block(Tag::info, [&] { write(info); });
        out_ += "</alert>\n";
        return std::move(out_);
    }

private:
    void indent() { out_.append(depth_ * 2, ' '); }

    void always(Tag tag, std::string_view text) {
        indent();
        out_ += fmt::format("<{}>", name(tag));
        escape(out_, text);
        out_ += fmt::format("</{}>\n", name(tag));
    }

    void maybe(Tag tag, std::string_view text) {
        if (!text.empty()) always(tag, text);
    }

    void maybe(Tag tag, const std::optional<Time>& time) {
        if (time) always(tag, to_text(*time));
    }

    template <class Body> void block(Tag tag, Body body) {
        indent();
        out_ += fmt::format("<{}>\n", name(tag));
        ++depth_;
        body();
        --depth_;
        indent();
        out_ += fmt::format("</{}>\n", name(tag));
    }

    void pairs(Tag tag, const std::vector<Named>& all) {
        for (const auto& pair : all)
            block(tag, [&] {
                always(Tag::value_name, pair.name);
                always(Tag::value, pair.value);
            });
    }

    void header(const Alert& alert) {
        always(Tag::identifier, alert.identifier);
        always(Tag::sender, alert.sender);
        always(Tag::sent, to_text(alert.sent));
        always(Tag::status, word(alert.status));
        always(Tag::msg_type, word(alert.msg_type));
        maybe(Tag::source, alert.source);
        always(Tag::scope, word(alert.scope));
        maybe(Tag::restriction, alert.restriction);
        maybe(Tag::addresses, alert.addresses);
        for (const auto& code : alert.codes) always(Tag::code, code);
        maybe(Tag::note, alert.note);
        std::string references;
        for (const auto& earlier : alert.references) {
            if (!references.empty()) references += ' ';
            references += triple(earlier.sender, earlier.identifier, earlier.sent);
        }
        maybe(Tag::references, references);
        maybe(Tag::incidents, alert.incidents);
    }

    void write(const Info& info) {
        if (info.language_given) always(Tag::language, info.language);
        for (const auto& category : info.categories) always(Tag::category, category);
        always(Tag::event, info.event);
        for (const auto& response : info.response_types) always(Tag::response_type, response);
        always(Tag::urgency, word(info.urgency));
        always(Tag::severity, word(info.severity));
        always(Tag::certainty, word(info.certainty));
        maybe(Tag::audience, info.audience);
        pairs(Tag::event_code, info.event_codes);
        maybe(Tag::effective, info.effective);
        maybe(Tag::onset, info.onset);
        maybe(Tag::expires, info.expires);
        maybe(Tag::sender_name, info.sender_name);
        maybe(Tag::headline, info.headline);
        maybe(Tag::description, info.description);
        maybe(Tag::instruction, info.instruction);
        maybe(Tag::web, info.web);
        maybe(Tag::contact, info.contact);
        pairs(Tag::parameter, info.parameters);
        for (const auto& resource : info.resources) block(Tag::resource, [&] { write(resource); });
        for (const auto& area : info.areas) block(Tag::area, [&] { write(area); });
    }

    void write(const Resource& resource) {
        always(Tag::resource_desc, resource.desc);
        always(Tag::mime_type, resource.mime_type);
        if (resource.size_bytes) always(Tag::size, std::to_string(*resource.size_bytes));
        maybe(Tag::uri, resource.uri);
        maybe(Tag::deref_uri, resource.deref_uri);
        maybe(Tag::digest, resource.digest);
    }

    void write(const Area& area) {
        always(Tag::area_desc, area.desc);
        for (const auto& ring : area.polygons) {
            std::string text;
            for (const auto& point : ring) {
                if (!text.empty()) text += ' ';
                text.append(decimal(point.lat)).append(",").append(decimal(point.lon));
            }
            always(Tag::polygon, text);
        }
        for (const auto& circle : area.circles)
            always(Tag::circle, fmt::format("{},{} {}", decimal(circle.centre.lat),
                                            decimal(circle.centre.lon), decimal(circle.radius_km)));
        pairs(Tag::geocode, area.geocodes);
        if (area.altitude_ft) always(Tag::altitude, decimal(*area.altitude_ft));
        if (area.ceiling_ft) always(Tag::ceiling, decimal(*area.ceiling_ft));
    }

    std::string out_;
    std::size_t depth_ = 0;
};

}  // namespace

std::string write(const Alert& alert) { return Writer().run(alert); }

}  // namespace tocsin::cap
