#pragma once
#include "channels/sms/cmpp/setup.hpp"

/// What the links of one endpoint share of CMPP: orders into SUBMITs, results into meanings.
namespace tocsin::cmpp {

class Cmpp final : public sms::Protocol {
public:
    explicit Cmpp(Setup setup) : setup_(std::move(setup)) {}
    const Setup& setup() const { return setup_; }

    Result<sms::Campaign> encode(const contract::Message& message, bool drill) const override;
    std::string_view name() const override { return "cmpp"; }
    Meaning meaning(std::size_t lane, std::uint32_t result) const override;
    std::uint32_t expired() const override { return result::expired; }
    std::uint32_t invalid_number() const override { return result::destination; }
    sms::Validity validity(std::chrono::seconds left, Instant now) const override;

private:
    Result<sms::Worded> worded(const contract::Text& text,
                               const contract::Message& message,
                               bool drill) const;

    Setup setup_;
};

}  // namespace tocsin::cmpp
