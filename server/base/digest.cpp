#include "server/base/digest.hpp"

#include "server/base/time.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstdlib>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tocsin {
namespace {

constexpr std::uint32_t castagnoli = 0x82F63B78U;  // reflected

constexpr auto crc_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) ? (crc >> 1) ^ castagnoli : crc >> 1;
        table[i] = crc;
    }
    return table;
}();

std::uint32_t crc_by_table(std::string_view bytes, std::uint32_t crc) {
    for (const unsigned char byte : bytes) crc = crc_table[(crc ^ byte) & 0xFFU] ^ (crc >> 8);
    return crc;
}

#if defined(__x86_64__)
const bool crc_in_hardware = __builtin_cpu_supports("sse4.2");

[[gnu::target("sse4.2")]] std::uint32_t crc_by_hardware(std::string_view bytes, std::uint32_t crc) {
    std::uint64_t sum = crc;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data(), sizeof word);
        sum = _mm_crc32_u64(sum, word);
    }
    for (const unsigned char byte : bytes) sum = _mm_crc32_u8(std::uint32_t(sum), byte);
    return std::uint32_t(sum);
}
#endif

}  // namespace

std::string hex(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const unsigned char byte : bytes) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

std::string sha256_hex(std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return hex(digest);
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#if defined(__x86_64__)
    if (crc_in_hardware) return ~crc_by_hardware(bytes, ~before);
#endif
    return ~crc_by_table(bytes, ~before);
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), int(count)) != 1) std::abort();
    return bytes;
}

std::string make_ulid() {
    static constexpr std::string_view letters = "0123456789abcdefghjkmnpqrstvwxyz";
    auto ms = std::uint64_t(now().time_since_epoch().count());
    std::string out(26, '0');
    for (int i = 9; i >= 0; --i, ms >>= 5) out[std::size_t(i)] = letters[ms & 31U];
    const auto noise = random_bytes(16);
    for (std::size_t i = 0; i < 16; ++i) out[10 + i] = letters[std::uint8_t(noise[i]) & 31U];
    return out;
}

}  // namespace tocsin
