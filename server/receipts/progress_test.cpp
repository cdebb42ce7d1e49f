#include "server/receipts/progress.hpp"

#include <doctest/doctest.h>

namespace tocsin::receipts {
namespace {

using namespace std::chrono_literals;

const Instant noon{std::chrono::milliseconds(1'800'000'000'000)};

Delivery row(std::string channel, Grade grade, Ended ended) {
    Delivery d;
    d.channel = std::move(channel);
    d.endpoint = d.channel + "-1";
    d.grade = grade;
    d.ended = ended;
    if (grade >= Grade::handed) d.handed_at = noon + 38ms;
    if (ended != Ended::open) d.ended_at = noon + 2s;
    return d;
}

TEST_CASE("progress counts every delivery under its one word") {
    std::vector<Delivery> rows = {
        row("tv", Grade::verified, Ended::complete), row("board", Grade::handed, Ended::failed),
        row("board", Grade::on_air, Ended::open), row("sms", Grade::delivered, Ended::open)};
    auto& sms = rows.back();
    sms.bulk = sms.partial = true;
    sms.counts = {1000, 1000, 990, 500, 100, 0};
    const auto p = progress(rows, noon + 12s + 38ms);
    CHECK(p.orders == 4);
    CHECK(p.open == 2);
    CHECK(p.states.at("failed") == 1);
    CHECK(p.recipients.pending == 400);
    CHECK(p.eta == 8s);  // 600 in 12 s, 400 to go
    const auto text = to_json(p, noon);
    CHECK(text.find(R"("first_handed_ms":38)") != text.npos);
    CHECK(text.find(R"("complete_ms":null)") != text.npos);
    CHECK(text.find(R"("eta_s":8)") != text.npos);
    CHECK(text.find(R"("verified":1)") != text.npos);

    const auto by = progress_by_channel(rows, noon);
    CHECK(by.at("board").orders == 2);
    CHECK(by.at("tv").completed == noon + 2s);
}

TEST_CASE("progress is complete when the last delivery ended, and says when") {
    std::vector<Delivery> rows = {row("tv", Grade::verified, Ended::complete),
                                  row("web", Grade::queued, Ended::expired)};
    rows[1].ended_at = noon + 9s;
    const auto text = to_json(progress(rows, noon + 1h), noon);
    CHECK(text.find(R"("complete_ms":9000)") != text.npos);
    CHECK(text.find(R"("eta_s":null)") != text.npos);
    CHECK(
        to_json(progress(std::span<const Delivery>{}, noon), noon).find(R"("complete_ms":null)") !=
        std::string::npos);
}

TEST_CASE("a delivery to two regions stands in both groups") {
    const std::vector<Delivery> rows = {row("tv", Grade::on_air, Ended::open)};
    const auto groups = progress_by(
        rows,
        [](const Delivery&) {
            return std::vector<std::string>{"110101", "110102"};
        },
        noon);
    CHECK(groups.size() == 2);
    CHECK(groups.at("110102").states.at("on_air") == 1);
}

TEST_CASE("cells and screens are no recipients") {
    auto cells = row("cbc", Grade::on_air, Ended::open);
    cells.counts = {300, 300, 300, 290, 0, 0};
    CHECK(progress(std::vector{cells}, noon).recipients.total == 0);
}

}  // namespace
}  // namespace tocsin::receipts
