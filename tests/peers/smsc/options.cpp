#include "tests/peers/smsc/options.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

namespace tocsin::smsc {

const std::string_view help =
    R"(tocsin-smsc: an SMSC for tests, SMPP 3.4. Strict: a protocol violation makes the exit status 1.
  --port N (2775; 0 chooses)  --bind-addr A   prints "port N" when it listens
  --system-id S --password P                  any by default; else 0x0F, 0x0E
  --no-transceiver                            0x03 to bind_transceiver
  --latency DELAY                             of submit_sm_resp: 5ms, uniform:1-20ms, mix:80%10ms,20%1s
  --late-receipts DELAY                       of receipts, after the answer
  --lose-answers P --lose-receipts P --dup-receipts P --receipt-first P      shares, 0 to 1
  --unknown-receipts P                        so many more, of ids that were never given
  --replies P:WORDS,...                       that share of the phones answers so (ASCII)
  --errors CODE:P,...                         temporary ones (08 14 45 58 64 FF) strike a segment once
  --final STATE:N,...                         DELIVRD:92,UNDELIV:4,EXPIRED:3,REJECTD:1
  --throttle-every N --tps N                  0x58 to every Nth submit, or above N a second and bind
  --half-open-after N                         once, after N submits: the connection falls silent
  --drop-after N --drop-mode fin|rst|halfpdu --refuse MS     every N submits; then 0x05 for a while
  --window N                                  0x58 when more than N submits of a bind are unanswered
  --receipt-window N                          at most N unanswered receipts on a bind
  --id-form hexhex|hexdec|dechex|dec|uuid|zeros|const        in the answer, in the receipt
  --receipt-form tlv+text|text|tlv|odd  --first-id N  --seed N  --tick MS (1)
  --journal FILE [--text]                     one line a submit, see README.md
SIGUSR1 prints a JSON summary, SIGTERM and SIGINT print it and end.
)";

namespace {

template <class Number> std::optional<Number> number(std::string_view text, int base = 10) {
    Number value{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> real(std::string_view text) {
    double value{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> out;
    while (true) {
        const auto end = text.find(at);
        out.push_back(text.substr(0, end));
        if (end == text.npos) return out;
        text.remove_prefix(end + 1);
    }
}

std::optional<std::uint32_t> milliseconds(std::string_view text) {
    std::uint32_t unit = 1;
    if (text.ends_with("ms"))
        text.remove_suffix(2);
    else if (text.ends_with("s"))
        text.remove_suffix(1), unit = 1000;
    const auto value = number<std::uint32_t>(text);
    if (!value || *value > 60'000 / unit) return std::nullopt;
    return *value * unit;
}

bool delay(std::string_view text, Delay& out) {
    out.parts.clear();
    if (text.starts_with("const:")) text.remove_prefix(6);
    if (text.starts_with("uniform:")) {
        const auto bounds = split(text.substr(8), '-');
        if (bounds.size() != 2) return false;
        const auto least = milliseconds(bounds[0]), most = milliseconds(bounds[1]);
        if (!least || !most || *least > *most) return false;
        out.parts = {{1, *least, *most}};
        return true;
    }
    if (!text.starts_with("mix:")) {
        const auto value = milliseconds(text);
        if (!value) return false;
        if (*value > 0) out.parts = {{1, *value, *value}};
        return true;
    }
    double sum = 0;
    for (const auto part : split(text.substr(4), ',')) {
        const auto halves = split(part, '%');
        if (halves.size() != 2) return false;
        const auto share = real(halves[0]);
        const auto value = milliseconds(halves[1]);
        if (!share || !value) return false;
        out.parts.push_back({sum += *share / 100, *value, *value});
    }
    return sum > 0.999 && sum < 1.001;
}

bool share(std::string_view text, double& out) {
    const auto value = real(text);
    if (!value || *value < 0 || *value > 1) return false;
    out = *value;
    return true;
}

template <class Number> bool count(std::string_view text, Number& out) {
    const auto value = number<Number>(text);
    if (value) out = *value;
    return value.has_value();
}

bool errors(std::string_view text, std::vector<Chance>& out) {
    for (const auto item : split(text, ',')) {
        const auto halves = split(item, ':');
        if (halves.size() != 2) return false;
        const auto code =
            number<std::uint32_t>(halves[0].substr(halves[0].starts_with("0x") ? 2 : 0), 16);
        Chance chance{code.value_or(0), 0};
        if (!code || !share(halves[1], chance.share)) return false;
        out.push_back(chance);
    }
    return true;
}

bool replies(std::string_view text, std::vector<Said>& out) {
    for (const auto item : split(text, ',')) {
        const auto halves = split(item, ':');
        Said said{};
        if (halves.size() != 2 || halves[1].size() > 100 || !share(halves[0], said.share))
            return false;
        said.words = halves[1];
        out.push_back(std::move(said));
    }
    return true;
}

bool finals(std::string_view text, std::vector<Chance>& out) {
    double sum = 0;
    for (const auto item : split(text, ',')) {
        const auto halves = split(item, ':');
        const auto* state = std::ranges::find(states, halves[0], &State::name);
        const auto weight = halves.size() == 2 ? real(halves[1]) : std::nullopt;
        if (state == states.end() || !weight || *weight < 0) return false;
        sum += *weight;
        out.push_back({state->number, *weight});
    }
    for (auto& chance : out) chance.share /= sum;
    return sum > 0;
}

template <class Enum>
bool one_of(std::string_view text, Enum& out, const std::vector<std::string_view>& names) {
    const auto found = std::ranges::find(names, text);
    out = Enum(found - names.begin());
    return found != names.end();
}

}  // namespace

std::uint32_t Delay::at(double share, double within) const {
    for (const auto& part : parts)
        if (share < part.share || &part == &parts.back())
            return part.least + std::uint32_t(within * (part.most - part.least + 1));
    return 0;
}

std::optional<Options> parse_options(const std::vector<std::string>& arguments, std::string& why) {
    Options out;
    using Take = std::function<bool(std::string_view)>;
    struct Known {
        std::string_view name;
        Take take;
    };
    const auto text = [](std::string& to) { return Take([&to](auto v) { return to = v, true; }); };
    const auto whole = [](auto& to) { return Take([&to](auto v) { return count(v, to); }); };
    const auto part = [](double& to) { return Take([&to](auto v) { return share(v, to); }); };
    const Known known[] = {
        {"--port", whole(out.port)},
        {"--bind-addr", text(out.address)},
        {"--system-id", text(out.system_id)},
        {"--password", text(out.password)},
        {"--latency", [&](auto v) { return delay(v, out.latency); }},
        {"--late-receipts", [&](auto v) { return delay(v, out.late_receipts); }},
        {"--lose-answers", part(out.lose_answers)},
        {"--lose-receipts", part(out.lose_receipts)},
        {"--dup-receipts", part(out.dup_receipts)},
        {"--receipt-first", part(out.receipt_first)},
        {"--unknown-receipts", part(out.unknown_receipts)},
        {"--replies", [&](auto v) { return replies(v, out.replies); }},
        {"--errors", [&](auto v) { return errors(v, out.errors); }},
        {"--final", [&](auto v) { return finals(v, out.finals); }},
        {"--throttle-every", whole(out.throttle_every)},
        {"--tps", whole(out.tps)},
        {"--half-open-after", whole(out.half_open_after)},
        {"--drop-after", whole(out.drop_after)},
        {"--drop-mode",
         [&](auto v) {
             return one_of(v, out.drop, {"fin", "rst", "halfpdu"});
         }},
        {"--refuse", whole(out.refuse_ms)},
        {"--window", whole(out.window)},
        {"--receipt-window", whole(out.receipt_window)},
        {"--id-form",
         [&](auto v) {
             return one_of(v, out.id_form,
                           {"hexhex", "hexdec", "dechex", "dec", "uuid", "zeros", "const"});
         }},
        {"--receipt-form",
         [&](auto v) {
             return one_of(v, out.receipt_form, {"tlv+text", "text", "tlv", "odd"});
         }},
        {"--first-id", whole(out.first_id)},
        {"--seed", whole(out.seed)},
        {"--journal", text(out.journal)},
        {"--tick", whole(out.tick_ms)},
    };
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& name = arguments[i];
        if (name == "--no-transceiver") {
            out.no_transceiver = true;
        } else if (name == "--text") {
            out.text = true;
        } else {
            const auto* found = std::ranges::find(known, name, &Known::name);
            if (found == std::end(known)) return why = "no option " + name, std::nullopt;
            if (++i == arguments.size() || !found->take(arguments[i]))
                return why = "a wrong or missing value for " + name, std::nullopt;
        }
    }
    if (out.finals.empty()) out.finals = {{2, 1}};
    if (out.tick_ms < 1 || out.tick_ms > 1000) return why = "--tick is 1 to 1000", std::nullopt;
    return out;
}

}  // namespace tocsin::smsc
