#include "channels/sms/cmpp/proof.hpp"

#include "server/base/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace tocsin::cmpp {
namespace {

using namespace std::chrono;

std::string md5(std::string_view bytes) {
    std::string out(16, '\0');
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
               EVP_md5(), nullptr);
    return out;
}

}  // namespace

std::uint32_t timestamp_of(Instant at) {
    const auto there = floor<seconds>(at) + hours(8);
    const auto day = floor<days>(there);
    const year_month_day date(day);
    const hh_mm_ss clock(there - day);
    return ((unsigned(date.month()) * 100 + unsigned(date.day())) * 100 +
            std::uint32_t(clock.hours().count())) *
               10000 +
           std::uint32_t(clock.minutes().count() * 100 + clock.seconds().count());
}

std::string proof_of(std::string_view source_addr,
                     std::string_view secret,
                     std::uint32_t timestamp) {
    std::string text(source_addr);
    text.append(9, '\0').append(secret);
    return md5(text + fmt::format("{:010}", timestamp));
}

std::string answer_to(std::string_view proof,
                      std::string_view secret,
                      std::uint32_t status,
                      std::size_t status_bytes) {
    std::string text;
    for (auto byte = status_bytes; byte-- > 0;) text += char(status >> byte * 8);
    return md5(text.append(proof).append(secret));
}

bool is_proven(std::string_view answered, std::string_view proof, std::string_view secret) {
    return same_in_constant_time(answered, answer_to(proof, secret, 0, 4)) ||
           same_in_constant_time(answered, answer_to(proof, secret, 0, 1));
}

}  // namespace tocsin::cmpp
