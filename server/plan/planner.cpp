#include "server/base/digest.hpp"
#include "server/plan/cells.hpp"
#include "server/plan/level.hpp"
#include "server/plan/naming.hpp"
#include "server/plan/orders.hpp"
#include "server/plan/rules.hpp"
#include "server/plan/seal.hpp"
#include "server/plan/where.hpp"

namespace tocsin::plan {
namespace {

using cap::MsgType;
using cap::Violation;
using cap::Weight;

std::string event_code(const cap::Alert& alert) {
    for (const auto& info : alert.infos)
        for (const auto& code : info.event_codes)
            if (lower(code.name) == "cn:eventtype") return code.value;
    return {};
}

/// Where the event is in no table, its category still tells the class; Fire, Rescue, Safety, Env,
/// Other could be anything and get the words that name nothing.
std::string class_of(const cap::Alert& alert) {
    for (const auto& info : alert.infos)
        for (const auto& category : info.categories) {
            if (category == "Met" || category == "Geo") return "natural";
            if (category == "CBRNE" || category == "Transport" || category == "Infra")
                return "accident";
            if (category == "Health") return "health";
            if (category == "Security") return "security";
        }
    return {};
}

Level gravest(const cap::Alert& alert, Level at_least) {
    auto level = at_least;
    for (const auto& info : alert.infos) level = std::max(level, level_of(info));
    return level;
}

bool cancels(const Request& request) {
    return request.cancels || request.alert->msg_type == MsgType::cancel;
}

bool carries_nothing(const cap::Alert& alert) {
    return alert.msg_type == MsgType::ack || alert.msg_type == MsgType::error;
}

class Making {
public:
    Making(const City& city,
           const Templates& templates,
           const CellGround& ground,
           const Request& request,
           const Census& census)
        : city_(city),
          templates_(templates),
          ground_(ground),
          request_(request),
          census_(census),
          alert_(*request.alert) {}

    Made make() {
        check_mode();
        place();
        find_event();
        if (failed()) return std::move(made_);
        plan_.level = cancels(request_) && request_.before ? request_.before->level
                                                           : gravest(alert_, Level::blue);
        state_facts();
        const Speaker speaker(city_, templates_, subject());
        for (const auto& tag : templates_.languages())
            plan_.spoken.push_back(speaker.spoken(*templates_.language(tag)));
        check_words(alert_, plan_, request_.before, made_.violations);
        note_what_is_missing();
        give_orders(speaker);
        headline(speaker);
        plan_.sha256 = seal(plan_);
        made_.plan = std::move(plan_);
        return std::move(made_);
    }

private:
    bool failed() const {
        return std::ranges::any_of(made_.violations,
                                   [](const auto& v) { return v.severity == Weight::error; });
    }
    void note(std::string rule, std::string message) {
        plan_.warnings.push_back({std::move(rule), std::move(message)});
    }

    void check_mode();
    void place();
    void find_event();
    void state_facts();
    void set_times(const cap::Info* info);
    Subject subject() const;
    void note_what_is_missing();
    void note_coverage();
    void give_orders(const Speaker& speaker);
    void headline(const Speaker& speaker);

    const City& city_;
    const Templates& templates_;
    const CellGround& ground_;
    const Request& request_;
    const Census& census_;
    const cap::Alert& alert_;
    Made made_;
    Plan plan_;
    Event event_;
    Where where_;
};

void Making::check_mode() {
    plan_.mode = request_.mode;
    plan_.depth = request_.depth;
    if (request_.mode == Mode::live && alert_.status != cap::Status::actual)
        made_.violations.push_back(
            {"mode", Weight::error, 0, "alert/status",
             fmt::format("status {} can never go live", word(alert_.status))});
}

void Making::place() {
    const bool needs_area = !carries_nothing(alert_) && !cancels(request_);
    where_ = resolve(*city_.atlas, alert_, made_.violations);
    if (needs_area && where_.regions.empty() && !failed())
        made_.violations.push_back(
            {"no-area", Weight::error, 0, "alert/info[1]",
             "no area that could be resolved: say whom this is for; there is no default area"});
    if (cancels(request_) && request_.before) {
        plan_.regions = request_.before->regions;
        plan_.polygons = request_.before->polygons;
        plan_.circles = request_.before->circles;
        return;
    }
    plan_.regions = where_.regions;
    plan_.polygons = where_.polygons;
    plan_.circles = where_.circles;
}

void Making::find_event() {
    const auto& events = templates_.events();
    plan_.event_code = event_code(alert_);
    auto found = events.by_code(plan_.event_code);
    for (const auto& info : alert_.infos)
        if (!found || found->key.empty())
            if (const auto named = events.by_name(info.event)) found = named;
    if (!found && request_.before)
        found = Event{request_.before->event_key, request_.before->event_class};
    event_ = found.value_or(Event{"", class_of(alert_)});
    if (plan_.event_code.empty() && request_.before) plan_.event_code = request_.before->event_code;
    plan_.event_key = event_.key;
    plan_.event_class = event_.family;
    if (event_.key.empty() && !alert_.infos.empty())
        made_.violations.push_back(
            {"eventcode-known", Weight::warning, 0, "alert/info[1]/event",
             fmt::format("\"{}\" {} is in no table: the words of {} are used",
                         alert_.infos.front().event, plan_.event_code,
                         event_.family.empty() ? "no hazard" : "the class " + event_.family)});
}

void Making::set_times(const cap::Info* info) {
    plan_.sent = alert_.sent.at;
    plan_.facts.sent = plan_.sent;
    plan_.facts.onset = info && info->onset       ? info->onset->at
                        : info && info->effective ? info->effective->at
                                                  : plan_.sent;
    bool without = alert_.infos.empty();
    for (const auto& one : alert_.infos) {
        if (one.expires) plan_.expires = std::max(plan_.expires, one.expires->at);
        without = without || !one.expires;
    }
    const auto default_end = plan_.sent + city_.default_life;
    if (cancels(request_)) {  // it must reach all that it takes back, also after their end
        plan_.expires = std::max(plan_.expires, default_end);
        if (request_.before) plan_.expires = std::max(plan_.expires, request_.before->expires);
    } else if (without) {
        plan_.expires = std::max(plan_.expires, default_end);
        note("no-expires", fmt::format("the alert does not say until when: {} holds",
                                       rfc3339(plan_.expires, city_.utc_offset)));
    }
}

void Making::state_facts() {
    const auto* info = info_in(alert_, city_.languages.front());
    if (!info && !alert_.infos.empty()) info = &alert_.infos.front();
    auto& facts = plan_.facts;
    facts.sender = alert_.sender;
    facts.identifier = alert_.identifier;
    if (info) {
        facts.event = info->event;
        facts.severity = word(info->severity);
        facts.urgency = word(info->urgency);
        facts.certainty = word(info->certainty);
    } else if (request_.before) {  // a Cancel without info is about what it cancels
        facts.event = request_.before->facts.event;
        facts.severity = request_.before->facts.severity;
        facts.urgency = request_.before->facts.urgency;
        facts.certainty = request_.before->facts.certainty;
    }
    set_times(info);
}

Subject Making::subject() const {
    Subject s;
    s.alert = &alert_;
    s.before = request_.before;
    s.mode = plan_.mode;
    s.event = event_;
    s.code = plan_.event_code;
    s.level = plan_.level;
    s.sent = plan_.sent;
    s.onset = plan_.facts.onset;
    s.until = plan_.expires;
    s.regions = plan_.regions;
    return s;
}

void Making::note_what_is_missing() {
    for (const auto& tag : city_.languages)
        if (!alert_.infos.empty() && !info_in(alert_, tag))
            note("language-missing",
                 fmt::format("the alert has nothing in {}: the templates' words only", tag));
    if (alert_.scope != cap::Scope::public_)
        note("scope-public", fmt::format("scope is {}: only endpoints that carry restricted alerts",
                                         word(alert_.scope)));
    if (carries_nothing(alert_))
        note("type-unsupported",
             fmt::format("{} is kept and linked, and carried nowhere", word(alert_.msg_type)));
    if (cancels(request_) && !request_.before)
        note("references-unknown", "nothing is known of what this takes back: no orders");
}

std::string names(const City& city,
                  const Templates& templates,
                  const std::vector<std::string>& codes) {
    const auto& language = *templates.language(city.languages.front());
    return name_areas(*city.atlas, codes, language).join(language, 1000);
}

void Making::note_coverage() {
    std::map<std::string, std::vector<std::string>> few;  // the one bearer, or "": regions
    for (const auto& region : plan_.regions) {
        std::set<std::string> bearers;
        for (const auto* e : carriers(city_, region)) {
            const auto dropped = [&](const Order& o) { return o.endpoint == e->name; };
            if (plan_.mode == Mode::live && std::ranges::none_of(plan_.orders, dropped) &&
                std::ranges::none_of(plan_.standing, dropped))
                continue;
            bearers.insert(e->bearer.empty() ? e->channel : e->bearer);
        }
        if (bearers.empty()) few[""].push_back(region);
        if (bearers.size() == 1) few[*bearers.begin()].push_back(region);
    }
    for (const auto& [bearer, regions] : few) {
        if (bearer.empty())
            note("no-bearer",
                 fmt::format("nothing live reaches {}", names(city_, templates_, regions)));
        else if (plan_.level == Level::red)
            note("one-bearer", fmt::format("red, but only {} reaches {}", bearer,
                                           names(city_, templates_, regions)));
    }
    if (!where_.beyond_codes.empty())
        note("area-beyond-codes",
             fmt::format("shapes in the alert reach further than its codes: {} warned too",
                         names(city_, templates_, where_.beyond_codes)));
    if (!where_.beside.empty())
        note("regions-beside", fmt::format("next to the area and not warned: {}",
                                           names(city_, templates_, where_.beside)));
}

void Making::give_orders(const Speaker& speaker) {
    CellChoice cells(city_, ground_, where_, census_);
    OrderMaker maker(city_, templates_, request_, speaker, census_, cells, plan_);
    if (carries_nothing(alert_)) return;
    if (cancels(request_)) return maker.for_cancel();
    maker.for_alert();
    note_coverage();
}

void Making::headline(const Speaker& speaker) {
    const auto& first = *templates_.language(city_.languages.front());
    const auto kind = !cancels(request_)  ? (request_.before ? Kind::update : Kind::publish)
                      : request_.corrects ? Kind::correct
                                          : Kind::cancel;
    if (kind == Kind::publish || kind == Kind::update || request_.before || !alert_.infos.empty())
        plan_.headline = speaker.headline(kind, first);
}

}  // namespace

Result<std::shared_ptr<const Planner>> Planner::make(City city) {
    if (!city.atlas || city.languages.empty())
        return Fault{Cause::malformed, "a city needs regions and a language"};
    auto templates = Templates::load(city.templates);
    if (templates.has_error()) return std::move(templates).error().during("reading the templates");
    if (!(*templates)->language(city.languages.front()))
        return Fault{Cause::malformed,
                     "no templates in the city's first language, " + city.languages.front()};
    const std::shared_ptr<Planner> planner(new Planner);
    planner->city_ = std::move(city);
    planner->templates_ = std::move(*templates);
    std::ranges::sort(planner->city_.endpoints, {}, &Endpoint::name);
    planner->ground_ = std::make_shared<const CellGround>(planner->city_);
    return std::shared_ptr<const Planner>(planner);
}

Made Planner::make_plan(const Request& request, const Census& census) const {
    return Making(city_, *templates_, *ground_, request, census).make();
}

}  // namespace tocsin::plan
