#include "channels/cell_broadcast/cbsp/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tocsin::cbsp {
namespace {

enum class Tag : std::uint8_t {
    content = 0x01,
    old_serial,
    new_serial,
    cells,
    category,
    period,
    times,
    counts,
    failures,
    loads,
    cause,
    dcs,
    recovery,
    identifier,
    emergency,
    warning_type,
    security,
    channel,
    pages,
    schedule_period,
    slots,
    broadcast,
    warning_period,
    keep_alive
};

struct Element {
    Tag tag;
    bool needed;
};
struct Composition {
    Type type;
    std::vector<Element> elements;  // in the order of the standard
};

constexpr bool must = true, may = false;

// TS 48.049, in its order. What worked of a failure is listed by counts, cells or both.
const Composition compositions[] = {
    {Type::write_replace,
     {{Tag::identifier, must},
      {Tag::new_serial, must},
      {Tag::old_serial, may},
      {Tag::cells, must},
      {Tag::channel, may},
      {Tag::category, may},
      {Tag::period, may},
      {Tag::times, may},
      {Tag::pages, may},
      {Tag::dcs, may},
      {Tag::content, may},
      {Tag::emergency, may},
      {Tag::warning_type, may},
      {Tag::security, may},
      {Tag::warning_period, may}}},
    {Type::write_replace_complete,
     {{Tag::identifier, must},
      {Tag::new_serial, must},
      {Tag::old_serial, may},
      {Tag::counts, may},
      {Tag::cells, may},
      {Tag::channel, may}}},
    {Type::write_replace_failure,
     {{Tag::identifier, must},
      {Tag::new_serial, must},
      {Tag::old_serial, may},
      {Tag::failures, must},
      {Tag::counts, may},
      {Tag::cells, may},
      {Tag::channel, may}}},
    {Type::kill,
     {{Tag::identifier, must}, {Tag::old_serial, must}, {Tag::cells, must}, {Tag::channel, may}}},
    {Type::kill_complete,
     {{Tag::identifier, must},
      {Tag::old_serial, must},
      {Tag::counts, may},
      {Tag::cells, may},
      {Tag::channel, may}}},
    {Type::kill_failure,
     {{Tag::identifier, must},
      {Tag::old_serial, must},
      {Tag::failures, must},
      {Tag::counts, may},
      {Tag::cells, may},
      {Tag::channel, may}}},
    {Type::load_query, {{Tag::cells, must}, {Tag::channel, must}}},
    {Type::load_query_complete, {{Tag::loads, must}, {Tag::channel, must}}},
    {Type::load_query_failure, {{Tag::failures, must}, {Tag::loads, may}, {Tag::channel, must}}},
    {Type::status_query,
     {{Tag::identifier, must}, {Tag::old_serial, must}, {Tag::cells, must}, {Tag::channel, must}}},
    {Type::status_query_complete,
     {{Tag::identifier, must}, {Tag::old_serial, must}, {Tag::counts, must}, {Tag::channel, must}}},
    {Type::status_query_failure,
     {{Tag::identifier, must},
      {Tag::old_serial, must},
      {Tag::failures, must},
      {Tag::counts, may},
      {Tag::channel, must}}},
    {Type::set_drx,
     {{Tag::cells, must}, {Tag::schedule_period, must}, {Tag::slots, must}, {Tag::channel, must}}},
    {Type::set_drx_complete, {{Tag::cells, must}, {Tag::channel, must}}},
    {Type::set_drx_failure, {{Tag::failures, must}, {Tag::cells, may}, {Tag::channel, must}}},
    {Type::reset, {{Tag::cells, must}}},
    {Type::reset_complete, {{Tag::cells, must}}},
    {Type::reset_failure, {{Tag::failures, must}, {Tag::cells, may}}},
    {Type::restart, {{Tag::cells, must}, {Tag::broadcast, must}, {Tag::recovery, must}}},
    {Type::failure, {{Tag::failures, must}, {Tag::broadcast, must}}},
    {Type::error_indication,
     {{Tag::cause, must},
      {Tag::identifier, may},
      {Tag::new_serial, may},
      {Tag::old_serial, may},
      {Tag::channel, may}}},
    {Type::keep_alive, {{Tag::keep_alive, must}}},
    {Type::keep_alive_complete, {}},
};

const Composition* composition_of(Type type) {
    const auto* found = std::ranges::find(compositions, type, &Composition::type);
    return found == std::end(compositions) ? nullptr : found;
}

using Octet = std::optional<std::uint8_t> Pdu::*;
using Pair = std::optional<std::uint16_t> Pdu::*;

Octet octet_of(Tag tag) {
    switch (tag) {
        case Tag::category: return &Pdu::category;
        case Tag::cause: return &Pdu::cause;
        case Tag::dcs: return &Pdu::dcs;
        case Tag::recovery: return &Pdu::recovery;
        case Tag::emergency: return &Pdu::emergency;
        case Tag::channel: return &Pdu::channel;
        case Tag::pages: return &Pdu::pages;
        case Tag::schedule_period: return &Pdu::schedule_period;
        case Tag::slots: return &Pdu::slots;
        case Tag::broadcast: return &Pdu::broadcast;
        case Tag::warning_period: return &Pdu::warning_period;
        case Tag::keep_alive: return &Pdu::keep_alive;
        default: return nullptr;
    }
}

Pair pair_of(Tag tag) {
    switch (tag) {
        case Tag::old_serial: return &Pdu::old;
        case Tag::new_serial: return &Pdu::fresh;
        case Tag::period: return &Pdu::period;
        case Tag::times: return &Pdu::times;
        case Tag::identifier: return &Pdu::identifier;
        case Tag::warning_type: return &Pdu::warning_type;
        default: return nullptr;
    }
}

bool known(std::uint8_t naming) { return naming <= 6 && naming != 3; }

std::size_t place_octets(Naming naming) {
    switch (naming) {
        case Naming::cgi: return 7;
        case Naming::lac_ci: return 4;
        case Naming::ci: return 2;
        case Naming::lai: return 5;
        case Naming::lac: return 2;
        case Naming::all: return 0;
    }
    return 0;
}
bool has_plmn(Naming n) { return n == Naming::cgi || n == Naming::lai; }
bool has_lac(Naming n) { return n != Naming::ci && n != Naming::all; }
bool has_ci(Naming n) { return n == Naming::cgi || n == Naming::lac_ci || n == Naming::ci; }

// --- writing ---

void put(std::string& out, unsigned value) { out += char(value & 0xFF); }
void put_pair(std::string& out, unsigned value) { put(out, value >> 8), put(out, value); }

void put_place(std::string& out, Naming naming, const Place& place) {
    if (has_plmn(naming)) put(out, place.plmn >> 16), put_pair(out, place.plmn);
    if (has_lac(naming)) put_pair(out, place.lac);
    if (has_ci(naming)) put_pair(out, place.ci);
}

/// Where a length of two octets goes once it is known.
class Length {
public:
    explicit Length(std::string& out) : out_(out), at_(out.size()) { out.append(2, '\0'); }
    bool close() {
        const auto length = out_.size() - at_ - 2;
        out_[at_] = char(length >> 8 & 0xFF);
        out_[at_ + 1] = char(length & 0xFF);
        return length <= 0xFFFF;
    }

private:
    std::string& out_;
    std::size_t at_;
};

constexpr const char* empty_list = "a list of cells without a cell";
constexpr const char* long_list = "a list of cells of more than 65535 octets";

/// An endless loop in osmo-bsc: "all" with cells behind it. No answer: a list without any.
const char* put_cells(std::string& out, const Places& places) {
    if (places.entries.empty() != (places.naming == Naming::all)) return empty_list;
    Length length(out);
    put(out, unsigned(places.naming));
    for (const auto& place : places.entries) put_place(out, places.naming, place);
    return length.close() ? nullptr : long_list;
}

const char* put_counts(std::string& out, const Counts& counts) {
    Length length(out);
    put(out, unsigned(counts.naming));
    for (const auto& one : counts.entries) {
        put_place(out, counts.naming, one.place);
        put_pair(out, one.broadcasts);
        put(out, unsigned(one.info));
    }
    return length.close() ? nullptr : long_list;
}

const char* put_loads(std::string& out, const Loads& loads) {
    Length length(out);
    put(out, unsigned(loads.naming));
    for (const auto& one : loads.entries) {
        put_place(out, loads.naming, one.place);
        put(out, one.predicted), put(out, one.requested);
    }
    return length.close() ? nullptr : long_list;
}

const char* put_failures(std::string& out, const std::vector<Failed>& failures) {
    Length length(out);
    for (const auto& one : failures) {
        put(out, unsigned(one.naming));
        put_place(out, one.naming, one.place);
        put(out, one.cause);
    }
    return length.close() ? nullptr : long_list;
}

/// A length above 82 aborts osmo-bsc.
const char* put_contents(std::string& out, const std::vector<Page>& pages) {
    if (pages.size() > cell_broadcast::pages_max) return "more than 15 pages";
    for (const auto& page : pages) {
        if (page.length == 0 || page.length > cell_broadcast::page_octets)
            return "a page that is not of 1 to 82 octets";
        put(out, unsigned(Tag::content));
        put(out, page.length);
        out.append(page.octets.data(), page.octets.size());
    }
    return nullptr;
}

bool present(const Pdu& pdu, Tag tag) {
    if (const auto octet = octet_of(tag)) return (pdu.*octet).has_value();
    if (const auto pair = pair_of(tag)) return (pdu.*pair).has_value();
    switch (tag) {
        case Tag::content: return !pdu.contents.empty();
        case Tag::cells: return pdu.cells.has_value();
        case Tag::counts: return pdu.counts.has_value();
        case Tag::failures: return pdu.failures.has_value();
        case Tag::loads: return pdu.loads.has_value();
        case Tag::security: return pdu.security.has_value();
        default: return false;
    }
}

/// What is wrong with it, or nothing.
const char* put_element(std::string& out, const Pdu& pdu, Tag tag) {
    if (tag == Tag::content) return put_contents(out, pdu.contents);
    put(out, unsigned(tag));
    if (const auto octet = octet_of(tag)) return put(out, *(pdu.*octet)), nullptr;
    if (const auto pair = pair_of(tag)) return put_pair(out, *(pdu.*pair)), nullptr;
    switch (tag) {
        case Tag::cells: return put_cells(out, *pdu.cells);
        case Tag::counts: return put_counts(out, *pdu.counts);
        case Tag::failures: return put_failures(out, *pdu.failures);
        case Tag::loads: return put_loads(out, *pdu.loads);
        case Tag::security:
            out += *pdu.security;
            return pdu.security->size() == security_octets ? nullptr : "security of not 50 octets";
        default: return "an element that nobody writes";
    }
}

/// A warning has words or is an emergency, never both; what it says of its pages is true.
const char* objection(const Pdu& pdu) {
    if (pdu.type != Type::write_replace) return nullptr;
    if (pdu.emergency.has_value() == pdu.channel.has_value())
        return "either a channel or an emergency indicator";
    if (pdu.emergency)
        return pdu.warning_type && pdu.security && pdu.warning_period && pdu.contents.empty()
                   ? nullptr
                   : "an emergency without warning type, security or period, or with pages";
    if (!pdu.category || !pdu.period || !pdu.times || !pdu.pages || !pdu.dcs)
        return "a message without category, period, times, pages or coding";
    if (pdu.contents.empty() || *pdu.pages != pdu.contents.size())
        return "another number of pages than it says";
    if (*pdu.period < *pdu.pages) return "a period with less room than pages";
    return nullptr;
}

Fault wrong(const Pdu& pdu, const char* what) {
    return {what == long_list ? Cause::over_limit : Cause::malformed,
            fmt::format("{}; writing {}", what, word(pdu.type))};
}

std::size_t elements_in(const Pdu& pdu) {
    std::size_t count = 0;
    for (auto tag = unsigned(Tag::content); tag <= unsigned(Tag::keep_alive); ++tag)
        count += present(pdu, Tag(tag));
    return count;
}

// --- reading ---

class Cursor {
public:
    explicit Cursor(std::string_view bytes) : rest_(bytes) {}
    bool done() const { return rest_.empty(); }
    std::size_t left() const { return rest_.size(); }
    std::optional<std::string_view> take(std::size_t count) {
        if (rest_.size() < count) return std::nullopt;
        const auto out = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return out;
    }
    std::optional<std::uint8_t> octet() {
        const auto one = take(1);
        return one ? std::optional(std::uint8_t((*one)[0])) : std::nullopt;
    }
    std::optional<std::uint16_t> pair() {
        const auto two = take(2);
        if (!two) return std::nullopt;
        return std::uint16_t(std::uint8_t((*two)[0]) << 8 | std::uint8_t((*two)[1]));
    }

private:
    std::string_view rest_;
};

Place take_place(Cursor& from, Naming naming) {  // the caller knows that it is long enough
    Place out;
    if (has_plmn(naming)) {
        const auto high = *from.octet();
        out.plmn = std::uint32_t(high) << 16 | *from.pair();
    }
    if (has_lac(naming)) out.lac = *from.pair();
    if (has_ci(naming)) out.ci = *from.pair();
    return out;
}

/// The part behind a length of two octets.
std::optional<Cursor> take_list(Cursor& from) {
    const auto length = from.pair();
    if (!length) return std::nullopt;
    const auto bytes = from.take(*length);
    return bytes ? std::optional(Cursor(*bytes)) : std::nullopt;
}

/// A list of one naming, with `extra` octets behind each cell.
template <class Each> std::optional<Naming> take_named(Cursor& from, std::size_t extra, Each each) {
    auto list = take_list(from);
    if (!list) return std::nullopt;
    const auto said = list->octet();
    if (!said || !known(*said)) return std::nullopt;
    const auto naming = Naming(*said);
    const auto wide = place_octets(naming) + extra;
    if (naming == Naming::all && extra == 0) {
        if (!list->done()) return std::nullopt;
        return naming;
    }
    if (list->left() % wide != 0) return std::nullopt;
    while (!list->done()) each(*list, naming);
    return naming;
}

bool take_cells(Cursor& from, Pdu& out) {
    Places places;
    const auto naming = take_named(from, 0, [&](Cursor& list, Naming said) {
        places.entries.push_back(take_place(list, said));
    });
    if (!naming) return false;
    places.naming = *naming;
    out.cells = std::move(places);
    return true;
}

bool take_counts(Cursor& from, Pdu& out) {
    Counts counts;
    bool well = true;
    const auto naming = take_named(from, 3, [&](Cursor& list, Naming said) {
        Count one{take_place(list, said), *list.pair(), Reached::ok};
        const auto info = *list.octet();
        well = well && info <= unsigned(Reached::unknown);
        one.info = Reached(info);
        counts.entries.push_back(one);
    });
    if (!naming || !well) return false;
    counts.naming = *naming;
    out.counts = std::move(counts);
    return true;
}

bool take_loads(Cursor& from, Pdu& out) {
    Loads loads;
    const auto naming = take_named(from, 2, [&](Cursor& list, Naming said) {
        Load one;
        one.place = take_place(list, said);
        one.predicted = *list.octet();
        one.requested = *list.octet();
        loads.entries.push_back(one);
    });
    if (!naming) return false;
    loads.naming = *naming;
    out.loads = std::move(loads);
    return true;
}

bool take_failures(Cursor& from, Pdu& out) {
    auto list = take_list(from);
    if (!list) return false;
    std::vector<Failed> failures;
    while (!list->done()) {
        const auto said = *list->octet();
        if (!known(said) || list->left() < place_octets(Naming(said)) + 1) return false;
        Failed one{Naming(said), take_place(*list, Naming(said)), 0};
        one.cause = *list->octet();
        failures.push_back(one);
    }
    out.failures = std::move(failures);
    return true;
}

bool take_content(Cursor& from, Pdu& out) {
    const auto length = from.octet();
    const auto octets = from.take(cell_broadcast::page_octets);
    if (!length || !octets || *length == 0 || *length > octets->size()) return false;
    Page page;
    page.length = *length;
    std::ranges::copy(*octets, page.octets.begin());
    out.contents.push_back(page);
    return out.contents.size() <= cell_broadcast::pages_max;
}

bool take_element(Cursor& from, Tag tag, Pdu& out) {
    if (const auto octet = octet_of(tag)) return (out.*octet = from.octet()).has_value();
    if (const auto pair = pair_of(tag)) return (out.*pair = from.pair()).has_value();
    switch (tag) {
        case Tag::content: return take_content(from, out);
        case Tag::cells: return take_cells(from, out);
        case Tag::counts: return take_counts(from, out);
        case Tag::failures: return take_failures(from, out);
        case Tag::loads: return take_loads(from, out);
        case Tag::security: {
            const auto octets = from.take(security_octets);
            if (octets) out.security = std::string(*octets);
            return octets.has_value();
        }
        default: return false;
    }
}

Fault broken(Type type, std::string_view what, unsigned tag) {
    return {Cause::malformed, fmt::format("{} 0x{:02X} of {}", what, tag, word(type))};
}

}  // namespace

const char* word(Type type) {
    constexpr const char* words[] = {"?",
                                     "WRITE-REPLACE",
                                     "WRITE-REPLACE COMPLETE",
                                     "WRITE-REPLACE FAILURE",
                                     "KILL",
                                     "KILL COMPLETE",
                                     "KILL FAILURE",
                                     "LOAD QUERY",
                                     "LOAD QUERY COMPLETE",
                                     "LOAD QUERY FAILURE",
                                     "MESSAGE STATUS QUERY",
                                     "MESSAGE STATUS QUERY COMPLETE",
                                     "MESSAGE STATUS QUERY FAILURE",
                                     "SET-DRX",
                                     "SET-DRX COMPLETE",
                                     "SET-DRX FAILURE",
                                     "RESET",
                                     "RESET COMPLETE",
                                     "RESET FAILURE",
                                     "RESTART",
                                     "FAILURE",
                                     "ERROR INDICATION",
                                     "KEEP-ALIVE",
                                     "KEEP-ALIVE COMPLETE"};
    return std::size_t(type) < std::size(words) ? words[std::size_t(type)] : words[0];
}

const char* cause_word(std::uint8_t cause) {
    constexpr const char* words[] = {"parameter not recognised",
                                     "parameter value invalid",
                                     "message reference unknown",
                                     "cell identity not valid",
                                     "unrecognised message",
                                     "missing mandatory element",
                                     "BSC capacity exceeded",
                                     "cell memory exceeded",
                                     "BSC memory exceeded",
                                     "cell broadcast not supported",
                                     "cell broadcast not operational",
                                     "incompatible DRX parameter",
                                     "extended channel not supported",
                                     "message reference already used",
                                     "unspecified error",
                                     "LAI or LAC not valid"};
    return cause < std::size(words) ? words[cause] : "unknown cause";
}

std::uint32_t plmn(std::uint16_t mcc, std::uint16_t mnc, bool long_mnc) {
    const auto digit = [](unsigned of, unsigned place) { return of / place % 10; };
    const auto first = long_mnc ? digit(mnc, 100) : digit(mnc, 10);
    const auto second = long_mnc ? digit(mnc, 10) : digit(mnc, 1);
    const auto third = long_mnc ? digit(mnc, 1) : 15;
    return digit(mcc, 10) << 20 | digit(mcc, 100) << 16 | third << 12 | digit(mcc, 1) << 8 |
           second << 4 | first;
}

Result<std::string> encode(const Pdu& pdu) {
    const auto* composition = composition_of(pdu.type);
    if (!composition) return wrong(pdu, "no such message");
    if (const auto* why = objection(pdu)) return wrong(pdu, why);
    std::string out(header_bytes, '\0');
    std::size_t written = 0;
    for (const auto& [tag, needed] : composition->elements) {
        if (!present(pdu, tag)) {
            if (needed) return wrong(pdu, "an element is missing");
            continue;
        }
        ++written;
        if (const auto* why = put_element(out, pdu, tag)) return wrong(pdu, why);
    }
    if (written != elements_in(pdu)) return wrong(pdu, "an element that it does not have");
    const auto length = out.size() - header_bytes;
    out[0] = char(pdu.type);
    out[1] = char(length >> 16 & 0xFF), out[2] = char(length >> 8 & 0xFF), out[3] = char(length);
    return out;
}

Result<Pdu> decode(std::string_view bytes) {
    if (bytes.size() < header_bytes)
        return Fault{Cause::malformed, fmt::format("{} octets", bytes.size())};
    Pdu out;
    out.type = Type(bytes[0]);
    const auto* composition = composition_of(out.type);
    if (!composition)
        return Fault{Cause::malformed, fmt::format("no message 0x{:02X}", unsigned(out.type))};
    Cursor rest(bytes.substr(header_bytes));
    while (!rest.done()) {
        const auto tag = *rest.octet();
        const auto known = std::ranges::find(composition->elements, Tag(tag), &Element::tag) !=
                           composition->elements.end();
        if (!known) return broken(out.type, "unexpected element", tag);
        if (Tag(tag) != Tag::content && present(out, Tag(tag)))
            return broken(out.type, "second element", tag);
        if (!take_element(rest, Tag(tag), out)) return broken(out.type, "broken element", tag);
    }
    for (const auto& [tag, needed] : composition->elements)
        if (needed && !present(out, tag)) return broken(out.type, "missing element", unsigned(tag));
    return out;
}

void Reader::push(std::string_view bytes) {
    pending_.erase(0, taken_);
    taken_ = 0;
    pending_ += bytes;
}

Result<std::optional<std::string_view>> Reader::next() {
    const auto rest = std::string_view(pending_).substr(taken_);
    if (rest.size() < header_bytes) return std::nullopt;
    const auto octet = [&](std::size_t at) { return std::size_t(std::uint8_t(rest[at])); };
    const auto whole = header_bytes + (octet(1) << 16 | octet(2) << 8 | octet(3));
    if (whole > pdu_bytes_max)
        return Fault{Cause::over_limit, fmt::format("a message of {} octets", whole)};
    if (rest.size() < whole) return std::nullopt;
    taken_ += whole;
    return rest.substr(0, whole);
}

namespace {

// TS 48.049, warning period: steps of 1, 2, 5, 10 and 30 seconds.
struct Steps {
    int code, seconds, step;
};
constexpr Steps steps[] = {{1, 1, 1}, {11, 12, 2}, {21, 35, 5}, {39, 130, 10}, {87, 630, 30}};
constexpr int code_max = 186, seconds_max = 3600;

}  // namespace

std::uint8_t period_code(std::chrono::seconds seconds) {
    const auto wanted = int(std::clamp<std::int64_t>(seconds.count(), 0, seconds_max));
    int code = 0;
    for (std::size_t i = 0; i < std::size(steps); ++i) {
        if (wanted < steps[i].seconds) break;
        const int last = i + 1 < std::size(steps) ? steps[i + 1].code - 1 : code_max;
        code = std::min(last, steps[i].code + (wanted - steps[i].seconds) / steps[i].step);
    }
    return std::uint8_t(code);
}

std::chrono::seconds period_of(std::uint8_t code) {
    int seconds = 0;
    for (const auto& row : steps)
        if (code >= row.code) seconds = row.seconds + (code - row.code) * row.step;
    return std::chrono::seconds(std::min(seconds, seconds_max));
}

}  // namespace tocsin::cbsp
