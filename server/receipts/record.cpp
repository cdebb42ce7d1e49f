#include "server/base/digest.hpp"
#include "server/receipts/delivery.hpp"

#include <fmt/format.h>

#include <type_traits>

/// A delivery as bytes: version, fields big-endian, CRC-32C over all before it (scar: Redis' AOF
/// has no checksum, a flipped bit would load silently; reliability 1).
namespace tocsin::receipts {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t check_bytes = 4;
constexpr std::size_t missed_max = 1000;

class Writer {
public:
    template <class T> void number(T value) {
        using U = std::make_unsigned_t<T>;
        for (int shift = int(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
            bytes_ += char(U(value) >> shift & 0xff);
    }
    void text(std::string_view text) {
        number(std::uint32_t(text.size()));
        bytes_ += text;
    }
    void time(const std::optional<Instant>& at) {
        number(std::uint8_t(at.has_value()));
        if (at) number(std::int64_t(at->time_since_epoch().count()));
    }
    std::string done() && {
        number(crc32c(bytes_));
        return std::move(bytes_);
    }

private:
    std::string bytes_;
};

/// Past the end it reads zeros and remembers; one check at the end is enough.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    template <class T> T number() {
        if (rest_.size() < sizeof(T)) return short_ = true, rest_ = {}, T{};
        std::make_unsigned_t<T> value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value = std::make_unsigned_t<T>(std::uint64_t(value) << 8 | std::uint8_t(rest_[i]));
        rest_.remove_prefix(sizeof(T));
        return T(value);
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (rest_.size() < size) return short_ = true, rest_ = {}, std::string();
        const std::string text(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return text;
    }
    std::optional<Instant> time() {
        if (!number<std::uint8_t>()) return std::nullopt;
        return Instant(std::chrono::milliseconds(number<std::int64_t>()));
    }
    template <class E> E one_of(E last) {
        const auto value = number<std::uint8_t>();
        if (value > std::uint8_t(last)) wrong_ = true;
        return E(value > std::uint8_t(last) ? 0 : value);
    }
    bool more() const { return !rest_.empty(); }
    bool whole() const { return !short_ && !wrong_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool short_ = false, wrong_ = false;
};

}  // namespace

std::string pack(const Delivery& d) {
    Writer w;
    w.number(version);
    w.text(d.endpoint);
    w.text(d.channel);
    w.number(d.order.ordinal);
    w.number(d.order.revision);
    w.number(std::uint8_t(d.action));
    w.number(std::uint8_t(d.grade));
    w.number(std::uint8_t(d.ended));
    w.number(std::uint8_t(d.partial | d.displaced << 1 | d.bulk << 2));
    w.number(d.tries);
    for (const auto n : {d.counts.total, d.counts.handed, d.counts.accepted, d.counts.delivered,
                         d.counts.failed, d.counts.expired})
        w.number(n);
    w.number(std::uint16_t(std::min(d.missed.size(), missed_max)));
    for (std::size_t i = 0; i < std::min(d.missed.size(), missed_max); ++i) w.text(d.missed[i]);
    for (const auto* at :
         {&d.queued_at, &d.handed_at, &d.accepted_at, &d.delivered_at, &d.ended_at, &d.expires})
        w.time(*at);
    w.number(std::uint16_t(d.evidence.size()));
    for (const auto& seen : d.evidence) {
        w.time(seen.at);
        w.number(std::uint8_t(seen.said));
        for (const auto* text : {&seen.source, &seen.code, &seen.text, &seen.ref}) w.text(*text);
    }
    if (d.pace)
        for (const auto* mark : {&d.pace->base, &d.pace->middle, &d.pace->last}) {
            w.number(std::int64_t(mark->at.time_since_epoch().count()));
            w.number(mark->handed);
            w.number(mark->final);
        }
    return std::move(w).done();
}

Result<Delivery> unpack(std::string_view bytes) {
    if (bytes.size() < 1 + check_bytes)
        return Fault{Cause::malformed, fmt::format("a delivery of {} bytes", bytes.size())};
    const auto body = bytes.substr(0, bytes.size() - check_bytes);
    const auto found = Reader(bytes.substr(body.size())).number<std::uint32_t>();
    if (found != crc32c(body))
        return Fault{Cause::malformed,
                     fmt::format("CRC {:08X} of a delivery, not {:08X}", found, crc32c(body))};
    Reader r(body);
    if (const auto is = r.number<std::uint8_t>(); is != version)
        return Fault{Cause::malformed, fmt::format("a delivery of version {}", is)};
    Delivery d;
    d.endpoint = r.text();
    d.channel = r.text();
    d.order.ordinal = r.number<std::uint32_t>();
    d.order.revision = r.number<std::uint16_t>();
    d.action = r.one_of(contract::Action::withdraw);
    d.grade = r.one_of(Grade::verified);
    d.ended = r.one_of(Ended::withdrawn);
    const auto flags = r.number<std::uint8_t>();
    d.partial = flags & 1;
    d.displaced = flags & 2;
    d.bulk = flags & 4;
    d.tries = r.number<std::uint16_t>();
    for (auto* n : {&d.counts.total, &d.counts.handed, &d.counts.accepted, &d.counts.delivered,
                    &d.counts.failed, &d.counts.expired})
        *n = r.number<std::uint64_t>();
    for (auto left = r.number<std::uint16_t>(); left > 0; --left) d.missed.push_back(r.text());
    for (auto* at :
         {&d.queued_at, &d.handed_at, &d.accepted_at, &d.delivered_at, &d.ended_at, &d.expires})
        *at = r.time();
    for (auto left = r.number<std::uint16_t>(); left > 0; --left) {
        Seen seen;
        seen.at = r.time().value_or(Instant{});
        seen.said = r.one_of(contract::Said::lost);
        for (auto* text : {&seen.source, &seen.code, &seen.text, &seen.ref}) *text = r.text();
        d.evidence.push_back(std::move(seen));
    }
    if (r.more()) {
        auto& pace = d.pace.emplace();
        for (auto* mark : {&pace.base, &pace.middle, &pace.last}) {
            mark->at = Instant(std::chrono::milliseconds(r.number<std::int64_t>()));
            mark->handed = r.number<std::uint64_t>();
            mark->final = r.number<std::uint64_t>();
        }
    }
    if (!r.whole()) return Fault{Cause::malformed, "a delivery that is not whole"};
    return d;
}

}  // namespace tocsin::receipts
