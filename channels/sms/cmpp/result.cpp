#include "channels/sms/cmpp/result.hpp"

#include <algorithm>

namespace tocsin::cmpp {
namespace {

using enum Meaning;

struct Row {
    std::uint32_t result;
    Meaning meaning;
};
// clang-format off
constexpr Row rows[] = {
    {0,  accepted},
    {1,  form},          // structure: a flash's Msg_Fmt, if it is one; else the order stops
    {2,  campaign},      // command: SUBMIT is not for this account
    {3,  retry},         // sequence repeated
    {4,  campaign},      // length
    {5,  campaign},      // fee code
    {6,  form},          // too long
    {7,  campaign},      // service code
    {8,  throttle},      // flow control
    {9,  reroute},       // this gateway does not serve the number
    {10, campaign},      // Src_Id
    {11, campaign},      // Msg_src
    {12, campaign},      // Fee_terminal_Id
    {13, permanent},     // Dest_terminal_Id
};
constexpr std::string_view statuses[] = {"accepted", "structure", "source address",
                                         "secret",   "version",   "another error"};
// clang-format on

}  // namespace

Meaning meaning_of(std::uint32_t result, const std::vector<Exception>& own) {
    for (const auto& [number, meaning] : own)
        if (number == result) return meaning;
    for (const auto& row : rows)
        if (row.result == result) return row.meaning;
    return retry;  // a gateway's own number: twice, then it stands
}

std::string_view status_words(std::uint32_t status) {
    return statuses[std::min<std::size_t>(status, std::size(statuses) - 1)];
}

bool is_slow_to_mend(std::uint32_t status) { return status >= 1 && status <= 4; }

}  // namespace tocsin::cmpp
