#include "server/replies/replies.hpp"

#include "server/audience/phone.hpp"
#include "server/campaign/heard.hpp"
#include "server/ledger/keys.hpp"

#include <charconv>

namespace tocsin::replies {
namespace {

using ledger::AlertRecord;
using ReplyFromRedis = Result<ledger::Reply>;

constexpr const char* opt_outs_key = "t1:{rep}:optouts";  // number -> "<ms> <endpoint>"
constexpr const char* unread_key = "t1:{rep}:unread";
constexpr const char* unread_most = "100000";
constexpr std::size_t alerts_most = 50;  // so far back an acknowledgement is looked for

std::string acks_key(const std::string& alert) { return fmt::format("t1:{{a:{}}}:acks", alert); }

/// As our own keys have it.
std::uint64_t digits_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
}
/// As gateways write it: +86, 86, 0086 or none of them; 0 for who cannot be told (a service's short
/// number, a name).
std::uint64_t number_in(std::string_view text) {
    constexpr std::size_t foreign_least = 10;
    if (const auto number = audience::normalised(text).e164) return number;
    const bool bare = text.size() >= foreign_least && digits_in(text) != 0;
    return bare ? audience::normalised("+" + std::string(text)).e164 : 0;
}
Instant time_in(std::string_view entry_or_ms) {
    std::int64_t ms = 0;
    std::from_chars(entry_or_ms.data(), entry_or_ms.data() + entry_or_ms.size(), ms);
    return Instant(std::chrono::milliseconds(ms));
}
std::string stamp(Instant at, const std::string& endpoint) {
    return fmt::format("{} {}", at.time_since_epoch().count(), endpoint);
}
/// "<ms> <endpoint> <role>"
std::array<std::string, 3> words_in(std::string_view text) {
    std::array<std::string, 3> words;
    for (auto& word : words) {
        word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return words;
}
std::string_view field(const ledger::Reply& fields, std::string_view name) {
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
        if (fields[i].text() == name) return fields[i + 1].text();
    return {};
}

}  // namespace

Replies::Replies(Needs needs, Words words)
    : needs_(std::move(needs)), words_(std::move(words)), wire_(needs_.core, needs_.redis) {}

void Replies::start() {
    wire_.insist({"HKEYS", opt_outs_key}, [this](const ReplyFromRedis& reply) {
        {
            const std::unique_lock lock(mutex_);
            for (std::size_t i = 0; i < (*reply).size(); ++i)
                opted_out_.insert(digits_in((*reply)[i].text()));
        }
        known_ = true;
        for (const auto& endpoint : needs_.endpoints()) drain(endpoint.name);
    });
}

bool Replies::opted_out(std::uint64_t number) const {
    const std::shared_lock lock(mutex_);
    return opted_out_.contains(number);
}
std::size_t Replies::opted_out_count() const {
    const std::shared_lock lock(mutex_);
    return opted_out_.size();
}

void Replies::drain(const std::string& endpoint) {
    if (stopped_) return;
    if (!draining_.insert(endpoint).second) {
        more_.insert(endpoint);
        return;
    }
    next(endpoint);
}

/// One after the other: a person's last word is the one that counts.
void Replies::next(const std::string& endpoint) {
    if (stopped_) return;
    more_.erase(endpoint);
    wire_.insist({"XRANGE", campaign::heard_key(endpoint), "-", "+", "COUNT", "1"},
                 [this, endpoint](const ReplyFromRedis& reply) {
                     const auto& entries = *reply;
                     if (entries.size() == 0) {
                         if (more_.contains(endpoint)) return next(endpoint);
                         draining_.erase(endpoint);
                         return;
                     }
                     const auto fields = entries[0][1];
                     deal_with({entries[0][0].str(), endpoint, std::string(field(fields, "words")),
                                std::string(field(fields, "from")),
                                number_in(field(fields, "from")), time_in(entries[0][0].text())});
                 });
}

void Replies::deal_with(Reply reply) {
    if (reply.number == 0) {  // a name or a short number: nobody who could be told
        ++metrics_.nobody;
        return keep(reply);
    }
    const auto number = std::to_string(reply.number);
    switch (meaning_of(reply.words, words_)) {
        case Meaning::stop:
            ++metrics_.stop;
            wire_.insist({"HSET", opt_outs_key, number, stamp(reply.at, reply.endpoint)},
                         [this, reply](const auto&) {
                             const std::unique_lock lock(mutex_);
                             opted_out_.insert(reply.number);
                             done(reply);
                         });
            return;
        case Meaning::start:
            ++metrics_.start;
            wire_.insist({"HDEL", opt_outs_key, number}, [this, reply](const auto&) {
                const std::unique_lock lock(mutex_);
                opted_out_.erase(reply.number);
                done(reply);
            });
            return;
        case Meaning::acknowledge: ++metrics_.acknowledge; return find_alert(std::move(reply));
        case Meaning::other: ++metrics_.other; return keep(reply);
    }
}

void Replies::keep(const Reply& reply) {
    wire_.insist({"XADD", unread_key, "MAXLEN", "~", unread_most, "*", "from", reply.from, "number",
                  std::to_string(reply.number), "endpoint", reply.endpoint, "words", reply.words,
                  "at", std::to_string(reply.at.time_since_epoch().count())},
                 [this, reply](const auto&) { done(reply); });
}

void Replies::done(const Reply& reply) {
    wire_.insist({"XDEL", campaign::heard_key(reply.endpoint), reply.entry},
                 [this, endpoint = reply.endpoint](const auto&) { next(endpoint); });
}

// Which alert is acknowledged: the newest in force, of any mode, that this number was sent.

void Replies::find_alert(Reply reply) {
    auto found = std::make_shared<std::vector<AlertRecord>>();
    auto asked = std::make_shared<Reply>(std::move(reply));
    auto left = std::make_shared<int>(3);
    for (const auto mode : {contract::Mode::live, contract::Mode::exercise, contract::Mode::test})
        needs_.ledger.in_force(
            mode, needs_.clock(),
            [this, found, asked, left](Result<std::vector<AlertRecord>> some) {
                if (some) std::ranges::move(*some, std::back_inserter(*found));
                if (--*left > 0) return;
                std::ranges::sort(*found, std::ranges::greater{},
                                  [](const auto& a) { return std::pair(a.accepted_at, a.order); });
                if (found->size() > alerts_most) found->resize(alerts_most);
                seek(asked, found, 0);
            });
}

void Replies::seek(std::shared_ptr<Reply> reply,
                   std::shared_ptr<std::vector<AlertRecord>> alerts,
                   std::size_t at) {
    if (stopped_) return;
    if (at == alerts->size()) return keep(*reply);  // an answer to nothing of ours
    seek_endpoint(reply, alerts, at, std::make_shared<std::vector<Endpoint>>(needs_.endpoints()),
                  0);
}

void Replies::seek_endpoint(std::shared_ptr<Reply> reply,
                            std::shared_ptr<std::vector<AlertRecord>> alerts,
                            std::size_t at,
                            std::shared_ptr<std::vector<Endpoint>> endpoints,
                            std::size_t of) {
    if (stopped_) return;
    if (of == endpoints->size()) return seek(reply, alerts, at + 1);
    const auto& alert = (*alerts)[at];
    (*endpoints)[of].reports->find(
        alert.order, alert.mode, reply->number,
        [=, this](const Result<std::optional<dispatch::Recipient>>& found) {
            const bool told =
                found.has_value() && found->has_value() && (*found)->state != "queued";
            if (!told) return seek_endpoint(reply, alerts, at, endpoints, of + 1);
            wire_.insist({"HSETNX", acks_key((*alerts)[at].id), std::to_string(reply->number),
                          stamp(reply->at, reply->endpoint) + " " + (*found)->role},
                         [this, reply](const auto&) { done(*reply); });
        });
}

void Replies::acknowledged(const std::string& alert, ledger::Then<std::vector<Acknowledged>> then) {
    wire_.ask({"HGETALL", acks_key(alert)}, [then = std::move(then)](const ReplyFromRedis& reply) {
        if (reply.has_error()) return then(reply.error());
        std::vector<Acknowledged> all;
        for (std::size_t i = 0; i + 1 < (*reply).size(); i += 2) {
            const auto text = (*reply)[i + 1].text();
            const auto words = words_in(text);
            all.push_back({digits_in((*reply)[i].text()), words[1], words[2], time_in(words[0])});
        }
        std::ranges::sort(all, {}, [](const auto& one) { return std::pair(one.at, one.number); });
        then(std::move(all));
    });
}

void Replies::unread(std::size_t limit,
                     const std::string& before,
                     ledger::Then<std::vector<Unread>> then) {
    wire_.ask(
        {"XREVRANGE", unread_key, before.empty() ? "+" : "(" + before, "-", "COUNT",
         std::to_string(limit)},
        [then = std::move(then)](const ReplyFromRedis& reply) {
            if (reply.has_error()) return then(reply.error());
            std::vector<Unread> all;
            for (std::size_t i = 0; i < (*reply).size(); ++i) {
                const auto fields = (*reply)[i][1];
                all.push_back({(*reply)[i][0].str(), std::string(field(fields, "from")),
                               digits_in(field(fields, "number")),
                               std::string(field(fields, "endpoint")),
                               std::string(field(fields, "words")), time_in(field(fields, "at"))});
            }
            then(std::move(all));
        });
}

}  // namespace tocsin::replies
