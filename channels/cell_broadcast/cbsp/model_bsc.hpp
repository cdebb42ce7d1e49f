#pragma once
#include "channels/cell_broadcast/cbsp/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

/// For tests only: a base station controller as bytes in, bytes out, with the answers of osmo-bsc
/// 1.9.0, and a list of all that it was sent and might have died of.
namespace tocsin::cbsp {

class ModelBsc {
public:
    explicit ModelBsc(std::vector<Place> of) {
        for (const auto& place : of) cells[place];
    }

    struct Stored {
        std::uint16_t period = 0, times = 0;
        std::uint32_t sent = 0;
        cell_broadcast::Pages words;
        bool operator==(const Stored&) const = default;
    };
    using Name = std::pair<std::uint16_t, std::uint16_t>;  // identifier, serial
    struct Seen {
        Type type;
        Name name;
        std::optional<std::uint16_t> old;
        std::string words;
        bool taken;
    };

    std::map<Place, std::map<Name, Stored>> cells;
    std::set<Place> mute;                         // configured, and its transmitter never came
    std::map<Place, std::uint8_t> refusing;       // a write there fails for this cause
    std::optional<std::uint8_t> first_try_fails;  // each message's first write, everywhere
    std::optional<std::uint8_t> no_alarms;        // ETWS fails for this cause
    bool silent = false;                          // takes all, answers nothing but keep-alives
    bool lying = false;                           // says yes and does nothing
    std::vector<Seen> seen;
    std::vector<std::string> wrong;

    std::string connect(bool lost = true) {
        reader_.clear();
        Pdu out{.type = Type::restart};
        out.cells = Places{Naming::all, {}};
        out.broadcast = 0;
        out.recovery = lost ? 1 : 0;
        return bytes(out);
    }
    std::string take(std::string_view more) {
        reader_.push(more);
        std::string out;
        for (auto next = reader_.next(); next && *next; next = reader_.next()) {
            all_bytes += **next;
            const auto pdu = decode(**next);
            if (!pdu) complain(pdu.error().what);
            if (pdu) out += answer(*pdu);
        }
        return out;
    }
    /// Every message goes out once.
    void broadcast() {
        for (auto& [place, messages] : cells)
            for (auto& [_, stored] : messages)
                if (!mute.contains(place) && !lying) ++stored.sent;
    }
    std::string lose(const Place& place) {  // its transmitter is gone
        mute.insert(place);
        Pdu out{.type = Type::failure};
        out.failures = {{Naming::lac_ci, {0, place.lac, place.ci}, cause::not_operational}};
        out.broadcast = 0;
        return bytes(out);
    }
    std::string find(const Place& place) {
        mute.erase(place);
        Pdu out{.type = Type::restart};
        out.cells = Places{Naming::lac_ci, {{0, place.lac, place.ci}}};
        out.broadcast = out.recovery = 0;
        return bytes(out);
    }
    /// GSMTAP of what the cell is sending: who it is, then each page's blocks.
    std::vector<std::string> air(const Place& place, std::uint16_t channel) const {
        std::vector<std::string> out{system_information(place, channel)};
        if (mute.contains(place) || lying) return out;
        for (const auto& [name, stored] : cells.at(place))
            for (std::size_t i = 0; i < stored.words.pages.size(); ++i)
                put_page(out, channel, name, stored.words, i);
        return out;
    }
    std::set<std::string> words_on_air() const {
        std::set<std::string> out;
        for (const auto& [_, messages] : cells)
            for (const auto& [name, stored] : messages)
                if (!stored.words.pages.empty()) out.insert(read(stored.words).words);
        return out;
    }

    std::string all_bytes;  // as they came

private:
    static std::string bytes(const Pdu& pdu) { return *encode(pdu); }
    void complain(std::string what) {
        if (std::ranges::find(wrong, what) == wrong.end()) wrong.push_back(std::move(what));
    }

    std::string answer(const Pdu& pdu) {
        Pdu out{.type = Type::keep_alive_complete};
        switch (pdu.type) {
            case Type::keep_alive: return bytes(out);
            case Type::reset:
                out.type = Type::reset_complete;
                out.cells = pdu.cells;
                for (auto& [_, messages] : cells) messages.clear();
                return bytes(out);
            case Type::write_replace: return silent ? note(pdu, false), "" : write(pdu);
            case Type::kill: return silent ? "" : each(pdu, Type::kill_complete);
            case Type::status_query: return silent ? "" : each(pdu, Type::status_query_complete);
            case Type::load_query: return "";  // as osmo-bsc does
            default: return complain("something that no centre sends"), "";
        }
    }

    std::vector<Place> places(const Places& list) {
        if (list.entries.size() > 4000) complain("a list that long answers kill the controller of");
        std::vector<Place> out;
        if (list.naming == Naming::all)
            for (const auto& [place, _] : cells) out.push_back(place);
        for (const auto& one : list.entries) {
            if (list.naming == Naming::cgi) {
                out.push_back(one);
                continue;
            }
            for (const auto& [place, _] : cells)
                if ((list.naming == Naming::lac_ci && place.lac == one.lac && place.ci == one.ci) ||
                    (list.naming == Naming::ci && place.ci == one.ci) ||
                    (list.naming == Naming::lac && place.lac == one.lac))
                    out.push_back(place);
        }
        return out;
    }

    void note(const Pdu& pdu, bool taken) {
        const cell_broadcast::Pages pages{pdu.dcs.value_or(0), pdu.contents};
        seen.push_back({pdu.type,
                        {*pdu.identifier, *pdu.fresh},
                        pdu.old,
                        pages.pages.empty() ? "" : read(pages).words,
                        taken});
    }

    static Pdu reply(const Pdu& to, Type type) {
        Pdu out{.type = type};
        out.identifier = to.identifier;
        out.fresh = to.fresh;
        out.old = to.old;
        out.channel = to.channel;
        return out;
    }

    std::string write(const Pdu& pdu) {
        auto out = reply(pdu, Type::write_replace_complete);
        const Name name{*pdu.identifier, *pdu.fresh};
        const bool first = tried_.insert(name).second && first_try_fails;
        std::vector<Failed> failures;
        out.cells = Places{Naming::cgi, {}};
        for (const auto& place : places(*pdu.cells)) {
            const auto why = first ? first_try_fails : store(place, name, pdu);
            if (why)
                failures.push_back({Naming::cgi, place, *why});
            else
                out.cells->entries.push_back(place);
        }
        note(pdu, failures.empty());
        if (out.cells->entries.empty()) out.cells.reset();
        if (failures.empty()) return bytes(out);
        out.type = Type::write_replace_failure;
        out.failures = std::move(failures);
        return bytes(out);
    }

    /// Why not, as osmo-bsc says it.
    std::optional<std::uint8_t> store(const Place& place, const Name& name, const Pdu& pdu) {
        const auto at = cells.find(place);
        if (at == cells.end()) return cause::not_recognised;
        if (const auto own = refusing.find(place); own != refusing.end()) return own->second;
        auto& messages = at->second;
        const bool alarm = pdu.emergency.has_value();
        if (alarm && no_alarms) return no_alarms;
        if (messages.contains(name)) return cause::already_used;
        const auto old = pdu.old ? messages.find({name.first, *pdu.old}) : messages.end();
        if (pdu.old && old == messages.end()) return cause::not_identified;
        std::size_t used = pdu.contents.size();
        for (const auto& [other, stored] : messages) {
            if (stored.words.pages.empty() || (pdu.old && other == old->first)) continue;
            used += stored.words.pages.size();
            if (!alarm && stored.period != *pdu.period) complain("two periods in one cell");
        }
        if (!alarm && pdu.old && old->second.period != *pdu.period)
            complain("a replacement of another period");
        if (!alarm && used > *pdu.period) {
            if (pdu.old) complain("a replacement that has no room: the controller dies of it");
            return cause::bsc_capacity;
        }
        if (!alarm && *pdu.times == 0) complain("a count of 0, which is taken as once");
        if (pdu.old) messages.erase(old);
        messages[name] = {
            pdu.period.value_or(0), pdu.times.value_or(0), 0, {pdu.dcs.value_or(0), pdu.contents}};
        return std::nullopt;
    }

    /// KILL and STATUS QUERY: counts where it is, cause 2 where it is not.
    std::string each(const Pdu& pdu, Type complete) {
        auto out = reply(pdu, complete);
        const Name name{*pdu.identifier, *pdu.old};
        std::vector<Failed> failures;
        Counts counts;
        for (const auto& place : places(*pdu.cells)) {
            const auto at = cells.find(place);
            const auto stored =
                at == cells.end() ? decltype(at->second.begin()){} : at->second.find(name);
            if (at == cells.end() || stored == at->second.end()) {
                const auto why = at == cells.end() ? cause::not_recognised : cause::not_identified;
                failures.push_back({Naming::cgi, place, why});
                continue;
            }
            counts.entries.push_back({place, std::uint16_t(stored->second.sent), Reached::ok});
            if (pdu.type == Type::kill) at->second.erase(stored);
        }
        if (!counts.entries.empty() || failures.empty()) out.counts = std::move(counts);
        if (failures.empty()) return bytes(out);
        out.type = Type(int(complete) + 1);
        out.failures = std::move(failures);
        return bytes(out);
    }

    static std::string gsmtap(std::uint16_t channel, std::uint8_t kind, std::string_view block) {
        std::string out(16, '\0');
        out[0] = 2, out[1] = 4, out[2] = 1;
        out[4] = char(channel >> 8), out[5] = char(channel & 0xFF);
        out[12] = char(kind);
        return out + std::string(block);
    }
    static std::string system_information(const Place& place, std::uint16_t channel) {
        std::string block(23, '\x2B');
        const unsigned octets[] = {0x49,
                                   0x06,
                                   0x1B,
                                   unsigned(place.ci) >> 8,
                                   place.ci,
                                   place.plmn >> 16,
                                   place.plmn >> 8,
                                   place.plmn,
                                   unsigned(place.lac) >> 8,
                                   place.lac};
        for (std::size_t i = 0; i < std::size(octets); ++i) block[i] = char(octets[i] & 0xFF);
        return gsmtap(channel, 0x01, block);
    }
    static void put_page(std::vector<std::string>& out,
                         std::uint16_t channel,
                         const Name& name,
                         const cell_broadcast::Pages& words,
                         std::size_t index) {
        const auto& page = words.pages[index];
        const unsigned head[] = {unsigned(name.second) >> 8,
                                 name.second,
                                 unsigned(name.first) >> 8,
                                 name.first,
                                 words.dcs,
                                 unsigned((index + 1) << 4 | words.pages.size())};
        std::string octets;
        for (const auto one : head) octets += char(one & 0xFF);
        octets.append(page.octets.data(), page.octets.size());
        const auto blocks = std::size_t(6 + page.length + 21) / 22;
        for (std::size_t i = 0; i < blocks; ++i) {
            const bool last = i + 1 == blocks;
            out.push_back(gsmtap(channel, 0x0F,
                                 char(0x20 | (last ? 0x10 : 0) | i) + octets.substr(i * 22, 22)));
        }
    }

    Reader reader_;
    std::set<Name> tried_;
};

}  // namespace tocsin::cbsp
