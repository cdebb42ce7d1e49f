#include "server/cap/china.hpp"
#include "server/cap/china_places.hpp"
#include "server/cap/china_words.hpp"
#include "server/cap/lexical.hpp"
#include "server/cap/plain.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::cap {
namespace {

using namespace china;

/// "2023-07-29 17:30:00+08:00", with T as well; without an offset it is Beijing time.
std::optional<Time> read_national_time(std::string_view text) {
    std::string value(trim(text));
    if (value.size() < 19) return {};
    if (value[10] == ' ') value[10] = 'T';
    if (value.size() == 19) value += "+08:00";
    const auto read = read_time(value);
    if (read.form != TimeForm::right) return {};
    return read.time;
}

/// "..._20230729173000" or "..._20230729173000_0"
std::optional<Time> time_in(std::string_view identifier) {
    const auto d = identifier.substr(15, 14);
    return read_national_time(fmt::format("{}-{}-{} {}:{}:{}", d.substr(0, 4), d.substr(4, 2),
                                          d.substr(6, 2), d.substr(8, 2), d.substr(10, 2),
                                          d.substr(12, 2)));
}

/// Exactly the profile's words, in any case.
template <class Enum, std::size_t n>
std::optional<Enum> one_of(std::string_view text,
                           const std::pair<std::string_view, Enum> (&words)[n]) {
    for (const auto& [word, value] : words)
        if (same_letters(text, word)) return value;
    return {};
}

constexpr std::pair<std::string_view, Status> statuses[] = {{"Actual", Status::actual},
                                                            {"Test", Status::test},
                                                            {"Exercise", Status::exercise},
                                                            {"Draft", Status::draft}};
constexpr std::pair<std::string_view, MsgType> types[] = {
    {"Alert", MsgType::alert}, {"Update", MsgType::update}, {"Cancel", MsgType::cancel}};
constexpr std::pair<std::string_view, Urgency> urgencies[] = {{"", Urgency::unknown},
                                                              {"Unknown", Urgency::unknown},
                                                              {"Immediate", Urgency::immediate},
                                                              {"Expected", Urgency::expected},
                                                              {"Future", Urgency::future},
                                                              {"Past", Urgency::past}};
constexpr std::pair<std::string_view, Certainty> certainties[] = {
    {"", Certainty::unknown},           {"Unknown", Certainty::unknown},
    {"Observed", Certainty::observed},  {"VeryLikely", Certainty::likely},
    {"Very Likely", Certainty::likely}, {"Likely", Certainty::likely},
    {"Possible", Certainty::possible},  {"Unlikely", Certainty::unlikely}};

class In {
public:
    In(const Plain& root, const NationalIn& in) : root_(root), in_(in) {}

    Result<National> run() {
        if (!same_letters(root_.name, "alert")) return bad(root_, "the root is not alert");
        if (auto fault = header()) return std::move(*fault);
        const auto info = root_.child("info");
        if (!info) return bad(root_, "there is no info");
        if (auto fault = content(*info)) return std::move(*fault);
        return std::move(out_);
    }

private:
    using Maybe = std::optional<Fault>;

    Maybe header() {
        auto& alert = out_.alert;
        alert.identifier = root_.at("identifier");
        if (!is_identifier(alert.identifier))
            return bad(root_, fmt::format("the identifier {} is not of 29 or 31 characters, "
                                          "senderCode_YYYYMMDDhhmmss",
                                          quoted(alert.identifier)));
        code_ = root_.at("senderCode");
        if (!is_sender_code(code_)) return bad(root_, "senderCode is not of 14 characters");
        alert.sender = fmt::format("{}@{}", code_, in_.host);
        const auto sent = read_national_time(root_.at("sendTime"));
        if (!sent) return bad(root_, "sendTime is not YYYY-MM-DD hh:mm:ss+08:00");
        alert.sent = *sent;
        const auto status = one_of(root_.at("status"), statuses);
        const auto type = one_of(root_.at("msgType"), types);
        if (!status) return bad(root_, "status is not Actual, Test, Exercise or Draft");
        if (!type) return bad(root_, "msgType is not Alert, Update or Cancel");
        alert.status = *status;
        alert.msg_type = *type;
        if (!same_letters(root_.at("scope"), "Public")) return bad(root_, "scope is not Public");
        if (const auto secret = root_.at("secClassification"); same_letters(secret, "Inner")) {
            alert.scope = Scope::restricted;
            alert.restriction = inner;
        } else if (!secret.empty() && !same_letters(secret, "None")) {
            return bad(root_, "secClassification is not None or Inner");
        }
        alert.codes = {std::string(profile)};
        alert.note = root_.at("note");
        return references();
    }

    Maybe references() {
        for (const auto& first : split_list(root_.at("references"))) {
            if (!is_identifier(first)) return bad(root_, "references is no identifier");
            auto sent = in_.sent_of ? in_.sent_of(first) : std::nullopt;
            if (!sent) sent = time_in(first);
            if (!sent) return bad(root_, "the identifier in references holds no time");
            out_.alert.references.push_back(
                {fmt::format("{}@{}", first.substr(0, 14), in_.host), first, *sent});
        }
        if (out_.alert.msg_type != MsgType::alert && out_.alert.references.empty())
            return bad(root_, "an Update or Cancel names the first message in references");
        return {};
    }

    Maybe content(const Plain& node) {
        Info info;
        info.language = node.at("language").empty() ? "zh-CN" : node.at("language");
        info.language_given = true;
        if (auto fault = event(node, info)) return fault;
        if (auto fault = times(node, info)) return fault;
        info.sender_name = root_.at("sender");
        out_.signer = node.at("senderName");
        info.headline = node.at("headline");
        info.description = node.at("description");
        info.instruction = node.at("instruction");
        if (const auto web = node.at("web"); !web.empty()) {
            if (scheme(web) && is_link(web))
                info.web = web;
            else
                out_.left_out.push_back(fmt::format("web {} is no whole URI", quoted(web)));
        }
        if (auto fault = level(node, info)) return fault;
        info.parameters.push_back({std::string(sender_code), code_});
        methods(info);
        for (const auto& one : node.children) {
            if (same_letters(one.name, "resource"))
                out_.left_out.push_back(
                    fmt::format("attachment {} has no address", quoted(one.at("resourceDesc"))));
            if (same_letters(one.name, "area"))
                if (auto fault = read_national_area(one, info.areas, out_.left_out)) return fault;
        }
        if (info.areas.empty()) return bad(node, "there is no area");
        if (info.headline.empty() && info.description.empty())
            return bad(node, "neither headline nor description says what");
        out_.alert.infos.push_back(std::move(info));
        return {};
    }

    Maybe event(const Plain& node, Info& info) {
        const auto type = std::string(node.at("eventType"));
        if (type.size() < 5) return bad(node, "eventType is no code such as 11B03");
        info.categories = {std::string(category(type))};
        info.event_codes = {{std::string(event_type), type}};
        headline_ = parse_headline(node.at("headline"));
        if (in_.event_name) info.event = in_.event_name(type);
        if (info.event.empty() && headline_) info.event = headline_->event;
        if (info.event.empty()) info.event = type;
        const auto urgency = one_of(node.at("urgency"), urgencies);
        const auto certainty = one_of(node.at("certainty"), certainties);
        if (!urgency) return bad(node, "urgency is not a word of the profile");
        if (!certainty) return bad(node, "certainty is not a word of the profile");
        info.urgency = *urgency;
        info.certainty = *certainty;
        if (out_.alert.msg_type == MsgType::cancel) {
            info.response_types = {"AllClear"};
            if (info.urgency == Urgency::unknown) info.urgency = Urgency::past;
        }
        return {};
    }

    /// severity is trusted; the headline's colour only where it says Unknown.
    Maybe level(const Plain& node, Info& info) {
        const auto said = node.at("severity");
        info.severity = Severity::unknown;
        const bool unknown = said.empty() || same_letters(said, "Unknown");
        const Level* found = nullptr;
        for (const auto& level : levels)
            if (unknown ? headline_ && headline_->colour == level.chinese
                        : same_letters(said, level.english))
                found = &level;
        if (!found && !unknown) return bad(node, "severity is not Red, Orange, Yellow or Blue");
        if (!found) return {};
        info.severity = found->severity;
        info.parameters.push_back({std::string(severity), std::string(found->english)});
        if (!found->roman.empty())
            info.parameters.push_back({std::string(china::level), std::string(found->roman)});
        return {};
    }

    Maybe times(const Plain& node, Info& info) {
        struct Row {
            const char* name;
            std::optional<Time>& time;
        };
        const Row rows[] = {
            {"effective", info.effective}, {"onset", info.onset}, {"expires", info.expires}};
        for (const auto& [name, time] : rows) {
            if (node.at(name).empty()) continue;
            time = read_national_time(node.at(name));
            if (!time) return bad(node, fmt::format("{} is not YYYY-MM-DD hh:mm:ss+08:00", name));
        }
        return {};
    }

    void methods(Info& info) {
        const auto code = root_.child("code");
        if (!code) return;
        for (const auto& one : code->children) {
            const auto name = one.at("methodName");
            if (!same_letters(one.name, "method") || name.empty()) continue;
            const auto text = one.at("message");
            info.parameters.push_back({fmt::format("{}{}", method, name),
                                       text.empty() ? info.description : std::string(text)});
            if (const auto groups = split_list(one.at("audienceGrp")); !groups.empty())
                info.parameters.push_back({fmt::format("{}{}", audience, name),
                                           fmt::format("{}", fmt::join(groups, ","))});
            // Single recipients are people's numbers; really sent as <audenceprt>,</audenceprt>.
            const auto one_by_one =
                split_list(one.at("audenceprt")).size() + split_list(one.at("audiencePrt")).size();
            if (one_by_one > 0)
                out_.left_out.push_back(
                    fmt::format("{} single recipients of {}", one_by_one, name));
        }
    }

    const Plain& root_;
    const NationalIn& in_;
    National out_;
    std::string code_;
    std::optional<Headline> headline_;
};

}  // namespace

Result<National> read_national(std::string_view bytes, const NationalIn& in) {
    const auto root = read_plain(bytes);
    if (!root) return root.error();
    return In(*root, in).run();
}

Result<Alert> from_national(std::string_view bytes, const NationalIn& in) {
    auto read = read_national(bytes, in);
    if (!read) return read.error();
    return std::move(read->alert);
}

}  // namespace tocsin::cap
