#include "tests/channel/witness.hpp"

#include <algorithm>

namespace tocsin::conformance {
namespace {

constexpr std::uint64_t first_number = 8613800000000;
constexpr std::uint32_t tries_most = 20;
constexpr auto clock_slack = std::chrono::seconds(2);

std::string text(const MessageId& id) { return {id.bytes.data(), id.length}; }
bool is_grade(Said said) { return said <= Said::verified; }

std::string hex_code(std::uint32_t code) {
    return fmt::format("0x{:02X}", code & ~worth_another_try);
}

}  // namespace

std::string name(Said said) {
    const char* words[] = {"handed",  "accepted", "on_air", "delivered", "verified",
                           "refused", "failed",   "gone",   "displaced", "lost"};
    return words[std::size_t(said)];
}

std::string name(OrderId order) { return fmt::format("{}.{}", order.ordinal, order.revision); }

Witness::Call::Call(Witness& witness, const char* name) : witness_(witness) {
    ++witness_.depth_;
    if (std::this_thread::get_id() != witness_.loop_)
        witness_.complain(fmt::format("{} from another thread than the loop's", name));
    if (!witness_.channel_there)
        witness_.complain(fmt::format("{} after the channel was destroyed", name));
}

void Witness::complain(std::string what) {
    if (std::ranges::find(wrong, what) == wrong.end()) wrong.push_back(std::move(what));
}

void Witness::expect(OrderId order, std::uint32_t people) {
    auto& story = stories_[order];
    ++story.carried;
    story.last.reset();
    if (!story.people.empty() || !can_.bulk) return;
    story.people.resize(people);
    for (std::uint32_t i = 0; i < people; ++i) story.numbers.push_back(first_number + i);
}

// --- what a test asks ---

std::optional<Said> Witness::grade(const Person& person) {
    const auto all = [&](auto so) {
        return !person.parts.empty() && std::ranges::all_of(person.parts, so);
    };
    if (all([](const Part& part) { return part.delivered; })) return Said::delivered;
    if (all([](const Part& part) { return part.code == 0u; })) return Said::accepted;
    return person.taken > 0 ? std::optional(Said::handed) : std::nullopt;
}

std::optional<Said> Witness::reached(OrderId order) const {
    const auto at = stories_.find(order);
    if (at == stories_.end()) return std::nullopt;
    if (at->second.people.empty()) return claimed(order);
    std::optional<Said> least = Said::verified;
    for (const auto& person : at->second.people) least = std::min(least, grade(person));
    return least;  // nothing is less than any grade
}

std::optional<Said> Witness::claimed(OrderId order) const {
    std::optional<Said> most;
    const auto at = stories_.find(order);
    if (at == stories_.end()) return most;
    for (const auto& person : at->second.people) most = std::max(most, grade(person));
    for (const auto& heard : at->second.said)
        if (is_grade(heard.said)) most = std::max(most, std::optional(heard.said));
    return most;
}

bool Witness::heard_of(OrderId order, Said said) const {
    const auto at = stories_.find(order);
    return at != stories_.end() &&
           std::ranges::find(at->second.said, said, &Heard::said) != at->second.said.end();
}

std::vector<Heard> Witness::bad(OrderId order) const {
    std::vector<Heard> out;
    const auto at = stories_.find(order);
    if (at == stories_.end()) return out;
    std::ranges::copy_if(at->second.said, std::back_inserter(out),
                         [](const Heard& heard) { return !is_grade(heard.said); });
    return out;
}

std::uint32_t Witness::unknown(OrderId order, std::uint64_t number) const {
    const auto& story = stories_.at(order);
    const auto at = std::ranges::find(story.numbers, number);
    return at == story.numbers.end()
               ? 0
               : story.people[std::size_t(at - story.numbers.begin())].unknown;
}

// --- what the channel says ---

void Witness::check(const Evidence& evidence) {
    const auto about = fmt::format("{} about {}", name(evidence.said), name(evidence.order));
    const auto at = stories_.find(evidence.order);
    if (at == stories_.end()) return complain(about + ", which was never handed over");
    if (evidence.source.empty()) complain(about + " from no source");
    if (evidence.reached > evidence.of) complain(about + " reached more than there are");
    if (evidence.at != Instant{} && evidence.at > now() + clock_slack)
        complain(about + " in the future");
    auto& story = at->second;
    if (!is_grade(evidence.said)) return story.last.reset();
    if (evidence.said > can_.highest) complain(about + " is above what this channel can prove");
    // A copy handed over again may overlap the one before it.
    if (story.carried == 1 && story.last && evidence.said < *story.last)
        complain(about + " after " + name(*story.last));
    story.last = evidence.said;
}

void Witness::report(Evidence evidence) {
    const Call call(*this, "report");
    check(evidence);
    stories_[evidence.order].said.push_back({evidence.said, std::move(evidence.source),
                                             std::move(evidence.code), std::move(evidence.text)});
}

void Witness::link(LinkState state, std::optional<Instant>) {
    const Call call(*this, "link");
    links.push_back(state);
}

void Witness::forgot() {
    const Call call(*this, "forgot");
    ++forgotten;
}

void Witness::budgets(std::vector<Budget> own) {
    const Call call(*this, "budgets");
    for (const auto& budget : own)
        if (std::ranges::find(can_.budgets, budget.form, &Budget::form) == can_.budgets.end())
            complain("a budget for a form that it does not declare");
    budgets_told = std::move(own);
}

void Witness::probed(Probed result) {
    const Call call(*this, "probed");
    probes.push_back(std::move(result));
}

void Witness::heard(std::string, std::string) { const Call call(*this, "heard"); }

void Witness::serve(std::string path, std::string type, std::string body) {
    const Call call(*this, "serve");
    if (!path.starts_with('/')) complain("serve of a path without a slash: " + path);
    stage_.served(path, type, body);
}

/// One half of the people reads the first language, the other the second.
Slice Witness::take(OrderId order, std::uint32_t at_most) {
    const Call call(*this, "take");
    const auto found = stories_.find(order);
    if (found == stories_.end()) {
        complain("take for " + name(order) + ", which was never handed over");
        return {};
    }
    auto& story = found->second;
    if (!granting || at_most == 0) return {};
    const auto half = std::uint32_t(story.people.size() / 2);
    const auto language = [&](std::uint32_t person) {
        return person < half ? std::string_view("zh-CN") : std::string_view("en-US");
    };
    if (!story.again.empty()) {
        const auto person = story.again.front();
        story.again.pop_front();
        ++story.people[person].taken;
        return {person, {&story.numbers[person], 1}, language(person)};
    }
    const auto first = story.cursor;
    const auto end = first < half ? half : std::uint32_t(story.people.size());
    const auto count = std::min(at_most, end - first);
    story.cursor += count;
    for (auto i = first; i < first + count; ++i) ++story.people[i].taken;
    return {first, {story.numbers.data() + first, count}, language(first)};
}

void Witness::answered(OrderId order, std::span<const Answer> answers) {
    const Call call(*this, "answered");
    const auto found = stories_.find(order);
    if (found == stories_.end())
        return complain("answers for " + name(order) + ", which was never handed over");
    for (const auto& answer : answers) {
        auto& people = found->second.people;
        if (answer.recipient >= people.size() || people[answer.recipient].taken == 0 ||
            answer.part < 1 || answer.part > answer.parts) {
            complain("an answer for somebody who was not given");
            continue;
        }
        auto& person = people[answer.recipient];
        person.parts.resize(std::max<std::size_t>(person.parts.size(), answer.parts));
        person.parts[answer.part - 1u].code = answer.code;
        if (answer.code != 0) {
            const bool again = answer.code & worth_another_try;
            found->second.said.push_back(
                {again ? Said::failed : Said::refused, "recipient", hex_code(answer.code), {}});
        }
        if (answer.id.length == 0) continue;
        const auto key = text(answer.id);
        ids_[key] = {order, answer.recipient, answer.part};
        const auto [from, to] = early_.equal_range(key);
        for (auto at = from; at != to; ++at) settle(ids_[key], at->second);
        early_.erase(from, to);
    }
}

void Witness::settle(const Where& where, const contract::Receipt& receipt) {
    auto& story = stories_[where.order];
    auto& part = story.people[where.recipient].parts[where.part - 1u];
    if (receipt.said == Said::delivered) part.delivered = true;
    if (!is_grade(receipt.said))
        story.said.push_back({receipt.said, "receipt", hex_code(receipt.code), {}});
}

Ticket Witness::settled(std::span<const contract::Receipt> receipts) {
    const Call call(*this, "settled");
    for (const auto& receipt : receipts) {
        if (receipt.said > can_.highest && is_grade(receipt.said))
            complain("a receipt above what this channel can prove");
        const auto at = ids_.find(text(receipt.id));
        if (at != ids_.end())
            settle(at->second, receipt);
        else
            early_.emplace(text(receipt.id), receipt);
    }
    return tickets = Ticket(std::uint64_t(tickets) + 1);
}

void Witness::unknown(OrderId order, std::span<const std::uint32_t> recipients) {
    const Call call(*this, "unknown");
    const auto found = stories_.find(order);
    if (found == stories_.end())
        return complain("unknown about " + name(order) + ", which was never handed over");
    for (const auto recipient : recipients) {
        auto& story = found->second;
        if (recipient >= story.people.size() || story.people[recipient].taken == 0) {
            complain("unknown about somebody who was not given");
            continue;
        }
        auto& person = story.people[recipient];
        ++person.unknown;
        story.said.push_back({Said::failed, "recipient", "unknown", {}});
        if (person.taken < tries_most) story.again.push_back(recipient);
    }
}

}  // namespace tocsin::conformance
