#include "server/app/recipients.hpp"

#include "server/campaign/layout.hpp"

#include <charconv>
#include <map>
#include <set>

namespace tocsin::app {
namespace {

constexpr std::size_t rows_most = 4000;  // of one answer

/// Which people stand on which page of an endpoint's campaign: those of its order, group after
/// group, each group's pages full but for the last (campaign::Campaign::place).
class Groups {
public:
    /// Nobody: not known, and no page has a group.
    explicit Groups(std::vector<plan::Group> people) : people_(std::move(people)) {
        std::uint32_t pages = 0;
        for (const auto& group : people_) {
            begins_.push_back(pages);
            pages += (group.count + campaign::page_recipients - 1) / campaign::page_recipients;
        }
        begins_.push_back(pages);
    }

    std::size_t size() const { return people_.size(); }
    std::uint32_t begin(std::size_t group) const { return begins_[group]; }
    std::uint32_t end(std::size_t group) const { return begins_[group + 1]; }

    const plan::Group* at_page(std::uint32_t page) const {
        if (begins_.empty() || page >= begins_.back()) return nullptr;
        const auto after = std::ranges::upper_bound(begins_, page);
        return &people_[std::size_t(after - begins_.begin()) - 1];
    }

private:
    std::vector<plan::Group> people_;
    std::vector<std::uint32_t> begins_;  // first page of each, then the end
};

api::Recipient row_of(const std::string& endpoint,
                      const dispatch::Recipient& from,
                      const plan::Group* group) {
    api::Recipient row;
    row.number = from.number;
    row.endpoint = endpoint;
    row.state = from.state;
    row.code = from.error;
    row.at = from.settled_at ? from.settled_at : from.answered_at;
    if (!group) return row;
    row.region = fmt::format("{}", fmt::join(group->regions, " "));
    row.network = group->network;
    row.language = group->language;
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

/// What is asked about, with its plan.
struct CampaignRecipients::Alert {
    std::shared_ptr<const dispatch::Carried> carried;
    std::vector<std::pair<std::string, dispatch::BulkReports*>> endpoints;
    dispatch::FindKin kin;
    std::set<std::string> unsure;  // endpoints whose campaign may have other people than the plan
    std::shared_ptr<std::map<std::string, std::shared_ptr<const Groups>>> made =
        std::make_shared<std::map<std::string, std::shared_ptr<const Groups>>>();

    const ledger::AlertRecord& record() const { return carried->record; }
    std::optional<plan::Order> order(const std::string& endpoint) const {
        return dispatch::planned_for(*carried, endpoint, kin);
    }
    std::shared_ptr<const Groups> groups(const std::string& endpoint) const {
        auto& groups = (*made)[endpoint];
        if (groups) return groups;
        auto of = order(endpoint);
        const bool known = of && of->people.size() == of->groups.size();  // not of an older record
        return groups = std::make_shared<const Groups>(known && !unsure.contains(endpoint)
                                                           ? std::move(of->people)
                                                           : std::vector<plan::Group>());
    }
};

/// A withdrawal goes to the people of the revision that was shown, which need not be the last that
/// was planned. Where earlier revisions had other people, better no column than a wrong one.
struct CampaignRecipients::Earlier : std::enable_shared_from_this<Earlier> {
    ledger::Ledger& ledger;
    std::shared_ptr<Alert> alert;
    std::vector<plan::Order> withdrawn;
    std::uint16_t revision = 0;
    ledger::Then<std::shared_ptr<const Alert>> then;

    explicit Earlier(ledger::Ledger& in) : ledger(in) {}

    void go() {
        const auto own = alert->record().order;
        if (withdrawn.empty() || ++revision >= own.revision) return then(alert);
        ledger.alert_of({own.ordinal, revision},
                        [self = shared_from_this()](const Result<std::string>& id) {
                            if (!id) return self->then(id.error());
                            if (id->empty()) return self->give_up();
                            self->ledger.alert(*id, [self](auto found) { self->take(found); });
                        });
    }
    void take(const Result<std::optional<ledger::AlertRecord>>& found) {
        if (!found) return then(found.error());
        auto plan = *found ? plan::unpack((*found)->plan) : Result<plan::Plan>(plan::Plan());
        if (!*found || !plan) return give_up();
        const dispatch::Carried before{{}, std::move(*plan)};
        for (const auto& order : withdrawn)
            if (const auto was = dispatch::planned_for(before, order.endpoint, alert->kin);
                was && was->action != contract::Action::withdraw &&
                (was->audience_version != order.audience_version || was->groups != order.groups))
                alert->unsure.insert(order.endpoint);
        go();
    }
    void give_up() {
        for (const auto& order : withdrawn) alert->unsure.insert(order.endpoint);
        then(alert);
    }
};

/// A list is asked for page by page: its plan, which may hold thousands of groups, is read once.
void CampaignRecipients::read(const std::string& id,
                              bool goes_on,
                              ledger::Then<std::shared_ptr<const Alert>> then) {
    if (goes_on && last_ && last_->record().id == id) {
        auto alert = std::make_shared<Alert>(*last_);
        alert->endpoints = endpoints_();
        return then(std::move(alert));
    }
    ledger_.alert(id,
                  [this, then = std::move(then)](Result<std::optional<ledger::AlertRecord>> found) {
                      if (!found) return then(found.error());
                      if (!*found) return then(Fault{Cause::refused, "no such alert"});
                      auto alert = std::make_shared<Alert>();
                      alert->endpoints = endpoints_();
                      alert->kin = kin_;
                      auto carried = std::make_shared<dispatch::Carried>();
                      if (auto plan = plan::unpack((*found)->plan))
                          carried->plan = std::move(*plan);
                      carried->record = std::move(**found);
                      carried->record.cap.clear();
                      carried->record.plan.clear();
                      alert->carried = std::move(carried);
                      auto earlier = std::make_shared<Earlier>(ledger_);
                      for (const auto& [name, _] : alert->endpoints)
                          if (auto order = alert->order(name);
                              order && order->action == contract::Action::withdraw)
                              earlier->withdrawn.push_back(std::move(*order));
                      earlier->alert = std::move(alert);
                      earlier->then = [this, then](Result<std::shared_ptr<const Alert>> read) {
                          if (read) last_ = *read;
                          then(std::move(read));
                      };
                      earlier->go();
                  });
}

/// One answer: pages of one endpoint after the other until it is long enough.
struct CampaignRecipients::Walk : std::enable_shared_from_this<Walk> {
    std::shared_ptr<const Alert> alert;
    std::string state;
    std::size_t at = 0;
    std::uint32_t page = 0;
    std::shared_ptr<const Groups> groups;  // of the endpoint at hand
    api::RecipientPage out;
    ledger::Then<api::RecipientPage> then;

    void go() {
        const auto& endpoints = alert->endpoints;
        if (at == endpoints.size()) return then(std::move(out));
        if (out.rows.size() >= rows_most) {
            out.next = endpoints[at].first + "/" + std::to_string(page);
            return then(std::move(out));
        }
        if (!groups) groups = alert->groups(endpoints[at].first);
        const auto& record = alert->record();
        endpoints[at].second->recipients(
            record.order, record.mode, page,
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
                    out.rows.push_back(
                        row_of(alert->endpoints[at].first, one, groups->at_page(page)));
        page = more ? *read->next : 0;
        if (!more) ++at, groups.reset();  // refused: this endpoint had no campaign of the alert
        go();
    }
};

void CampaignRecipients::page(const std::string& alert,
                              const std::string& state,
                              const std::string& cursor,
                              ledger::Then<api::RecipientPage> then) {
    read(alert, !cursor.empty(),
         [state, cursor, then = std::move(then)](Result<std::shared_ptr<const Alert>> read) {
             if (!read) return then(read.error());
             auto walk = std::make_shared<Walk>();
             walk->alert = std::move(*read);
             walk->state = state;
             const auto [endpoint, page] = split(cursor);
             const auto& endpoints = walk->alert->endpoints;
             while (!endpoint.empty() && walk->at < endpoints.size() &&
                    endpoints[walk->at].first != endpoint)
                 ++walk->at;
             walk->page = page;
             walk->then = then;
             walk->go();
         });
}

/// In which group a number stands: numbers ascend within a group, so its pages are halved until the
/// one is found that could hold it. Some reads a group, where going through all pages would take
/// minutes of a large city's campaign.
struct CampaignRecipients::Locate : std::enable_shared_from_this<Locate> {
    dispatch::BulkReports* reports = nullptr;
    contract::OrderId order{};
    contract::Mode mode{};
    std::uint64_t number = 0;
    std::shared_ptr<const Groups> groups;
    std::size_t group = 0;
    std::uint32_t low = 0, high = 0;  // pages that are left of this group
    ledger::Then<const plan::Group*> then;

    explicit Locate(std::shared_ptr<const Groups> in) : groups(std::move(in)) {}

    void go() {
        if (group == groups->size()) return then(nullptr);
        low = groups->begin(group), high = groups->end(group);
        halve();
    }
    void halve() {
        if (low == high) return ++group, go();
        read(low + (high - low) / 2, low, high);
    }
    /// The page, or where nobody of it was meant the next one, up to `end`.
    void read(std::uint32_t page, std::uint32_t begin, std::uint32_t end) {
        reports->recipients(order, mode, page,
                            [self = shared_from_this(), page, begin,
                             end](const Result<dispatch::RecipientPage>& read) {
                                if (!read) return self->then(read.error());
                                self->take(page, begin, end, read->recipients);
                            });
    }
    void take(std::uint32_t page,
              std::uint32_t begin,
              std::uint32_t end,
              const std::vector<dispatch::Recipient>& rows) {
        const auto known = [](const dispatch::Recipient& row) { return row.number != 0; };
        const auto first = std::ranges::find_if(rows, known);
        if (first == rows.end()) {  // a correction goes to few: look beside
            if (page + 1 < end) return read(page + 1, begin, end);
            high = begin + (end - begin) / 2;  // nobody from the middle on
            return halve();
        }
        const auto last = std::ranges::find_if(rows.rbegin(), rows.rend(), known);
        if (number < first->number)
            high = begin + (end - begin) / 2;
        else if (number > last->number)
            low = page + 1;
        else if (std::ranges::any_of(rows, [&](const auto& row) { return row.number == number; }))
            return then(groups->at_page(page));
        else
            low = high;  // it would stand here, and does not
        halve();
    }
};

struct CampaignRecipients::Search : std::enable_shared_from_this<Search> {
    std::shared_ptr<const Alert> alert;
    std::uint64_t number = 0;
    std::size_t at = 0;
    std::vector<api::Recipient> out;
    ledger::Then<std::vector<api::Recipient>> then;

    void go() {
        if (at == alert->endpoints.size()) return then(std::move(out));
        const auto& record = alert->record();
        alert->endpoints[at].second->find(
            record.order, record.mode, number,
            [self = shared_from_this()](Result<std::optional<dispatch::Recipient>> found) {
                if (!found && found.error().cause != Cause::refused)
                    return self->then(found.error());
                if (found && *found) return self->locate(**found);
                ++self->at;
                self->go();
            });
    }
    void locate(const dispatch::Recipient& found) {
        const auto& [name, reports] = alert->endpoints[at];
        auto locate = std::make_shared<Locate>(alert->groups(name));
        locate->reports = reports;
        locate->order = alert->record().order;
        locate->mode = alert->record().mode;
        locate->number = number;
        locate->then = [self = shared_from_this(), found](Result<const plan::Group*> group) {
            if (!group && group.error().cause != Cause::refused) return self->then(group.error());
            self->out.push_back(
                row_of(self->alert->endpoints[self->at].first, found, group ? *group : nullptr));
            ++self->at;
            self->go();
        };
        locate->go();
    }
};

void CampaignRecipients::find(const std::string& alert,
                              std::uint64_t number,
                              ledger::Then<std::vector<api::Recipient>> then) {
    read(alert, false, [number, then = std::move(then)](Result<std::shared_ptr<const Alert>> read) {
        if (!read) return then(read.error());
        auto search = std::make_shared<Search>();
        search->alert = std::move(*read);
        search->number = number;
        search->then = then;
        search->go();
    });
}

}  // namespace tocsin::app
