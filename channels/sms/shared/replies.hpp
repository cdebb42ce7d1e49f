#pragma once
#include "server/contract/bulk.hpp"

#include <map>
#include <tuple>

/// What phones write: decoded, and put together when it came in several segments.
namespace tocsin::sms {

enum class Letters : std::uint8_t {
    gsm7,
    latin1,
    ucs2,
    gbk,
    octets,
    cyrillic,
    hebrew,
    jis,
    korean
};
/// By data_coding of SMPP 3.4 and TS 23.038's groups; `of_default`: what 0 means at this peer.
Letters letters_of(std::uint8_t data_coding, Letters of_default);
/// Never fails: what cannot be read becomes U+FFFD. `octets`: UTF-8 if it is that, else Latin-1.
std::string words_of(std::string_view octets, Letters letters);

struct Piece {
    std::string_view octets;  // without a user data header
    Letters letters{};
    std::uint16_t reference = 0;
    std::uint8_t part = 1, parts = 1;
};
/// Takes the header off `octets` and reads part, parts and reference from it. Unknown elements are
/// skipped; a header that is broken leaves one whole message.
Piece without_header(std::string_view octets, Letters letters);

class Replies {
public:
    explicit Replies(contract::BulkDesk& desk) : desk_(desk) {}
    void took(std::string_view from, const Piece& piece, Instant now);
    /// What lacks a part for a minute is handed on with an ellipsis where it is missing.
    void tick(Instant now);
    std::size_t open() const { return open_.size(); }

private:
    using Key = std::tuple<std::string, std::uint16_t, std::uint8_t>;  // from, reference, parts
    struct Open {
        Instant since;
        std::map<std::uint8_t, std::pair<std::string, Letters>> parts;
    };
    void hand_on(const Key& key, const Open& open);
    contract::BulkDesk& desk_;
    std::map<Key, Open> open_;
};

}  // namespace tocsin::sms
