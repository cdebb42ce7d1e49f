#include "tests/peers/smsc/book.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace tocsin::smsc {
namespace {

std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

double seconds(const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; }

std::uint32_t percentile(const std::vector<std::uint32_t>& counts,
                         std::uint64_t all,
                         double share) {
    std::uint64_t sum = 0;
    for (std::size_t ms = 0; ms < counts.size(); ++ms)
        if ((sum += counts[ms]) > 0 && double(sum) >= share * double(all)) return std::uint32_t(ms);
    return 0;
}

}  // namespace

bool HashSet::place(std::uint64_t hash) {
    const auto mask = slots_.size() - 1;
    for (auto at = hash & mask;; at = (at + 1) & mask) {
        if (slots_[at] == hash) return false;
        if (slots_[at] == 0) return slots_[at] = hash, true;
    }
}

NumberMap::Slot& NumberMap::place(std::uint64_t number) {
    const auto mask = slots_.size() - 1;
    for (auto at = home(number);; at = (at + 1) & mask)
        if (slots_[at].number == number || slots_[at].number == 0) return slots_[at];
}

std::uint64_t NumberMap::insert(std::uint64_t number, std::uint64_t value, bool& fresh) {
    if (used_ * 2 >= slots_.size()) {
        auto old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 4));
        for (const auto& entry : old)
            if (entry.number != 0) place(entry.number) = entry;
    }
    auto& slot = place(number);
    fresh = slot.number == 0;
    if (fresh) slot = {number, value}, ++used_;
    return slot.value;
}

bool HashSet::insert(std::uint64_t hash) {
    if (hash == 0) hash = 1;
    if (used_ * 2 >= slots_.size()) {
        auto old = std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 4));
        for (const auto entry : old)
            if (entry != 0) place(entry);
    }
    if (!place(hash)) return false;
    ++used_;
    return true;
}

std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed) {
    auto hash = mixed(seed + bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
        hash = mixed(hash ^ word) + 0x9E3779B97F4A7C15;
    }
    return hash;
}

double chance(std::uint64_t seed, std::uint64_t of, std::uint64_t purpose) {
    return double(mixed(mixed(seed + 1) ^ mixed(of) ^ (purpose * 0x9E3779B97F4A7C15)) >> 11) *
           0x1.0p-53;
}

Book::Book(const Options& options) : options_(options) {
    if (!options.journal.empty()) file_.reset(std::fopen(options.journal.c_str(), "w"));
    if (!options.journal.empty() && !file_) violated("cannot write the journal");
}

Book::~Book() { flush(); }

void Book::flush() {
    if (lines_.empty()) return;
    if (file_) std::fwrite(lines_.data(), 1, lines_.size(), file_.get()), std::fflush(file_.get());
    lines_.clear();
}

void Book::submitted(std::uint64_t now_ms) {
    ++submits;
    if (first_ms_ == 0) first_ms_ = now_ms;
    last_ms_ = now_ms;
    if (now_ms / 1000 != second_) second_ = now_ms / 1000, in_second_ = 0;
    best_second_ = std::max(best_second_, ++in_second_);
}

std::uint64_t Book::words_hash(std::string_view words, std::uint8_t coding) {
    if (words != last_words_ || coding != last_coding_) {
        last_words_ = words, last_coding_ = coding;
        last_hash_ = hash_of(words, coding);
    }
    return last_hash_;
}

void Book::count(const Taken& taken) {
    bool fresh = false;
    const auto first = destinations_.insert(taken.destination, taken.text, fresh);
    if (!fresh && (first == taken.text || !texts_.insert(taken.text))) {
        ++duplicates_;
    } else if (taken.parts == 1) {
        ++messages_;
    } else {
        auto& seen = parts_[taken.message];
        seen |= std::uint64_t(1) << ((taken.part - 1) % 64);
        if (std::popcount(seen) == taken.parts) ++messages_;
    }
}

void Book::count_waiting() const {
    auto& self = const_cast<Book&>(*this);
    while (counted_ < taken_count_) self.count(self.taken_[self.counted_++ % behind]);
}

/// Of those that were accepted only: what was refused may well come again.
void Book::journal(const Submit& submit,
                   std::uint64_t now_ms,
                   std::uint32_t bind,
                   std::uint32_t status,
                   std::string_view id,
                   std::string_view final) {
    const auto words = words_hash(submit.words, submit.coding);
    if (status == 0) {
        if (taken_count_ - counted_ == behind) count(taken_[counted_++ % behind]);
        std::uint64_t destination = 0;  // all digits: read_submit() saw to it
        for (const char digit : submit.destination)
            destination = destination * 10 + std::uint64_t(digit - '0');
        taken_[taken_count_++ % behind] = {
            destination, mixed(destination ^ words) + submit.part,
            mixed(destination ^ mixed(submit.reference + 1u)) + submit.parts, submit.parts,
            submit.part};
        destinations_.prefetch(destination);
    }
    if (!file_) return;
    fmt::format_to(std::back_inserter(lines_), "{} {} {} {} {} {}/{} {:02X} {} {} ", now_ms, bind,
                   submit.source, submit.destination, submit.reference, submit.part, submit.parts,
                   status, id.empty() ? "-" : id, final.empty() ? "-" : final);
    if (!options_.text) fmt::format_to(std::back_inserter(lines_), "{:016x}", words);
    if (options_.text) {
        fmt::format_to(std::back_inserter(lines_), "{}:", submit.coding);
        for (const unsigned char octet : submit.words)
            fmt::format_to(std::back_inserter(lines_), "{:02x}", octet);
    }
    lines_ += '\n';
    if (lines_.size() > 64 * 1024) flush();
}

void Book::violated(std::string_view what) {
    ++violations;
    if (named_.size() < 10) named_.emplace_back(what);
}

void Book::acknowledged(std::uint64_t after_ms) {
    ++receipts_acked;
    ++ack_ms_[std::min<std::uint64_t>(after_ms, ack_ms_.size() - 1)];
}

std::string Book::summary() const {
    const_cast<Book*>(this)->flush();
    count_waiting();
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::string codes, names;
    for (const auto& [code, count] : errors)
        codes += fmt::format("{}\"0x{:02X}\":{}", codes.empty() ? "" : ",", code, count);
    for (const auto& name : named_)
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ",", name);
    std::uint64_t incomplete = 0;
    for (const auto& [message, seen] : parts_) incomplete += seen != 0;
    return fmt::format(
        R"({{"submits":{},"accepted":{},"distinct":{},"duplicates":{},"messages":{},"long_messages":{},)"
        R"("receipts":{},"receipts_acked":{},"receipts_nacked":{},"redelivered":{},"receipts_lost":{},)"
        R"("receipts_doubled":{},"receipts_waiting":{},"receipts_unanswered":{},"ack_ms_p50":{},"ack_ms_p99":{},)"
        R"("answers_lost":{},"throttled":{},"errors":{{{}}},"binds":{},"binds_refused":{},"unbinds":{},)"
        R"("drops":{},"closed_without_unbind":{},"enquiries":{},"violations":{},"violated":[{}],)"
        R"("bytes_in":{},"bytes_out":{},"reads":{},"writes":{},"first_ms":{},"last_ms":{},"best_second":{},)"
        R"("user_s":{:.3f},"system_s":{:.3f}}})",
        submits, accepted, destinations_.size(), duplicates_, messages_, incomplete, receipts,
        receipts_acked, receipts_nacked, redelivered, receipts_lost, receipts_doubled, waiting,
        unanswered, percentile(ack_ms_, receipts_acked, 0.5),
        percentile(ack_ms_, receipts_acked, 0.99), answers_lost, throttled, codes, binds,
        binds_refused, unbinds, drops, closed_without_unbind, enquiries, violations, names,
        bytes_in, bytes_out, reads, writes, first_ms_, last_ms_, best_second_,
        seconds(usage.ru_utime), seconds(usage.ru_stime));
}

}  // namespace tocsin::smsc
