#pragma once
#include "channels/sms/shared/session.hpp"
#include "server/base/settings.hpp"

/// Settings that mean the same for the links of any protocol. README.md of each describes them.
namespace tocsin::sms {

/// A link's own table, and the endpoint's for what is not in it. Both know the key then.
class Layers {
public:
    Layers(const Settings& own, const Settings& base) : own_(own), base_(base) {}

    std::string text(std::string_view key, std::string_view fallback = "") const {
        return own_.text(key, alone() ? std::string(fallback) : base_.text(key, fallback));
    }
    std::int64_t number(std::string_view key,
                        std::int64_t fallback,
                        std::int64_t least,
                        std::int64_t most) const {
        if (!alone()) fallback = base_.number(key, fallback, least, most);
        return own_.number(key, fallback, least, most);
    }
    std::uint8_t small(std::string_view key, int fallback, int most = 255) const {
        return std::uint8_t(number(key, fallback, 0, most));
    }
    double real(std::string_view key, double fallback, double least, double most) const {
        if (!alone()) fallback = base_.real(key, fallback, least, most);
        return own_.real(key, fallback, least, most);
    }
    bool flag(std::string_view key, bool fallback) const {
        return own_.flag(key, alone() ? fallback : base_.flag(key, fallback));
    }
    std::chrono::milliseconds duration(std::string_view key,
                                       std::chrono::milliseconds fallback) const {
        return own_.duration(key, alone() ? fallback : base_.duration(key, fallback));
    }
    std::vector<std::string> texts(std::string_view key) const {
        return alone() ? own_.texts(key) : own_.texts(key, base_.texts(key));
    }
    std::string choice(std::string_view key,
                       std::string_view fallback,
                       const std::vector<std::string_view>& choices) const {
        if (alone()) return own_.choice(key, fallback, choices);
        return own_.choice(key, base_.choice(key, fallback, choices), choices);
    }
    std::filesystem::path file(std::string_view key) const;
    void complain(std::string_view key, std::string_view what) const;

private:
    /// Asked twice, a table would complain twice.
    bool alone() const { return &own_ == &base_; }

    const Settings &own_, &base_;
};

/// The file's first line; empty if the key is missing. A secret never stands in the configuration.
std::string read_secret(const Layers& settings, std::string_view key);
/// networks, prefixes, regions
Filter read_filter(const Layers& settings);
/// flash_levels = ["red"]: a bit each, 1 << Level.
std::uint8_t read_flash_levels(const Layers& settings);
/// connect_timeout, bind_timeout, reconnect, reconnect_max, and `enquire`: after so much silence.
void read_times(const Layers& settings, std::string_view enquire, Times& out);
/// ported_numbers
std::shared_ptr<const Portability> read_ported(const Settings& settings);

/// Calls read(layers, name) for each [[link]], or once for the endpoint's own table.
void each_link(const Settings& settings,
               const std::function<void(const Layers&, const std::string& name)>& read);

}  // namespace tocsin::sms
