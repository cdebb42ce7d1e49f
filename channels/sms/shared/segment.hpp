#pragma once
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// One segment of a text as a whole PDU that lacks only its recipient and its sequence number. What
/// stands before and after the number is encoded once for all; a message is two copies.
namespace tocsin::sms {

struct Digits {
    explicit Digits(std::uint64_t number)
        : length(std::uint8_t(std::to_chars(text, text + sizeof text, number).ptr - text)) {}
    char text[20];
    std::uint8_t length;
};

/// "000001023000000R": relative time of SMPP and CMPP, 16 characters.
using Validity = std::array<char, 16>;

class Segment {
public:
    struct Shape {
        std::uint8_t sequence_at = 12;  // u32; the length of all is a u32 at 0; both big-endian
        std::uint8_t number_width = 0;  // 0: as many bytes as digits; else filled up with NULs
        std::uint16_t validity_at = 0;  // where the 16 characters stand: in `before` or after it,
        bool validity_after = true;     // counted from the beginning of that half
    };
    Segment() = default;
    Segment(std::string before, std::string after, Shape shape)
        : before_(std::move(before)), after_(std::move(after)), shape_(shape) {}

    void validity(const Validity& time) {
        auto& half = shape_.validity_after ? after_ : before_;
        std::memcpy(half.data() + shape_.validity_at, time.data(), time.size());
    }
    std::size_t bytes_most() const {
        return before_.size() + after_.size() +
               (shape_.number_width > 20 ? shape_.number_width : 20u);
    }
    /// Writes at `at`, which has bytes_most() of room; returns the end.
    char* put(char* at, const Digits& number, std::uint32_t sequence) const {
        const auto from = at;
        std::memcpy(at, before_.data(), before_.size());
        at += before_.size();
        // 20 at once are one copy of fixed size; what is too much is overwritten or not kept.
        std::memcpy(at, number.text, sizeof number.text);
        if (shape_.number_width > number.length)
            std::memset(at + number.length, 0, shape_.number_width - number.length);
        at += shape_.number_width ? shape_.number_width : number.length;
        std::memcpy(at, after_.data(), after_.size());
        at += after_.size();
        put_u32(from, std::uint32_t(at - from));
        put_u32(from + shape_.sequence_at, sequence);
        return at;
    }
    const std::string& before() const { return before_; }
    const std::string& after() const { return after_; }

private:
    static void put_u32(char* at, std::uint32_t value) {
        value = __builtin_bswap32(value);
        std::memcpy(at, &value, 4);
    }
    std::string before_, after_;
    Shape shape_;
};

}  // namespace tocsin::sms
