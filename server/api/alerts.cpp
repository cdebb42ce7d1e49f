#include "server/api/calls.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <charconv>

/// Reading alerts: lists, one alert, its bytes, its deliveries.
namespace tocsin::api {
namespace {

namespace json = boost::json;

constexpr std::size_t limit_usual = 100, limit_most = 1000;
constexpr std::size_t looked_at_most = 5000;  // alerts that one call may go through

struct Filter {
    std::string state, mode, level, event, area, sender, text;
    std::optional<Instant> since, until;
    std::size_t limit = limit_usual;
    std::string cursor;
};

bool refuse_parameter(Exchange& exchange, std::string why) {
    refuse(exchange, problem("unknown-parameter", std::move(why)));
    return false;
}

bool read_limit(Exchange& exchange, std::size_t& limit) {
    const auto said = exchange.request.parameter("limit");
    if (!said) return true;
    const auto* end = said->data() + said->size();
    const auto [rest, bad] = std::from_chars(said->data(), end, limit);
    if (bad == std::errc() && rest == end && limit >= 1 && limit <= limit_most) return true;
    return refuse_parameter(exchange, fmt::format("limit is a number from 1 to {}", limit_most));
}

bool read_time(Exchange& exchange, std::string_view name, std::optional<Instant>& out) {
    const auto said = exchange.request.parameter(name);
    if (!said) return true;
    const auto parsed = parse_rfc3339(*said);
    if (!parsed) return refuse_parameter(exchange, parsed.error().what);
    out = *parsed;
    return true;
}

/// One of the words, or absent.
bool read_word(Exchange& exchange,
               std::string_view name,
               std::initializer_list<std::string_view> words,
               std::string& out) {
    out = exchange.request.parameter(name).value_or("");
    if (out.empty() && !exchange.request.parameter(name)) return true;
    if (std::ranges::find(words, std::string_view(out)) != words.end()) return true;
    return refuse_parameter(exchange, fmt::format("{} is one of {}", name, fmt::join(words, ", ")));
}

/// Any region shares people with itself, one that does not exist with nobody.
bool read_area(const Shared& shared, Exchange& exchange, std::string& out) {
    const auto said = exchange.request.parameter("area");
    if (!said) return true;
    out = *said;
    if (!shared.deps.shares || shared.deps.shares(out, out)) return true;
    return refuse_parameter(exchange, "area is the code of a region of this city");
}

bool read_filter(const Shared& shared, Exchange& exchange, Filter& out) {
    const auto& request = exchange.request;
    out.event = request.parameter("event").value_or("");
    out.sender = request.parameter("sender").value_or("");
    out.text = request.parameter("q").value_or("");
    out.cursor = request.parameter("cursor").value_or("");
    return read_word(
               exchange, "state",
               {"waiting", "held", "active", "rejected", "cancelled", "superseded", "expired"},
               out.state) &&
           read_word(exchange, "mode", {"live", "exercise", "test", "replay"}, out.mode) &&
           read_word(exchange, "level", {"red", "orange", "yellow", "blue"}, out.level) &&
           read_area(shared, exchange, out.area) && read_limit(exchange, out.limit) &&
           read_time(exchange, "since", out.since) && read_time(exchange, "until", out.until);
}

bool in_area(const Shared& shared, const AlertFacts& facts, const std::string& area) {
    return std::ranges::any_of(facts.regions, [&](const std::string& region) {
        return region == area || (shared.deps.shares && shared.deps.shares(region, area));
    });
}

bool fits(const Shared& shared,
          const Filter& filter,
          const ledger::AlertRecord& record,
          const AlertFacts& facts) {
    const auto same = [](const std::string& wanted, std::string_view is) {
        return wanted.empty() || wanted == is;
    };
    const auto contains = [&](const std::string& in) { return in.find(filter.text) != in.npos; };
    return same(filter.state, record.state) && same(filter.mode, authority::word(record.mode)) &&
           same(filter.level, authority::word(facts.level)) && same(filter.event, facts.event) &&
           same(filter.sender, facts.sender) &&
           (filter.area.empty() || in_area(shared, facts, filter.area)) &&
           (!filter.since || record.accepted_at >= *filter.since) &&
           (!filter.until || record.accepted_at < *filter.until) &&
           (filter.text.empty() || contains(facts.headline) || contains(facts.identifier));
}

/// Goes through the ledger's pages until enough were found; a page is never larger than what is
/// still wanted, so the ledger's cursor is ours.
struct Listing : std::enable_shared_from_this<Listing> {
    Shared& shared;
    std::shared_ptr<Exchange> exchange;
    Filter filter;
    json::array items;
    std::size_t looked = 0;

    Listing(Shared& in, std::shared_ptr<Exchange> of) : shared(in), exchange(std::move(of)) {}

    void next() {
        const auto wanted = filter.limit - items.size();
        on_core(shared,
                [self = shared_from_this(), wanted,
                 then = back<ledger::AlertPage>(
                     exchange, [self = shared_from_this()](ledger::AlertPage page) {
                         self->take(std::move(page));
                     })] { self->shared.deps.ledger->alerts(wanted, self->filter.cursor, then); });
    }

    void take(ledger::AlertPage page) {
        const auto rights = shared.deps.authority();
        const auto& who = *asker(*exchange).who;
        bool over = page.next.empty();
        for (const auto& record : page.items) {
            ++looked;
            const auto facts = read_facts(record.facts);
            if (filter.since && record.accepted_at < *filter.since) over = true;
            if (!fits(shared, filter, record, facts)) continue;
            if (rights->may(who, authority::Act::read, subject_of(shared, facts, record.mode)))
                continue;
            items.push_back(render(record, facts));
        }
        filter.cursor = over ? "" : page.next;
        if (!over && items.size() < filter.limit && looked < looked_at_most) return next();
        send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", filter.cursor}});
    }
};

std::vector<receipts::Delivery> unpack(const std::vector<ledger::DeliveryRow>& rows) {
    std::vector<receipts::Delivery> out;
    for (const auto& row : rows)
        if (auto read = receipts::unpack(row.record)) out.push_back(std::move(*read));
    return out;
}

using WithRows = std::function<void(
    const ledger::AlertRecord&, const AlertFacts&, std::vector<receipts::Delivery>)>;

void with_rows(Shared& shared, const std::shared_ptr<Exchange>& exchange, WithRows then) {
    with_alert(
        shared, exchange,
        [&shared, exchange, then = std::move(then)](const ledger::AlertRecord& record,
                                                    const AlertFacts& facts) {
            auto got = back<std::vector<ledger::DeliveryRow>>(
                exchange, [then, record, facts](const std::vector<ledger::DeliveryRow>& rows) {
                    then(record, facts, unpack(rows));
                });
            on_core(shared,
                    [&shared, id = record.id, got] { shared.deps.ledger->deliveries(id, got); });
        });
}

bool serves(const std::map<std::string, Served>& by_endpoint,
            const receipts::Delivery& row,
            const std::string& region) {
    const auto found = by_endpoint.find(row.endpoint);
    return found != by_endpoint.end() &&
           std::ranges::find(found->second.regions, region) != found->second.regions.end();
}

}  // namespace

void list_alerts(Shared& shared, std::shared_ptr<Exchange> exchange) {
    auto listing = std::make_shared<Listing>(shared, exchange);
    if (read_filter(shared, *exchange, listing->filter)) listing->next();
}

void show_alert(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_rows(shared, exchange,
              [&shared, exchange](const ledger::AlertRecord& record, const AlertFacts& facts,
                                  const std::vector<receipts::Delivery>& rows) {
                  send(*exchange, 200,
                       render_whole(record, facts, rows, shared.deps.ground, shared.deps.clock()));
              });
}

void show_cap(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_alert(shared, exchange, [exchange](const ledger::AlertRecord& record, const AlertFacts&) {
        exchange->send({200, "application/cap+xml", record.cap, {}, false});
    });
}

void list_deliveries(Shared& shared, std::shared_ptr<Exchange> exchange) {
    std::size_t limit = limit_most;
    std::string state;
    if (!read_limit(*exchange, limit) ||
        !read_word(*exchange, "state",
                   {"queued", "handed", "accepted", "on_air", "delivered", "verified", "complete",
                    "failed", "timed_out", "expired", "cancelled", "superseded", "withdrawn"},
                   state))
        return;
    const auto wanted = [request = &exchange->request](std::string_view name) {
        return request->parameter(name).value_or("");
    };
    with_rows(shared, exchange,
              [exchange, limit, wanted, &ground = shared.deps.ground](
                  const ledger::AlertRecord& record, const AlertFacts&,
                  std::vector<receipts::Delivery> rows) {
                  const auto same = [](const std::string& one, std::string_view is) {
                      return one.empty() || one == is;
                  };
                  std::map<std::string, Served> by_endpoint;
                  if (const auto plan = plan::unpack(record.plan); plan)
                      by_endpoint = served_by(*plan, rows, ground);
                  std::ranges::sort(rows, {}, &receipts::Delivery::endpoint);
                  json::array items;
                  std::string next;
                  for (const auto& row : rows) {
                      if (row.endpoint <= wanted("cursor") ||
                          !same(wanted("channel"), row.channel) ||
                          !same(wanted("endpoint"), row.endpoint) ||
                          !same(wanted("state"), receipts::state(row)))
                          continue;
                      if (const auto region = wanted("region");
                          !region.empty() && !serves(by_endpoint, row, region))
                          continue;
                      if (items.size() == limit) break;
                      items.push_back(render(row, record.accepted_at));
                      if (items.size() == limit && &row != &rows.back()) next = row.endpoint;
                  }
                  send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", next}});
              });
}

}  // namespace tocsin::api
