#include "server/plan/cell_list.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace tocsin::plan {
namespace {

using List = std::vector<std::uint64_t>;

TEST_CASE("lists of cells come back from their bytes, in any order") {
    const auto most = ~std::uint64_t(0);
    for (const auto& list : std::vector<List>{{},
                                              {0},
                                              {most},
                                              {1, 2, 3},
                                              {3, 2, 1},
                                              {0, most, 0, most},
                                              {127, 128, 255, 256, 16383, 16384},
                                              {std::uint64_t(1) << 63, 5}}) {
        const auto back = cells_in(cell_bytes(list));
        REQUIRE(back.has_value());
        CHECK(*back == list);
    }
    std::mt19937_64 random(49);
    for (int round = 0; round < 300; ++round) {
        List list(random() % 200);
        for (auto& cell : list) cell = random() >> random() % 64;
        if (round % 2) std::ranges::sort(list);
        const auto back = cells_in(cell_bytes(list));
        REQUIRE(back.has_value());
        REQUIRE(*back == list);
    }
}

TEST_CASE("neighbouring cells take a byte each") {
    List list;
    for (std::uint64_t i = 0; i < 1000; ++i) list.push_back((std::uint64_t(0x2E600000) << 32) + i);
    CHECK(cell_bytes(list).size() < 1010);
}

TEST_CASE("damaged lists are refused") {
    for (const auto& bytes : {std::string("\x80"), std::string("\x01\xFF\xFF"),
                              std::string(9, '\xFF') + "\x02", std::string(10, '\xFF') + "\x01"})
        CHECK(cells_in(bytes).has_error());
    CHECK(*cells_in(std::string(9, '\xFF') + "\x01") == List{~std::uint64_t(0)});
}

TEST_CASE("base64 is that of RFC 4648") {
    struct Row {
        std::string bytes, text;
    };
    const std::vector<Row> rows{{"", ""},
                                {"f", "Zg=="},
                                {"fo", "Zm8="},
                                {"foo", "Zm9v"},
                                {"foob", "Zm9vYg=="},
                                {"fooba", "Zm9vYmE="},
                                {"foobar", "Zm9vYmFy"},
                                {"\xFB\xFF\xBF", "+/+/"}};
    for (const auto& row : rows) {
        CHECK(base64(row.bytes) == row.text);
        const auto back = from_base64(row.text);
        REQUIRE(back.has_value());
        CHECK(*back == row.bytes);
    }
    for (const auto* wrong : {"Z", "Zg=", "Zg", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm 9"})
        CHECK(from_base64(wrong).has_error());
}

}  // namespace
}  // namespace tocsin::plan
