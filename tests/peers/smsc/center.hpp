#pragma once
#include "tests/peers/smsc/book.hpp"

#include <deque>
#include <unordered_set>

/// The message centre without its sockets: bytes of a link in, bytes out, time handed in. What it
/// does to a message depends on seed and destination only, so a test can foretell it.
namespace tocsin::smsc {

/// Things that are due at a millisecond at most 65 s ahead.
template <class Item> class Wheel {
public:
    void put(std::uint64_t now, std::uint32_t after, Item item) {
        slots_[(now + std::max<std::uint32_t>(1, after)) % slots_.size()].push_back(
            std::move(item));
    }
    template <class Take> void turn(std::uint64_t now, Take take) {
        if (at_ == 0) at_ = now;
        for (; at_ <= now; ++at_) {
            auto due = std::exchange(slots_[at_ % slots_.size()], {});
            for (auto& item : due) take(item);
        }
    }

private:
    std::vector<std::vector<Item>> slots_ = std::vector<std::vector<Item>>(65'536);
    std::uint64_t at_ = 0;
};

enum class Fate : std::uint8_t { stays, closes_when_sent, resets, silent };

class Center {
public:
    Center(const Options& options, Book& book) : options_(options), book_(book) {}

    std::uint32_t opened();
    void received(std::uint32_t link, std::string_view bytes, std::uint64_t now);
    void closed(std::uint32_t link);
    void tick(std::uint64_t now);
    std::string& outgoing(std::uint32_t link) { return links_.at(link)->out; }
    Fate fate(std::uint32_t link) const { return links_.at(link)->fate; }

private:
    struct Receipt {
        std::uint64_t id, destination, sent_at;
        std::uint16_t source, account;
        std::uint8_t state;  // 0: a phone's words, `id` says which
        bool again, copy, acked;
    };
    struct Link {
        std::string in, out;
        Fate fate = Fate::stays;
        bool bound = false, takes_receipts = false, submits = false, unbound = false;
        std::uint16_t account = 0;
        std::uint32_t unanswered = 0, last_sequence = 0, submitted = 0;
        double bucket = 0;
        std::uint64_t bucket_at = 0;
        std::uint32_t first_receipt = 1;  // sequence of the first in `receipts`
        std::deque<Receipt> receipts;
    };
    struct Account {
        std::string name;
        std::vector<std::uint32_t> links;
        std::deque<Receipt> ready;
        std::size_t turn = 0;
    };
    struct Answer {
        std::uint32_t link, sequence, status;
        std::uint64_t id;
    };

    void heard(std::uint32_t number, Link& link, const Header& header, std::string_view body);
    void heard_bind(std::uint32_t number, Link& link, const Header& header, std::string_view body);
    void heard_submit(std::uint32_t number,
                      Link& link,
                      const Header& header,
                      std::string_view body);
    void heard_receipt_answer(Link& link, const Header& header, std::string_view body);
    std::uint32_t status_of(Link& link, std::uint64_t key);
    void accept(
        std::uint32_t number, Link& link, const Submit& submit, std::uint64_t key, Answer answer);
    void reply(const Receipt& receipt, std::uint64_t key, std::uint32_t late);
    void answer(Link& link, const Answer& answer);
    void strike(Link& link);
    void ready(const Receipt& receipt) { accounts_[receipt.account].ready.push_back(receipt); }
    void pump(Account& account);
    bool has_room(const Link& link) const;
    void deliver(Link& link, Receipt receipt);
    struct Id {  // text without an allocation
        char text[40];
        std::uint8_t length = 0;
        operator std::string_view() const { return {text, length}; }
    };
    char* put_receipt_text(char* at, const Receipt& receipt, std::string_view state);
    Id answer_id(std::uint64_t id) const;
    Id receipt_id(std::uint64_t id) const;
    std::uint16_t source_number(std::string_view source);
    void violated(const char* what) { book_.violated(what); }

    const Options& options_;
    Book& book_;
    std::unordered_map<std::uint32_t, std::unique_ptr<Link>> links_;
    std::vector<Account> accounts_;
    std::vector<std::string> sources_;
    std::uint32_t next_link_ = 1;
    std::uint64_t now_ = 0, ids_ = 0, refuse_until_ = 0, date_at_ = 0;
    std::string date_;
    bool half_opened_ = false;
    std::unordered_set<std::uint64_t> struck_;
    Wheel<Answer> answers_;
    Wheel<Receipt> receipts_;
};

}  // namespace tocsin::smsc
