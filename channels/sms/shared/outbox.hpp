#pragma once
#include <string>
#include <string_view>

/// Whole PDUs waiting for the socket, which takes any number of bytes at a time.
namespace tocsin::sms {

class Outbox {
public:
    /// Append whole PDUs here.
    std::string& tail() { return bytes_; }
    /// Before everything that has not begun to leave.
    void urgent(std::string_view pdu);

    std::string_view waiting() const { return std::string_view(bytes_).substr(sent_); }
    void sent(std::size_t bytes);
    void clear();

private:
    std::size_t length_at(std::size_t at) const;

    std::string bytes_;
    std::size_t sent_ = 0;
    std::size_t whole_ = 0;  // the PDU that has left in part, or the next one
};

}  // namespace tocsin::sms
