#include "channels/cell_broadcast/cbsp/state.hpp"

#include "server/base/digest.hpp"

#include <algorithm>
#include <concepts>

namespace tocsin::cbsp {
namespace {

constexpr std::string_view magic = "tocsin cbsp 1\n";
constexpr std::size_t check_octets = 4;

class Writer {
public:
    std::string out{magic};

    void number(std::uint64_t value, int octets) {
        for (int i = 0; i < octets; ++i) out += char(value >> 8 * i & 0xFF);
    }
    void operator()(std::unsigned_integral auto& value) { number(value, sizeof value); }
    void operator()(bool& value) { number(value, 1); }
    void operator()(int& value) { number(std::uint64_t(std::uint32_t(value)), 4); }
    void operator()(Instant& at) { number(std::uint64_t(at.time_since_epoch().count()), 8); }
    void operator()(std::string& text) {
        number(text.size(), 4);
        out += text;
    }
    template <class T>
    requires std::is_enum_v<T>
    void operator()(T& value) { number(std::uint64_t(value), 1); }
    void raw(char* bytes, std::size_t count) { out.append(bytes, count); }
    std::size_t count(std::size_t own) {
        number(own, 4);
        return own;
    }
};

class Reading {
public:
    explicit Reading(std::string_view bytes) : rest_(bytes) {}
    bool well = true;
    bool done() const { return rest_.empty(); }

    std::uint64_t number(int octets) {
        std::uint64_t value = 0;
        const auto bytes = take(std::size_t(octets));
        for (std::size_t i = 0; i < bytes.size(); ++i)
            value |= std::uint64_t(std::uint8_t(bytes[i])) << 8 * i;
        return value;
    }
    template <std::unsigned_integral T> void operator()(T& value) {
        value = T(number(sizeof value));
    }
    void operator()(bool& value) { value = number(1) != 0; }
    void operator()(int& value) { value = int(std::uint32_t(number(4))); }
    void operator()(Instant& at) {
        at = Instant(std::chrono::milliseconds(std::int64_t(number(8))));
    }
    void operator()(std::string& text) { text = std::string(take(std::size_t(number(4)))); }
    template <class T>
    requires std::is_enum_v<T>
    void operator()(T& value) { value = T(number(1)); }
    void raw(char* bytes, std::size_t count) {
        const auto from = take(count);
        std::ranges::copy(from, bytes);
    }
    /// No list has more members than there are octets left.
    std::size_t count(std::size_t) {
        const auto told = number(4);
        if (told > rest_.size()) well = false;
        return well ? std::size_t(told) : 0;
    }

private:
    std::string_view take(std::size_t count) {
        if (count > rest_.size()) well = false;
        if (!well) return {};
        const auto out = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return out;
    }
    std::string_view rest_;
};

// One description of each record, for both ways.
template <class Way, class T, class Each> void list(Way& way, std::vector<T>& all, Each each) {
    all.resize(way.count(all.size()));
    for (auto& one : all) each(one);
}
template <class Way> void numbers(Way& way, std::vector<std::uint64_t>& all) {
    list(way, all, [&](std::uint64_t& one) { way(one); });
}
template <class Way, class T, class Each> void maybe(Way& way, std::optional<T>& value, Each each) {
    bool there = value.has_value();
    way(there);
    if (!there) return value.reset();
    if (!value) value.emplace();
    each(*value);
}
template <class Way, class T, class Each>
void named(Way& way, std::map<std::string, T>& all, Each each) {
    std::vector<std::pair<std::string, T>> pairs(all.begin(), all.end());
    list(way, pairs, [&](auto& one) {
        way(one.first);
        each(one.second);
    });
    all = {pairs.begin(), pairs.end()};
}

template <class Way> void order(Way& way, OrderId& id) { way(id.ordinal), way(id.revision); }

template <class Way> void notice(Way& way, Notice& n) {
    way(n.identifier), way(n.serial), way(n.language), way(n.pages.dcs);
    list(way, n.pages.pages, [&](Page& page) {
        way(page.length);
        way.raw(page.octets.data(), page.octets.size());
    });
    maybe(way, n.warning_type, [&](std::uint16_t& type) { way(type); });
}

template <class Way> void broadcast(Way& way, Broadcast& b) {
    order(way, b.id);
    way(b.drill), way(b.level), way(b.until), way(b.alarm_until), way(b.category), way(b.period);
    list(way, b.notices, [&](Notice& one) { notice(way, one); });
    list(way, b.left_out, [&](std::string& one) { way(one); });
}

template <class Way> void standing(Way& way, Standing& s) {
    order(way, s.id);
    way(s.withdrawn), way(s.active), way(s.expires);
    maybe(way, s.broadcast, [&](Broadcast& one) { broadcast(way, one); });
    named(way, s.cells, [&](std::vector<std::uint64_t>& cells) { numbers(way, cells); });
    numbers(way, s.strangers);
    maybe(way, s.told, [&](contract::Said& said) { way(said); });
    way(s.told_reached);
}

template <class Way> void held(Way& way, Holdings::Kept& k) {
    way(k.ordinal), way(k.identifier), way(k.serial), way(k.period), way(k.pages);
    numbers(way, k.cells);
}

template <class Way> void whole(Way& way, State& state) {
    list(way, state.codes, [&](cell_broadcast::Codes::Entry& e) {
        way(e.ordinal), way(e.revision), way(e.code), way(e.until);
    });
    list(way, state.chains, [&](Standing& one) { standing(way, one); });
    named(way, state.held, [&](std::vector<Holdings::Kept>& kept) {
        list(way, kept, [&](Holdings::Kept& one) { held(way, one); });
    });
}

}  // namespace

std::string pack(const State& state) {
    Writer writer;
    auto copy = state;
    whole(writer, copy);
    writer.number(crc32c(writer.out), check_octets);
    return std::move(writer.out);
}

Result<State> unpack(std::string_view bytes) {
    if (!bytes.starts_with(magic) || bytes.size() < magic.size() + check_octets)
        return Fault{Cause::malformed, "no state of this channel"};
    const auto body = bytes.substr(0, bytes.size() - check_octets);
    Reading check(bytes.substr(body.size()));
    if (check.number(check_octets) != crc32c(body))
        return Fault{Cause::malformed, "state with a wrong checksum"};
    State out;
    Reading reading(body.substr(magic.size()));
    whole(reading, out);
    if (!reading.well || !reading.done()) return Fault{Cause::malformed, "state cut short"};
    return out;
}

}  // namespace tocsin::cbsp
