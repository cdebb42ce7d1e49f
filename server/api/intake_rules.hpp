#pragma once
#include "server/authority/authority.hpp"
#include "server/cap/judge.hpp"
#include "server/ledger/ledger.hpp"
#include "server/plan/plan.hpp"

#include <optional>
#include <string>
#include <vector>

/// What intake decides beyond CAP's own rules: clock, chain, overrides, content type (rules B9, B10,
/// B15-B17a, F of the table of rules). Pure: time and what the ledger knows are handed in.
namespace tocsin::api {

using cap::Violation;

/// Empty: taken. `said` is the Content-Type field; see content_matches for its charset.
std::string bad_content_type(std::string_view said, std::string_view coding);
/// Empty: the charset that was said does not contradict the document (RFC 7303).
std::string bad_charset(std::string_view content_type, std::string_view document);

/// sent-future, sent-old, expired-now.
std::vector<Violation> clock_rules(const cap::Alert& alert, Instant now);
/// The plan knows the end also where the alert has none.
std::optional<Violation> expired_now(const cap::Alert& alert, Instant expires, Instant now);

/// references-unknown, references-sent, references-order.
std::vector<Violation> chain_rules(const cap::Alert& alert, const ledger::View& view, bool strict);
/// Later than its chain's Cancel: refused, as it would warn of nothing. An Update that is older only
/// came late: it is taken and has no effect, so that every order of arrival ends alike (E5). Of one
/// second nobody knows which was first: late.
bool follows_cancel(const cap::Alert& alert, Instant cancelled);
/// B16: the first reference to a message of a sender for whom `who` may not speak.
std::optional<authority::Refusal> foreign_reference(const cap::Alert& alert,
                                                    const ledger::View& view,
                                                    const authority::Principal& who);

/// Rules that a person may set aside by giving a reason.
bool overridable(std::string_view rule);

struct Weighed {
    std::vector<Violation> errors;        // what still forbids
    std::vector<plan::Note> warnings;     // what is only said
    std::vector<std::string> overridden;  // rules set aside by the reason
};
/// `refused`: rules that weigh as errors also where they came as warnings.
Weighed weigh(std::vector<Violation> violations,
              bool has_reason,
              const std::vector<std::string>& refused = {});

/// Alert and Update as such; Cancel; Ack and Error are stored as alerts without orders.
ledger::Kind kind_of(cap::MsgType type);
/// Ack, Error: stored and linked, carried nowhere (rule type-unsupported).
bool carried(cap::MsgType type);
/// What its chain is looked up by: an Alert's references link, they supersede nothing (rule B18).
std::vector<ledger::Triple> chain_references(const cap::Alert& alert);
ledger::Triple name_of(const cap::Alert& alert);

/// A Cancel in the name of `sender`, of everything that `of` names: later than all of it.
cap::Alert make_cancel(const cap::Alert& original,
                       const std::vector<cap::Reference>& of,
                       const std::string& sender,
                       const std::string& identifier,
                       const std::string& reason,
                       Instant now);

}  // namespace tocsin::api
