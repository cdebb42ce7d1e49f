#include "server/ledger/sealed_bytes.hpp"

#include "server/base/digest.hpp"

namespace tocsin::ledger {
namespace {

constexpr char version = 1;
constexpr std::size_t head_bytes = 5;

}  // namespace

std::string seal_bytes(std::string_view bytes) {
    const auto crc = crc32c(bytes);
    std::string out{version};
    for (int shift = 24; shift >= 0; shift -= 8) out += char((crc >> shift) & 0xFFU);
    return out.append(bytes);
}

Result<std::string> unseal_bytes(std::string_view sealed) {
    if (sealed.size() < head_bytes)
        return Fault{Cause::malformed, fmt::format("a record of {} bytes", sealed.size())};
    if (sealed[0] != version)
        return Fault{Cause::malformed, fmt::format("a record of version {}", int(sealed[0]))};
    std::uint32_t crc = 0;
    for (std::size_t i = 1; i < head_bytes; ++i) crc = crc << 8 | std::uint8_t(sealed[i]);
    const auto bytes = sealed.substr(head_bytes);
    if (crc != crc32c(bytes))
        return Fault{Cause::malformed,
                     fmt::format("a damaged record: check {:08x}, not {:08x}", crc32c(bytes), crc)};
    return std::string(bytes);
}

std::string parts_check(std::string_view cap, std::string_view plan, std::string_view facts) {
    return fmt::format("{:08x}{:08x}{:08x}", crc32c(cap), crc32c(plan), crc32c(facts));
}

bool part_whole(std::string_view check, Part part, std::string_view bytes) {
    return check.size() == 24 &&
           check.substr(std::size_t(part) * 8, 8) == fmt::format("{:08x}", crc32c(bytes));
}

}  // namespace tocsin::ledger
