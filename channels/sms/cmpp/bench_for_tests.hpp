#pragma once
#include "channels/sms/cmpp/proof.hpp"
#include "channels/sms/cmpp/protocol.hpp"
#include "channels/sms/cmpp/talk.hpp"
#include "server/base/log.hpp"

#include <doctest/doctest.h>

#include <map>

/// An office of CMPP links whose peer is the test: PDUs in, PDUs out, time by hand.
namespace tocsin::cmpp {

using namespace std::literals;
using contract::Said;

inline constexpr contract::OrderId flood{7, 1};

/// Recipients in memory; keeps what it is told.
class Desk final : public contract::BulkDesk {
public:
    contract::Slice take(contract::OrderId order, std::uint32_t at_most) override {
        auto& numbers = invited[order];
        auto& cursor = cursors[order];
        const auto count = std::min<std::size_t>(at_most, numbers.size() - cursor);
        const contract::Slice out{cursor, {numbers.data() + cursor, count}};
        cursor += std::uint32_t(count);
        return out;
    }
    void answered(contract::OrderId, std::span<const contract::Answer> batch) override {
        answers.insert(answers.end(), batch.begin(), batch.end());
    }
    contract::Ticket settled(std::span<const contract::Receipt> batch) override {
        receipts.insert(receipts.end(), batch.begin(), batch.end());
        return contract::Ticket(++tickets);
    }
    void unknown(contract::OrderId, std::span<const std::uint32_t> recipients) override {
        unknowns.insert(unknowns.end(), recipients.begin(), recipients.end());
    }
    void report(contract::Evidence evidence) override { evidences.push_back(std::move(evidence)); }
    void link(contract::LinkState state, std::optional<Instant>) override {
        links.push_back(state);
    }
    void forgot() override {}
    void budgets(std::vector<contract::Budget>) override {}
    void probed(contract::Probed result) override { probes.push_back(std::move(result)); }
    void heard(std::string from, std::string words) override {
        replies.emplace_back(std::move(from), std::move(words));
    }
    void serve(std::string, std::string, std::string) override {}

    contract::LinkState state() const {
        return links.empty() ? contract::LinkState::down : links.back();
    }

    std::map<contract::OrderId, std::vector<std::uint64_t>> invited;
    std::map<contract::OrderId, std::uint32_t> cursors;
    std::vector<contract::Answer> answers;
    std::vector<contract::Receipt> receipts;
    std::vector<std::uint32_t> unknowns;
    std::vector<contract::Evidence> evidences;
    std::vector<contract::LinkState> links;
    std::vector<contract::Probed> probes;
    std::vector<std::pair<std::string, std::string>> replies;
    std::uint64_t tickets = 0;
};

inline constexpr auto plain = R"(
host = "gateway"
source_addr = "106900"
source = "12379"
test_source = "12370"
service_id = "WARN"
)"sv;

inline Setup setup_of(std::string_view toml, std::vector<std::string>* complaints = nullptr) {
    Complaints found;
    auto settings = Settings::parse(toml, "t.toml", found);
    REQUIRE(settings.has_value());
    auto setup = read_setup(*settings);
    if (complaints)
        *complaints = found.list();
    else
        CHECK_MESSAGE(found.list().empty(), found.list().front());
    if (!setup) return {};
    for (auto& link : setup->links) link.secret = "s3cret";
    return std::move(*setup);
}

/// A PDU that lives.
struct Heard {
    Command command;
    std::uint32_t sequence;
    std::string body;
};

class Bench {
public:
    explicit Bench(std::string_view more = {})
        : protocol(setup_of(std::string(plain) + std::string(more))),
          office(office_of(protocol.setup()), desk, protocol, [] { return 0.0; }),
          session(office.session(0)),
          layout(protocol.setup().links[0].layout) {
        log::threshold(log::Severity::error);
    }

    void order(std::size_t people,
               std::string_view words = "暴雨红色预警",
               contract::Level level = contract::Level::red,
               bool drill = false,
               contract::OrderId id = flood) {
        auto& numbers = desk.invited[id];
        for (std::size_t i = 0; i < people; ++i) numbers.push_back(8613800000000 + i);
        contract::Message message{};
        message.id = id;
        message.level = level;
        message.action = contract::Action::publish;
        message.expires = now + 20min;
        message.texts = {{contract::Form::sms, "zh-CN", std::string(words)}};
        office.carry(message, drill);
    }
    std::vector<Heard> tick(std::chrono::milliseconds past = 10ms, std::size_t index = 0) {
        now += past;
        office.tick(now);
        return read(index);
    }
    /// What it wrote since.
    std::vector<Heard> read(std::size_t index = 0) {
        auto& outbox = office.session(index).outbox();
        Decoder decoder;
        decoder.push(outbox.waiting());
        outbox.sent(outbox.waiting().size());
        std::vector<Heard> out;
        for (auto pdu = decoder.next(); *pdu; pdu = decoder.next())
            out.push_back({(*pdu)->command, (*pdu)->sequence, std::string((*pdu)->body)});
        return out;
    }
    void say(const Body& body, std::uint32_t sequence, std::size_t index = 0) {
        const auto pdu = encode(body, sequence, layout);
        REQUIRE(pdu.has_value());
        office.session(index).received(*pdu, now);
    }
    /// Connects; the gateway answers as told, or well.
    void bind(std::size_t index = 0, std::optional<ConnectAnswer> answer = {}) {
        auto& link = office.session(index);
        while (link.wish() != sms::Wish::connect) tick(10ms, index);
        link.connected(now);
        const auto said = read(index);
        REQUIRE(said.size() == 1);
        REQUIRE(said[0].command == Command::connect);
        const auto connect = decode({said[0].command, 0, said[0].body}, layout);
        const auto proof =
            answer_to(std::get<Connect>(*connect).proof, "s3cret", 0, layout == Layout::v3 ? 4 : 1);
        say(answer ? *answer : ConnectAnswer{0, proof, version_of(layout)}, said[0].sequence,
            index);
    }
    struct Sent {
        std::uint32_t sequence;
        std::string body;
        Submit submit;  // into body
    };
    std::vector<std::unique_ptr<Sent>> submits(std::size_t index = 0,
                                               std::chrono::milliseconds past = 10ms) {
        std::vector<std::unique_ptr<Sent>> out;
        for (auto& said : tick(past, index)) {
            if (said.command != Command::submit) continue;
            auto sent = std::make_unique<Sent>();
            sent->sequence = said.sequence;
            sent->body = std::move(said.body);
            auto decoded = decode({said.command, said.sequence, sent->body}, layout);
            REQUIRE(decoded.has_value());
            sent->submit = std::get<Submit>(*decoded);
            out.push_back(std::move(sent));
        }
        return out;
    }
    void answer(std::uint32_t sequence, std::uint64_t id, std::uint32_t result = 0) {
        say(SubmitAnswer{id, result}, sequence);
    }
    void report(std::uint32_t sequence, std::uint64_t id, std::string_view stat = "DELIVRD") {
        const auto content =
            encode_report({id, stat, "2607211830", "2607211831", "8613800000000", 1}, layout);
        Deliver deliver;
        deliver.message_id = 1000 + sequence;
        deliver.to = "12379";
        deliver.from = "8613800000000";
        deliver.registered = 1;
        deliver.words = content;
        say(deliver, sequence);
    }

    Instant now = *parse_rfc3339("2026-07-21T18:30:05+08:00");
    Desk desk;
    Cmpp protocol;
    sms::Office office;
    sms::Session& session;
    Layout layout;
};

inline bool has(const std::vector<Heard>& said, Command command) {
    return std::ranges::any_of(said, [&](const auto& one) { return one.command == command; });
}

}  // namespace tocsin::cmpp
