#include "server/plan/orders.hpp"

#include "server/base/digest.hpp"
#include "server/plan/measure.hpp"

namespace tocsin::plan {
namespace {

using contract::Form;
using contract::Text;

// Seen before it happens: more strangers than people meant, or a valley without a cell.
constexpr double overshoot_noted = 0.5, covered_wanted = 0.9;

const Endpoint* named(const City& city, std::string_view name) {
    const auto found = std::ranges::find(city.endpoints, name, &Endpoint::name);
    return found == city.endpoints.end() ? nullptr : &*found;
}

const Text* text_for(const std::vector<Text>& texts, const std::string& language) {
    const auto kind = [](std::string_view tag) { return lower(tag.substr(0, tag.find('-'))); };
    const Text* best = nullptr;
    for (const auto& text : texts) {
        if (text.form != Form::sms) continue;
        if (lower(text.language) == lower(language)) return &text;
        if (!best ||
            (kind(text.language) == kind(language) && kind(best->language) != kind(language)))
            best = &text;
    }
    return best;  // at worst the endpoint's first
}

contract::Footprint footprint(const People& people) {
    const auto most = std::uint64_t(std::numeric_limits<std::uint32_t>::max());
    return contract::Audience{{}, std::uint32_t(std::min(people.recipients, most)), 0};
}

}  // namespace

void OrderMaker::note(std::string rule, std::string message) {
    for (const auto& known : plan_.warnings)
        if (known.rule == rule && known.message == message) return;
    plan_.warnings.push_back({std::move(rule), std::move(message)});
}

const Order* OrderMaker::was_at(std::string_view endpoint) const {
    if (!request_.before) return nullptr;
    for (const auto* orders : {&request_.before->orders, &request_.before->standing})
        for (const auto& order : *orders)
            if (order.endpoint == endpoint && order.action != Action::withdraw) return &order;
    return nullptr;
}

std::vector<const Language*> OrderMaker::languages(const Endpoint& endpoint) {
    std::vector<const Language*> out;
    for (const auto& tag : endpoint.languages.empty() ? city_.languages : endpoint.languages) {
        const auto* language = templates_.language(tag);
        if (!language || lower(language->tag) != lower(tag)) {
            if (!language) language = templates_.language(city_.languages.front());
            note("language-missing",
                 fmt::format("no templates in {}: {} gets {}", tag, endpoint.name, language->tag));
        }
        if (std::ranges::count(out, language) == 0) out.push_back(language);
    }
    return out;
}

const Said& OrderMaker::say(const Endpoint& endpoint,
                            Kind kind,
                            const Language& language,
                            const contract::Budget& budget) {
    const auto key = fmt::format("{}/{}/{}/{}/{}/{}", int(kind), language.tag, int(budget.form),
                                 int(budget.unit), budget.per_page, budget.pages);
    auto found = said_.find(key);
    if (found == said_.end())
        found = said_.emplace(key, speaker_.say(kind, language, budget)).first;
    const auto& said = found->second;
    if (!said.fits)
        note("text-over-budget",
             fmt::format("{}: no {} in {} fits into what {} holds: left out", endpoint.name,
                         word(budget.form), language.tag, endpoint.channel));
    else if (!said.shortened.empty())
        note("text-shortened", fmt::format("{}: {} in {} goes without {}", endpoint.name,
                                           word(budget.form), language.tag, said.shortened));
    if (said.other_form && budget.form != Form::cb)  // the words of an SMS are meant for both
        note("form-missing", fmt::format("no templates for {}: {} gets the words of another form",
                                         word(budget.form), endpoint.name));
    return said;
}

std::vector<Text> OrderMaker::texts(const Endpoint& endpoint, Kind kind) {
    std::vector<Text> out;
    const auto spoken = languages(endpoint);
    for (const auto& budget : endpoint.budgets) {
        const auto form = budget.form;
        if (form == Form::cap) {
            out.push_back({form, "", std::string(request_.received)});
            continue;
        }
        for (const auto* language : spoken) {
            const auto& said = say(endpoint, kind, *language, budget);
            if (said.fits) out.push_back({form, language->tag, said.words});
        }
    }
    return out;
}

/// What a recipient would read, had nothing been sent before: an update goes again only if that
/// differs.
std::string OrderMaker::sense(const Endpoint& endpoint, const std::vector<Text>& published) {
    std::string all = fmt::format("{}/", word(plan_.level));
    for (const auto& text : published.empty() ? texts(endpoint, Kind::publish) : published)
        if (text.form != Form::cap)
            all += fmt::format("{}:{}:{}/", text.language, text.words.size(), text.words);
    return sha256_hex(all);
}

void OrderMaker::forecast(const Endpoint& endpoint, const Order& order, const Audience& audience) {
    Forecast out{endpoint.name};
    std::map<std::string, std::uint64_t> without;  // language: people
    std::map<const Text*, std::uint64_t> by_text;
    for (const auto index : order.groups) {
        if (index >= audience.groups.size()) continue;
        const auto& group = audience.groups[index];
        const auto* text = text_for(order.texts, group.language);
        out.recipients += group.count;
        if (text) by_text[text] += group.count;
        if (text && lower(text->language) != lower(group.language))
            without[group.language] += group.count;
    }
    for (const auto& [text, count] : by_text) {  // in the order of the texts
        const auto each = segments(text->words);
        out.segments += count * each;
        out.languages.push_back({text->language, count, each});
    }
    set_rate(endpoint, out);
    for (const auto& [language, count] : without)
        note("language-missing", fmt::format("{}: {} people who read {} get another language",
                                             endpoint.name, count, language));
    plan_.forecast.push_back(std::move(out));
}

void OrderMaker::set_rate(const Endpoint& endpoint, Forecast& out) const {
    out.rate = endpoint.rate;
    if (request_.rates)
        if (const auto found = request_.rates->find(endpoint.name);
            found != request_.rates->end() && found->second > 0)
            out.rate = found->second, out.measured = true;
    if (out.rate > 0) out.seconds = double(out.segments) / out.rate;
}

void OrderMaker::add_bulk(Order order, const Endpoint& endpoint, const People& people) {
    if (people.recipients == 0) {
        if (people.audience)
            note("audience-empty", fmt::format("{}: nobody of \"{}\" is listed in the area",
                                               endpoint.name, endpoint.audience));
        return;
    }
    const bool publishes = order.action == Action::publish;
    order.sense = sense(endpoint, publishes ? order.texts : std::vector<Text>());
    order.footprint = footprint(people);
    order.audience_version = people.audience->name + "/" + people.audience->version;
    order.groups = people.groups;
    for (const auto group : people.groups)
        order.people.push_back(people.audience->groups.at(group));
    const auto* was = was_at(endpoint.name);
    if (was && was->sense == order.sense) {
        note("update-not-repeated",
             fmt::format("{}: text and level are as before: not sent again", endpoint.name));
        plan_.standing.push_back(*was);
        return;
    }
    if (was) {
        note("update-sent-again",
             fmt::format("{}: text or level changed: {} people get a new message", endpoint.name,
                         people.recipients));
        const auto gone = std::ranges::count_if(was->groups, [&](auto g) {
            return was->audience_version == order.audience_version &&
                   !std::ranges::binary_search(order.groups, g);
        });
        if (gone > 0)
            note("area-reduced",
                 fmt::format(
                     "{}: people of {} groups are no longer in the area; they are not told by "
                     "message that it was lifted for them",
                     endpoint.name, gone));
    }
    forecast(endpoint, order, *people.audience);
    plan_.orders.push_back(std::move(order));
}

void OrderMaker::add_cells(Order order, const Endpoint& endpoint) {
    auto chosen = cells_.choose(endpoint);
    const auto bare = cells_.without_outline();
    if (!bare.empty())
        note("cells-no-outline",
             fmt::format("{}: nobody knows which cells are heard in {}: it has no outline",
                         endpoint.name, fmt::join(bare, ", ")));
    if (chosen.cells.cgi.empty())
        return note("cells-none", fmt::format("{}: nobody is reached by cell broadcast: {}",
                                              endpoint.name, chosen.why));
    note_cells(chosen.reach);
    plan_.cell_reach.push_back(std::move(chosen.reach));
    order.footprint = std::move(chosen.cells);
    plan_.orders.push_back(std::move(order));
}

void OrderMaker::note_cells(const CellReach& reach) {
    if (const auto share = reach.overshoot(); share > overshoot_noted)
        note("cells-overshoot",
             fmt::format("{}: {:.0f} % of where its cells are heard lies outside the area ({:.1f} "
                         "km²{})",
                         reach.endpoint, 100 * share, reach.outside_km2,
                         reach.people_outside
                             ? fmt::format(", about {} people", *reach.people_outside)
                             : ""));
    const auto covered = reach.place_km2 > 0 ? reach.covered_km2 / reach.place_km2 : 1;
    if (covered < covered_wanted)
        note("cells-uncovered",
             fmt::format("{}: no cell is heard in {:.0f} % of the area ({:.1f} "
                         "km²)",
                         reach.endpoint, 100 * (1 - covered), reach.place_km2 - reach.covered_km2));
}

void OrderMaker::add(const Reach& reached, const People& people) {
    const auto& endpoint = *reached.endpoint;
    const bool again = was_at(endpoint.name) != nullptr;
    Order order{endpoint.name, again ? Action::update : Action::publish, {}, {}, {}, {}, {}, {}};
    order.texts = texts(endpoint, again ? Kind::update : Kind::publish);
    if (order.texts.empty())
        return note("nothing-to-say",
                    fmt::format("{}: no text fits: it gets no order", endpoint.name));
    if (endpoint.bulk) return add_bulk(std::move(order), endpoint, people);
    if (!endpoint.cells.empty()) return add_cells(std::move(order), endpoint);
    if (again && !endpoint.updates_in_place)
        note("update-not-in-place",
             fmt::format("{} cannot change what it shows: the new words follow the old",
                         endpoint.name));
    order.footprint = contract::Regions{reached.codes};
    plan_.orders.push_back(std::move(order));
}

void OrderMaker::for_alert() {
    const auto reached = reach(city_, request_, plan_.regions, plan_.warnings);
    const bool may_override = plan_.mode == Mode::live && plan_.level == Level::red;
    const auto who = people(city_, census_, reached, may_override, plan_.warnings);
    for (std::size_t i = 0; i < reached.size(); ++i) add(reached[i], who[i]);
    withdraw_others();
    std::ranges::sort(plan_.orders, {}, &Order::endpoint);
}

void OrderMaker::for_cancel() {
    if (!request_.before) return;
    const auto kind = request_.corrects ? Kind::correct : Kind::cancel;
    for (const auto* orders : {&request_.before->orders, &request_.before->standing})
        for (const auto& order : *orders) withdraw(order, kind);
    std::ranges::sort(plan_.orders, {}, &Order::endpoint);
}

void OrderMaker::withdraw_others() {
    if (!request_.before) return;
    const auto kept = [&](const std::string& name) {
        return std::ranges::count(plan_.orders, name, &Order::endpoint) > 0 ||
               std::ranges::count(plan_.standing, name, &Order::endpoint) > 0;
    };
    for (const auto* orders : {&request_.before->orders, &request_.before->standing})
        for (const auto& order : *orders)
            if (!kept(order.endpoint)) withdraw(order, Kind::cancel);
}

/// The same endpoint, the same footprint, the same groups: to exactly what it reached.
void OrderMaker::withdraw(const Order& was, Kind kind) {
    if (was.action == Action::withdraw) return;  // taken back already
    if (std::ranges::count(plan_.orders, was.endpoint, &Order::endpoint) > 0) return;
    const auto* endpoint = named(city_, was.endpoint);
    if (!endpoint)
        return note("endpoint-gone",
                    fmt::format("{} carried this alert and is no longer configured: "
                                "it cannot be taken back there",
                                was.endpoint));
    Order order{was.endpoint,
                Action::withdraw,
                texts(*endpoint, kind),
                was.footprint,
                was.audience_version,
                was.groups,
                {},
                was.people};
    if (!endpoint->withdraws)
        note("cannot-withdraw", fmt::format("{} cannot take back what it showed", was.endpoint));
    const auto* audience = census_.find(endpoint->audience);
    if (endpoint->bulk && audience &&
        audience->name + "/" + audience->version == was.audience_version)
        forecast(*endpoint, order, *audience);
    plan_.orders.push_back(std::move(order));
}

}  // namespace tocsin::plan
