#pragma once
#include "channels/sms/smpp/frame.hpp"
#include "channels/sms/smpp/ids.hpp"

/// Reading delivery receipts as peers really write them (SMPP 3.4 appendix B leaves it to vendors).
namespace tocsin::smpp {

/// What stands in the text of a receipt; all may be empty. Views into the text.
struct ReceiptText {
    std::string_view id, stat, err;
};
/// Tolerant: any order, any case, fields missing or added, dates of any length; never past "text:".
ReceiptText parse_receipt_text(std::string_view text);

struct ReceiptSays {
    ReceiptIds ids;
    contract::Said said;  // delivered, refused, failed (try another way), accepted (not the end)
    std::uint16_t
        code;  // message_state << 12 | the peer's error, 4095 if it is larger or no number
};

/// Nothing if it is no receipt but a message of a phone. A receipt may come without any id: both are
/// empty then. `text` keeps what ids point to when the
/// words had to be recoded. By `id_is_receipt`, words that begin "id:" are one whatever esm_class says.
std::optional<ReceiptSays> read_receipt(const Deliver& deliver,
                                        bool id_is_receipt,
                                        std::string& text);

}  // namespace tocsin::smpp
