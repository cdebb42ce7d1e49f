#include "server/cap/china.hpp"
#include "server/cap/china_words.hpp"
#include "server/cap/lexical.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tocsin::cap {
namespace {

using namespace china;
using std::chrono::hours;

std::string number(double value) {
    char digits[400];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
    return {digits, end.ptr};
}

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto c = next_character(text, at);
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            append_utf8(out, is_xml_character(c) && c != '\r' ? c : U' ');
    }
    return out;
}

std::string beijing(const Time& time) {
    auto text = to_text({time.at, hours(8), false});
    text[10] = ' ';
    return text;
}

std::string_view parameter(const Info& info, std::string_view name) {
    for (const auto& one : info.parameters)
        if (one.name == name) return one.value;
    return {};
}

bool same_facts(const Info& a, const Info& b) {
    return a.event_codes == b.event_codes && a.severity == b.severity && a.expires == b.expires &&
           a.areas == b.areas;
}

class Out {
public:
    Out(const Alert& alert, const NationalOut& out) : alert_(alert), options_(out) {}

    Result<std::string> run() {
        using Step = std::optional<Fault> (Out::*)();
        for (const Step step : {&Out::choose, &Out::identity, &Out::places})
            if (auto fault = (this->*step)()) return std::move(*fault);
        header();
        methods();
        tail();
        content();
        return std::move(text_);
    }

private:
    using Maybe = std::optional<Fault>;
    static Fault refused(std::string why) { return {Cause::refused, std::move(why)}; }

    /// One Chinese block: the profile has room for one, and none for another language.
    Maybe choose() {
        for (const auto& info : alert_.infos) {
            if (!same_letters(info.language.substr(0, 2), "zh")) continue;
            if (info_ && !same_facts(*info_, info))
                return refused("several Chinese blocks: send a message for each");
            if (!info_) info_ = &info;
        }
        if (!info_) return refused("there is no Chinese block");
        if (alert_.status == Status::system) return refused("status System is not in the profile");
        if (alert_.msg_type == MsgType::ack || alert_.msg_type == MsgType::error)
            return refused("only Alert, Update and Cancel are in the profile");
        inner_ = alert_.scope == Scope::restricted && alert_.restriction == inner;
        if (alert_.scope != Scope::public_ && !inner_)
            return refused("what is not public cannot be said in the profile");
        return {};
    }

    Maybe identity() {
        code_ = parameter(*info_, sender_code);
        if (!is_sender_code(code_))
            return refused("parameter CN:senderCode of 14 characters is missing");
        for (const auto& one : info_->event_codes)
            if (one.name == event_type) type_ = one.value;
        if (type_.empty()) return refused("eventCode CN:eventType is missing");
        if (info_->sender_name.empty()) return refused("senderName is missing");
        if (info_->headline.empty() || info_->description.empty())
            return refused("headline or description is missing");
        identifier_ = own_name(alert_.identifier, alert_.sent);
        return first_message();
    }

    /// A foreign identifier gets the national form: who, and when.
    std::string own_name(std::string_view identifier, const Time& sent) const {
        if (is_identifier(identifier)) return std::string(identifier);
        auto digits = beijing(sent).substr(0, 19);
        std::erase_if(digits, [](char c) { return c < '0' || c > '9'; });
        return fmt::format("{}_{}", code_, digits);
    }

    Maybe first_message() {
        if (alert_.msg_type == MsgType::alert) return {};
        if (alert_.references.empty()) return refused("references are missing");
        const auto& first = *std::ranges::min_element(alert_.references, {},
                                                      [](const Reference& r) { return r.sent.at; });
        first_ = options_.first_of ? options_.first_of(first.identifier) : "";
        if (first_.empty()) first_ = own_name(first.identifier, first.sent);
        return {};
    }

    static std::string twelve_digits(const Named& code) {
        const bool known = code.name == geocode || same_letters(code.name, "GB/T 2260") ||
                           same_letters(code.name, "adcode");
        const bool digits =
            std::ranges::all_of(code.value, [](char c) { return c >= '0' && c <= '9'; });
        const auto size = code.value.size();
        if (!known || !digits || (size != 6 && size != 9 && size != 12)) return {};
        return code.value + std::string(12 - size, '0');
    }

    Maybe places() {
        std::size_t shapes = 0;
        for (const auto& area : info_->areas) {
            shapes += area.polygons.size() + area.circles.size();
            std::vector<std::string> codes;
            for (const auto& code : area.geocodes)
                if (auto value = twelve_digits(code); !value.empty())
                    codes.push_back(std::move(value));
            if (codes.empty() && area.polygons.empty() && area.circles.empty())
                return refused(fmt::format("the area {} has no 12-digit code and no outline",
                                           quoted(area.desc)));
            add(area, codes);
        }
        // One shape can be said. Of several a reader may take the first: then the codes must do.
        const bool all_coded = std::ranges::all_of(info_->areas, [](const Area& area) {
            return std::ranges::any_of(
                area.geocodes, [](const Named& code) { return !twelve_digits(code).empty(); });
        });
        if (shapes > 1 && !all_coded)
            return refused("several outlines, and not every area has a code");
        shown_ = shapes == 1;
        return {};
    }

    /// Names and codes stay parallel: an area with several codes is named for each.
    void add(const Area& area, const std::vector<std::string>& codes) {
        auto names = split_list(area.desc);
        if (names.size() != codes.size() || names.empty()) {
            std::string whole = fmt::format("{}", fmt::join(names, "、"));
            names.assign(std::max<std::size_t>(1, codes.size()), whole);
        }
        names_.insert(names_.end(), names.begin(), names.end());
        codes_.insert(codes_.end(), codes.begin(), codes.end());
    }

    void line(int depth, std::string_view name, std::string_view text) {
        text_.append(std::size_t(depth) * 2, ' ');
        if (text.empty())
            text_ += fmt::format("<{}/>\n", name);
        else
            text_ += fmt::format("<{}>{}</{}>\n", name, escaped(text), name);
    }

    void header() {
        text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert>\n";
        line(1, "identifier", identifier_);
        line(1, "sender", info_->sender_name);
        line(1, "senderCode", code_);
        line(1, "sendTime", beijing(alert_.sent));
        // Exercise is reserved there and may be unknown to a reader; Test is what never goes live.
        line(1, "status", word(alert_.status == Status::exercise ? Status::test : alert_.status));
        line(1, "msgType", word(alert_.msg_type));
        line(1, "scope", "Public");
    }

    void methods() {
        text_ += "  <code>\n";
        for (const auto& one : info_->parameters) {
            if (!one.name.starts_with(method)) continue;
            const auto name = std::string_view(one.name).substr(method.size());
            const auto groups = parameter(*info_, fmt::format("{}{}", audience, name));
            text_ += "    <method>\n";
            line(3, "methodName", name);
            line(3, "message", one.value == info_->description ? "" : one.value);
            line(3, "audienceGrp", groups);
            line(3, "audenceprt", ",");  // misspelt and with a lone comma, as it is really sent
            text_ += "    </method>\n";
        }
        text_ += "  </code>\n";
    }

    void tail() {
        line(1, "secClassification", inner_ ? "Inner" : "None");
        line(1, "note", alert_.note);
        line(1, "references", first_);
    }

    std::string_view colour() const {
        if (const auto said = parameter(*info_, severity); !said.empty()) return said;
        for (const auto& level : levels)
            if (level.severity == info_->severity && level.severity != Severity::unknown)
                return level.english;
        return "Unknown";
    }

    void content() {
        const auto maybe = [](const std::optional<Time>& time) {
            return time ? beijing(*time) : std::string{};
        };
        text_ += "  <info>\n";
        line(2, "language", "zh-CN");
        line(2, "eventType", type_);
        line(2, "urgency", "Unknown");
        line(2, "severity", colour());
        line(2, "certainty", "Unknown");
        line(2, "effective", beijing(info_->effective.value_or(alert_.sent)));
        line(2, "onset", maybe(info_->onset));
        line(2, "expires", maybe(info_->expires));
        line(2, "senderName", options_.signer.empty() ? info_->sender_name : options_.signer);
        line(2, "headline", info_->headline);
        line(2, "description", info_->description);
        line(2, "instruction", info_->instruction);
        line(2, "web", info_->web);
        area();
        text_ += "  </info>\n</alert>\n";
    }

    void area() {
        std::string polygon, circle;
        for (const auto& area : info_->areas) {
            if (!shown_) break;
            for (const auto& ring : area.polygons)
                for (const auto& point : ring)
                    polygon += fmt::format("{}{},{}", polygon.empty() ? "" : " ", number(point.lat),
                                           number(point.lon));
            for (const auto& one : area.circles)
                circle = fmt::format("{},{} {}", number(one.centre.lat), number(one.centre.lon),
                                     number(one.radius_km * 1000));
        }
        text_ += "    <area>\n";
        line(3, "areaDesc", fmt::format("{}", fmt::join(names_, ",")));
        line(3, "polygon", polygon);
        line(3, "circle", circle);
        line(3, "geocode", fmt::format("{}", fmt::join(codes_, ",")));
        text_ += "    </area>\n";
    }

    const Alert& alert_;
    const NationalOut& options_;
    const Info* info_ = nullptr;
    bool inner_ = false, shown_ = false;
    std::string code_, type_, identifier_, first_, text_;
    std::vector<std::string> names_, codes_;
};

}  // namespace

Result<std::string> to_national(const Alert& alert, const NationalOut& out) {
    return Out(alert, out).run();
}

}  // namespace tocsin::cap
