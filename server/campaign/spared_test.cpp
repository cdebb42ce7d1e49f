#include "server/campaign/campaign.hpp"

#include <doctest/doctest.h>

#include <cstring>

/// Who replied "stop": left out where it is not too late, on record as such, and nobody else.
namespace tocsin::campaign {
namespace {

using namespace std::chrono_literals;
constexpr Instant noon{12h};

Plan plan_for(std::uint32_t people, bool over_opt_outs = false) {
    Plan plan;
    plan.order = {1, 1};
    plan.mode = contract::Mode::live;
    plan.started = noon;
    plan.expires = noon + 1h;
    plan.over_opt_outs = over_opt_outs;
    plan.groups.push_back({0, people, "zh-CN"});
    return plan;
}
bool third(std::uint64_t number) { return number % 3 == 0; }

void feed(Campaign& campaign, const std::function<bool(std::uint64_t)>& opted_out) {
    for (const auto page : campaign.pages_wanted()) {
        std::vector<std::uint64_t> numbers;
        for (std::uint32_t i = 0; i < campaign.place(page).recipients; ++i)
            numbers.push_back(1 + page * page_recipients + i);
        campaign.page_loaded(page, std::move(numbers), noon, opted_out);
    }
}

struct Disk {
    std::uint32_t cursor = 0;
    std::uint64_t seq = 0;
    std::map<std::uint32_t, std::string> pages;
    void write(Campaign& campaign) {
        while (const auto commit = campaign.next_commit(noon)) {
            for (const auto& [field, value] : commit->fields)
                if (field == "cursor") cursor = std::uint32_t(std::stoul(value));
            for (const auto& span : commit->spans) {
                auto& page = pages[span.page];
                page.resize(std::max({page.size(), span.offset + span.data.size(), page_bytes}));
                std::memcpy(page.data() + span.offset, span.data.data(), span.data.size());
            }
            seq = commit->seq;
            campaign.committed(commit->seq, true);
        }
    }
};

std::vector<std::uint64_t> take_all(Campaign& campaign, Disk& disk) {
    std::vector<std::uint64_t> taken;
    for (int i = 0; i < 200; ++i) {
        disk.write(campaign);
        const auto slice = campaign.take(100, noon);
        for (std::uint32_t n = 0; n < slice.numbers.size(); ++n)
            if (slice.numbers[n] != 0) {
                taken.push_back(slice.numbers[n]);
                campaign.answered({slice.first + n, 0, {}}, noon);
            }
    }
    return taken;
}

TEST_CASE("who opted out is not told, and that is what his record says, also after a crash") {
    Campaign campaign(plan_for(2500), {}, 1);
    Disk disk;
    feed(campaign, third);
    campaign.grant(1200);
    const auto before = take_all(campaign, disk);
    CHECK(before.size() == 1200);
    CHECK(std::ranges::none_of(before, third));

    Campaign back(plan_for(2500), {}, 2);
    back.restore_cursor(disk.cursor, disk.seq, "");
    for (const auto& [page, bytes] : disk.pages) back.restore_page(page, bytes);
    back.restored(noon);
    feed(back, third);
    back.grant(5000);
    const auto after = take_all(back, disk);
    CHECK(std::ranges::none_of(after, third));
    CHECK(before.size() + after.size() == 2500 - 833);  // nobody twice: all answers were on disk
    CHECK(back.counts().failed == 833);
    CHECK(back.cell(2, noon).error == error_opted_out);  // number 3
    CHECK(back.exhausted());
}

TEST_CASE("policy may reach over an opt-out") {
    Campaign campaign(plan_for(900, true), {}, 1);
    Disk disk;
    feed(campaign, third);
    campaign.grant(900);
    CHECK(take_all(campaign, disk).size() == 900);
}

TEST_CASE("a page of nobody but those who opted out holds nothing up") {
    Campaign campaign(plan_for(3000), {}, 1);
    Disk disk;
    feed(campaign, [](std::uint64_t number) { return number > 1000 && number <= 2000; });
    campaign.grant(3000);
    CHECK(take_all(campaign, disk).size() == 2000);
    CHECK(campaign.counts().failed == 1000);
    Campaign back(plan_for(3000), {}, 2);
    back.restore_cursor(disk.cursor, disk.seq, "");
    for (const auto& [page, bytes] : disk.pages) back.restore_page(page, bytes);
    back.restored(noon);
    CHECK(back.counts().failed == 1000);
    CHECK(back.exhausted());
}

TEST_CASE(
    "perhaps told, and then he opted out: he is not told again, and only a receipt can say more") {
    Campaign campaign(plan_for(10), {}, 1);
    Disk disk;
    feed(campaign, {});
    campaign.grant(10);
    disk.write(campaign);
    REQUIRE(campaign.take(10, noon).numbers.size() == 10);  // and the process dies

    Campaign back(plan_for(10), {}, 2);
    back.restore_cursor(disk.cursor, disk.seq, "");
    for (const auto& [page, bytes] : disk.pages) back.restore_page(page, bytes);
    back.restored(noon);
    feed(back, third);
    back.grant(10);
    const auto again = take_all(back, disk);
    CHECK(again.size() == 7);
    CHECK(std::ranges::none_of(again, third));
    CHECK(back.cell(2, noon).state == State::handed);
    CHECK(back.exhausted());
}

}  // namespace
}  // namespace tocsin::campaign
