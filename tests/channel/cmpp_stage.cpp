#include "tests/channel/site.hpp"
#include "tests/channel/stage.hpp"
#include "tests/peers/process.hpp"

#include <boost/json.hpp>

#include <fstream>
#include <map>

namespace tocsin::conformance {
namespace {

using contract::Said;
namespace json = boost::json;

constexpr std::string_view live_source = "10690012379", drill_source = "10690012370";

/// tests/peers/ismg/README.md
std::vector<std::string> options_for(Manner manner) {
    switch (manner) {
        case Manner::refuses: return {"--errors", "13:1"};
        case Manner::busy: return {"--errors", "99:1"};  // a number of its own
        case Manner::hangs: return {"--latency", "60s"};
        case Manner::vanishes:
            return {"--cut-every", "0.12s", "--cut-mode", "half", "--latency", "60ms"};
        case Manner::lies: return {"--final", "ACCEPTD:1"};
        case Manner::well:
        case Manner::mute: break;
    }
    return {};
}

std::string text_of(const json::value& value) {
    return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

/// A gateway of China Mobile of our own, strict about every PDU (tests/peers/ismg), as a child.
class CmppStage final : public Stage {
public:
    CmppStage() { std::ofstream(folder_.path / "secret") << "secret\n"; }
    ~CmppStage() override { leave(); }
    std::vector<Unplayed> unplayed() const override {
        return {{Row::facts, "a text message carries words; severity and the like stand in them"},
                {Row::shows, "a text that was read stays read"}};
    }
    std::string settings() const override {
        const bool silent = manner_ == Manner::hangs || manner_ == Manner::mute;
        return fmt::format(
            "host = \"127.0.0.1\"\nport = {}\nsource_addr = \"901234\"\nsecret_file = \"{}\"\n"
            "source = \"{}\"\ntest_source = \"{}\"\nservice_id = \"WARN\"\nrate = {}\n"
            "reconnect = \"20ms\"\nreconnect_max = \"100ms\"\nbind_timeout = \"{}\"\n"
            "response_timeout = \"{}\"\n",
            door_.port(), (folder_.path / "secret").string(), live_source, drill_source,
            manner_ == Manner::vanishes ? 60 : 250, silent ? "300ms" : "5s",
            silent ? "300ms" : "5s");
    }
    void play(Manner manner) override {
        leave();
        manner_ = manner;
        if (manner == Manner::mute) return door_.play(manner);
        books_.push_back(folder_.path / fmt::format("book-{}", books_.size()));
        std::vector<std::string> command{"python3",
                                         "-B",
                                         "tests/peers/ismg/ismg.py",
                                         "--port",
                                         std::to_string(door_.port()),
                                         "--source",
                                         "1069",
                                         "--service",
                                         "WARN",
                                         "--skew",
                                         "60",
                                         "--log-submits",
                                         "--book",
                                         books_.back().string()};
        for (auto& option : options_for(manner)) command.push_back(std::move(option));
        gateway_ = std::make_unique<peers::Process>(command);
        if (gateway_->port() != door_.port()) wrong_.push_back("the gateway does not listen");
    }
    void leave() override {
        door_.leave();
        if (!gateway_) return;
        const auto said = gateway_->end();
        if (gateway_->status() != 0)
            wrong_.push_back(fmt::format("the gateway saw violations: {}\n{}", said, violations()));
        gateway_.reset();
    }
    /// It cuts each connection and takes us back at once; its reports live in its memory.
    void recover() override {}

    std::vector<Got> got() override {
        std::vector<Got> out;
        for (const auto& book : books_) read(book, out);
        return out;
    }
    Said most(Manner manner) const override {
        return manner == Manner::lies || manner == Manner::vanishes ? Said::accepted : Said::handed;
    }
    std::string own_words(Manner manner) const override {
        return manner == Manner::refuses ? "0x0D" : "";
    }
    std::vector<std::string> wrong() override {
        got();
        return wrong_;
    }

private:
    void read(const std::filesystem::path& book, std::vector<Got>& out) {
        std::ifstream in(book);
        std::map<std::string, std::map<std::int64_t, std::string>> open;
        for (std::string line; std::getline(in, line);) {
            boost::system::error_code error;
            const auto entry = json::parse(line, error);
            if (error || entry.at("event") != "submit") continue;
            const auto to = text_of(entry.at("to").at(0));
            const auto reference = text_of(entry.at("reference"));
            auto& parts = open[to + "/" + reference];
            parts[entry.at("part").as_int64()] = text_of(entry.at("words"));
            if (std::int64_t(parts.size()) < entry.at("parts").as_int64()) continue;
            const auto ms = std::int64_t(entry.at("t").to_number<double>() * 1000);
            Got got{
                to, {}, reference, Instant(std::chrono::milliseconds(ms)), entry.at("result") == 0};
            for (const auto& [_, words] : parts) got.words += words;
            open.erase(to + "/" + reference);
            check_source(got, text_of(entry.at("source")));
            out.push_back(std::move(got));
        }
    }
    /// A drill goes out under a number of its own.
    void check_source(const Got& got, std::string_view source) {
        const bool drill = got.words.starts_with("演练") || got.words.starts_with("EXERCISE");
        if (source != (drill ? drill_source : live_source))
            wrong_.push_back(fmt::format("'{}' under {}", got.words, source));
    }
    std::string violations() const {
        std::ifstream in(books_.back());
        std::string out;
        for (std::string line; std::getline(in, line) && out.size() < 2000;)
            if (line.find("\"violation\"") != line.npos) out += line + "\n";
        return out;
    }

    Folder folder_;
    Manner manner_ = Manner::well;
    Site door_;  // keeps the port's number; plays the mute one
    std::unique_ptr<peers::Process> gateway_;
    std::vector<std::filesystem::path> books_;
    std::vector<std::string> wrong_;
};

const Stands here{"cmpp", [] { return std::unique_ptr<Stage>(new CmppStage); }};

}  // namespace
}  // namespace tocsin::conformance
