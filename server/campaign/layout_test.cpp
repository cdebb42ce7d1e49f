#include "server/campaign/layout.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

namespace tocsin::campaign {
namespace {

contract::MessageId id_of(std::string_view text) {
    contract::MessageId id{};
    id.length = std::uint8_t(text.size());
    std::memcpy(id.bytes.data(), text.data(), text.size());
    return id;
}

TEST_CASE("a submit record comes back as it was put, with an id or with a code") {
    for (const auto& submit :
         {Submit{State::accepted, repeated, 3, 2, 123456, id_of("0123456789abcdef012"), 0},
          Submit{State::failed, 0, 1, 1, 7, {}, 0x0b},
          Submit{State::none, 0, 0, 2, 0, id_of("a"), 0},
          Submit{State::retrying, 0, 255, 16, 0xffffffff, {}, 0x58}}) {
        std::array<char, submit_bytes> bytes{};
        put(submit, bytes);
        const auto back = get_submit(bytes);
        REQUIRE(back.has_value());
        CHECK(*back == submit);
    }
}

TEST_CASE("zeros are a record: nobody was answered, nothing came of it") {
    CHECK(*get_submit(std::array<char, submit_bytes>{}) == Submit{});
    CHECK(*get_outcome(std::array<char, outcome_bytes>{}) == Outcome{});
}

TEST_CASE("each single flipped bit of a record is found") {
    std::array<char, submit_bytes> submit{};
    put(Submit{State::accepted, 0, 1, 1, 99, id_of("7c00a1"), 0}, submit);
    for (std::size_t bit = 0; bit < submit.size() * 8; ++bit) {
        auto rotten = submit;
        rotten[bit / 8] = char(rotten[bit / 8] ^ 1 << bit % 8);
        REQUIRE(get_submit(rotten).has_error());
    }
    std::array<char, outcome_bytes> outcome{};
    put(Outcome{State::delivered, 0, 0, 1234, 2}, outcome);
    CHECK(*get_outcome(outcome) == Outcome{State::delivered, 0, 0, 1234, 2});
    for (std::size_t bit = 0; bit < outcome.size() * 8; ++bit) {
        auto rotten = outcome;
        rotten[bit / 8] = char(rotten[bit / 8] ^ 1 << bit % 8);
        REQUIRE(get_outcome(rotten).has_error());
    }
}

TEST_CASE("a segment is whole or not at all: each flipped bit but the spare ones, and each cut") {
    std::vector<LogRecord> log;
    std::vector<PartRecord> parts;
    std::vector<OrphanRecord> orphans;
    for (std::uint32_t i = 0; i < 20; ++i) {
        log.push_back(
            {i * 7919, State::delivered, std::uint8_t(i % 16), std::uint16_t(i), 1000 * i});
        parts.push_back({i, std::uint8_t(i % 3), 3, i * 0x9e3779b97f4a7c15U});
        orphans.push_back(
            {id_of("x" + std::to_string(i)), contract::Said::refused, 8, 1700000000000 + i});
    }
    const std::string whole[] = {pack(log), pack(parts), pack(orphans)};
    CHECK(*unpack_log(whole[0]) == log);
    CHECK(*unpack_parts(whole[1]) == parts);
    CHECK(*unpack_orphans(whole[2]) == orphans);
    CHECK(whole[0].size() == 16 + 20 * 12);
    CHECK(whole[1].size() == 16 + 20 * 14);
    const auto refused = [](int which, const std::string& bytes) {
        return which == 0   ? unpack_log(bytes).has_error()
               : which == 1 ? unpack_parts(bytes).has_error()
                            : unpack_orphans(bytes).has_error();
    };
    for (int which = 0; which < 3; ++which) {
        for (std::size_t bit = 0; bit < whole[which].size() * 8; ++bit) {
            if (bit / 8 >= 8 && bit / 8 < 16) continue;
            auto rotten = whole[which];
            rotten[bit / 8] = char(rotten[bit / 8] ^ 1 << bit % 8);
            REQUIRE(refused(which, rotten));
        }
        for (std::size_t size = 0; size < whole[which].size(); ++size)
            REQUIRE(refused(which, whole[which].substr(0, size)));
    }
}

TEST_CASE("any bytes are read without harm") {
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random() % 80, '\0');
        for (auto& byte : bytes) byte = char(random());
        (void)unpack_log(bytes).has_value(), (void)unpack_parts(bytes).has_value();
        (void)unpack_orphans(bytes).has_value(), (void)unpack_numbers(bytes).has_value();
        bytes.resize(submit_bytes);
        (void)get_submit(std::span<const char, submit_bytes>(bytes.data(), submit_bytes))
            .has_value();
        (void)get_outcome(std::span<const char, outcome_bytes>(bytes.data(), outcome_bytes))
            .has_value();
    }
    CHECK(unpack_numbers("1234567").has_error());
    CHECK((*unpack_numbers(std::string("\x01\0\0\0\0\0\0\0", 8)))[0] == 1);
}

}  // namespace
}  // namespace tocsin::campaign
