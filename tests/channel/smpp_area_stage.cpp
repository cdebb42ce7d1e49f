#include "tests/channel/stage.hpp"
#include "tests/peers/process.hpp"

#include <arpa/inet.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

namespace tocsin::conformance {
namespace {

namespace json = boost::json;
using contract::Said;

constexpr std::string_view live_source = "12379", drill_source = "12370";
constexpr std::int64_t live_content = 0x01, drill_content = 0x71;
constexpr std::int64_t slots_of_a_chain = 8;

/// The line on which tests/peers/area_smsc is asked and told.
class Control {
public:
    explicit Control(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    ~Control() { ::close(socket_); }
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    json::value ask(const std::string& line) {
        const auto asked = line + "\n";
        if (::send(socket_, asked.data(), asked.size(), MSG_NOSIGNAL) < 0) return nullptr;
        while (pending_.find('\n') == pending_.npos) {
            char room[65536];
            const auto count = ::recv(socket_, room, sizeof room, 0);
            if (count <= 0) return nullptr;
            pending_.append(room, std::size_t(count));
        }
        const auto end = pending_.find('\n');
        auto out = json::parse(pending_.substr(0, end));
        pending_.erase(0, end + 1);
        return out;
    }

private:
    int socket_;
    std::string pending_;
};

std::string_view word(Manner manner) {
    constexpr std::string_view words[] = {"well", "refuses",  "busy", "hangs",
                                          "mute", "vanishes", "lies"};
    return words[std::size_t(manner)];
}

/// A message centre that broadcasts to areas, strict about every PDU, as a child of the stage.
class AreaStage final : public Stage {
public:
    ~AreaStage() override {
        control_.reset();
        if (center_) center_->end();
    }
    std::vector<Unplayed> unplayed() const override {
        return {{Row::facts, "an area message carries words; severity and the like stand in them"},
                {Row::repeats, "a copy bears its original's reference and takes its place there"}};
    }
    std::string settings() const override {
        const bool silent = manner_ == Manner::hangs || manner_ == Manner::mute;
        return fmt::format(
            "host = \"127.0.0.1\"\nport = {}\nsystem_id = \"tocsin\"\nsource = \"{}\"\n"
            "test_source = \"{}\"\nquery_first = \"10ms\"\nquery = \"100ms\"\n"
            "reconnect = \"20ms\"\nreconnect_max = \"100ms\"\nbind_timeout = \"{}\"\n"
            "response_timeout = \"{}\"\n",
            port_, live_source, drill_source, silent ? "300ms" : "5s", silent ? "300ms" : "5s");
    }
    void play(Manner manner) override {
        manner_ = manner;
        if (!center_) start();
        control_->ask(fmt::format("play {}", word(manner)));
    }
    void leave() override {
        if (control_) control_->ask("leave");
    }

    std::vector<Got> got() override {
        std::vector<Got> out;
        for (const auto& one : told("got")) {
            Got got{text(one, "areas"), text(one, "words"), number(one, "reference"),
                    Instant(std::chrono::milliseconds(
                        std::int64_t(one.at("t").to_number<double>() * 1000))),
                    one.at("taken").as_bool()};
            check_identity(one, got.words);
            out.push_back(std::move(got));
        }
        return out;
    }
    /// An alert's languages are broadcasts of their own: one text for people. Words that say that it is
    /// over are not in force.
    std::vector<std::string> shown() override {
        std::map<std::int64_t, std::string> out;
        for (const auto& one : told("shown"))
            if (!lifts(text(one, "words")))
                out[one.at("reference").to_number<std::int64_t>() / slots_of_a_chain] +=
                    text(one, "words") + "\n";
        std::vector<std::string> texts;
        for (auto& [_, words] : out) texts.push_back(std::move(words));
        return texts;
    }
    Said most(Manner manner) const override {
        return manner == Manner::lies || manner == Manner::vanishes ? Said::accepted : Said::handed;
    }
    std::string own_words(Manner manner) const override {
        return manner == Manner::refuses ? "0x00000109" : "";
    }
    std::vector<std::string> wrong() override {
        got();
        if (!control_) return std::exchange(wrong_, {});
        const auto summary = control_->ask("summary");
        for (const auto& what : summary.at("violations").as_array())
            wrong_.push_back(json::value_to<std::string>(what));
        return std::exchange(wrong_, {});
    }

private:
    void start() {
        center_ = std::make_unique<peers::Process>(
            std::vector<std::string>{"python3", "-B", "tests/peers/area_smsc/area_smsc.py"});
        port_ = center_->port();
        const auto said = center_->line();  // "control N"
        std::uint16_t port = 0;
        if (said.size() > 8) std::from_chars(said.data() + 8, said.data() + said.size(), port);
        if (port == 0) wrong_.push_back("the message centre does not listen");
        control_ = std::make_unique<Control>(port);
    }
    json::array told(const std::string& what) {
        if (!control_) return {};
        const auto out = control_->ask(what);
        return out.is_array() ? out.as_array() : json::array();
    }
    static bool lifts(const std::string& words) {
        return words.find("解除") != words.npos || words.find("lifted") != words.npos;
    }
    static std::string text(const json::value& from, const char* key) {
        const auto& value = from.at(key);
        return value.is_string() ? json::value_to<std::string>(value) : json::serialize(value);
    }
    static std::string number(const json::value& from, const char* key) {
        return json::serialize(from.at(key));
    }
    /// A drill goes out under a source and a content type of its own.
    void check_identity(const json::value& one, const std::string& words) {
        const bool drill = words.starts_with("演练") || words.starts_with("EXERCISE");
        if (text(one, "source") != (drill ? drill_source : live_source) ||
            one.at("content").as_int64() != (drill ? drill_content : live_content))
            wrong_.push_back(fmt::format("'{}' as {}", words, json::serialize(one)));
    }

    Manner manner_ = Manner::well;
    std::unique_ptr<peers::Process> center_;
    std::unique_ptr<Control> control_;
    std::uint16_t port_ = 0;
    std::vector<std::string> wrong_;
};

const Stands here{"smpp_area", [] { return std::unique_ptr<Stage>(new AreaStage); }};

}  // namespace
}  // namespace tocsin::conformance
