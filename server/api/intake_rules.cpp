#include "server/api/intake_rules.hpp"

namespace tocsin::api {
namespace {

using namespace std::chrono_literals;

constexpr auto ahead_noted = 5min;
constexpr auto ahead_refused = 1h;
constexpr auto behind_refused = 24h;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return out;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string media_type(std::string_view said) {
    return lower(trim(said.substr(0, said.find(';'))));
}

/// The charset parameter, lower case; empty: none.
std::string charset(std::string_view said) {
    for (auto at = said.find(';'); at != said.npos; at = said.find(';')) {
        said.remove_prefix(at + 1);
        const auto one = trim(said.substr(0, said.find(';')));
        const auto equals = one.find('=');
        if (equals == one.npos || lower(trim(one.substr(0, equals))) != "charset") continue;
        auto value = trim(one.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        return lower(value);
    }
    return "";
}

/// What the document says of itself: its byte order mark, else its declaration, else UTF-8.
std::string encoding_of(std::string_view document) {
    if (document.starts_with("\xFE\xFF") || document.starts_with("\xFF\xFE")) return "utf-16";
    if (document.starts_with("\xEF\xBB\xBF")) document.remove_prefix(3);
    if (!document.starts_with("<?xml")) return "utf-8";
    const auto declaration = document.substr(0, document.find("?>"));
    const auto at = declaration.find("encoding");
    const auto open = at == declaration.npos ? at : declaration.find_first_of("\"'", at);
    if (open == declaration.npos) return "utf-8";
    const auto close = declaration.find(declaration[open], open + 1);
    return lower(
        declaration.substr(open + 1, close == declaration.npos ? close : close - open - 1));
}

Violation error(std::string rule, std::string element, std::string message) {
    return {std::move(rule), cap::Weight::error, 0, std::move(element), std::move(message)};
}
Violation warning(std::string rule, std::string element, std::string message) {
    return {std::move(rule), cap::Weight::warning, 0, std::move(element), std::move(message)};
}

bool has(const std::vector<std::size_t>& list, std::size_t what) {
    return std::ranges::find(list, what) != list.end();
}

/// The latest end that the alert says; nothing where one of its infos has none.
std::optional<Instant> last_expiry(const cap::Alert& alert) {
    std::optional<Instant> last;
    for (const auto& info : alert.infos) {
        if (!info.expires) return std::nullopt;
        last = last ? std::max(*last, info.expires->at) : info.expires->at;
    }
    return last;
}

bool speaks_for(const authority::Principal& who, const std::string& sender) {
    return who->role == authority::Role::operator_ ||
           std::ranges::find(who->cap_senders, sender) != who->cap_senders.end();
}

}  // namespace

std::string bad_content_type(std::string_view said, std::string_view coding) {
    if (!coding.empty() && lower(coding) != "identity")
        return fmt::format("a body in Content-Encoding {} is not taken", coding);
    const auto type = media_type(said);
    for (const std::string_view taken : {"application/cap+xml", "application/xml", "text/xml"})
        if (type == taken) return "";
    return fmt::format("'{}' is not taken; send application/cap+xml, application/xml or text/xml",
                       type);
}

std::string bad_charset(std::string_view content_type, std::string_view document) {
    const auto said = charset(content_type);
    if (said.empty()) return "";
    const auto is = encoding_of(document);
    if (said == is || (said == "us-ascii" && is == "utf-8") ||
        (said.starts_with("utf-16") && is == "utf-16"))
        return "";
    return fmt::format("Content-Type says charset {}, the document says {}", said, is);
}

std::vector<Violation> clock_rules(const cap::Alert& alert, Instant now) {
    std::vector<Violation> out;
    const auto sent = alert.sent.at;
    const bool actual = alert.status == cap::Status::actual;
    if (sent > now + ahead_refused)
        out.push_back(error("sent-future", "alert/sent",
                            fmt::format("sent {} is more than an hour ahead of our clock, {}",
                                        cap::to_text(alert.sent), rfc3339(now))));
    else if (actual && sent > now + ahead_noted)
        out.push_back(warning("sent-future", "alert/sent",
                              fmt::format("sent {} is ahead of our clock, {}",
                                          cap::to_text(alert.sent), rfc3339(now))));
    if (actual && sent < now - behind_refused)
        out.push_back(error("sent-old", "alert/sent",
                            fmt::format("sent {} is more than 24 hours ago; if this is meant, "
                                        "repeat it with ?override=REASON",
                                        cap::to_text(alert.sent))));
    if (const auto last = last_expiry(alert))
        if (auto over = expired_now(alert, *last, now)) out.push_back(std::move(*over));
    return out;
}

std::optional<Violation> expired_now(const cap::Alert& alert, Instant expires, Instant now) {
    const bool needs_life =
        alert.msg_type == cap::MsgType::alert || alert.msg_type == cap::MsgType::update;
    if (!needs_life || now < expires) return std::nullopt;
    return error(
        "expired-now", "alert/info[1]/expires",
        fmt::format("the alert expired at {}; our clock says {}", rfc3339(expires), rfc3339(now)));
}

std::vector<Violation> chain_rules(const cap::Alert& alert, const ledger::View& view, bool strict) {
    std::vector<Violation> out;
    for (std::size_t i = 0; i < alert.references.size() && i < view.matched.size(); ++i) {
        const auto& said = alert.references[i];
        const auto name = cap::triple(said.sender, said.identifier, said.sent);
        if (has(view.unknown, i)) {
            auto unknown = warning("references-unknown", "alert/references",
                                   fmt::format("{} is not known here", name));
            if (strict) unknown.severity = cap::Weight::error;
            out.push_back(std::move(unknown));
            continue;  // its time is only what this message says of it
        }
        if (has(view.by_name, i))
            out.push_back(warning("references-sent", "alert/references",
                                  fmt::format("{} was sent at {}: matched by sender and identifier",
                                              name, view.matched[i].sent)));
        const auto sent = parse_rfc3339(view.matched[i].sent);
        if (sent && alert.sent.at <= *sent)
            out.push_back(error("references-order", "alert/references",
                                fmt::format("sent {} is not later than that of {}, {}",
                                            cap::to_text(alert.sent), name, view.matched[i].sent)));
    }
    return out;
}

bool follows_cancel(const cap::Alert& alert, Instant cancelled) {
    return alert.msg_type == cap::MsgType::update && alert.sent.at > cancelled;
}

std::optional<authority::Refusal> foreign_reference(const cap::Alert& alert,
                                                    const ledger::View& view,
                                                    const authority::Principal& who) {
    if (alert.msg_type == cap::MsgType::alert) return std::nullopt;
    for (std::size_t i = 0; i < alert.references.size(); ++i) {
        // Also what is not here yet: a tombstone for another's alert would take it back.
        const auto& sender =
            i < view.matched.size() ? view.matched[i].sender : alert.references[i].sender;
        if (sender == alert.sender || speaks_for(who, sender)) continue;
        return authority::Refusal{
            "references-foreign",
            fmt::format("{} may not update or cancel what {} sent", who->name, sender),
            who->cap_senders};
    }
    return std::nullopt;
}

bool overridable(std::string_view rule) {
    constexpr std::string_view rules[] = {"sent-old",         "instruction-missing",
                                          "status-words",     "level-mismatch",
                                          "contact-unlisted", "language-stale"};
    return std::ranges::find(rules, rule) != std::end(rules);
}

namespace {

/// The planner's note tells what happens; a refusal tells what to do.
std::string refusal_of(const Violation& note) {
    if (note.rule == "instruction-missing")
        return "a severe or extreme warning must say what people should do: add <instruction> to "
               "this <info>; if the advice of the templates is enough, say why and repeat it with "
               "?override=REASON";
    return overridable(note.rule) ? note.message + "; mend it, or repeat it with ?override=REASON"
                                  : note.message;
}

}  // namespace

Weighed weigh(std::vector<Violation> violations,
              bool has_reason,
              const std::vector<std::string>& refused) {
    Weighed out;
    for (auto& one : violations) {
        const bool raised = one.severity == cap::Weight::warning &&
                            std::ranges::find(refused, one.rule) != refused.end();
        if (raised) one.severity = cap::Weight::error;
        if (one.severity == cap::Weight::warning) {
            out.warnings.push_back({one.rule, one.message});
        } else if (has_reason && overridable(one.rule)) {
            out.overridden.push_back(one.rule);
            out.warnings.push_back({one.rule, one.message + " (overridden)"});
        } else {
            if (raised) one.message = refusal_of(one);
            out.errors.push_back(std::move(one));
        }
    }
    return out;
}

ledger::Kind kind_of(cap::MsgType type) {
    if (type == cap::MsgType::update) return ledger::Kind::update;
    return type == cap::MsgType::cancel ? ledger::Kind::cancel : ledger::Kind::alert;
}

bool carried(cap::MsgType type) { return type != cap::MsgType::ack && type != cap::MsgType::error; }

std::vector<ledger::Triple> chain_references(const cap::Alert& alert) {
    std::vector<ledger::Triple> out;
    if (alert.msg_type != cap::MsgType::update && alert.msg_type != cap::MsgType::cancel)
        return out;
    for (const auto& one : alert.references)
        out.push_back({one.sender, one.identifier, cap::to_text(one.sent)});
    return out;
}

ledger::Triple name_of(const cap::Alert& alert) {
    return {alert.sender, alert.identifier, cap::to_text(alert.sent)};
}

cap::Alert make_cancel(const cap::Alert& original,
                       const std::vector<cap::Reference>& of,
                       const std::string& sender,
                       const std::string& identifier,
                       const std::string& reason,
                       Instant now) {
    auto at = std::chrono::floor<std::chrono::seconds>(now);
    for (const auto& one : of)  // rule B17, also where their clock runs ahead of ours
        at = std::max(at, std::chrono::floor<std::chrono::seconds>(one.sent.at) + 1s);
    cap::Alert out;
    out.identifier = identifier;
    out.sender = sender;
    out.sent = {at, 8h, false};
    out.status = original.status;
    out.msg_type = cap::MsgType::cancel;
    out.scope = original.scope;
    out.restriction = original.restriction;
    out.addresses = original.addresses;
    out.note = reason;
    out.references = of;
    return out;
}

}  // namespace tocsin::api
