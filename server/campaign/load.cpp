#include "server/campaign/load.hpp"

#include "server/ledger/keys.hpp"

namespace tocsin::campaign {
namespace {

constexpr std::uint32_t pages_at_once = 16;
constexpr const char* entries_at_once = "64";

/// Mask, pages, parts, log: each step asks, and its answer starts the next.
class Loader : public std::enable_shared_from_this<Loader> {
public:
    Loader(Wire& wire,
           std::string name,
           Limits limits,
           std::function<Instant()> clock,
           WhenLoaded then)
        : wire_(wire),
          name_(std::move(name)),
          limits_(limits),
          clock_(std::move(clock)),
          then_(std::move(then)) {}

    void hash(const ledger::Reply& reply) {
        const auto fields = fields_in(reply);
        if (fields.empty()) return then_({});
        auto record = record_of(fields);
        if (!record) {
            loaded_.fault = record.error().what;
            return then_(std::move(loaded_));
        }
        loaded_.record = std::move(*record);
        if (loaded_.record->closed && !closed_too_) return then_(std::move(loaded_));
        loaded_.campaign =
            std::make_unique<Campaign>(loaded_.record->plan, limits_, loaded_.record->fence);
        if (!loaded_.record->masked) return pages();
        wire_.insist({"GET", ledger::campaign_part_key(name_, "mask")},
                     [self = shared_from_this()](const auto& bits) {
                         self->loaded_.campaign->restore_mask((*bits).text());
                         self->pages();
                     });
    }
    void closed_too() { closed_too_ = true; }

private:
    void pages() {
        const auto& record = *loaded_.record;
        loaded_.campaign->restore_cursor(record.cursor, record.seq, record.stopped);
        some_pages();
    }
    void some_pages() {
        const auto end = std::min(next_page_ + pages_at_once, loaded_.campaign->begun_pages());
        if (next_page_ >= end) return parts();
        unread_ = end - next_page_;
        for (auto page = next_page_; page < end; ++page)
            wire_.insist({"GET", ledger::campaign_page_key(name_, page)},
                         [self = shared_from_this(), page](const auto& bytes) {
                             self->loaded_.campaign->restore_page(page, (*bytes).text());
                             if (--self->unread_ == 0) self->some_pages();
                         });
        next_page_ = end;
    }
    void parts() {
        read_stream(
            wire_, ledger::campaign_part_key(name_, "parts"), "-",
            [self = shared_from_this()](auto, auto bytes) {
                self->loaded_.campaign->restore_parts(bytes);
            },
            [self = shared_from_this()] { self->log(); });
    }
    void log() {
        read_stream(
            wire_, ledger::campaign_part_key(name_, "log"), "-",
            [self = shared_from_this()](auto, auto bytes) {
                self->loaded_.campaign->restore_log(bytes);
            },
            [self = shared_from_this()] {
                self->loaded_.campaign->restored(self->clock_());
                self->then_(std::move(self->loaded_));
            });
    }

    Wire& wire_;
    std::string name_;
    Limits limits_;
    std::function<Instant()> clock_;
    WhenLoaded then_;
    Loaded loaded_;
    bool closed_too_ = false;
    std::uint32_t next_page_ = 0, unread_ = 0;
};

}  // namespace

Fields fields_in(const ledger::Reply& reply) {
    Fields fields;
    for (std::size_t i = 0; i + 1 < reply.size(); i += 2)
        fields.emplace_back(reply[i].str(), reply[i + 1].str());
    return fields;
}

void load_own(Wire& wire,
              std::string name,
              Fields fresh,
              Limits limits,
              std::function<Instant()> clock,
              WhenLoaded then) {
    Wire::Words words{"1", ledger::campaign_key(name)};
    for (auto& [field, value] : fresh)
        words.push_back(std::move(field)), words.push_back(std::move(value));
    auto loader =
        std::make_shared<Loader>(wire, std::move(name), limits, std::move(clock), std::move(then));
    wire.insist_run(open_script, std::move(words),
                    [loader](const auto& reply) { loader->hash(*reply); });
}

void load_to_read(
    Wire& wire, std::string name, Limits limits, std::function<Instant()> clock, WhenLoaded then) {
    Wire::Words words{"HGETALL", ledger::campaign_key(name)};
    auto loader =
        std::make_shared<Loader>(wire, std::move(name), limits, std::move(clock), std::move(then));
    loader->closed_too();
    wire.insist(std::move(words), [loader](const auto& reply) { loader->hash(*reply); });
}

void read_stream(Wire& wire,
                 std::string key,
                 std::string after,
                 std::function<void(std::string_view, std::string_view)> each,
                 std::function<void()> done) {
    Wire::Words words{"XRANGE", key, after, "+", "COUNT", entries_at_once};
    wire.insist(std::move(words), [&wire, key = std::move(key), each = std::move(each),
                                   done = std::move(done)](const auto& reply) {
        const auto& entries = *reply;
        std::string last;
        for (std::size_t i = 0; i < entries.size(); ++i) {
            last = entries[i][0].str();
            each(entries[i][0].text(), entries[i][1][1].text());
        }
        if (last.empty()) return done();
        read_stream(wire, key, "(" + last, each, done);
    });
}

}  // namespace tocsin::campaign
