#include "server/api/recipients.hpp"

#include "server/api/calls.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

/// Single recipients of an alert, as a stream of lines. A number stands in no URL and in no log.
namespace tocsin::api {
namespace {

namespace json = boost::json;

json::object render(const Recipient& row) {
    return {{"number", fmt::format("+{}", row.number)},
            {"endpoint", row.endpoint},
            {"region", row.region},
            {"network", row.network},
            {"language", row.language},
            {"state", row.state},
            {"code", row.code},
            {"at", row.at ? json::value(rfc3339(*row.at)) : json::value(nullptr)}};
}

constexpr std::string_view csv_head = "number,endpoint,region,network,language,state,code,at\r\n";

/// RFC 4180; what a spreadsheet would take for a formula is quoted as text.
std::string csv_field(std::string_view text) {
    const bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != text.npos;
    if (!formula && text.find_first_of("\",\r\n") == text.npos) return std::string(text);
    std::string out = formula ? "\"'" : "\"";
    for (const char c : text) out.append(c == '"' ? 2 : 1, c);
    return out += '"';
}

std::string csv(const Recipient& row) {
    return fmt::format("{},{},{},{},{},{},{},{}\r\n", row.number, csv_field(row.endpoint),
                       csv_field(row.region), csv_field(row.network), csv_field(row.language),
                       csv_field(row.state), row.code, row.at ? rfc3339(*row.at) : "");
}

/// Page by page; the next is asked for when the peer has taken the one before.
struct Listing : std::enable_shared_from_this<Listing> {
    Shared& shared;
    std::shared_ptr<Outflow> flow;
    std::string alert, state, cursor;
    boost::asio::io_context& io;
    bool as_csv;

    Listing(Shared& in, Exchange& exchange, bool csv_wanted)
        : shared(in), io(exchange.io()), as_csv(csv_wanted) {}

    void next() {
        if (!flow->open()) return;
        on_core(shared, [self = shared_from_this()] {
            self->shared.deps.recipients->page(
                self->alert, self->state, self->cursor, [self](Result<RecipientPage> page) {
                    boost::asio::post(self->io,
                                      [self, page = std::move(page)] { self->take(page); });
                });
        });
    }

    void take(const Result<RecipientPage>& page) {
        if (!page) {  // half a list must not look like a whole one
            flow->write(as_csv
                            ? "#error,the list is not complete\r\n"
                            : json::serialize(json::object{{"error", page.error().what}}) + "\n");
            return flow->end();
        }
        std::string text;
        for (const auto& row : page->rows)
            text += as_csv ? csv(row) : json::serialize(render(row)) + "\n";
        cursor = page->next;
        if (cursor.empty()) return flow->write(std::move(text)), flow->end();
        if (text.empty()) return next();
        flow->on_drained([self = shared_from_this()] {
            self->flow->on_drained(nullptr);
            self->next();
        });
        flow->write(std::move(text));
    }
};

bool absent(Shared& shared, Exchange& exchange) {
    if (shared.deps.recipients) return false;
    refuse(exchange, problem("unavailable", "recipients are not kept here"));
    return true;
}

/// "+86 138-0013-8000" -> 8613800138000; nothing: no number.
std::optional<std::uint64_t> read_number(std::string_view text) {
    std::uint64_t out = 0;
    int digits = 0;
    if (text.starts_with('+')) text.remove_prefix(1);
    for (const char c : text) {
        if (c == ' ' || c == '-') continue;
        if (c < '0' || c > '9' || ++digits > 15) return std::nullopt;
        out = out * 10 + std::uint64_t(c - '0');
    }
    return digits >= 5 ? std::optional(out) : std::nullopt;
}

}  // namespace

void list_recipients(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (absent(shared, *exchange)) return;
    const auto wanted = exchange->request.parameter("state");
    constexpr std::string_view states[] = {"queued",     "handed",    "accepted",  "delivered",
                                           "failed",     "expired",   "timed_out", "cancelled",
                                           "superseded", "withdrawn", "stopped",   "opted_out"};
    if (wanted && std::ranges::find(states, *wanted) == std::end(states))
        return refuse(*exchange,
                      problem("unknown-parameter",
                              fmt::format("state is one of {}", fmt::join(states, ", "))));
    const auto accept = exchange->request.field("accept");
    const bool csv_wanted = accept.find("text/csv") != accept.npos;
    const bool any = accept.empty() || accept.find("*/*") != accept.npos ||
                     accept.find("application/x-ndjson") != accept.npos;
    if (!csv_wanted && !any)
        return refuse(*exchange,
                      problem("not-acceptable", "there is application/x-ndjson and text/csv"));
    with_alert(
        shared, exchange,
        [&shared, exchange, csv_wanted](const ledger::AlertRecord& record, const AlertFacts&) {
            note_audit(shared, *exchange, "recipients.listed", record.id);
            auto listing = std::make_shared<Listing>(shared, *exchange, csv_wanted);
            listing->alert = record.id;
            listing->state = exchange->request.parameter("state").value_or("");
            Response head;
            head.type = csv_wanted ? "text/csv; charset=utf-8" : "application/x-ndjson";
            listing->flow = exchange->stream(std::move(head));
            if (csv_wanted) listing->flow->write(std::string(csv_head));
            listing->next();
        });
}

void find_recipient(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (absent(shared, *exchange)) return;
    const auto body = json_body(*exchange, {"number"});
    if (!body) return;
    const auto number = read_number(text_member(*body, "number").value_or(""));
    if (!number) return refuse(*exchange, problem("unprocessable", "this is no telephone number"));
    with_alert(shared, exchange,
               [&shared, exchange, number](const ledger::AlertRecord& record, const AlertFacts&) {
                   note_audit(shared, *exchange, "recipients.found", record.id);
                   auto found = back<std::vector<Recipient>>(
                       exchange, [exchange](const std::vector<Recipient>& rows) {
                           json::array items;
                           for (const auto& row : rows) items.push_back(render(row));
                           send(*exchange, 200, json::object{{"items", std::move(items)}});
                       });
                   on_core(shared, [&shared, id = record.id, number = *number, found] {
                       shared.deps.recipients->find(id, number, found);
                   });
               });
}

}  // namespace tocsin::api
