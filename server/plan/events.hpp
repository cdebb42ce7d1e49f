#pragma once
#include "server/base/settings.hpp"

#include <filesystem>
#include <unordered_map>

/// What an event is called and which folder of the templates speaks of it: events.toml and the
/// tables names.<language>.tsv and issuers.<language>.tsv beside it.
namespace tocsin::plan {

struct Event {
    std::string key;     // "rainstorm": a folder
    std::string family;  // "natural", "accident", "health", "security"; "" none
};

/// A name as people know it, and the short one where there is no room.
struct Issuer {
    std::string name, brief;
};

class Events {
public:
    /// Complains about what is wrong in the files; languages without tables are no fault.
    void load(const std::filesystem::path& folder,
              const std::vector<std::string>& languages,
              Complaints& complaints);

    /// By GB/T 35561 code: itself, then its group ("11D"), then its class ("11").
    std::optional<Event> by_code(std::string_view code) const;
    /// By the event's name in any language, without regard to case.
    std::optional<Event> by_name(std::string_view name) const;
    /// The official name of a code, if the language has one.
    std::optional<std::string> name_of(std::string_view code, const std::string& language) const;
    /// What the issuer is called in the language; nothing if it is not in the table.
    std::optional<Issuer> issuer(const std::string& said, const std::string& language) const;
    const std::vector<Event>& all() const { return events_; }

private:
    void read_events(const Settings& file);
    void read_table(const std::filesystem::path& file,
                    std::size_t columns,
                    Complaints& complaints,
                    const std::function<void(const std::vector<std::string>&)>& row);

    std::vector<Event> events_;
    std::unordered_map<std::string, Event> codes_,
        names_;  // code or its beginning; lower-case name
    std::unordered_map<std::string, std::unordered_map<std::string, std::string>> code_names_;
    std::unordered_map<std::string, std::unordered_map<std::string, Issuer>> issuers_;
};

/// ASCII letters only; enough to compare names and tags.
std::string lower(std::string_view text);

}  // namespace tocsin::plan
