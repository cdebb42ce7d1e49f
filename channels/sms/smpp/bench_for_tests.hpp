#pragma once
#include "channels/sms/smpp/endpoint.hpp"
#include "channels/sms/smpp/memory_desk.hpp"
#include "channels/sms/smpp/speech.hpp"
#include "server/base/log.hpp"

#include <doctest/doctest.h>

namespace tocsin::smpp {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace contract;
using sms::Phase, sms::Wish;

[[maybe_unused]] inline const bool quiet = (log::threshold(log::Severity::error), true);
inline const Instant noon{std::chrono::milliseconds(1'800'000'000'000)};
inline constexpr OrderId flood{7, 1};

inline Message message(OrderId id, std::string words, Action action = Action::publish) {
    Message m{};
    m.id = id;
    m.mode = Mode::live;
    m.action = action;
    m.level = Level::red;
    m.expires = noon + 1h;
    m.texts = {{Form::sms, "zh-CN", std::move(words)}};
    m.footprint = Audience{"c", 1};
    return m;
}

inline std::vector<std::uint64_t> numbers(std::size_t count) {
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(8613800000000 + i);
    return out;
}

inline LinkSettings link(std::string name = "link") {
    LinkSettings out;
    out.name = std::move(name);
    out.host = "smsc";
    out.bind = {"tocsin", "secret", "", {}};
    out.form.source = out.form.test_source = {0, 1, "12379"};
    return out;
}

inline Setup setup() {
    Setup out;
    out.links = {link()};
    return out;
}

struct Seen {
    Command command;
    std::uint32_t status, sequence;
    std::string body;
};

/// An office, its desk, and peers that do only what the test says. Without a number: the first link.
struct Bench {
    explicit Bench(Setup with = setup(), std::uint32_t first_sequence = 1)
        : settings(std::move(with)),
          protocol(settings),
          office(office_of(
                     settings, protocol, [this] { return jitter; }, first_sequence),
                 desk,
                 protocol,
                 [this] { return jitter; }),
          session(office.session(0)),
          decoders(office.sessions()) {}

    /// One tick, `later` after the last; performs the wishes of the sessions. What the first said.
    std::vector<Seen> tick(std::chrono::milliseconds later = 5ms) {
        now += later;
        office.tick(now);
        std::vector<Seen> first;
        for (std::size_t i = 0; i < office.sessions(); ++i) {
            auto& one = office.session(i);
            if (one.wish() == Wish::connect) ++connects, wished.push_back(i);
            auto seen = read(i);
            if (i == 0)
                first = std::move(seen);
            else
                said[i].insert(said[i].end(), seen.begin(), seen.end());
            if (one.wish() == Wish::close) ++closes, one.broke("closed", now);
        }
        return first;
    }
    std::vector<Seen> read(std::size_t i = 0) {
        auto& outbox = office.session(i).outbox();
        const std::string bytes(outbox.waiting());
        outbox.sent(bytes.size());
        std::vector<Seen> out;
        CHECK(decoders[i].each(bytes, [&](const Pdu& pdu) {
            out.push_back({pdu.command, pdu.status, pdu.sequence, std::string(pdu.body)});
            return true;
        }));
        return out;
    }
    void say(const std::string& bytes, std::size_t i = 0) {
        office.session(i).received(bytes, now);
    }
    void bare(Command command,
              std::uint32_t sequence,
              std::uint32_t status = 0,
              std::size_t i = 0) {
        std::string out;
        put_bare(out, command, status, sequence);
        say(out, i);
    }
    void answer(std::uint32_t sequence, const std::string& id, std::size_t i = 0) {
        std::string out, body = id + "\0"s;
        put_bare(out, response(Command::submit_sm), 0, sequence);
        out[3] = char(16 + body.size());
        say(out + body, i);
    }
    void receipt(std::uint32_t sequence, const std::string& words, std::size_t i = 0) {
        deliver(sequence, words, 4, 0, i);
    }
    void deliver(std::uint32_t sequence,
                 const std::string& words,
                 std::uint8_t esm_class,
                 std::uint8_t coding,
                 std::size_t i = 0) {
        const auto body = "\0\1\1"s + "86138\0\0\1"s + "12379\0"s + char(esm_class) +
                          "\0\0\0\0\0\0"s + char(coding) + "\0"s + char(words.size()) + words;
        std::string out;
        put_bare(out, Command::deliver_sm, 0, sequence);
        out[3] = char(16 + body.size());
        say(out + body, i);
    }
    void delivered(std::uint32_t sequence, const std::string& id, std::size_t i = 0) {
        receipt(sequence, "id:" + id + " stat:DELIVRD err:000 text:", i);
    }
    void bind(std::uint32_t status = 0) {
        tick();
        bind_one(0, Command::bind_transceiver, status);
    }
    /// Of a session that wished to connect.
    void bind_one(std::size_t i, Command expected, std::uint32_t status = 0) {
        office.session(i).connected(now);
        const auto seen = read(i);
        REQUIRE(seen.size() == 1);
        REQUIRE(seen[0].command == expected);
        std::string out;
        if (status == 0) {
            put_taken(out, response(expected), 0, seen[0].sequence);
        } else {
            put_bare(out, response(expected), status, seen[0].sequence);
        }
        say(out, i);
    }
    void order(OrderId id, std::size_t people, std::string words = "暴雨") {
        desk.invite(id, numbers(people));
        office.carry(message(id, std::move(words)), false);
    }
    std::vector<Seen> submits(std::chrono::milliseconds later = 5ms) {
        auto out = tick(later);
        std::erase_if(out, [](const Seen& seen) { return seen.command != Command::submit_sm; });
        return out;
    }
    /// Of another session than the first, since the last call.
    std::vector<Seen> submits_of(std::size_t i) {
        auto out = std::exchange(said[i], {});
        std::erase_if(out, [](const Seen& seen) { return seen.command != Command::submit_sm; });
        return out;
    }
    const Reading& reading() { return static_cast<const SmppSpeech&>(session.speech()).reading(); }

    Setup settings;
    MemoryDesk desk;
    double jitter = 0.5;
    SmppProtocol protocol;
    sms::Office office;
    sms::Session& session;
    std::vector<Decoder> decoders;
    std::map<std::size_t, std::vector<Seen>> said;
    std::vector<std::size_t> wished;  // sessions that wished to connect, in turn
    Instant now = noon;
    int connects = 0, closes = 0;
};

inline bool has(const std::vector<Seen>& seen, Command command) {
    return std::ranges::any_of(seen, [&](const Seen& s) { return s.command == command; });
}

}  // namespace tocsin::smpp
