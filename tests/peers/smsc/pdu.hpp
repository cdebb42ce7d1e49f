#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// SMPP 3.4 read strictly, by code that shares nothing with Tocsin's own codec.
namespace tocsin::smsc {

struct Header {
    std::uint32_t length, command, status, sequence;
};
inline constexpr std::size_t header_bytes = 16, pdu_bytes_max = 65536;
std::uint32_t read_u32(std::string_view bytes, std::size_t at);
Header read_header(std::string_view bytes);  // 16 bytes at least

struct Submit {
    std::string_view source, destination;
    std::uint8_t esm_class, priority, registered, coding;
    std::string_view words;  // without user data header, from short_message or message_payload
    std::uint16_t reference = 0;
    std::uint8_t parts = 1, part = 1;
};
/// Every field must be there, end where it should and hold what it may; `violation` says what not.
std::optional<Submit> read_submit(std::string_view body, const char*& violation);

struct Bind {
    std::string_view system_id, password;
};
std::optional<Bind> read_bind(std::string_view body, const char*& violation);

void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);
void write_u32(char* at, std::uint32_t value);
void put_header(std::string& out,
                std::size_t body_bytes,
                std::uint32_t command,
                std::uint32_t status,
                std::uint32_t sequence);

}  // namespace tocsin::smsc
