#include "server/campaign/layout.hpp"

#include "server/base/digest.hpp"

#include <cstring>

namespace tocsin::campaign {
namespace {

static_assert(std::endian::native == std::endian::little,
              "records are stored as they lie in memory");

template <class T> void store(char*& at, T value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
}
template <class T> T load(const char*& at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
}
State state_of(std::uint8_t byte) {
    return byte <= std::uint8_t(State::timed_out) ? State(byte) : State::none;
}

/// Zeros have no CRC: a page is made of them. So a CRC of 0 is written as 1.
std::uint32_t check(const char* record, std::size_t covered) {
    return std::max(1U, crc32c({record, covered}));
}
bool blank(std::span<const char> bytes) {
    return std::ranges::all_of(bytes, [](char c) { return c == 0; });
}

constexpr std::size_t head_bytes = 16;

std::string with_head(std::size_t count, std::size_t record) {
    std::string bytes(head_bytes + count * record, '\0');
    auto* at = bytes.data();
    store(at, std::uint32_t(count));
    return bytes;
}
std::uint32_t sum_of(std::string_view bytes) {
    return crc32c(bytes.substr(head_bytes), crc32c(bytes.substr(0, 4)));
}
std::string sealed(std::string bytes) {
    auto* at = bytes.data() + 4;
    store(at, sum_of(bytes));
    return bytes;
}
/// How many records.
Result<std::size_t> opened(std::string_view bytes, std::size_t record, const char* what) {
    if (bytes.size() < head_bytes || (bytes.size() - head_bytes) % record != 0)
        return Fault{Cause::malformed, fmt::format("{} of {} bytes", what, bytes.size())};
    const auto* at = bytes.data();
    const auto count = load<std::uint32_t>(at);
    const auto sum = load<std::uint32_t>(at);
    if (count != (bytes.size() - head_bytes) / record || sum != sum_of(bytes))
        return Fault{Cause::malformed, fmt::format("{}: CRC or count is wrong", what)};
    return std::size_t(count);
}

template <class Record> std::vector<Record> records_of(std::size_t count) {
    std::vector<Record> records;
    records.reserve(count);
    return records;
}
void store_id(char*& at, const contract::MessageId& id) {
    store(at, std::uint8_t(std::min<std::size_t>(id.length, id.bytes.size())));
    std::memcpy(at, id.bytes.data(), id.bytes.size());
    at += id.bytes.size();
}
contract::MessageId load_id(const char*& at) {
    contract::MessageId id{};
    id.length = std::min<std::uint8_t>(load<std::uint8_t>(at), std::uint8_t(id.bytes.size()));
    std::memcpy(id.bytes.data(), at, id.bytes.size());
    at += id.bytes.size();
    return id;
}

}  // namespace

const char* word(State state) {
    static constexpr const char* words[] = {"queued",  "handed",   "accepted", "delivered",
                                            "failed",  "expired",  "stopped",  "handed",
                                            "skipped", "timed_out"};
    return words[std::size_t(state)];
}

void put(const Submit& submit, std::span<char, submit_bytes> to) {
    auto* at = to.data();
    store(at, submit.state);
    store(at, submit.flags);
    store(at, submit.attempts);
    store(at, submit.parts);
    store(at, submit.ms);
    auto id = submit.id;
    if (submit.code != 0) {  // no answer has both
        id = {};
        std::memcpy(id.bytes.data(), &submit.code, sizeof submit.code);
    }
    store_id(at, id);
    store(at, check(to.data(), submit_bytes - 4));
}

contract::MessageId id_in(std::span<const char, submit_bytes> record) {
    const auto* at = record.data() + 8;
    const auto id = load_id(at);
    return id.length == 0 ? contract::MessageId{} : id;
}

Result<Submit> get_submit(std::span<const char, submit_bytes> from) {
    const auto* at = from.data();
    Submit submit;
    submit.state = state_of(load<std::uint8_t>(at));
    submit.flags = load<std::uint8_t>(at);
    submit.attempts = load<std::uint8_t>(at);
    submit.parts = load<std::uint8_t>(at);
    submit.ms = load<std::uint32_t>(at);
    submit.id = load_id(at);
    if (submit.id.length == 0) {
        std::memcpy(&submit.code, submit.id.bytes.data(), sizeof submit.code);
        submit.id = {};
    }
    const auto sum = load<std::uint32_t>(at);
    if (sum == 0 && blank(from)) return Submit{};
    if (sum != check(from.data(), submit_bytes - 4))
        return Fault{Cause::malformed, "CRC of a submit record is wrong"};
    return submit;
}

void put(const Outcome& outcome, std::span<char, outcome_bytes> to) {
    auto* at = to.data();
    store(at, outcome.state);
    store(at, outcome.flags);
    store(at, outcome.error);
    store(at, outcome.ms);
    store(at, outcome.fence);
    store(at, std::uint16_t(0));
    store(at, check(to.data(), outcome_bytes - 4));
}

Result<Outcome> get_outcome(std::span<const char, outcome_bytes> from) {
    const auto* at = from.data();
    Outcome outcome;
    outcome.state = state_of(load<std::uint8_t>(at));
    outcome.flags = load<std::uint8_t>(at);
    outcome.error = load<std::uint16_t>(at);
    outcome.ms = load<std::uint32_t>(at);
    outcome.fence = load<std::uint16_t>(at);
    at += 2;
    const auto sum = load<std::uint32_t>(at);
    if (sum == 0 && blank(from)) return Outcome{};
    if (sum != check(from.data(), outcome_bytes - 4))
        return Fault{Cause::malformed, "CRC of an outcome record is wrong"};
    return outcome;
}

std::string pack(std::span<const LogRecord> records) {
    auto bytes = with_head(records.size(), 12);
    auto* at = bytes.data() + head_bytes;
    for (const auto& r : records) {
        store(at, r.recipient);
        store(at, r.state);
        store(at, r.flags);
        store(at, r.error);
        store(at, r.ms);
    }
    return sealed(std::move(bytes));
}

std::string pack(std::span<const PartRecord> records) {
    auto bytes = with_head(records.size(), 14);
    auto* at = bytes.data() + head_bytes;
    for (const auto& r : records) {
        store(at, r.recipient);
        store(at, r.part);
        store(at, r.parts);
        store(at, r.hash);
    }
    return sealed(std::move(bytes));
}

std::string pack(std::span<const OrphanRecord> records) {
    auto bytes = with_head(records.size(), 32);
    auto* at = bytes.data() + head_bytes;
    for (const auto& r : records) {
        store_id(at, r.id);
        store(at, r.said);
        store(at, std::uint8_t(0));
        store(at, r.code);
        store(at, r.at_ms);
    }
    return sealed(std::move(bytes));
}

Result<std::vector<LogRecord>> unpack_log(std::string_view bytes) {
    const auto count = opened(bytes, 12, "a log segment");
    if (!count) return count.error();
    auto records = records_of<LogRecord>(*count);
    const auto* at = bytes.data() + head_bytes;
    for (std::size_t i = 0; i < *count; ++i) {
        LogRecord r{};
        r.recipient = load<std::uint32_t>(at);
        r.state = state_of(load<std::uint8_t>(at));
        r.flags = load<std::uint8_t>(at);
        r.error = load<std::uint16_t>(at);
        r.ms = load<std::uint32_t>(at);
        records.push_back(r);
    }
    return records;
}

Result<std::vector<PartRecord>> unpack_parts(std::string_view bytes) {
    const auto count = opened(bytes, 14, "a segment of parts");
    if (!count) return count.error();
    auto records = records_of<PartRecord>(*count);
    const auto* at = bytes.data() + head_bytes;
    for (std::size_t i = 0; i < *count; ++i) {
        PartRecord r{};
        r.recipient = load<std::uint32_t>(at);
        r.part = load<std::uint8_t>(at);
        r.parts = load<std::uint8_t>(at);
        r.hash = load<std::uint64_t>(at);
        records.push_back(r);
    }
    return records;
}

Result<std::vector<OrphanRecord>> unpack_orphans(std::string_view bytes) {
    const auto count = opened(bytes, 32, "a segment of orphans");
    if (!count) return count.error();
    auto records = records_of<OrphanRecord>(*count);
    const auto* at = bytes.data() + head_bytes;
    for (std::size_t i = 0; i < *count; ++i) {
        OrphanRecord r{};
        r.id = load_id(at);
        r.said = contract::Said(load<std::uint8_t>(at));
        at += 1;
        r.code = load<std::uint16_t>(at);
        r.at_ms = load<std::int64_t>(at);
        records.push_back(r);
    }
    return records;
}

std::uint64_t hash_of(const contract::MessageId& id) {
    std::uint64_t words[3] = {};
    std::memcpy(words, id.bytes.data(), std::min<std::size_t>(id.length, id.bytes.size()));
    std::uint64_t sum = 0x9e3779b97f4a7c15U * (id.length + 1U);
    for (auto word : words) {  // murmur3's finisher over each word
        sum ^= word;
        sum = (sum ^ (sum >> 33)) * 0xff51afd7ed558ccdU;
        sum = (sum ^ (sum >> 33)) * 0xc4ceb9fe1a85ec53U;
        sum ^= sum >> 33;
    }
    return sum;
}

Result<std::vector<std::uint64_t>> unpack_numbers(std::string_view bytes) {
    if (bytes.size() % 8 != 0 || bytes.size() > page_recipients * 8)
        return Fault{Cause::malformed, fmt::format("an audience page of {} bytes", bytes.size())};
    std::vector<std::uint64_t> numbers(bytes.size() / 8);
    if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
}

}  // namespace tocsin::campaign
