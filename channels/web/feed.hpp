#pragma once
#include "server/contract/order.hpp"

#include <map>
#include <string>
#include <vector>

/// What the public can read: Atom (RFC 4287), GeoJSON (RFC 7946), single alerts as CAP, a plain
/// page. Pure: entries in, documents out. All text of alerts is inert in each of them (scar G6).
namespace tocsin::web {

using contract::Instant;

enum class State { in_force, lifted };

/// One chain: its newest revision, or the cancel that lifted it and stays until the alert's end.
struct Entry {
    contract::OrderId id;
    State state = State::in_force;
    contract::Level level{};
    std::string msg_type;  // "Alert", "Update", "Cancel"
    contract::Facts facts;
    Instant expires{};
    struct Words {
        std::string language, headline, page;
    };
    std::vector<Words> words;  // the city's first language first
    std::vector<std::string> regions;
    std::string geometry;  // GeoJSON; may be empty
    std::string cap;       // the received bytes, unchanged
};

/// By ordinal. At most one entry a chain, so nothing stands beside what replaced it (scar E4).
using Entries = std::map<std::uint32_t, Entry>;

struct Site {
    std::string base;   // "https://warn.example.org", no slash at the end
    std::string title;  // of the feeds
};

struct Document {
    std::string path, type, body;
};

/// "7-2": ordinal and revision.
std::string name_of(contract::OrderId id);
/// The page and the feeds, always the same for the same entries.
std::vector<Document> documents(const Site& site, const Entries& entries, Instant as_of);
/// One alert as it came; never changes under its path.
Document cap_document(const Entry& entry);

std::string pack(const Entries& entries);
Result<Entries> unpack(std::string_view bytes);

}  // namespace tocsin::web
