#include "channels/sms/cmpp/receipt.hpp"

#include "channels/sms/cmpp/proof.hpp"
#include "channels/sms/cmpp/words.hpp"
#include "server/base/digest.hpp"

#include <doctest/doctest.h>

namespace tocsin::cmpp {
namespace {

using namespace std::literals;
using contract::Said;

TEST_CASE("F9: only DELIVRD is delivery; what proves nothing ends nothing") {
    struct Row {
        std::string_view stat;
        Said said;
        unsigned kind, number;
    };
    const Row rows[] = {
        {"DELIVRD", Said::delivered, 2, 0},   {"delivrd", Said::delivered, 2, 0},
        {"EXPIRED", Said::failed, 3, 0},      {"DELETED", Said::refused, 4, 0},
        {"UNDELIV", Said::refused, 5, 0},     {"ACCEPTD", Said::accepted, 6, 0},
        {"UNKNOWN", Said::accepted, 7, 0},    {"REJECTD", Said::refused, 8, 0},
        {"MA:0054", Said::failed, 9, 54},     {"MB:1042", Said::refused, 9, 1042},
        {"MK:0012", Said::refused, 10, 12},   {"CA:0051", Said::failed, 11, 51},
        {"CB:0001", Said::refused, 11, 1},    {"DA:0002", Said::failed, 12, 2},
        {"DB:0309", Said::refused, 12, 309},  {"IA:0073", Said::failed, 13, 73},
        {"IB:0072", Said::refused, 13, 72},   {"ID:0076", Said::refused, 14, 76},
        {"ID:E001", Said::refused, 14, 4095}, {"MK:9999", Said::refused, 10, 4095},
        {"MN:0001", Said::refused, 15, 1},    {"SB:4", Said::refused, 15, 4},
        {"MK:4095", Said::refused, 10, 4095}, {"MK:", Said::refused, 10, 4095},
        {"NONSENS", Said::accepted, 0, 0},    {"", Said::accepted, 0, 0},
        {"DELIV", Said::accepted, 0, 0},      {"EXPIRED ", Said::failed, 3, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.stat);
        const auto meant = meaning_of_stat(row.stat);
        CHECK(meant.said == row.said);
        CHECK(meant.code == (row.kind << 12 | row.number));
    }
}

TEST_CASE("a message id is its eight bytes, and 0 is none") {
    const auto key = key_of(0x0102030405060708);
    CHECK(std::string_view(key.bytes.data(), key.length) == "\1\2\3\4\5\6\7\10");
    CHECK(key_of(0).length == 0);
    CHECK_FALSE(key_of(1) == key_of(2));
    const auto tagged = key_of(0x0102030405060708, tag_of("b"));
    CHECK(tagged.length == 12);
    CHECK_FALSE(tagged == key_of(0x0102030405060708, tag_of("a")));
    CHECK(key_of(0, tag_of("b")).length == 0);
}

TEST_CASE("both sides prove the secret by MD5, and a liar is found") {
    // Checked with md5sum.
    CHECK(hex(proof_of("900001", "888888", 1021080510)) == "90d00c1d517abd0b4f65f6bcf8535d16");
    CHECK(hex(proof_of("106900", "s3cret", 721103005)) == "cf901bda8cc3c10b6d3088e2c9829f51");
    const auto proof = proof_of("900001", "888888", 1021080510);
    CHECK(hex(answer_to(proof, "888888", 0, 4)) ==
          "79429772"
          "74098cf210ab0c16c367bc8d");
    CHECK(is_proven(answer_to(proof, "888888", 0, 4), proof, "888888"));
    CHECK(is_proven(answer_to(proof, "888888", 0, 1), proof, "888888"));
    CHECK_FALSE(is_proven(answer_to(proof, "888889", 0, 4), proof, "888888"));
    CHECK_FALSE(is_proven(std::string(16, '\0'), proof, "888888"));
}

TEST_CASE("the time of a CONNECT is China's, ten digits with the zero in front") {
    CHECK(timestamp_of(*parse_rfc3339("2026-07-21T10:30:05Z")) == 721183005);
    CHECK(timestamp_of(*parse_rfc3339("2026-12-31T16:00:00Z")) == 101000000);
    CHECK(timestamp_of(*parse_rfc3339("2028-02-29T23:59:59+08:00")) == 229235959);
}

TEST_CASE("R17: texts are split to 140 bytes with their header, ASCII alone to 160") {
    struct Row {
        std::string words;
        int format;
        std::vector<std::size_t> sizes;
    };
    const auto times = [](std::string_view what, int count) {
        std::string out;
        for (int i = 0; i < count; ++i) out += what;
        return out;
    };
    const Row rows[] = {
        {times("x", 160), 0, {160}},
        {times("x", 161), 0, {134, 27}},
        {times("x", 268), 0, {134, 134}},
        {times("x", 269), 0, {134, 134, 1}},
        {"", 0, {0}},
        {times("雨", 70), 8, {140}},
        {times("雨", 71), 8, {134, 8}},
        {times("雨", 134), 8, {134, 134}},
        {times("雨", 135), 8, {134, 134, 2}},
        {times("雨", 201), 8, {134, 134, 134}},
        {times("雨", 66) + "😀" + times("雨", 4), 8, {132, 12}},  // a pair is never torn
        {"a [b]", 8, {10}},                                      // two septets each by GSM
        {"Überflutung", 8, {22}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.words);
        const auto parts = split(row.words, true);
        REQUIRE(parts.has_value());
        CHECK(int(parts->format) == row.format);
        std::vector<std::size_t> sizes;
        for (const auto& part : parts->bytes) sizes.push_back(part.size());
        CHECK(sizes == row.sizes);
    }
    CHECK(split("rain", false)->format == 8);
    CHECK(split(times("x", 134 * 255), true).has_value());
    CHECK(split(times("x", 134 * 255 + 1), true).error().cause == Cause::over_limit);
    CHECK(split("\xff", true).error().cause == Cause::malformed);
}

TEST_CASE("what phones send is read: ASCII, UCS2, GBK, with a header or broken") {
    const auto read = [](int format, const std::string& words, int header = 0) {
        Deliver deliver;
        deliver.format = std::uint8_t(format);
        deliver.header = std::uint8_t(header);
        deliver.words = words;
        return sms::words_of(piece_of(deliver).octets, piece_of(deliver).letters);
    };
    CHECK(read(0, "TD") == "TD");
    CHECK(read(8, "\x90\x00\x8b\xa2"s) == "退订");
    CHECK(read(0x18, "\x90\x00\x8b\xa2"s) == "退订");
    CHECK(read(15, "\xcd\xcb\xb6\xa9") == "退订");
    CHECK(read(15, "TD") == "TD");
    CHECK(read(15, "\xcd\xcb\xff\xb6\xa9") == "退\xEF\xBF\xBD订");
    CHECK(read(15, "\xcd\xcb\xb6") == "退\xEF\xBF\xBD");
    CHECK(read(15, "") == "");
    CHECK(read(8, "\x05\x00\x03\x07\x02\x01\x90\x00"s, 1) == "退");
    Deliver part;
    part.format = format_ucs2, part.header = 1;
    part.words = "\x05\x00\x03\x07\x02\x01\x90\x00"sv;
    CHECK(piece_of(part).parts == 2);
    CHECK(piece_of(part).part == 1);
    CHECK(piece_of(part).reference == 7);
}

TEST_CASE("a reply's number is the person's, however the gateway writes it") {
    CHECK(person("13800000001") == "8613800000001");
    CHECK(person("8613800000001") == "8613800000001");
    CHECK(person("+8613800000001") == "8613800000001");
    CHECK(person("49170123456") == "49170123456");
    CHECK(person("") == "");
}

}  // namespace
}  // namespace tocsin::cmpp
