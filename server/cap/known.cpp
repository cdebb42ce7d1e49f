#include "server/cap/known.hpp"

#include <fmt/format.h>

namespace tocsin::cap {
namespace {

class Chain {
public:
    Chain(const Alert& alert, std::span<const Known> known, const Lines& lines)
        : alert_(alert), known_(known), lines_(lines) {}

    std::vector<Violation> run(std::string_view sha256) {
        itself(sha256);
        for (const auto& reference : alert_.references) earlier(reference);
        return std::move(found_);
    }

private:
    void add(Weight weight, const char* rule, long line, const char* element, std::string message) {
        found_.push_back({rule, weight, line, element, std::move(message)});
    }

    void itself(std::string_view sha256) {
        bool reused = false;
        for (const auto& other : known_) {
            if (other.alert.sender != alert_.sender || other.alert.identifier != alert_.identifier)
                continue;
            if (other.alert.sent.at != alert_.sent.at) {
                reused = true;
                continue;
            }
            if (!sha256.empty() && other.sha256 == sha256) continue;  // the same message again
            add(Weight::error, "duplicate", lines_.identifier, "alert/identifier",
                "A message with this sender, identifier and sent is known and says something else. "
                "Give this one a new identifier; to change the other, send an Update.");
        }
        if (reused)
            add(Weight::warning, "identifier-reused", lines_.identifier, "alert/identifier",
                "An earlier message has this identifier. Accepted, as sent differs; give each "
                "message its own.");
    }

    void earlier(const Reference& reference) {
        const auto name = triple(reference.sender, reference.identifier, reference.sent);
        const bool takes_over =
            alert_.msg_type == MsgType::update || alert_.msg_type == MsgType::cancel;
        if (takes_over && reference.sender != alert_.sender)
            return add(Weight::error, "references-foreign", lines_.references, "alert/references",
                       fmt::format("{} is of another sender. Only its sender may update or cancel "
                                   "it.",
                                   name));
        const Alert* exact = nullptr;
        const Alert* latest = nullptr;
        for (const auto& other : known_) {
            if (other.alert.sender != reference.sender ||
                other.alert.identifier != reference.identifier)
                continue;
            if (other.alert.sent.at == reference.sent.at) exact = &other.alert;
            if (!latest || other.alert.sent.at > latest->sent.at) latest = &other.alert;
        }
        if (!latest) {
            if (alert_.msg_type != MsgType::alert)
                add(Weight::warning, "references-unknown", lines_.references, "alert/references",
                    fmt::format("{} is not known here. The message stands for itself; check the "
                                "reference.",
                                name));
            return;
        }
        if (!exact)
            add(Weight::warning, "references-sent", lines_.references, "alert/references",
                fmt::format(
                    "{} was sent at {}. Matched by sender and identifier; correct the time.", name,
                    to_text(latest->sent)));
        order(exact ? *exact : *latest);
    }

    void order(const Alert& before) {
        if (alert_.msg_type == MsgType::alert || alert_.sent.at > before.sent.at) return;
        add(Weight::error, "references-order", lines_.sent, "alert/sent",
            fmt::format("It was sent at {}, not after the message that it is about ({}). Check the "
                        "clock.",
                        to_text(alert_.sent), to_text(before.sent)));
    }

    const Alert& alert_;
    std::span<const Known> known_;
    const Lines& lines_;
    std::vector<Violation> found_;
};

}  // namespace

std::vector<Violation> judge_known(const Alert& alert,
                                   std::span<const Known> known,
                                   const Lines& lines,
                                   std::string_view sha256) {
    return Chain(alert, known, lines).run(sha256);
}

}  // namespace tocsin::cap
