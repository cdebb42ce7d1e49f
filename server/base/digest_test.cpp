#include "server/base/digest.hpp"

#include <doctest/doctest.h>

namespace tocsin {
namespace {

TEST_CASE("digests agree with their published check values") {
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(crc32c("123456789") == 0xE3069283U);  // RFC 3720, B.4
    CHECK(crc32c("6789", crc32c("12345")) == 0xE3069283U);
    CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);  // and of 32 zeros
    CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43U);
}

TEST_CASE("ids sort by time and never repeat") {
    const auto first = make_ulid(), second = make_ulid();
    CHECK(first.size() == 26);
    CHECK(first != second);
    CHECK(first.substr(0, 10) <= second.substr(0, 10));
}

TEST_CASE("constant-time comparison compares") {
    CHECK(same_in_constant_time("token", "token"));
    CHECK_FALSE(same_in_constant_time("token", "tokeN"));
    CHECK_FALSE(same_in_constant_time("token", "toke"));
}

}  // namespace
}  // namespace tocsin
