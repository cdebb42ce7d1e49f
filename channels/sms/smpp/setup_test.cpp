#include "channels/sms/smpp/setup.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

namespace tocsin::smpp {
namespace {

using namespace std::chrono_literals;

const std::string least = "host = \"smsc.example\"\nsystem_id = \"tocsin\"\n";

struct Read {
    std::vector<std::string> complaints;
    std::optional<Setup> setup;
};
Read read(const std::string& toml) {
    Complaints complaints;
    const auto settings = Settings::parse(toml, "t.toml", complaints);
    REQUIRE(settings.has_value());
    auto setup = read_setup(*settings);
    Read out{complaints.list(), {}};
    if (setup) out.setup = *setup;
    return out;
}

TEST_CASE("host and system_id are enough, and the rest has the defaults of the README") {
    const auto read_one = read(least);
    CHECK(read_one.complaints.empty());
    REQUIRE(read_one.setup);
    const auto& s = *read_one.setup;
    REQUIRE(s.links.size() == 1);
    CHECK(s.links[0].port == 2775);
    CHECK(s.links[0].window == 100);
    CHECK(s.parts_most == 4);
    CHECK(s.validity_most == 30min);
    CHECK(s.links[0].reading == Reading{true, IdForm::same, IdForm::same});
}

TEST_CASE(
    "a source of digits is a short code, a name is alphanumeric, a drill has its own if given") {
    const auto s = read(least + "source = \"12379\"\ntest_source = \"DRILL\"").setup->links[0].form;
    CHECK(s.source.ton == 0);
    CHECK(s.source.npi == 1);
    CHECK(s.test_source.digits == "DRILL");
    CHECK(s.test_source.ton == 5);
    CHECK(s.test_source.npi == 0);
    const auto same = read(least + "source = \"12379\"\nsource_ton = 3").setup->links[0].form;
    CHECK(same.test_source.digits == "12379");
    CHECK(same.test_source.ton == 3);
}

TEST_CASE("F4: each wrong setting is a complaint that names its key") {
    for (const auto& [toml, key] : std::vector<std::pair<std::string, std::string>>{
             {"window = 9", "window"},
             {"window = 4001", "window"},
             {"id_form = \"hexdec\"", "id_form"},
             {"long_form = \"udh\"", "long_form"},
             {"source = \"TWELVELETTER\"", "source"},
             {"password_file = \"/nonexistent/x\"", "password_file"},
             {"retry_statuses = [\"58\"]", "retry_statuses"},
             {"throttle_statuses = [\"0x0\"]", "throttle_statuses"},
             {"tlvs = [\"0x1400\"]", "tlvs"},
             {"validity_max = \"soon\"", "validity_max"},
             {"reconnect = \"2m\"", "reconnect_max"},
             {"password = \"secret\"", "password"},  // secrets only from files
             {"windwo = 10", "windwo"}}) {
        CAPTURE(toml);
        const auto out = read(least + toml);
        REQUIRE(out.complaints.size() == 1);
        CHECK(out.complaints[0].find(": " + key + ": ") != std::string::npos);
    }
    CHECK(read("port = 1").complaints.size() == 2);
    CHECK_FALSE(read("port = 1").setup);
}

TEST_CASE("links: each key from its own table, else from the endpoint's") {
    const auto out = read(least +
                          "window = 50\nsource = \"12379\"\nnetworks = [\"cbn\"]\npages = 2\n"
                          "[[link]]\nname = \"mobile\"\nhost = \"a.example\"\nwindow = 200\n"
                          "rate = 5000\nnetworks = [\"cmcc\"]\nprefixes = [\"139\"]\n"
                          "regions = [\"110105\"]\nflash_levels = [\"red\", \"orange\"]\n"
                          "[[link]]\nport = 2776\nmode = \"pair\"\nsource = \"BEIJING\"\n");
    CHECK(out.complaints.empty());
    REQUIRE(out.setup);
    const auto& links = out.setup->links;
    REQUIRE(links.size() == 2);
    CHECK(links[0].name == "mobile");
    CHECK(links[0].host == "a.example");
    CHECK(links[0].window == 200);
    CHECK(links[0].rate == 5000);
    CHECK(links[0].filter.networks == std::vector{sms::Network::cmcc});
    CHECK(links[0].filter.prefixes == std::vector<std::string>{"139"});
    CHECK(links[0].filter.regions == std::vector<std::string>{"110105"});
    CHECK(links[0].form.flash_levels == 0b11000);
    CHECK_FALSE(links[0].pair);
    CHECK(links[1].name == "link 2");
    CHECK(links[1].host == "smsc.example");
    CHECK(links[1].window == 50);
    CHECK(links[1].form.source.digits == "BEIJING");
    CHECK(links[1].filter.networks == std::vector{sms::Network::cbn});
    CHECK(links[1].pair);
    CHECK(links[0].account != links[1].account);
    CHECK(out.setup->parts_most == 3);
}

TEST_CASE("F4: a wrong setting of a link is told with its place") {
    for (const auto& [toml, key] : std::vector<std::pair<std::string, std::string>>{
             {"networks = [\"mobile\"]", "networks"},
             {"prefixes = [\"0139\"]", "prefixes"},
             {"regions = [\"Chaoyang\"]", "regions"},
             {"mode = \"receiver\"", "mode"},
             {"flash_levels = [\"purple\"]", "flash_levels"},
             {"long_form = \"payload\"", "long_form"},
             {"name = \"first\"", "name"},
             {"reply_alphabet = \"utf8\"", "reply_alphabet"},
             {"pages = 2", "pages"}}) {  // the endpoint's, not a link's
        CAPTURE(toml);
        const auto out = read(least + "[[link]]\nname = \"first\"\n[[link]]\n" + toml);
        REQUIRE(out.complaints.size() == 1);
        CHECK(out.complaints[0].find(key + ": ") != std::string::npos);
        CHECK(out.complaints[0].find("link[2]") != std::string::npos);
    }
}

TEST_CASE("the password is the first line of its file") {
    const auto file = "/tmp/tocsin-setup-test-" + std::to_string(getpid());
    std::ofstream(file) << "s3cret\r\nsecond line\n";
    const auto out = read(least + "password_file = \"" + file + "\"");
    unlink(file.c_str());
    CHECK(out.complaints.empty());
    CHECK(out.setup->links[0].bind.password == "s3cret");
}

TEST_CASE("TLVs and statuses that an operator demands are taken over") {
    const auto s =
        read(least + "tlvs = [\"0x1400=AB\"]\npermanent_statuses = [\"0x45\"]\n").setup->links[0];
    CHECK(s.form.tlvs == std::string("\x14\0\0\2AB", 6));
    CHECK(meaning_of(0x45, s.statuses) == Meaning::permanent);
    CHECK(meaning_of(0x45, {}) == Meaning::form_perhaps);  // retry, once the form was taken
    CHECK(meaning_of(0x0B, {}) == Meaning::permanent);
    CHECK(meaning_of(0x4AA, {}) == Meaning::retry);
    CHECK(meaning_of(0x500, {}) == Meaning::permanent);
}

}  // namespace
}  // namespace tocsin::smpp
