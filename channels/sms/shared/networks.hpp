#pragma once
#include "server/base/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

/// Whose subscriber a number is: by its prefix, corrected by who took it along to another operator.
namespace tocsin::sms {

enum class Network : std::uint8_t { other, cmcc, cucc, ctcc, cbn };
inline constexpr std::size_t networks_count = 5;
/// "cmcc", "cucc", "ctcc", "cbn", "other".
std::optional<Network> network_named(std::string_view name);
std::string_view name(Network network);

/// By the first three or four digits after +86; numbers of other countries are `other`.
Network network_by_prefix(std::uint64_t e164);

/// Ported numbers, exactly: millions of lines "13800138000 cucc" (bare, with 86 or +86; a blank or a
/// comma between; # begins a comment). Open addressing, 8 bytes a slot: one miss of the cache each.
class Portability {
public:
    /// A fault names the first line that is wrong.
    [[nodiscard]] static Result<std::shared_ptr<const Portability>> read(
        const std::filesystem::path& file);
    [[nodiscard]] static Result<std::shared_ptr<const Portability>> parse(std::string_view text,
                                                                          std::string_view named);
    std::optional<Network> find(std::uint64_t e164) const {
        for (auto at = place(e164);; at = (at + 1) & mask_) {
            if (slots_[at] == 0) return std::nullopt;
            if (slots_[at] >> 3 == e164) return Network(slots_[at] & 7);
        }
    }
    /// Ahead of find(), some numbers earlier.
    void prefetch(std::uint64_t e164) const { __builtin_prefetch(&slots_[place(e164)]); }
    std::size_t size() const { return used_; }

private:
    std::size_t place(std::uint64_t e164) const {
        return std::size_t((e164 * 0x9E37'79B9'7F4A'7C15) >> 20) & mask_;
    }
    void insert(std::uint64_t e164, Network network);
    std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(16);  // number << 3 | network
    std::size_t mask_ = 15, used_ = 0;
};

}  // namespace tocsin::sms
