#include "channels/sms/smpp/receipt.hpp"

#include "channels/shared/sms_text.hpp"

#include <doctest/doctest.h>

namespace tocsin::smpp {
namespace {

using contract::Said;

std::string text(const MessageId& id) { return {id.bytes.data(), id.length}; }

Deliver receipt(std::string_view words) {
    Deliver out{};
    out.esm_class = 4;
    out.words = words;
    return out;
}
std::optional<ReceiptSays> read(const Deliver& deliver, bool id_is_receipt = true) {
    static std::string room;
    return read_receipt(deliver, id_is_receipt, room);
}

TEST_CASE("R4: receipts as vendors write them") {
    struct Row {
        std::string_view words, id, stat, err;
    };
    const Row rows[] = {
        {"id:0123456789 sub:001 dlvrd:001 submit date:2611231717 done date:2611231718 stat:DELIVRD "
         "err:000 text:WARNING",
         "0123456789", "DELIVRD", "000"},
        {"id:a-b-c sub:1 dlvrd:1 submit date:261123171700 done date:0000000000 stat:EXPIRED "
         "err:0FF "
         "Text:x",
         "a-b-c", "EXPIRED", "0FF"},
        {"stat:UNDELIV id:7", "7", "UNDELIV", ""},
        {"ID:7 STAT:delivrd ERR:1", "7", "delivrd", "1"},
        {"id:SAR-77-2-1 done date:20261123171700 stat:REJECTD err:MK:0012 text:", "SAR-77-2-1",
         "REJECTD", "MK:0012"},
        {"id:7 stat:UNDELIV err:5 text:id:8 stat:DELIVRD err:0", "7", "UNDELIV", "5"},
        {"id:7 text:stat:DELIVRD", "7", "", ""},
        {"paid:9 id:7 restat:X stat:DELIVRD", "7", "DELIVRD", ""},
        {"", "", "", ""},
        {"id:", "", "", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.words);
        const auto parsed = parse_receipt_text(row.words);
        CHECK(parsed.id == row.id);
        CHECK(parsed.stat == row.stat);
        CHECK(parsed.err == row.err);
    }
}

TEST_CASE("F9: only DELIVRD is delivery; what proves nothing ends nothing") {
    struct Row {
        std::string_view stat;
        Said said;
        std::uint16_t code;
    };
    const Row rows[] = {
        {"DELIVRD", Said::delivered, 2 << 12 | 5}, {"EXPIRED", Said::failed, 3 << 12 | 5},
        {"DELETED", Said::refused, 4 << 12 | 5},   {"UNDELIV", Said::refused, 5 << 12 | 5},
        {"ACCEPTD", Said::accepted, 6 << 12 | 5},  {"UNKNOWN", Said::refused, 7 << 12 | 5},
        {"REJECTD", Said::refused, 8 << 12 | 5},   {"ENROUTE", Said::accepted, 1 << 12 | 5},
        {"FAILED", Said::refused, 9 << 12 | 5},    {"BUFFRED", Said::accepted, 10 << 12 | 5},
        {"MK:0012", Said::refused, 0xF005},        {"NONSENS", Said::accepted, 5},
    };
    for (const auto& row : rows) {
        CAPTURE(row.stat);
        const auto words = fmt::format("id:7 stat:{} err:005", row.stat);
        const auto says = read(receipt(words));
        REQUIRE(says);
        CHECK(says->said == row.said);
        CHECK(says->code == row.code);
    }
}

TEST_CASE("the TLVs are believed before the text") {
    auto deliver = receipt("id:7 stat:UNDELIV err:9");
    deliver.receipted_id = "ABC";
    deliver.state = 2;
    deliver.network_error = 44;
    const auto says = read(deliver);
    REQUIRE(says);
    CHECK(says->ids.tlv == "ABC");
    CHECK(says->ids.text == "7");
    CHECK(says->said == Said::delivered);
    CHECK(says->code == (2 << 12 | 44));
    deliver.state = 77;  // not of the standard: the text decides
    CHECK(read(deliver)->said == Said::refused);
    deliver.words = "";
    deliver.state = 2;
    CHECK(read(deliver)->ids.tlv == "ABC");
}

TEST_CASE("an intermediate notification is never the end, whatever it says") {
    auto deliver = receipt("id:7 stat:DELIVRD");
    deliver.esm_class = 0x20;
    CHECK(read(deliver)->said == Said::accepted);
}

TEST_CASE("a wrong esm_class: by option, words that begin with id: are a receipt") {
    auto deliver = receipt("id:7 stat:DELIVRD");
    deliver.esm_class = 0;
    CHECK(read(deliver, true)->said == Said::delivered);
    CHECK_FALSE(read(deliver, false));
    deliver.words = "T";
    CHECK_FALSE(read(deliver, true));
    deliver.words = "idea";
    CHECK_FALSE(read(deliver, true));
}

TEST_CASE("a receipt in UCS2 is read, errors beyond 12 bits are capped, and one may lack its id") {
    const auto ucs2 = *shared::to_ucs2("id:7 stat:DELIVRD err:99999");
    auto deliver = receipt(ucs2);
    deliver.data_coding = 8;
    const auto says = read(deliver);
    REQUIRE(says);
    CHECK(says->ids.text == "7");
    CHECK(says->code == (2 << 12 | 0xFFF));
    const auto without = read(receipt("stat:DELIVRD"));
    REQUIRE(without);
    CHECK(without->ids.text.empty());
}

TEST_CASE("R1: the forms that ids take in answer and receipt meet in one key") {
    using enum IdForm;
    struct Row {
        std::string_view answer, receipt;
        IdForm form;
        bool match;
    };
    const Row rows[] = {
        {"0913121205", "913121205", same, true},
        {"10000001", "10000001", same, true},
        {"1000000A", "1000000a", same, true},
        {"1000000A", "268435466", resp_hex_receipt_dec, true},
        {"1000000a", "0268435466", resp_hex_receipt_dec, true},
        {"268435466", "1000000A", resp_dec_receipt_hex, true},
        {"0268435466", "1000000a", resp_dec_receipt_hex, true},
        {"268435466", "1000000A", same, false},
        {"268435466", "268435466", resp_dec_receipt_hex, false},
        {"FFFFFFFFFFFFFFFF", "18446744073709551615", resp_hex_receipt_dec, true},
        {"18446744073709551615", "ffffffffffffffff", resp_dec_receipt_hex, true},
        {"ffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455",
         resp_hex_receipt_dec, true},
        {"3d6fdd43-1c4f-4e8c-9b8f-0a1b2c3d4e5f", "3D6FDD43-1C4F-4E8C-9B8F-0A1B2C3D4E5F", same,
         true},
        {"3d6fdd43-1c4f-4e8c-9b8f-0a1b2c3d4e5f", "3D6FDD43-1C4F-4E8C-9B8F-0A1B2C3D4E5E", same,
         false},
        {"not-a-number", "not-a-number", resp_hex_receipt_dec, true},
        {"0", "000", same, true},
        {" 7 ", "7", same, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.answer);
        CAPTURE(row.receipt);
        CHECK((key_of_answer(row.answer) == key_of_receipt(row.receipt, row.form)) == row.match);
    }
    CHECK(text(key_of_answer("000ABC")) == "abc");
    CHECK(key_of_answer("").length == 0);
    CHECK(key_of_answer("1234567890123456789").length == 19);
    CHECK(key_of_answer("12345678901234567890").length == 16);
}

TEST_CASE("hashed ids of a long run do not meet") {
    std::unordered_set<std::string> seen;
    for (int i = 0; i < 200'000; ++i)
        seen.insert(text(key_of_answer(fmt::format("3d6fdd43-1c4f-4e8c-9b8f-{:012x}", i))));
    CHECK(seen.size() == 200'000);
}

TEST_CASE("R1: a peer's way with ids is learnt from answers and receipts, whichever comes first") {
    using enum IdForm;
    struct Row {
        const char* answer;
        const char* tlv;
        const char* text;
        Reading expected;
    };
    const Row rows[] = {
        {"{:X}", "", "{:d}", {true, same, resp_hex_receipt_dec}},
        {"{:d}", "", "{:X}", {true, same, resp_dec_receipt_hex}},
        {"{:X}", "{:d}", "x{:d}", {true, resp_hex_receipt_dec, same}},
        {"{:X}", "broken{:d}", "{:X}", {false, same, same}},
    };
    for (const auto& row : rows)
        for (const bool receipts_first : {false, true}) {
            CAPTURE(row.answer);
            CAPTURE(receipts_first);
            Learner learner({true, same, same});
            std::optional<Reading> learnt;
            for (int i = 0; i < 64 && !learnt; ++i) {
                const auto number = 0x10000000 + i;
                const auto in = [&](const char* form) {
                    return fmt::format(fmt::runtime(form), number);
                };
                const auto tlv = in(row.tlv), words = in(row.text);
                const auto answer = [&] { learner.answered(key_of_answer(in(row.answer))); };
                if (!receipts_first) answer();
                learner.received({tlv, words}, Said::delivered, 0);
                if (receipts_first) answer();
                learnt = learner.decide();
            }
            REQUIRE(learnt);
            CHECK(name(*learnt) == name(row.expected));
            CHECK(learner.reading() == *learnt);
            CHECK_FALSE(learner.learning());
            REQUIRE(learner.missed().size() >= 8);
            CHECK(learner.missed()[0].id ==
                  key_of_answer(fmt::format(fmt::runtime(row.answer), 0x10000000)));
        }
}

TEST_CASE("receipts of an earlier life match nothing and change nothing") {
    Learner learner({true, IdForm::same, IdForm::same});
    for (int i = 0; i < 5000; ++i) {
        learner.received({"", "foreign" + std::to_string(i)}, Said::delivered, 0);
        learner.answered(key_of_answer(std::to_string(i)));
        CHECK_FALSE(learner.decide());
    }
    CHECK(learner.learning());
    learner.restart();
    for (int i = 0; i < 8; ++i) {
        learner.answered(key_of_answer(std::to_string(100 + i)));
        learner.received({"", std::to_string(100 + i)}, Said::delivered, 0);
    }
    CHECK_FALSE(learner.decide());
    CHECK_FALSE(learner.learning());
}

}  // namespace
}  // namespace tocsin::smpp
