#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the simulator is told on its command line; --help lists it.
namespace tocsin::smsc {

/// Milliseconds drawn by a share in [0, 1): "5ms", "uniform:1-20ms", "mix:80%10ms,15%100ms,5%1s".
struct Delay {
    struct Part {
        double share;  // cumulated
        std::uint32_t least, most;
    };
    std::vector<Part> parts;
    std::uint32_t at(double share, double within) const;
    bool none() const { return parts.empty(); }
};

struct Chance {
    std::uint32_t value;
    double share;
};

struct Said {
    double share;
    std::string words;
};

enum class IdForm : std::uint8_t { hexhex, hexdec, dechex, dec, uuid, zeros, constant };
enum class ReceiptForm : std::uint8_t { tlv_and_text, text, tlv, odd };
enum class Drop : std::uint8_t { fin, rst, halfpdu };

struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 2775;
    std::string system_id, password;  // empty: any
    bool no_transceiver = false;

    Delay latency, late_receipts;
    double lose_answers = 0, lose_receipts = 0, dup_receipts = 0, receipt_first = 0;
    double unknown_receipts = 0;  // of an id that was never given, beside the real one
    std::vector<Said> replies;    // what phones answer
    std::vector<Chance> errors;   // status, share
    std::vector<Chance> finals;   // message_state, share
    std::uint32_t throttle_every = 0, tps = 0;
    std::uint32_t half_open_after = 0, drop_after = 0;
    std::uint32_t refuse_ms = 0;  // after a drop binds get 0x05 for so long
    Drop drop = Drop::rst;
    std::uint32_t window = 0;          // submits unanswered on a bind; more: 0x58
    std::uint32_t receipt_window = 0;  // receipts unanswered on a bind; 0: unlimited
    IdForm id_form = IdForm::hexhex;
    ReceiptForm receipt_form = ReceiptForm::tlv_and_text;
    std::uint64_t first_id = 0x10000001, seed = 1;
    std::string journal;
    bool text = false;  // the journal has the words, not their hash
    std::uint32_t tick_ms = 1;
};

extern const std::string_view help;

/// Nothing, and `why`, if an option is wrong.
std::optional<Options> parse_options(const std::vector<std::string>& arguments, std::string& why);

struct State {
    std::string_view name;
    std::uint8_t number;
};
inline constexpr std::array<State, 8> states = {{{"ENROUTE", 1},
                                                 {"DELIVRD", 2},
                                                 {"EXPIRED", 3},
                                                 {"DELETED", 4},
                                                 {"UNDELIV", 5},
                                                 {"ACCEPTD", 6},
                                                 {"UNKNOWN", 7},
                                                 {"REJECTD", 8}}};

}  // namespace tocsin::smsc
