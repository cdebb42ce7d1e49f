#pragma once
#include "channels/sms/shared/office.hpp"
#include "channels/sms/smpp/protocol.hpp"

namespace tocsin::smpp {

/// What the office of an SMPP endpoint is made of; `protocol` gave the forms.
sms::OfficeSetup office_of(const Setup& setup,
                           const SmppProtocol& protocol,
                           const sms::Jitter& jitter,
                           std::uint32_t first_sequence = 1);

}  // namespace tocsin::smpp
