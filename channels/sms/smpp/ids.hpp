#pragma once
#include "server/contract/bulk.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

/// Message ids: submit_sm_resp and receipt often write the same id differently. The key of an answer
/// never depends on a setting; only how a receipt is read does, so a peer's habit can be learnt while
/// ids given out before stay valid.
namespace tocsin::smpp {

using contract::MessageId;

enum class IdForm : std::uint8_t { same, resp_hex_receipt_dec, resp_dec_receipt_hex };

/// Folded to lower case, leading zeros gone; longer than 19 bytes: a 16-byte hash of that.
MessageId key_of_answer(std::string_view id);
/// The receipt's id as the answer wrote it; one that is no such number stays as it is.
MessageId key_of_receipt(std::string_view id, IdForm form);

/// Two capitals, which no key has in it: peers of different accounts give the same ids to different
/// messages. Empty for the first account of an endpoint.
using Tag = std::string;
/// Of an account's name; the next one while `taken` has it.
Tag tag_of(std::string_view account, const std::vector<Tag>& taken);
MessageId tagged(const MessageId& key, const Tag& tag);

/// Where a receipt's id is read, and how.
struct Reading {
    bool prefer_tlv;  // receipted_message_id if there is one; else always the text
    IdForm tlv, text;
    bool operator==(const Reading&) const = default;
};
std::string name(const Reading& reading);

struct ReceiptIds {
    std::string_view tlv, text;  // either may be empty
};
MessageId key_of(const ReceiptIds& ids, const Reading& reading);

/// Watches the first answers and receipts of a bind: if none fits by the present reading but many
/// do by another, says which. Bounded; silent once it knows.
class Learner {
public:
    explicit Learner(Reading reading) : reading_(reading) {}
    const Reading& reading() const { return reading_; }
    bool learning() const { return learning_; }

    void restart();  // a new bind
    void answered(const MessageId& key);
    void received(const ReceiptIds& ids, contract::Said said, std::uint16_t code);
    /// The new reading, when it has just changed. Then missed() has the receipts that were handed
    /// on under wrong keys, under the right ones.
    std::optional<Reading> decide();
    std::vector<contract::Receipt> missed() const;

private:
    struct Seen {
        std::string tlv, text;
        contract::Said said;
        std::uint16_t code;
    };
    std::size_t hits(const Reading& reading) const;

    Reading reading_;
    bool learning_ = true;
    std::size_t looked_at_ = 0;
    std::unordered_set<std::string> answers_;
    std::vector<Seen> seen_;
};

}  // namespace tocsin::smpp
