#include "server/replies/meaning.hpp"

#include <doctest/doctest.h>

#include <random>

namespace tocsin::replies {
namespace {

TEST_CASE("a reply means something only when it is nothing but the word") {
    const struct {
        const char* reply;
        Meaning means;
    } rows[] = {
        {"TD", Meaning::stop},
        {"td", Meaning::stop},
        {" Td。", Meaning::stop},
        {"ＴＤ", Meaning::stop},
        {"退订", Meaning::stop},
        {"“退订”", Meaning::stop},
        {"STOP!", Meaning::stop},
        {"stop\r\n", Meaning::stop},
        {"恢复", Meaning::start},
        {"start", Meaning::start},
        {"1", Meaning::acknowledge},
        {"１", Meaning::acknowledge},
        {"收到。", Meaning::acknowledge},
        {"ok", Meaning::acknowledge},
        {"11", Meaning::other},
        {"don't stop", Meaning::other},
        {"退订了吗", Meaning::other},
        {"水已经进屋了", Meaning::other},
        {"", Meaning::other},
        {"。。。", Meaning::other},
        {"T D", Meaning::other},
    };
    for (const auto& row : rows) {
        CAPTURE(row.reply);
        CHECK(meaning_of(row.reply, {}) == row.means);
    }
}

TEST_CASE("the words are the city's own") {
    Words words;
    words.stop = {"不要"};
    words.acknowledge = {"知道"};
    CHECK(meaning_of("不要", words) == Meaning::stop);
    CHECK(meaning_of("知道", words) == Meaning::acknowledge);
    CHECK(meaning_of("TD", words) == Meaning::other);
}

TEST_CASE("any bytes are read, and nothing is read past their end") {
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes(random() % 12, '\0');
        for (auto& byte : bytes) byte = char(random() % 3 ? 0xEF - random() % 4 : random());
        CHECK(plain(bytes).size() <= bytes.size());
        CHECK(plain(plain(bytes)) == plain(bytes));
    }
}

}  // namespace
}  // namespace tocsin::replies
