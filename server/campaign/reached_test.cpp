#include "server/campaign/reached.hpp"

#include <doctest/doctest.h>

namespace tocsin::campaign {
namespace {

Reached revision(std::string audience,
                 std::vector<GroupPages> groups,
                 std::vector<std::size_t> who) {
    Reached out{std::move(audience), std::move(groups), {}};
    std::size_t pages = 0;
    for (const auto& group : out.groups) pages += (group.count + 999) / 1000;
    out.mask.assign(pages * 125, '\0');
    for (const auto bit : who) out.mask[bit / 8] = char(out.mask[bit / 8] | 1 << bit % 8);
    return out;
}
bool has(const Reached& reached, std::size_t bit) {
    return (reached.mask.at(bit / 8) >> bit % 8 & 1) != 0;
}

TEST_CASE("12: who was told by an earlier revision is told when it is taken back, each once") {
    const GroupPages a{3, 10, "zh-CN"}, b{5, 1200, "zh-CN"}, c{9, 4, "en-US"};
    const Reached all[] = {revision("public/1", {b}, {0, 1100}),
                           revision("public/1", {a, b, c}, {2, 1001, 3003})};
    std::size_t left_out = 7;
    const auto joined = join(all, left_out);
    CHECK(left_out == 0);
    REQUIRE(joined.groups.size() == 3);
    CHECK(joined.groups[1].index == 5);
    CHECK(has(joined, 2));     // a, by the first revision
    CHECK(has(joined, 1000));  // b, by the second
    CHECK(has(joined, 1001));  // b, by the first
    CHECK(has(joined, 2100));
    CHECK(has(joined, 3003));  // c
    std::size_t count = 0;
    for (std::size_t i = 0; i < joined.mask.size() * 8; ++i) count += has(joined, i);
    CHECK(count == 5);
}

TEST_CASE("another import has other people in its groups: left out, and counted") {
    const Reached all[] = {revision("public/2", {{0, 5, ""}}, {1}),
                           revision("public/1", {{0, 5, ""}}, {2})};
    std::size_t left_out = 0;
    const auto joined = join(all, left_out);
    CHECK(left_out == 1);
    CHECK(joined.audience == "public/2");
    CHECK(has(joined, 1));
    CHECK_FALSE(has(joined, 2));
}

TEST_CASE("nobody at all") {
    std::size_t left_out = 0;
    CHECK(join({}, left_out).audience.empty());
    const Reached none[] = {{}, {}};
    CHECK(join(none, left_out).groups.empty());
}

}  // namespace
}  // namespace tocsin::campaign
