#include "tests/channel/site.hpp"
#include "tests/channel/stage.hpp"
#include "tests/peers/process.hpp"

#include <signal.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tocsin::conformance {
namespace {

using contract::Said;

constexpr std::string_view live_source = "12379", drill_source = "12370";

std::vector<std::string> options_for(Manner manner) {
    switch (manner) {
        case Manner::refuses: return {"--errors", "0B:1"};
        case Manner::busy: return {"--errors", "45:1"};
        case Manner::hangs: return {"--latency", "60s"};
        case Manner::vanishes: return {"--drop-after", "5", "--drop-mode", "halfpdu"};
        case Manner::lies: return {"--final", "ENROUTE:1"};
        case Manner::well:
        case Manner::mute: break;
    }
    return {};
}

/// Named by ctest; by hand it is looked for beside this program.
std::string message_centre() {
    if (const char* named = std::getenv("TOCSIN_SMSC")) return named;
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tocsin-smsc";
}

std::uint32_t nibble(char c) { return std::uint32_t(c <= '9' ? c - '0' : c - 'a' + 10); }

std::string octets(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += char(nibble(hex[i]) << 4 | nibble(hex[i + 1]));
    return out;
}

/// The basic plane is all that the test's texts use; anything else would not compare equal.
std::string utf8_of_ucs2(std::string_view words) {
    std::string out;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
        const auto unit = std::uint32_t(std::uint8_t(words[i]) << 8 | std::uint8_t(words[i + 1]));
        if (unit < 0x80) {
            out += char(unit);
        } else if (unit < 0x800) {
            out += {char(0xC0 | unit >> 6), char(0x80 | (unit & 0x3F))};
        } else {
            out += {char(0xE0 | unit >> 12), char(0x80 | (unit >> 6 & 0x3F)),
                    char(0x80 | (unit & 0x3F))};
        }
    }
    return out;
}

/// One line of the message centre's journal (tests/peers/smsc/README.md).
struct Submit {
    std::int64_t at_ms;
    std::string bind, source, destination, reference, part_of, status, id, final, coded;
    std::size_t part, parts;
    std::string words() const {
        const auto bytes = octets(std::string_view(coded).substr(coded.find(':') + 1));
        return coded.starts_with("8:") ? utf8_of_ucs2(bytes) : bytes;  // GSM: ASCII is itself
    }
};

std::optional<Submit> read_line(const std::string& line) {
    std::istringstream in(line);
    Submit out{};
    if (!(in >> out.at_ms >> out.bind >> out.source >> out.destination >> out.reference >>
          out.part_of >> out.status >> out.id >> out.final >> out.coded))
        return std::nullopt;
    const auto slash = out.part_of.find('/');
    out.part = std::stoul(out.part_of.substr(0, slash));
    out.parts = std::stoul(out.part_of.substr(slash + 1));
    return out;
}

/// A child started meanwhile holds these signals back until it is ready to take them.
class Held {
public:
    Held() {
        sigset_t set;
        sigemptyset(&set);
        for (const int signal : {SIGUSR1, SIGTERM}) sigaddset(&set, signal);
        pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    ~Held() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    sigset_t before_;
};

/// A message centre of our own, strict about every PDU (tests/peers/smsc), as a child.
class SmppStage final : public Stage {
public:
    ~SmppStage() override { leave(); }
    std::vector<Unplayed> unplayed() const override {
        return {{Row::facts, "a text message carries words; severity and the like stand in them"},
                {Row::shows, "a text that was read stays read"}};
    }
    std::string settings() const override {
        const bool silent = manner_ == Manner::hangs || manner_ == Manner::mute;
        return fmt::format(
            "host = \"127.0.0.1\"\nport = {}\nsystem_id = \"tocsin\"\nsource = \"{}\"\n"
            "test_source = \"{}\"\nrate = 250\nwindow = 20\nreconnect = \"20ms\"\n"
            "reconnect_max = \"100ms\"\nbind_timeout = \"{}\"\nresponse_timeout = \"{}\"\n"
            "[[link]]\nname = \"one\"\n[[link]]\nname = \"pair\"\nmode = \"pair\"\n",
            door_.port(), live_source, drill_source, silent ? "300ms" : "5s",
            silent ? "300ms" : "5s");
    }
    void play(Manner manner) override {
        leave();
        manner_ = manner;
        if (manner == Manner::mute) return door_.play(manner);
        journals_.push_back(folder_.path / fmt::format("journal-{}", journals_.size()));
        std::vector<std::string> command{
            message_centre(),          "--port", std::to_string(door_.port()), "--journal",
            journals_.back().string(), "--text"};
        for (auto& option : options_for(manner)) command.push_back(std::move(option));
        const Held held;
        center_ = std::make_unique<peers::Process>(command);
        if (center_->port() != door_.port()) wrong_.push_back("the message centre does not listen");
    }
    void leave() override {
        door_.leave();
        if (!center_) return;
        const auto said = center_->end();
        if (center_->status() != 0)
            wrong_.push_back(fmt::format("the message centre saw violations: {}", said));
        center_.reset();
    }
    /// It breaks off every fifth submit and takes us back at once; its receipts live in its memory.
    void recover() override {}

    std::vector<Got> got() override {
        if (center_) center_->signal(SIGUSR1), center_->line();  // writes the journal out
        std::vector<Got> out;
        for (const auto& journal : journals_) read(journal, out);
        return out;
    }
    Said most(Manner manner) const override {
        return manner == Manner::lies || manner == Manner::vanishes ? Said::accepted : Said::handed;
    }
    std::string own_words(Manner manner) const override {
        return manner == Manner::refuses ? "0x0B" : "";
    }
    std::vector<std::string> wrong() override {
        got();
        return wrong_;
    }

private:
    void read(const std::filesystem::path& journal, std::vector<Got>& out) {
        std::ifstream in(journal);
        std::map<std::string, std::map<std::size_t, std::string>> open;
        for (std::string line; std::getline(in, line);) {
            const auto submit = read_line(line);
            if (!submit) continue;
            auto& parts = open[submit->destination + "/" + submit->reference];
            parts[submit->part] = submit->words();
            if (parts.size() < submit->parts) continue;
            Got got{submit->destination,
                    {},
                    submit->reference,
                    Instant(std::chrono::milliseconds(submit->at_ms)),
                    submit->status == "00"};
            for (const auto& [_, words] : parts) got.words += words;
            open.erase(submit->destination + "/" + submit->reference);
            check_source(got, submit->source);
            out.push_back(std::move(got));
        }
    }
    /// A drill goes out under an address of its own.
    void check_source(const Got& got, std::string_view source) {
        const bool drill = got.words.starts_with("演练") || got.words.starts_with("EXERCISE");
        if (source != (drill ? drill_source : live_source))
            wrong_.push_back(fmt::format("'{}' under {}", got.words, source));
    }

    Folder folder_;
    Manner manner_ = Manner::well;
    Site door_;  // keeps the port's number; plays the mute one
    std::unique_ptr<peers::Process> center_;
    std::vector<std::filesystem::path> journals_;
    std::vector<std::string> wrong_;
};

const Stands here{"smpp", [] { return std::unique_ptr<Stage>(new SmppStage); }};

}  // namespace
}  // namespace tocsin::conformance
