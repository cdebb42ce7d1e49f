#include "server/api/calls.hpp"
#include "server/api/intake_rules.hpp"
#include "server/api/places.hpp"
#include "server/base/digest.hpp"
#include "server/base/log.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

/// The way of an alert from its bytes to its 202 (design.md 3): parsed, judged and planned on the
/// connection's thread; looked up and accepted on core; planned again where the chain moved between.
namespace tocsin::api {
namespace {

namespace json = boost::json;
using authority::Act;

constexpr int rounds_max = 16;

std::string text_of(const ledger::Triple& triple) {
    return fmt::format("{},{},{}", triple.sender, triple.identifier, triple.sent);
}

class Posting : public std::enable_shared_from_this<Posting> {
public:
    Posting(Shared& shared, std::shared_ptr<Exchange> exchange, bool only_plan)
        : shared_(shared),
          exchange_(std::move(exchange)),
          only_plan_(only_plan),
          began_(std::chrono::steady_clock::now()) {}
    ~Posting() {
        if (counted_) --shared_.in_flight;
    }

    void run(std::string bytes);
    /// A Cancel that is made here: the right to it was decided on what it cancels.
    void run_own(const cap::Alert& cancel);

private:
    bool enter();
    bool read_parameters();
    bool judge();
    bool may_post();
    void look();
    void looked(ledger::View view);
    void ask_what_closed(ledger::View view);
    void go_on(ledger::View view);
    void known(const ledger::View& view);
    bool check_rules(const ledger::View& view);
    void make_plan(ledger::View view);
    void note_cancelled(plan::Plan& plan, bool without_effect) const;
    bool may_warn(const plan::Plan& plan);
    plan::Plan without_orders() const;
    void accept(ledger::View view, plan::Plan plan);
    ledger::Acceptance acceptance(ledger::View view,
                                  const plan::Plan& plan,
                                  const AlertFacts& facts) const;
    std::string audit_line(const std::string& id) const;
    void accepted(const ledger::Acceptance& asked, const ledger::Accepted& got);
    void say_accepted(const ledger::Acceptance& asked, const ledger::Accepted& got);
    void say_same(const std::string& id);
    void say_conflict(const std::string& id);
    void say_cancelled();
    void say_plan(const plan::Plan& plan);
    void broken(std::string_view type, std::string detail, std::vector<Violation> violations);
    void forbidden(const authority::Refusal& refusal);
    void over_budget();
    void count(std::string_view result) {
        if (!only_plan_) shared_.metrics.received(result);
    }
    const authority::Principal& who() const { return *asker(*exchange_).who; }
    authority::Act act() const { return only_plan_ ? Act::plan : Act::post; }

    Shared& shared_;
    std::shared_ptr<Exchange> exchange_;
    const bool only_plan_;
    const std::chrono::steady_clock::time_point began_;
    bool counted_ = false, own_ = false;
    std::string bytes_, digest_, override_;
    std::optional<cap::Alert> alert_;
    std::vector<Violation> said_;  // warnings of the judge
    std::vector<plan::Note> warnings_;
    std::vector<std::string> overridden_;
    std::optional<ledger::AlertRecord> cancel_;  // that heads the chain: nothing follows it
    contract::Mode mode_{};
    contract::Depth depth_ = contract::Depth::front_end;
    int rounds_ = 0;
};

bool Posting::enter() {
    counted_ = true;
    if (++shared_.in_flight <= shared_.config.in_flight) return true;
    auto made = problem("unavailable", "too many alerts are being taken in; come back");
    made.retry_after_s = 1;
    count("busy");
    return refuse(*exchange_, made), false;
}

void Posting::run(std::string bytes) {
    bytes_ = std::move(bytes);
    if (!enter() || !read_parameters() || !judge() || !may_post()) return;
    look();
}

void Posting::run_own(const cap::Alert& cancel) {
    own_ = true;
    bytes_ = cap::write(cancel);
    if (!enter() || !judge()) return;
    mode_ = plan::mode_of(alert_->status).value_or(contract::Mode::test);
    look();
}

bool Posting::read_parameters() {
    const auto& request = exchange_->request;
    override_ = request.parameter("override").value_or("");
    if (request.parameter("override") && override_.find_first_not_of(" \t") == override_.npos)
        return refuse(*exchange_, problem("unknown-parameter", "override needs a reason")), false;
    if (override_.size() > 1000)
        return refuse(*exchange_, problem("unknown-parameter", "the reason is too long")), false;
    const auto depth = request.parameter("depth").value_or("front_end");
    for (const auto one :
         {contract::Depth::platform, contract::Depth::front_end, contract::Depth::terminal})
        if (depth == plan::word(one)) return depth_ = one, true;
    refuse(*exchange_, problem("unknown-parameter", "depth is platform, front_end or terminal"));
    return false;
}

bool Posting::judge() {
    if (const auto why = bad_charset(exchange_->request.field("content-type"), bytes_);
        !own_ && !why.empty())
        return broken("media-type", why, {}), false;
    auto judged = cap::judge(bytes_, shared_.config.cap);
    for (const auto& one : judged.violations) shared_.metrics.violation(one.rule);
    if (judged.too_large)
        return broken("too-large", "the alert is over its limit", std::move(judged.violations)),
               false;
    if (!judged.is_cap)
        return broken(
                   "not-cap",
                   judged.violations.empty() ? "this is no CAP 1.2" : judged.violations[0].message,
                   std::move(judged.violations)),
               false;
    if (!judged.alert) {
        const auto count =
            std::ranges::count(judged.violations, cap::Weight::error, &Violation::severity);
        return broken("cap-rules",
                      fmt::format("{} rule{} broken; nothing was accepted", count,
                                  count == 1 ? "" : "s"),
                      std::move(judged.violations)),
               false;
    }
    alert_ = std::move(judged.alert);
    said_ = std::move(judged.violations);
    digest_ = sha256_hex(bytes_);
    return true;
}

/// What can be said before anything is looked up: whose alert, which mode, how many a minute.
bool Posting::may_post() {
    authority::Subject subject;
    subject.cap_sender = alert_->sender;
    const auto mode = plan::mode_of(alert_->status);
    mode_ = mode.value_or(contract::Mode::test);  // a Draft: planned as a test, carried nowhere
    if (mode) subject.mode = mode_, subject.depth = depth_;
    if (auto no = shared_.deps.authority()->may(who(), act(), subject))
        return forbidden(*no), false;
    if (!asker(*exchange_).over_budget) return true;
    const bool red = std::ranges::any_of(alert_->infos, [](const cap::Info& info) {
        return plan::level_of(info) == contract::Level::red;
    });
    const bool cancels = alert_->msg_type == cap::MsgType::cancel;
    if ((red || cancels) && shared_.red.take(who()->name, shared_.deps.clock()) == 0) return true;
    return over_budget(), false;
}

void Posting::over_budget() {
    auto made =
        problem("too-many-requests",
                fmt::format("{} sent more than {} alerts within a minute; nothing was accepted",
                            who()->name, shared_.config.per_sender_per_minute));
    made.retry_after_s = asker(*exchange_).retry_after_s;
    count("limited");
    refuse(*exchange_, made);
}

void Posting::look() {
    if (alert_->status == cap::Status::draft) return looked({});
    on_core(shared_, [self = shared_from_this()] {
        const auto health = self->shared_.deps.ledger->health();
        if (!health.durable && !self->only_plan_) {
            auto made =
                problem("not-durable", "nothing can be accepted durably now: " + health.why);
            made.retry_after_s = 1;
            self->count("not_durable");
            return refuse(*self->exchange_, made);
        }
        self->shared_.deps.ledger->look(
            self->mode_, name_of(*self->alert_), chain_references(*self->alert_),
            back<ledger::View>(self->exchange_,
                               [self](ledger::View view) { self->looked(std::move(view)); }));
    });
}

void Posting::looked(ledger::View view) {
    cancel_.reset();
    if (!view.already.empty()) return known(view);
    if (view.closed && !view.head.empty()) return ask_what_closed(std::move(view));
    go_on(std::move(view));
}

void Posting::ask_what_closed(ledger::View view) {
    on_core(shared_, [self = shared_from_this(), head = view.head,
                      then = back<std::optional<ledger::AlertRecord>>(
                          exchange_, [self = shared_from_this(), view = std::move(view)](
                                         std::optional<ledger::AlertRecord> record) {
                              if (record && record->kind == ledger::Kind::cancel)
                                  self->cancel_ = std::move(record);
                              self->go_on(view);
                          })] { self->shared_.deps.ledger->alert(head, then); });
}

void Posting::go_on(ledger::View view) {
    if (!check_rules(view)) return;
    if (cancel_ && follows_cancel(*alert_, cancel_->sent)) return say_cancelled();
    make_plan(std::move(view));
}

/// The triple is here: the same bytes get the same answer, whatever the clock says by now.
void Posting::known(const ledger::View& view) {
    view.already_digest == digest_ ? say_same(view.already) : say_conflict(view.already);
}

bool Posting::check_rules(const ledger::View& view) {
    if (!own_)
        if (auto no = foreign_reference(*alert_, view, who())) return forbidden(*no), false;
    const auto& strict = shared_.config.strict_references;
    auto found = said_;
    for (auto& one : clock_rules(*alert_, shared_.deps.clock())) found.push_back(std::move(one));
    const bool sender_is_strict = std::ranges::find(strict, alert_->sender) != strict.end();
    for (auto& one : chain_rules(*alert_, view, sender_is_strict)) found.push_back(std::move(one));
    auto weighed = weigh(found, !override_.empty());
    warnings_ = std::move(weighed.warnings);
    overridden_ = std::move(weighed.overridden);
    if (weighed.errors.empty()) return true;
    broken("cap-rules", weighed.errors.front().message, std::move(found));
    return false;
}

/// Acks and Errors are stored and linked; they end at once and nobody carries them.
plan::Plan Posting::without_orders() const {
    plan::Plan out;
    out.mode = mode_;
    out.depth = depth_;
    out.sent = out.expires = alert_->sent.at;
    out.facts.sender = alert_->sender;
    out.facts.identifier = alert_->identifier;
    out.facts.sent = alert_->sent.at;
    out.sha256 = sha256_hex(bytes_);
    out.warnings.push_back({"type-unsupported", "stored and linked; this type is carried nowhere"});
    return out;
}

void Posting::make_plan(ledger::View view) {
    std::optional<plan::Plan> made;
    if (!carried(alert_->msg_type)) {
        made = without_orders();
    } else {
        std::optional<plan::Plan> before;
        if (auto unpacked = plan::unpack(view.head_plan); !view.head_plan.empty() && unpacked)
            before = std::move(*unpacked);
        plan::Request request{&*alert_, bytes_, mode_, depth_};
        const bool cancels = alert_->msg_type == cap::MsgType::cancel;
        // Behind its Cancel it is kept in its own words and ends everywhere as cancelled. Where the
        // chain's Cancel is not its head, it may be the only one that names what is on air.
        const bool without_effect = cancel_ && !cancels;
        request.before = before && !without_effect ? &*before : nullptr;
        request.cancels = cancels || (view.closed && !cancel_);
        request.now = shared_.deps.clock();
        auto result = shared_.deps.plan(request);
        const bool actual = alert_->status == cap::Status::actual;
        auto weighed = weigh(std::move(result.violations), !override_.empty(),
                             actual ? shared_.config.refused_rules : std::vector<std::string>());
        for (auto& note : weighed.warnings) warnings_.push_back(std::move(note));
        for (auto& rule : weighed.overridden) overridden_.push_back(std::move(rule));
        if (!weighed.errors.empty() || !result.plan) {
            if (weighed.errors
                    .empty())  // set aside by a reason, but the planner made nothing of it
                return broken("cap-rules", "no plan could be made of this alert", {});
            for (const auto& one : weighed.errors) shared_.metrics.violation(one.rule);
            auto first = weighed.errors.front().message;
            return broken("cap-rules", std::move(first), std::move(weighed.errors));
        }
        made = std::move(result.plan);
        if (view.closed) note_cancelled(*made, without_effect);
        if (auto over = expired_now(*alert_, made->expires, request.now))
            return broken("cap-rules", over->message, {*over});
    }
    if (!own_ && !may_warn(*made)) return;
    if (only_plan_ || alert_->status == cap::Status::draft) return say_plan(*made);
    accept(std::move(view), std::move(*made));
}

void Posting::note_cancelled(plan::Plan& plan, bool without_effect) const {
    const auto by =
        cancel_ ? fmt::format(" by {} ({})", text_of(cancel_->triple), cancel_->id) : "";
    if (without_effect) plan.forecast.clear();  // nobody will be told
    plan.warnings.push_back(
        {"chain-cancelled",
         alert_->msg_type == cap::MsgType::cancel
             ? fmt::format("its chain was cancelled before{}", by)
             : fmt::format("its chain was cancelled{} before this came: it is kept and has no "
                           "effect; to warn again, post a new Alert",
                           by)});
}

bool Posting::may_warn(const plan::Plan& plan) {
    const auto facts = facts_of(*alert_, plan);
    auto subject = subject_of(shared_, facts, mode_);
    if (alert_->status == cap::Status::draft) subject.mode.reset();
    if (!carried(alert_->msg_type)) subject.event.reset(), subject.level.reset();
    // A Cancel of what is not here warns nobody and says no event: its references were asked about.
    if (alert_->msg_type == cap::MsgType::cancel && plan.orders.empty() && plan.event_key.empty())
        subject.event.reset(), subject.level.reset();
    const auto no = shared_.deps.authority()->may(who(), act(), subject);
    if (no) forbidden(*no);
    return !no;
}

std::string Posting::audit_line(const std::string& id) const {
    json::object line{{"act", own_ ? "alert.cancelled" : "alert.accepted"},
                      {"alert", id},
                      {"credential", who()->name},
                      {"person", who()->person},
                      {"request", exchange_->request.id},
                      {"address", exchange_->request.address},
                      {"sha256", digest_},
                      {"at", rfc3339(shared_.deps.clock())}};
    if (!overridden_.empty()) {
        json::array rules;
        for (const auto& rule : overridden_) rules.emplace_back(rule);
        line["overridden"] = std::move(rules);
        line["reason"] = utf8(override_);
    }
    return json::serialize(line);
}

ledger::Acceptance Posting::acceptance(ledger::View view,
                                       const plan::Plan& plan,
                                       const AlertFacts& facts) const {
    ledger::Acceptance out;
    out.mode = mode_;
    out.id = ledger::make_alert_id(mode_);
    out.triple = name_of(*alert_);
    out.digest = digest_;
    out.kind = kind_of(alert_->msg_type);
    out.sent = alert_->sent.at;
    out.expires = plan.expires;
    out.view = std::move(view);
    out.references = chain_references(*alert_);
    out.cap = bytes_;
    out.plan = plan::pack(plan);
    out.facts = to_json(facts);
    out.audit = audit_line(out.id);
    return out;
}

void Posting::accept(ledger::View view, plan::Plan plan) {
    for (auto& note : warnings_) plan.warnings.push_back(note);
    auto facts = facts_of(*alert_, plan);
    facts.credential = who()->name;
    facts.person = who()->person;
    if (!overridden_.empty()) facts.override_reason = override_;
    auto asked = std::make_shared<ledger::Acceptance>(acceptance(std::move(view), plan, facts));
    on_core(shared_, [self = shared_from_this(), asked] {
        self->shared_.deps.ledger->accept(*asked, [self, asked](Result<ledger::Accepted> got) {
            // Fan-out begins here, on core, before the answer travels.
            if (got && got->outcome == ledger::Accepted::Outcome::accepted &&
                self->shared_.deps.hub)
                self->shared_.deps.hub->stir();
            back<ledger::Accepted>(self->exchange_, [self, asked](const ledger::Accepted& answer) {
                self->accepted(*asked, answer);
            })(std::move(got));
        });
    });
}

void Posting::accepted(const ledger::Acceptance& asked, const ledger::Accepted& got) {
    using Outcome = ledger::Accepted::Outcome;
    switch (got.outcome) {
        case Outcome::accepted: return say_accepted(asked, got);
        case Outcome::same: return say_same(got.alert);
        case Outcome::conflict: return say_conflict(got.alert);
        case Outcome::moved: break;
    }
    if (++rounds_ < rounds_max) return look();
    auto made = problem("unavailable", "the chain of this alert changes too fast; ask again");
    made.retry_after_s = 1;
    refuse(*exchange_, made);
}

json::object body_of(const std::string& id,
                     std::string_view state,
                     contract::Mode mode,
                     const std::string& chain,
                     contract::OrderId order,
                     const AlertFacts& facts) {
    return {{"id", id},
            {"state", state},
            {"mode", authority::word(mode)},
            {"chain", chain},
            {"ordinal", order.ordinal},
            {"revision", order.revision},
            {"plan_sha256", facts.plan_sha256},
            {"warnings", render(facts.warnings)},
            {"forecast", render(facts.forecast)},
            {"status_url", fmt::format("/v1/alerts/{}", id)}};
}

Response located(int status, const std::string& id, const json::object& body) {
    auto made = json_answer(status, body);
    made.fields.push_back({"Location", fmt::format("/v1/alerts/{}", id)});
    return made;
}

void Posting::say_accepted(const ledger::Acceptance& asked, const ledger::Accepted& got) {
    const auto facts = read_facts(asked.facts);
    std::string state = got.state;
    if (state == "accepted") state = shared_.deps.clock() < asked.expires ? "active" : "expired";
    count("accepted");
    shared_.metrics.accepted(std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began_));
    log::info(own_ ? "alert.cancelled" : "alert.accepted", {{"alert", got.alert},
                                                            {"request", exchange_->request.id},
                                                            {"mode", authority::word(mode_)},
                                                            {"level", authority::word(facts.level)},
                                                            {"credential", who()->name}});
    if (!overridden_.empty())
        log::warn("alert.overridden", {{"alert", got.alert},
                                       {"rules", fmt::format("{}", fmt::join(overridden_, " "))}});
    exchange_->send(
        located(202, got.alert, body_of(got.alert, state, mode_, got.chain, got.order, facts)));
}

void Posting::say_same(const std::string& id) {
    count("same");
    on_core(shared_, [self = shared_from_this(), id] {
        self->shared_.deps.ledger->alert(
            id, back<std::optional<ledger::AlertRecord>>(
                    self->exchange_, [self, id](std::optional<ledger::AlertRecord> record) {
                        if (!record)
                            return fail(
                                *self->exchange_,
                                {Cause::unreachable, "the alert is here, its record not yet"});
                        const auto facts = read_facts(record->facts);
                        auto body = body_of(id, record->state, record->mode, record->chain,
                                            record->order, facts);
                        if (self->only_plan_) body["already"] = true;
                        self->exchange_->send(located(200, id, body));
                    }));
    });
}

void Posting::say_conflict(const std::string& id) {
    count("conflict");
    auto made =
        problem("conflict",
                fmt::format("another message with this sender, identifier and sent is here as {}; "
                            "nothing was changed",
                            id));
    made.rule = "duplicate";
    made.alert = id;
    refuse(*exchange_, made);
}

void Posting::say_cancelled() {
    count("conflict");
    auto made = problem("chain-cancelled",
                        fmt::format("{} ({}) has cancelled what this updates; nothing was changed. "
                                    "To warn again, post a new Alert",
                                    text_of(cancel_->triple), cancel_->id));
    made.rule = "chain-cancelled";
    made.alert = cancel_->id;
    made.state = "cancelled";
    refuse(*exchange_, made);
}

void Posting::say_plan(const plan::Plan& plan) {
    auto notes = plan.warnings;
    for (const auto& one : warnings_) notes.push_back(one);
    auto body = render(plan);
    body.as_object()["warnings"] = render(notes);
    if (alert_->status == cap::Status::draft) {
        body.as_object()["state"] = "draft";
        body.as_object()["mode"] = nullptr;
    }
    count("draft");
    send(*exchange_, 200, body);
}

void Posting::broken(std::string_view type, std::string detail, std::vector<Violation> violations) {
    auto made = problem(type, std::move(detail));
    if (alert_) find_lines(bytes_, violations);  // the judge's own have theirs
    made.violations = std::move(violations);
    count("refused");
    log::info(
        "alert.refused",
        {{"request", exchange_->request.id}, {"type", made.type}, {"credential", who()->name}});
    refuse(*exchange_, made);
}

void Posting::forbidden(const authority::Refusal& refusal) {
    count("forbidden");
    log::warn(
        "alert.refused",
        {{"request", exchange_->request.id}, {"rule", refusal.rule}, {"credential", who()->name}});
    refuse(*exchange_, refusal);
}

/// The head of the chain too, where that is not the alert itself.
std::vector<cap::Reference> to_cancel(const cap::Alert& alert,
                                      const std::optional<cap::Alert>& head) {
    std::vector<cap::Reference> out{{alert.sender, alert.identifier, alert.sent}};
    if (head) out.push_back({head->sender, head->identifier, head->sent});
    return out;
}

void make_and_post_cancel(Shared& shared,
                          const std::shared_ptr<Exchange>& exchange,
                          const cap::Alert& alert,
                          const std::optional<cap::Alert>& head,
                          const std::string& reason) {
    const auto& own = shared.config.own_sender;
    const auto cancel = make_cancel(alert, to_cancel(alert, head), own.empty() ? alert.sender : own,
                                    "CANCEL-" + make_ulid(), reason, shared.deps.clock());
    std::make_shared<Posting>(shared, exchange, false)->run_own(cancel);
}

}  // namespace

void post_alert(Shared& shared, std::shared_ptr<Exchange> exchange, bool only_plan) {
    auto bytes = std::exchange(exchange->request.body, {});
    std::make_shared<Posting>(shared, std::move(exchange), only_plan)->run(std::move(bytes));
}

namespace {

Problem taken_back(const std::string& alert) {
    auto made = problem("conflict", "it is taken back already; nothing was changed");
    made.alert = alert;
    made.state = "cancelled";
    return made;
}

}  // namespace

void cancel_alert(Shared& shared, std::shared_ptr<Exchange> exchange) {
    const auto body = json_body(*exchange, {"reason"});
    if (!body) return;
    const auto reason = text_member(*body, "reason");
    if (!reason || reason->find_first_not_of(" \t\r\n") == reason->npos || reason->size() > 1000)
        return refuse(*exchange,
                      problem("unprocessable", "a reason of 1 to 1,000 bytes is needed"));
    with_alert(
        shared, exchange,
        [&shared, exchange, reason = *reason](const ledger::AlertRecord& record,
                                              const AlertFacts& facts) {
            const auto& who = *asker(*exchange).who;
            if (auto no = shared.deps.authority()->may(who, Act::cancel,
                                                       subject_of(shared, facts, record.mode)))
                return refuse(*exchange, *no);
            if (record.kind == ledger::Kind::cancel || record.state == "cancelled")
                return refuse(*exchange, taken_back(record.id));
            const auto judged = cap::judge(record.cap, shared.config.cap);
            if (!judged.alert)
                return fail(*exchange, {Cause::internal, "the stored alert cannot be read"});
            if (record.head.empty() || record.head == record.id)
                return make_and_post_cancel(shared, exchange, *judged.alert, std::nullopt, reason);
            auto with_head = [&shared, exchange, reason,
                              alert = *judged.alert](std::optional<ledger::AlertRecord> head) {
                std::optional<cap::Alert> newest;
                if (head && (head->kind == ledger::Kind::cancel || head->state == "cancelled"))
                    return refuse(*exchange, taken_back(head->id));
                if (head) newest = cap::judge(head->cap, shared.config.cap).alert;
                make_and_post_cancel(shared, exchange, alert, newest, reason);
            };
            on_core(shared, [&shared, head = record.head,
                             then = back<std::optional<ledger::AlertRecord>>(exchange, with_head)] {
                shared.deps.ledger->alert(head, then);
            });
        });
}

}  // namespace tocsin::api
