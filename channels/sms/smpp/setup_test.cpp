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
    CHECK(s.port == 2775);
    CHECK(s.window == 100);
    CHECK(s.parts_most == 4);
    CHECK(s.validity_most == 30min);
    CHECK(s.reading == Reading{true, IdForm::same, IdForm::same});
}

TEST_CASE(
    "a source of digits is a short code, a name is alphanumeric, a drill has its own if given") {
    const auto s = *read(least + "source = \"12379\"\ntest_source = \"DRILL\"").setup;
    CHECK(s.source.ton == 0);
    CHECK(s.source.npi == 1);
    CHECK(s.test_source.digits == "DRILL");
    CHECK(s.test_source.ton == 5);
    CHECK(s.test_source.npi == 0);
    const auto same = *read(least + "source = \"12379\"\nsource_ton = 3").setup;
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

TEST_CASE("the password is the first line of its file") {
    const auto file = "/tmp/tocsin-setup-test-" + std::to_string(getpid());
    std::ofstream(file) << "s3cret\r\nsecond line\n";
    const auto out = read(least + "password_file = \"" + file + "\"");
    unlink(file.c_str());
    CHECK(out.complaints.empty());
    CHECK(out.setup->bind.password == "s3cret");
}

TEST_CASE("TLVs and statuses that an operator demands are taken over") {
    const auto s = *read(least + "tlvs = [\"0x1400=AB\"]\npermanent_statuses = [\"0x45\"]\n").setup;
    CHECK(s.tlvs == std::string("\x14\0\0\2AB", 6));
    CHECK(meaning_of(0x45, s.statuses) == Meaning::permanent);
    CHECK(meaning_of(0x45, {}) == Meaning::retry);
    CHECK(meaning_of(0x0B, {}) == Meaning::permanent);
    CHECK(meaning_of(0x4AA, {}) == Meaning::retry);
    CHECK(meaning_of(0x500, {}) == Meaning::permanent);
}

}  // namespace
}  // namespace tocsin::smpp
