#include "channels/sms/shared/replies.hpp"
#include "channels/sms/smpp/frame.hpp"
#include "channels/sms/smpp/receipt.hpp"

#include <cstdlib>

/// Everything that reads what a peer wrote, on any bytes: the first says where a read cuts them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin;
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto cut = bytes.empty() ? 0 : data[0] % bytes.size();
    std::vector<std::string> whole, pieces;
    const auto into = [](std::vector<std::string>& out) {
        return [&out](const smpp::Pdu& pdu) {
            out.push_back(std::to_string(std::uint32_t(pdu.command)) + std::string(pdu.body));
            return true;
        };
    };
    smpp::Decoder at_once, twice;
    const bool well = at_once.each(bytes, into(whole));
    const bool first = twice.each(bytes.substr(0, cut), into(pieces));
    const bool second = first && twice.each(bytes.substr(cut), into(pieces));
    if (well != second || whole != pieces) std::abort();  // where a stream is cut says nothing
    std::string room;
    for (const bool data_sm : {false, true}) {
        smpp::Deliver deliver;
        if (!(data_sm ? smpp::read_data(bytes, deliver) : smpp::read_deliver(bytes, deliver)))
            continue;
        if (const auto says = smpp::read_receipt(deliver, true, room))
            for (const auto form : {smpp::IdForm::same, smpp::IdForm::resp_hex_receipt_dec,
                                    smpp::IdForm::resp_dec_receipt_hex}) {
                const auto key = smpp::tagged(smpp::key_of(says->ids, {data_sm, form, form}),
                                              data[0] & 1 ? "AB" : "");
                if (key.length > key.bytes.size()) std::abort();
            }
        const auto letters = sms::letters_of(deliver.data_coding, sms::Letters::gsm7);
        const auto piece = sms::without_header(deliver.words, letters);
        if (piece.part < 1 || piece.part > piece.parts) std::abort();
        (void)sms::words_of(piece.octets, piece.letters);
    }
    (void)smpp::parse_receipt_text(bytes);
    (void)smpp::parse_message_id(bytes);
    (void)smpp::parse_bind_answer(bytes);
    (void)smpp::parse_query_answer(bytes);
    return 0;
}
