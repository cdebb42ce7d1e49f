#include "channels/cell_broadcast/cbsp/frame.hpp"

#include "server/base/digest.hpp"

#include <doctest/doctest.h>

#include <random>

namespace tocsin::cbsp {
namespace {

using namespace std::chrono_literals;

std::string octets(std::string_view text) {
    std::string out;
    int high = -1;
    for (const char c : text) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                 : -1;
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            out += char(high << 4 | digit);
            high = -1;
        }
    }
    return out;
}

const std::uint32_t beijing = plmn(460, 0, false);
const Places all{Naming::all, {}};

Pdu message(Type type) {
    Pdu out{.type = type};
    return out;
}

Page page(char fill, std::uint8_t length) {
    Page out;
    out.octets.fill(fill);
    out.length = length;
    return out;
}

struct Row {
    const char* name;
    std::string bytes;
    Pdu pdu;
};

/// Bytes as osmo-bsc sent and took them.
std::vector<Row> rows() {
    std::vector<Row> out;
    auto add = [&](const char* name, const char* bytes, auto fill, Type type) {
        auto pdu = message(type);
        fill(pdu);
        out.push_back({name, octets(bytes), std::move(pdu)});
    };
    add(
        "restart", "13 000008  04 0001 06  16 00  0D 01",
        [](Pdu& p) { p.cells = all, p.broadcast = 0, p.recovery = 1; }, Type::restart);
    add(
        "restart of a cell", "13 00000C  04 0005 01 03E9 0066  16 00  0D 00",
        [](Pdu& p) {
            p.cells = Places{Naming::lac_ci, {{0, 1001, 102}}};
            p.broadcast = p.recovery = 0;
        },
        Type::restart);
    add(
        "reset", "10 000004  04 0001 06", [](Pdu& p) { p.cells = all; }, Type::reset);
    add(
        "reset complete", "11 000004 04 0001 06", [](Pdu& p) { p.cells = all; },
        Type::reset_complete);
    add(
        "complete with cells",
        "02 000021  0E 1113  03 4020  04 0016 00 64F00003E90065 64F00003E90066 64F00003EA0067  12 "
        "00",
        [](Pdu& p) {
            p.identifier = 0x1113, p.fresh = 0x4020, p.channel = 0;
            p.cells = Places{Naming::cgi,
                             {{beijing, 1001, 101}, {beijing, 1001, 102}, {beijing, 1002, 103}}};
        },
        Type::write_replace_complete);
    add(
        "failure, duplicate", "03 000014  0E 1113  03 4020  09 0009 00 64F00003E90065 0D  12 00",
        [](Pdu& p) {
            p.identifier = 0x1113, p.fresh = 0x4020, p.channel = 0;
            p.failures = {{Naming::cgi, {beijing, 1001, 101}, cause::already_used}};
        },
        Type::write_replace_failure);
    add(
        "kill", "04 00000C  0E 1113  02 4021  04 0001 06  12 00",
        [](Pdu& p) { p.identifier = 0x1113, p.old = 0x4021, p.cells = all, p.channel = 0; },
        Type::kill);
    add(
        "status without counts", "0B 00000C  0E 1113  02 4020  08 0001 06  12 00",
        [](Pdu& p) {
            p.identifier = 0x1113, p.old = 0x4020, p.channel = 0;
            p.counts = Counts{Naming::all, {}};
        },
        Type::status_query_complete);
    add(
        "failure indication", "14 00000B  09 0006 01 03E9 0066 0A  16 00",
        [](Pdu& p) {
            p.failures = {{Naming::lac_ci, {0, 1001, 102}, cause::not_operational}};
            p.broadcast = 0;
        },
        Type::failure);
    add(
        "keep-alive", "16 000002  18 14", [](Pdu& p) { p.keep_alive = 20; }, Type::keep_alive);
    add(
        "keep-alive complete", "17 000000", [](Pdu&) {}, Type::keep_alive_complete);
    add(
        "alarm",
        "01 000044  0E 1103  03 3010  04 0001 06  0F 01  10 0780  11 "
        "00000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000  17 08",
        [](Pdu& p) {
            p.identifier = 0x1103, p.fresh = 0x3010, p.cells = all, p.emergency = 1;
            p.warning_type = 0x0780, p.security = std::string(50, '\0'), p.warning_period = 8;
        },
        Type::write_replace);
    return out;
}

TEST_CASE("each message has the bytes that osmo-bsc knows") {
    for (const auto& row : rows()) {
        CAPTURE(row.name);
        const auto bytes = encode(row.pdu);
        REQUIRE(bytes.has_value());
        CHECK(hex(*bytes) == hex(row.bytes));
        const auto pdu = decode(row.bytes);
        REQUIRE(pdu.has_value());
        CHECK((*pdu == row.pdu));
    }
}

TEST_CASE("a message of three pages: the new serial before the old, each page 82 octets") {
    auto pdu = message(Type::write_replace);
    pdu.identifier = 4371, pdu.fresh = 0x4021, pdu.old = 0x4020, pdu.cells = all;
    pdu.channel = 0, pdu.category = 0, pdu.period = 10, pdu.times = 100, pdu.dcs = 0x48;
    pdu.pages = 3;
    pdu.contents = {page('a', 82), page('b', 82), page('c', 6)};
    const auto bytes = encode(pdu);
    REQUIRE(bytes.has_value());
    CHECK(hex(bytes->substr(0, 30)) ==
          hex(octets("01 000117  0E 1113  03 4021  02 4020  04 0001 06  12 00  05 00  06 000A  "
                     "07 0064  13 03  0C")));
    CHECK(bytes->size() == 4 + 0x117);
    CHECK((*decode(*bytes) == pdu));
}

TEST_CASE("what a controller dies of is never written") {
    auto well = message(Type::write_replace);
    well.identifier = 1, well.fresh = 2, well.cells = all, well.channel = 0, well.category = 0;
    well.period = 10, well.times = 1, well.dcs = 0x0F, well.pages = 1,
    well.contents = {page(13, 1)};
    REQUIRE(encode(well).has_value());
    const std::pair<const char*, std::function<void(Pdu&)>> faults[] = {
        {"a page above 82", [](Pdu& p) { p.contents[0].length = 83; }},
        {"an empty page", [](Pdu& p) { p.contents[0].length = 0; }},
        {"sixteen pages", [](Pdu& p) { p.contents.assign(16, page(13, 1)), p.pages = 16; }},
        {"another number of pages", [](Pdu& p) { p.pages = 2; }},
        {"no page", [](Pdu& p) { p.contents.clear(), p.pages = 0; }},
        {"less period than pages", [](Pdu& p) { p.period = 0; }},
        {"all, with cells behind it", [](Pdu& p) { p.cells->entries.push_back({}); }},
        {"a list without a cell",
         [](Pdu& p) {
             p.cells = Places{Naming::cgi, {}};
         }},
        {"a list that is too long",
         [](Pdu& p) {
             p.cells = Places{Naming::cgi, std::vector<Place>(9400)};
         }},
        {"no cells", [](Pdu& p) { p.cells.reset(); }},
        {"both a message and an alarm", [](Pdu& p) { p.emergency = 1; }},
        {"neither", [](Pdu& p) { p.channel.reset(); }},
        {"an element of another message", [](Pdu& p) { p.recovery = 0; }},
    };
    for (const auto& [name, spoil] : faults) {
        CAPTURE(name);
        auto pdu = well;
        spoil(pdu);
        CHECK(encode(pdu).has_error());
    }
}

TEST_CASE("bytes that are no message say what is wrong with them") {
    const std::pair<std::string, std::string_view> faults[] = {
        {"16 000000", "missing element 0x18 of KEEP-ALIVE"},
        {"16 000001 18", "broken element 0x18 of KEEP-ALIVE"},
        {"16 000004 18 14 18 14", "second element 0x18 of KEEP-ALIVE"},
        {"17 000002 18 14", "unexpected element 0x18 of KEEP-ALIVE COMPLETE"},
        {"99 000000", "no message 0x99"},
        {"11 000004 04 0001 03", "broken element 0x04 of RESET COMPLETE"},
        {"11 000005 04 0002 06 00", "broken element 0x04 of RESET COMPLETE"},
        {"11 000006 04 0003 02 00 65 00", "unexpected element 0x00 of RESET COMPLETE"},
        {"11 000005 04 0009 06 00", "broken element 0x04 of RESET COMPLETE"},
    };
    for (const auto& [bytes, what] : faults) {
        CAPTURE(bytes);
        const auto pdu = decode(octets(bytes));
        REQUIRE(pdu.has_error());
        CHECK(pdu.error().what == what);
    }
}

/// Random messages of every type: what must be there, and some of what may.
class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    std::uint32_t below(std::uint32_t most) { return std::uint32_t(random_() % most); }
    bool coin() { return random_() % 2 == 0; }

    Pdu pdu() {
        for (;;) {
            Pdu out{.type = Type(1 + below(23))};
            fill(out);
            if (encode(out)) return out;
        }
    }

private:
    std::uint8_t octet() { return std::uint8_t(below(256)); }
    std::uint16_t pair() { return std::uint16_t(below(65536)); }
    Naming naming() {
        constexpr Naming all_of[] = {Naming::cgi, Naming::lac_ci, Naming::ci,
                                     Naming::lai, Naming::lac,    Naming::all};
        return all_of[below(6)];
    }
    Place place(Naming n) {
        Place out;
        if (n == Naming::cgi || n == Naming::lai) out.plmn = below(1 << 24);
        if (n != Naming::ci && n != Naming::all) out.lac = pair();
        if (n == Naming::cgi || n == Naming::lac_ci || n == Naming::ci) out.ci = pair();
        return out;
    }
    void fill(Pdu& p) {
        if (coin()) p.identifier = pair();
        if (coin()) p.fresh = pair();
        if (coin()) p.old = pair();
        if (coin()) p.channel = octet();
        if (coin()) {
            p.cells = Places{naming(), {}};
            if (p.cells->naming != Naming::all)
                for (auto i = 1 + below(20); i > 0; --i)
                    p.cells->entries.push_back(place(p.cells->naming));
        }
        if (coin()) {
            p.counts = Counts{naming(), {}};
            for (auto i = below(5); i > 0; --i)
                p.counts->entries.push_back({place(p.counts->naming), pair(), Reached(below(3))});
        }
        if (coin()) {
            p.failures.emplace();
            for (auto i = below(5); i > 0; --i) {
                const auto n = naming();
                p.failures->push_back({n, place(n), octet()});
            }
        }
        if (p.type == Type::load_query_complete || p.type == Type::load_query_failure) {
            p.loads = Loads{naming(), {}};
            for (auto i = below(5); i > 0; --i)
                p.loads->entries.push_back({place(p.loads->naming), octet(), octet()});
        }
        if (p.type == Type::write_replace && coin()) {
            p.channel = octet(), p.category = octet(), p.dcs = octet(), p.times = pair();
            for (auto i = 1 + below(15); i > 0; --i)
                p.contents.push_back(page(char(octet()), std::uint8_t(1 + below(82))));
            p.pages = std::uint8_t(p.contents.size());
            p.period = std::uint16_t(*p.pages + below(4000));
        } else if (p.type == Type::write_replace) {
            p.channel.reset();
            p.emergency = octet(), p.warning_type = pair(), p.warning_period = octet();
            p.security = std::string(50, char(octet()));
        }
        if (p.type == Type::error_indication) p.cause = octet();
        if (p.type == Type::keep_alive) p.keep_alive = octet();
        if (p.type == Type::set_drx) p.schedule_period = octet(), p.slots = octet();
        if (p.type == Type::restart) p.recovery = octet();
        if (p.type == Type::restart || p.type == Type::failure) p.broadcast = octet();
    }
    std::mt19937 random_;
};

TEST_CASE("decode(encode(x)) is x, for random messages of every kind") {
    Dice dice(48049);
    std::array<int, 24> kinds{};
    for (int i = 0; i < 20'000; ++i) {
        const auto pdu = dice.pdu();
        ++kinds[std::size_t(pdu.type)];
        const auto back = decode(*encode(pdu));
        REQUIRE(back.has_value());
        REQUIRE((*back == pdu));
    }
    for (std::size_t type = 1; type < kinds.size(); ++type) {
        CAPTURE(word(Type(type)));
        CHECK(kinds[type] > 0);
    }
}

TEST_CASE("messages come whole wherever the stream is cut, and a bad one costs only itself") {
    const auto bytes = octets("17 000000  99 000002 FFFF  16 000002 1814");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        Reader reader;
        std::vector<std::string> got;
        for (const auto& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
            reader.push(part);
            for (auto next = reader.next(); next && *next; next = reader.next())
                got.emplace_back(**next);
        }
        REQUIRE(got.size() == 3);
        CHECK(decode(got[1]).has_error());
        CHECK((decode(got[2])->type == Type::keep_alive));
    }
    Reader endless;
    endless.push(octets("01 FFFFFF"));
    CHECK(endless.next().error().cause == Cause::over_limit);
}

TEST_CASE("periods are coded as the standard counts, not as libosmocore does above 30 s") {
    const std::pair<int, int> table[] = {{0, 0},    {1, 1},    {10, 10},  {12, 11},
                                         {30, 20},  {35, 21},  {60, 26},  {120, 38},
                                         {130, 39}, {600, 86}, {630, 87}, {3600, 186}};
    for (const auto& [seconds, code] : table) {
        CAPTURE(seconds);
        CHECK(period_code(std::chrono::seconds(seconds)) == code);
        CHECK(period_of(std::uint8_t(code)) == std::chrono::seconds(seconds));
    }
    CHECK(period_code(11s) == 10);
    CHECK(period_code(33s) == 20);
    CHECK(period_code(99999s) == 186);
    for (int s = 1; s <= 3600; ++s)
        CHECK(period_of(period_code(std::chrono::seconds(s))) <= std::chrono::seconds(s));
}

TEST_CASE("a network's code is written as TS 24.008 has it") {
    CHECK(plmn(460, 0, false) == 0x64F000);
    CHECK(plmn(460, 11, false) == 0x64F011);
    CHECK(plmn(310, 410, true) == 0x130014);
}

}  // namespace
}  // namespace tocsin::cbsp
