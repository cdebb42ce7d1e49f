#include "channels/sms/shared/inbound.hpp"

namespace tocsin::sms {

void Inbound::settle() {
    if (const auto now = unacknowledged(); now != 0) {
        const bool same = std::exchange(peak_, now) == now && now <= small_window;
        same_in_a_row_ = same ? same_in_a_row_ + 1 : 0;
    }
    if (fresh_ == 0) return;
    tickets_.push_back({desk_.settled(batch_), std::exchange(fresh_, 0)});
    batch_.clear();
}

void Inbound::durable(contract::Ticket up_to, Speech& speech, std::string& out) {
    std::size_t count = 0;
    for (; !tickets_.empty() && tickets_.front().ticket <= up_to; tickets_.pop_front())
        count += tickets_.front().count;
    if (count == 0) return;
    speech.acknowledge(out, std::span(acks_).subspan(first_, count));
    counters_.acknowledged += count;
    first_ += count;
    if (first_ < acks_.size() / 2) return;  // moved seldom, and never more than was done
    acks_.erase(acks_.begin(), acks_.begin() + std::ptrdiff_t(first_));
    first_ = 0;
}

void Inbound::lost() {
    batch_.clear();
    acks_.clear();
    tickets_.clear();
    first_ = peak_ = fresh_ = 0;
    same_in_a_row_ = 0;
}

}  // namespace tocsin::sms
