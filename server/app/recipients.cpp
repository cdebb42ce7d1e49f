#include "server/app/recipients.hpp"

#include <charconv>

namespace tocsin::app {
namespace {

constexpr std::size_t rows_most = 4000;  // of one answer

api::Recipient row_of(const std::string& endpoint, const dispatch::Recipient& from) {
    api::Recipient row;
    row.number = from.number;
    row.endpoint = endpoint;
    row.state = from.state;
    row.code = from.error;
    row.region = from.regions;
    row.network = from.network;
    row.language = from.language;
    row.at = from.settled_at ? from.settled_at : from.answered_at;
    return row;
}

/// "endpoint/page": where to go on.
std::pair<std::string, std::uint32_t> split(const std::string& cursor) {
    const auto slash = cursor.rfind('/');
    std::uint32_t page = 0;
    if (slash == cursor.npos) return {"", 0};
    std::from_chars(cursor.data() + slash + 1, cursor.data() + cursor.size(), page);
    return {cursor.substr(0, slash), page};
}

}  // namespace

/// One answer: pages of one endpoint after the other until it is long enough.
struct CampaignRecipients::Walk : std::enable_shared_from_this<Walk> {
    std::vector<std::pair<std::string, dispatch::BulkReports*>> endpoints;
    ledger::AlertRecord alert;
    std::string state;
    std::size_t at = 0;
    std::uint32_t page = 0;
    api::RecipientPage out;
    ledger::Then<api::RecipientPage> then;

    void go() {
        if (at == endpoints.size()) return then(std::move(out));
        if (out.rows.size() >= rows_most) {
            out.next = endpoints[at].first + "/" + std::to_string(page);
            return then(std::move(out));
        }
        endpoints[at].second->recipients(
            alert.order, alert.mode, page,
            [self = shared_from_this()](Result<dispatch::RecipientPage> read) {
                self->take(std::move(read));
            });
    }
    void take(Result<dispatch::RecipientPage> read) {
        if (!read && read.error().cause != Cause::refused) return then(read.error());
        const bool more = read && read->next;
        if (read)
            for (const auto& one : read->recipients)
                if (state.empty() || one.state == state)
                    out.rows.push_back(row_of(endpoints[at].first, one));
        page = more ? *read->next : 0;
        if (!more) ++at;  // refused: this endpoint had no campaign of the alert
        go();
    }
};

void CampaignRecipients::page(const std::string& alert,
                              const std::string& state,
                              const std::string& cursor,
                              ledger::Then<api::RecipientPage> then) {
    ledger_.alert(
        alert, [=, this, then = std::move(then)](Result<std::optional<ledger::AlertRecord>> found) {
            if (!found) return then(found.error());
            if (!*found) return then(Fault{Cause::refused, "no such alert"});
            auto walk = std::make_shared<Walk>();
            walk->endpoints = endpoints_();
            walk->alert = std::move(**found);
            walk->state = state;
            const auto [endpoint, page] = split(cursor);
            while (!endpoint.empty() && walk->at < walk->endpoints.size() &&
                   walk->endpoints[walk->at].first != endpoint)
                ++walk->at;
            walk->page = page;
            walk->then = then;
            walk->go();
        });
}

struct CampaignRecipients::Search : std::enable_shared_from_this<Search> {
    std::vector<std::pair<std::string, dispatch::BulkReports*>> endpoints;
    ledger::AlertRecord alert;
    std::uint64_t number = 0;
    std::size_t at = 0;
    std::vector<api::Recipient> out;
    ledger::Then<std::vector<api::Recipient>> then;

    void go() {
        if (at == endpoints.size()) return then(std::move(out));
        endpoints[at].second->find(
            alert.order, alert.mode, number,
            [self = shared_from_this()](Result<std::optional<dispatch::Recipient>> found) {
                if (!found && found.error().cause != Cause::refused)
                    return self->then(found.error());
                if (found && *found)
                    self->out.push_back(row_of(self->endpoints[self->at].first, **found));
                ++self->at;
                self->go();
            });
    }
};

void CampaignRecipients::find(const std::string& alert,
                              std::uint64_t number,
                              ledger::Then<std::vector<api::Recipient>> then) {
    ledger_.alert(
        alert, [=, this, then = std::move(then)](Result<std::optional<ledger::AlertRecord>> found) {
            if (!found) return then(found.error());
            if (!*found) return then(Fault{Cause::refused, "no such alert"});
            auto search = std::make_shared<Search>();
            search->endpoints = endpoints_();
            search->alert = std::move(**found);
            search->number = number;
            search->then = then;
            search->go();
        });
}

}  // namespace tocsin::app
