#pragma once
#include "server/campaign/wire.hpp"
#include "server/dispatch/bulk_port.hpp"
#include "server/replies/meaning.hpp"

#include <atomic>
#include <shared_mutex>
#include <unordered_set>

/// What phones reply, from each endpoint's stream (server/campaign/heard.hpp) to what it means:
/// somebody wants no more texts, or wants them again; somebody has read an alert; all else is kept
/// for the operator. An entry is deleted when what it asked for is on disk, so nothing is lost, and
/// after a crash at worst done twice. Core loop only, but for opted_out().
namespace tocsin::replies {

struct Acknowledged {
    std::uint64_t number = 0;
    std::string endpoint, role;  // "public", "responsible"
    Instant at{};
};
struct Unread {                // a reply that is no word of ours
    std::string id;            // rising
    std::string from;          // as the gateway wrote it: a name, a short number
    std::uint64_t number = 0;  // if it is one that could be told
    std::string endpoint, words;
    Instant at{};
};

class Replies {
public:
    struct Endpoint {
        std::string name;
        dispatch::BulkReports* reports;
    };
    struct Needs {
        boost::asio::io_context& core;
        campaign::Wire::Where redis;
        ledger::Ledger& ledger;
        std::function<std::vector<Endpoint>()> endpoints;
        std::function<Instant()> clock = tocsin::now;
    };
    Replies(Needs needs, Words words);
    Replies(const Replies&) = delete;
    Replies& operator=(const Replies&) = delete;

    /// Reads who opted out, then drains all.
    void start();
    /// From any thread: whom not to tell is known.
    bool known() const { return known_; }
    void words(Words words) { words_ = std::move(words); }
    /// No endpoint is asked any more: they may go. What is not dealt with waits for the next start.
    void stop() { stopped_ = true; }
    /// There is something new in this endpoint's stream.
    void drain(const std::string& endpoint);
    /// From any thread.
    bool opted_out(std::uint64_t number) const;
    std::size_t opted_out_count() const;

    void acknowledged(const std::string& alert, ledger::Then<std::vector<Acknowledged>> then);
    /// Newest first; `before`: an id, or empty.
    void unread(std::size_t limit,
                const std::string& before,
                ledger::Then<std::vector<Unread>> then);

    struct Metrics {
        std::uint64_t stop = 0, start = 0, acknowledge = 0, other = 0, nobody = 0;
    };
    const Metrics& metrics() const { return metrics_; }

private:
    struct Reply {
        std::string entry, endpoint, words, from;
        std::uint64_t number;
        Instant at;
    };
    void next(const std::string& endpoint);
    void deal_with(Reply reply);
    void keep(const Reply& reply);
    void done(const Reply& reply);
    void find_alert(Reply reply);
    void seek(std::shared_ptr<Reply> reply,
              std::shared_ptr<std::vector<ledger::AlertRecord>> alerts,
              std::size_t at);
    void seek_endpoint(std::shared_ptr<Reply> reply,
                       std::shared_ptr<std::vector<ledger::AlertRecord>> alerts,
                       std::size_t at,
                       std::shared_ptr<std::vector<Endpoint>> endpoints,
                       std::size_t of);

    Needs needs_;
    Words words_;
    campaign::Wire wire_;
    std::set<std::string> draining_, more_;
    bool stopped_ = false;
    std::atomic<bool> known_{false};
    mutable std::shared_mutex mutex_;
    std::unordered_set<std::uint64_t> opted_out_;
    Metrics metrics_;
};

}  // namespace tocsin::replies
