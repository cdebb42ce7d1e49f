#include "server/campaign/table.hpp"

#include <bit>
#include <cstdlib>
#include <new>

namespace tocsin::campaign {

void Table::Free::operator()(Slot* slots) const { std::free(slots); }

Table::Table(std::size_t recipients) {
    const auto slots = std::bit_ceil(std::max<std::size_t>(16, recipients + recipients / 2));
    shift_ = 64U - unsigned(std::countr_zero(slots));
    mask_ = slots - 1;
    slots_.reset(static_cast<Slot*>(std::calloc(slots, sizeof(Slot))));
    if (!slots_) throw std::bad_alloc();
}

bool Table::insert(std::uint64_t hash, std::string_view exact, std::uint32_t recipient) {
    const auto fingerprint = std::uint32_t(hash);
    auto at = std::size_t(hash >> shift_);
    for (; slots_[at].recipient != 0; at = (at + 1) & mask_) {
        if (slots_[at].fingerprint != fingerprint) continue;
        if (slots_[at].recipient == recipient + 1) return true;
        return side_.emplace(exact, recipient).first->second == recipient;
    }
    if (used_ >= mask_ - mask_ / 8)  // repeats may name more ids than there are recipients
        return side_.emplace(exact, recipient).first->second == recipient;
    slots_[at] = {fingerprint, recipient + 1};
    ++used_;
    return true;
}

std::optional<std::uint32_t> Table::find(std::uint64_t hash, std::string_view exact) const {
    if (!side_.empty())
        if (const auto at = side_.find(std::string(exact)); at != side_.end()) return at->second;
    const auto fingerprint = std::uint32_t(hash);
    for (auto at = std::size_t(hash >> shift_); slots_[at].recipient != 0; at = (at + 1) & mask_)
        if (slots_[at].fingerprint == fingerprint) return slots_[at].recipient - 1;
    return std::nullopt;
}

bool Parking::park(const contract::MessageId& id, const Parked& receipt) {
    if (count_ >= most_) return false;
    auto key = std::string(text_of(id));
    waiting_[key].push_back(receipt);
    order_.emplace_back(receipt.at, std::move(key));
    ++count_;
    return true;
}

std::vector<Parking::Parked> Parking::claim(const contract::MessageId& id) {
    const auto at = waiting_.find(std::string(text_of(id)));
    if (at == waiting_.end()) return {};
    auto parked = std::move(at->second);
    waiting_.erase(at);  // its entries in order_ find nothing then
    count_ -= parked.size();
    return parked;
}

std::size_t Parking::age(contract::Instant now) {
    std::size_t orphans = 0;
    while (!order_.empty() && order_.front().first + keep_ <= now) {
        const auto at = waiting_.find(order_.front().second);
        if (at != waiting_.end() && at->second.front().at == order_.front().first) {
            at->second.erase(at->second.begin());
            ++orphans;
            --count_;
            if (at->second.empty()) waiting_.erase(at);
        }
        order_.pop_front();
    }
    return orphans;
}

}  // namespace tocsin::campaign
