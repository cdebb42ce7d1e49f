#pragma once
#include "server/base/fault.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading TOML strictly: every key that nobody asked for is a fault, and all faults come at once,
/// each with file:line:column and key (experience.md 7).
namespace tocsin {

/// Faults of one file as they are found; shared by all tables of the file.
class Complaints {
public:
    void add(std::string what) { list_.push_back(std::move(what)); }
    const std::vector<std::string>& list() const { return list_; }

private:
    std::vector<std::string> list_;
};

/// One TOML table. Each getter marks its key as known; a missing key gives the fallback; a wrong
/// type, a value out of range or white space at the ends is a complaint (scar F4) and gives the fallback.
class Settings {
public:
    /// Malformed: the file cannot be read or is no TOML (then the fault says where).
    static Result<Settings> read(const std::filesystem::path& file, Complaints& complaints);
    static Result<Settings> parse(std::string_view toml,
                                  std::string_view name,
                                  Complaints& complaints);

    std::string text(std::string_view key, std::string_view fallback = "") const;
    /// Complains if it is missing or empty.
    std::string required(std::string_view key) const;
    std::int64_t number(std::string_view key,
                        std::int64_t fallback,
                        std::int64_t least,
                        std::int64_t most) const;
    double real(std::string_view key, double fallback, double least, double most) const;
    bool flag(std::string_view key, bool fallback) const;
    /// "250ms", "30s", "3m", "4h", "30d".
    std::chrono::milliseconds duration(std::string_view key,
                                       std::chrono::milliseconds fallback) const;
    std::vector<std::string> texts(std::string_view key,
                                   std::vector<std::string> fallback = {}) const;
    /// One of `choices`, else a complaint that names them and the nearest.
    std::string choice(std::string_view key,
                       std::string_view fallback,
                       const std::vector<std::string_view>& choices) const;
    /// A file named relative to the folder of the configuration; empty if the key is missing.
    std::filesystem::path file(std::string_view key) const;

    bool has(std::string_view key) const;
    /// The table as TOML: equal texts mean equal settings.
    std::string print() const;
    /// An empty table if it is missing.
    Settings table(std::string_view key) const;
    /// [[key]]
    std::vector<Settings> tables(std::string_view key) const;
    /// "tocsin.toml:12:3: endpoint.rate: what", into the complaints.
    void complain(std::string_view key, std::string_view what) const;
    /// Call when all known keys were asked for: complains about each other key, with the nearest known.
    void finish() const;

private:
    struct Node;
    explicit Settings(std::shared_ptr<Node> node) : node_(std::move(node)) {}
    std::shared_ptr<Node> node_;
};

}  // namespace tocsin
