#include "server/base/digest.hpp"
#include "server/campaign/engine.hpp"
#include "server/campaign/load.hpp"
#include "server/campaign/posting.hpp"
#include "server/campaign/store.hpp"
#include "server/ledger/keys.hpp"

/// What became of each recipient: the pages as they lie in Redis, and for a campaign that is still
/// in memory what memory knows better. One page at a time.
namespace tocsin::campaign {

using dispatch::Recipient, dispatch::RecipientPage;

namespace {

std::string readable(const contract::MessageId& id) {
    const auto text = text_of(id);
    const bool plain =
        std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
    return plain ? std::string(text) : hex(text);
}

/// A campaign that is only on disk: fewer words, the same answers.
Cell stored_cell(const Record& record,
                 std::uint32_t recipient,
                 const Submit& submit,
                 const Outcome& outcome,
                 bool meant) {
    if (!meant) return {State::skipped, 0, 0, 0};
    if (recipient >= record.cursor) {
        if (record.stopped.empty()) return {};
        return {record.stopped == "expired" ? State::expired : State::stopped, 0, 0, 0};
    }
    if (outcome.state != State::none)
        return {outcome.state, outcome.flags, outcome.error, outcome.ms};
    if (submit.state == State::none) return {State::handed, submit.flags, 0, submit.ms};
    return {submit.state, submit.flags, std::uint16_t(std::min(submit.code, 0xffffU)), submit.ms};
}

std::string state_word(const Cell& cell, const std::string& stopped) {
    if (cell.state == State::failed && cell.error == error_opted_out) return "opted_out";
    return cell.state == State::stopped && !stopped.empty() ? stopped : word(cell.state);
}

Result<std::vector<std::uint64_t>> numbers_in(const Result<ledger::Reply>& reply) {
    if (reply.has_error()) return reply.error();
    return unpack_numbers((*reply).text());
}

template <std::size_t N>
std::span<const char, N> record_at(const std::string& page, std::size_t offset) {
    return std::span<const char, N>(page.data() + offset, N);
}

}  // namespace

namespace {
constexpr auto read_keeps = std::chrono::seconds(5);
}

/// One question; holds what was read until all of it is there.
struct Engine::Reading {
    OrderId order;
    std::string name;
    std::uint32_t page = 0;
    Record record;
    std::shared_ptr<Campaign> shape;  // of one that is only on disk: its pages and mask
    std::vector<std::uint64_t> numbers;
    std::string records;
};

/// The campaign in memory, else its hash.
void Engine::look_up(OrderId order, contract::Mode mode, LookedUp then) {
    const Fault none{Cause::refused, "there is no such campaign"};
    auto reading = std::make_shared<Reading>();
    reading->order = order;
    reading->name = name_of(mode, settings_.endpoint, order);
    if (const auto* at = held(order)) {
        if (at->name != reading->name) return then(none);  // of another mode
        return then(reading);
    }
    if (last_read_ && last_read_->name == reading->name &&
        settings_.clock() < last_read_at_ + read_keeps) {
        reading->record = last_read_->record;
        reading->shape = last_read_->shape;
        return then(reading);
    }
    reader_.ask({"HGETALL", ledger::campaign_key(reading->name)}, [this, reading, then,
                                                                   none](const auto& reply) {
        if (reply.has_error()) return then(reply.error());
        const auto fields = fields_in(*reply);
        if (fields.empty()) return then(none);
        auto record = record_of(fields);
        if (!record) return then(record.error());
        reading->record = std::move(*record);
        reading->shape = std::make_shared<Campaign>(reading->record.plan, settings_.limits, 0);
        if (!reading->record.masked) return keep_read(reading), then(reading);
        reader_.ask({"GET", ledger::campaign_part_key(reading->name, "mask")},
                    [this, reading, then](const auto& bits) {
                        if (bits.has_error()) return then(bits.error());
                        reading->shape->restore_mask((*bits).text());
                        keep_read(reading);
                        then(reading);
                    });
    });
}

/// A report asks page after page: of twenty million people the pages are not to be laid out anew
/// for each.
void Engine::keep_read(const std::shared_ptr<Reading>& reading) {
    last_read_ = std::make_shared<Reading>();
    last_read_->name = reading->name;
    last_read_->record = reading->record;
    last_read_->shape = reading->shape;
    last_read_at_ = settings_.clock();
}

const Campaign* Engine::shape_of(const Reading& reading) const {
    const auto* at = campaign(reading.order);
    return at ? at : reading.shape.get();
}

void Engine::read_page(std::shared_ptr<Reading> reading, std::function<void(bool)> then) {
    const auto* shape = shape_of(*reading);
    if (!shape) return then(false);
    const auto place = shape->place(reading->page);
    const auto audience =
        ledger::audience_page_key(shape->plan().audience, place.group, place.page);
    reader_.ask({"GET", audience}, [reading](const auto& reply) {
        if (!reply.has_value()) return;
        auto numbers = unpack_numbers((*reply).text());
        if (numbers.has_value()) reading->numbers = std::move(*numbers);
    });
    reader_.ask({"GET", ledger::campaign_page_key(reading->name, reading->page)},
                [reading, then](const auto& reply) {
                    if (reply.has_value()) reading->records = (*reply).str();
                    reading->records.resize(page_bytes);
                    then(reply.has_value());
                });
}

std::optional<Recipient> Engine::recipient_of(const Reading& reading, std::uint32_t offset) const {
    const auto* live = campaign(reading.order);
    const auto* shape = shape_of(reading);
    if (!shape) return std::nullopt;
    const auto index = reading.page * page_recipients + offset;
    const auto submit = get_submit(record_at<submit_bytes>(reading.records, offset * submit_bytes));
    const auto outcome = get_outcome(
        record_at<outcome_bytes>(reading.records, outcome_column + offset * outcome_bytes));
    const auto s = submit.has_value() ? *submit : Submit{};
    const auto o = outcome.has_value() ? *outcome : Outcome{};
    const bool meant = shape->meant(index);
    const auto cell = live ? live->cell(index, settings_.clock())
                           : stored_cell(reading.record, index, s, o, meant);
    if (cell.state == State::skipped) return std::nullopt;
    const auto& plan = shape->plan();
    Recipient row;
    row.number = offset < reading.numbers.size() ? reading.numbers[offset] : 0;
    row.state = state_word(cell, live ? live->stopped() : reading.record.stopped);
    row.error = cell.error;
    row.attempts = s.attempts;
    row.parts = std::max<std::uint8_t>(1, s.parts);
    row.repeated = (cell.flags | s.flags) & campaign::repeated;
    row.message_id = readable(s.id);
    const auto& group = shape->group_of(reading.page);
    row.regions = group.regions;
    row.network = group.network;
    row.language = group.language;
    row.role = group.role;
    if (s.state != State::none) row.answered_at = plan.started + milliseconds(s.ms);
    if (final(cell.state) && cell.ms != 0) row.settled_at = plan.started + milliseconds(cell.ms);
    return row;
}

void Engine::recipients(OrderId order,
                        contract::Mode mode,
                        std::uint32_t page,
                        ledger::Then<RecipientPage> then) {
    const auto answer = [this, then](Result<RecipientPage> result) {
        boost::asio::post(core_, [then, result = std::move(result)] { then(result); });
    };
    on_bulk([this, order, mode, page, answer] {
        look_up(order, mode, [this, page, answer](Result<std::shared_ptr<Reading>> found) {
            if (!found) return answer(found.error());
            const auto reading = *found;
            const auto pages = shape_of(*reading) ? shape_of(*reading)->pages() : 0;
            if (page >= pages) return answer(RecipientPage{});
            reading->page = page;
            read_page(reading, [this, reading, pages, answer](bool well) {
                const auto* shape = shape_of(*reading);
                if (!well || !shape)
                    return answer(Fault{Cause::unreachable, "Redis did not answer"});
                RecipientPage result;
                for (std::uint32_t i = 0; i < shape->place(reading->page).recipients; ++i)
                    if (auto row = recipient_of(*reading, i))
                        result.recipients.push_back(std::move(*row));
                if (reading->page + 1 < pages) result.next = reading->page + 1;
                answer(std::move(result));
            });
        });
    });
}

void Engine::find(OrderId order,
                  contract::Mode mode,
                  std::uint64_t number,
                  ledger::Then<std::optional<Recipient>> then) {
    const auto answer = [this, then](Result<std::optional<Recipient>> result) {
        boost::asio::post(core_, [then, result = std::move(result)] { then(result); });
    };
    on_bulk([this, order, mode, number, answer] {
        look_up(order, mode, [this, number, answer](Result<std::shared_ptr<Reading>> found) {
            if (!found) return answer(found.error());
            if (number == 0) return answer(std::optional<Recipient>());
            search(*found, number, answer);
        });
    });
}

/// A group's numbers ascend over its pages: the page that may hold the number is found by halving,
/// in all groups at once; then each group's page is read. 20 million: some ten rounds.
struct Engine::Search {
    struct Range {
        std::uint32_t first,
            last;  // pages [first, last): the first number of `first` is not greater
    };
    std::shared_ptr<Reading> reading;
    std::uint64_t number;
    Found answer;
    std::vector<Range> ranges;
    std::size_t unread = 0;
    bool failed = false;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> hit;  // page, offset
};

void Engine::search(std::shared_ptr<Reading> reading, std::uint64_t number, Found answer) {
    auto search =
        std::make_shared<Search>(Search{reading, number, std::move(answer), {}, 0, false, {}});
    const auto* shape = shape_of(*reading);
    for (std::uint32_t page = 0; shape && page < shape->pages(); ++page)
        if (shape->place(page).page == 0)
            search->ranges.push_back({page, page + 1});
        else
            search->ranges.back().last = page + 1;
    halve(search);
}

void Engine::halve(const std::shared_ptr<Search>& search) {
    const auto* shape = shape_of(*search->reading);
    if (search->failed || !shape)
        return search->answer(Fault{Cause::unreachable, "Redis did not answer; ask again"});
    search->unread = 1;  // until all are asked
    const auto answered = [this, search] {
        if (--search->unread == 0) halve(search);
    };
    for (auto& range : search->ranges) {
        if (range.last - range.first < 2) continue;
        const auto middle = range.first + (range.last - range.first) / 2;
        const auto place = shape->place(middle);
        ++search->unread;
        reader_.ask(
            {"GETRANGE", ledger::audience_page_key(shape->plan().audience, place.group, place.page),
             "0", "7"},
            [search, &range, middle, answered](const auto& reply) {
                const auto first = numbers_in(reply);
                search->failed = search->failed || !first || first->empty();
                if (!search->failed)
                    ((*first)[0] <= search->number ? range.first : range.last) = middle;
                answered();
            });
    }
    if (search->unread == 1) return look_into(search);
    answered();
}

void Engine::look_into(const std::shared_ptr<Search>& search) {
    const auto* shape = shape_of(*search->reading);
    if (search->ranges.empty()) return search->answer(std::optional<dispatch::Recipient>());
    search->unread = search->ranges.size();
    for (const auto& range : search->ranges) {
        const auto place = shape->place(range.first);
        reader_.ask(
            {"GET", ledger::audience_page_key(shape->plan().audience, place.group, place.page)},
            [this, search, page = range.first](const auto& reply) {
                const auto numbers = numbers_in(reply);
                search->failed = search->failed || !numbers;
                if (!search->failed) {
                    const auto at = std::ranges::lower_bound(*numbers, search->number);
                    if (at != numbers->end() && *at == search->number)
                        search->hit.emplace(page, std::uint32_t(at - numbers->begin()));
                }
                if (--search->unread == 0) tell_hit(search);
            });
    }
}

void Engine::tell_hit(const std::shared_ptr<Search>& search) {
    static const Fault failed{Cause::unreachable, "Redis did not answer; ask again"};
    if (search->failed) return search->answer(failed);
    if (!search->hit) return search->answer(std::optional<dispatch::Recipient>());
    search->reading->page = search->hit->first;
    read_page(search->reading, [this, search](bool well) {
        if (!well) return search->answer(failed);
        search->answer(recipient_of(*search->reading, search->hit->second));
    });
}

}  // namespace tocsin::campaign
