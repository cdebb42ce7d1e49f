#include "channels/sms/cmpp/bench_for_tests.hpp"
#include "channels/sms/cmpp/receipt.hpp"

#include <filesystem>
#include <fstream>

namespace tocsin::cmpp {
namespace {

TEST_CASE("defaults are the standard's, and the sender pays") {
    const auto setup = setup_of(plain);
    REQUIRE(setup.links.size() == 1);
    const auto& link = setup.links[0];
    CHECK(link.port == 7890);
    CHECK(link.layout == Layout::v3);
    CHECK(link.proof_required);
    CHECK(link.lane.window == 16);
    CHECK(link.lane.response_within == 60s);
    CHECK(link.times.enquiries_missed_most == 3);
    CHECK(link.sender.test_source == "12370");
    CHECK(link.sender.test_service_id == "WARN");
    CHECK(setup.fee_user_type == 2);
    CHECK(setup.fee_type == "01");
    CHECK(setup.absolute_validity);
    CHECK(setup.per_page == 70);
    CHECK(setup.parts_most == 4);
}

TEST_CASE("every mistake in the settings is named, all at once") {
    struct Row {
        std::string_view toml, complaint;
    };
    const Row rows[] = {
        {"source_addr = \"106900\"", "host"},
        {"host = \"h\"\nsource_addr = \"10690\"", "source_addr"},
        {"host = \"h\"", "source_addr"},
        {"host = \"h\"\nsource_addr = \"106900\"\nsource = \"Tocsin\"", "source"},
        {"host = \"h\"\nsource_addr = \"106900\"\nservice_id = \"ELEVENCHARS\"", "service_id"},
        {"host = \"h\"\nsource_addr = \"106900\"\nversion = \"2.1\"", "version"},
        {"host = \"h\"\nsource_addr = \"106900\"\nwindow = 3", "window"},
        {"host = \"h\"\nsource_addr = \"106900\"\nfee_user_type = 3", "fee_terminal"},
        {"host = \"h\"\nsource_addr = \"106900\"\nfee_terminal = \"86138\"", "fee_terminal"},
        {"host = \"h\"\nsource_addr = \"106900\"\nfee_code = \"free\"", "fee_code"},
        {"host = \"h\"\nsource_addr = \"106900\"\nretry_results = [\"0x9\"]", "retry_results"},
        {"host = \"h\"\nsource_addr = \"106900\"\nsecret_file = \"/nowhere/at/all\"",
         "secret_file"},
        {"host = \"h\"\nsource_addr = \"106900\"\nflash_levels = [\"pink\"]", "flash_levels"},
        {"host = \"h\"\nsource_addr = \"106900\"\nnetworks = [\"att\"]", "networks"},
        {"host = \"h\"\nsource_addr = \"106900\"\nreconnect_max = \"1ms\"", "reconnect_max"},
        {"host = \"h\"\nsource_addr = \"106900\"\nwindows = 16", "windows"},
        {"host = \"h\"\nsource_addr = \"106900\"\n[[link]]\nname = \"a\"\n[[link]]\nname = \"a\"",
         "name"},
        {"host = \"h\"\nsource_addr = \"106900\"\n[[link]]\nwindov = 16", "windov"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.toml);
        std::vector<std::string> complaints;
        setup_of(row.toml, &complaints);
        REQUIRE(complaints.size() == 1);
        CHECK(complaints[0].find(row.complaint) != std::string::npos);
    }
}

TEST_CASE("links take from the endpoint what they don't say themselves") {
    const auto setup = setup_of(
        "source_addr = \"106900\"\nsource = \"12379\"\nwindow = 32\n"
        "[[link]]\nname = \"east\"\nhost = \"10.0.0.1\"\nnetworks = [\"cmcc\"]\n"
        "[[link]]\nhost = \"10.0.0.2\"\nport = 7900\nwindow = 64\nrate = 500\n"
        "[[link]]\nhost = \"10.0.0.1\"\nversion = \"2.0\"\n");
    REQUIRE(setup.links.size() == 3);
    CHECK(setup.links[0].lane.name == "east");
    CHECK(setup.links[0].lane.window == 32);
    CHECK(setup.links[0].lane.filter.networks.size() == 1);
    CHECK(setup.links[1].lane.name == "link 2");
    CHECK(setup.links[1].lane.window == 64);
    CHECK(setup.links[1].lane.rate == 500);
    CHECK(setup.links[1].sender == setup.links[0].sender);
    // One account at one gateway; equal forms are encoded once.
    CHECK(setup.links[0].account == setup.links[2].account);
    CHECK(setup.links[0].account != setup.links[1].account);
    CHECK(setup.links[0].tag == "");
    CHECK(setup.links[2].tag == "");
    CHECK(setup.links[1].tag == tag_of("10.0.0.2:7900/106900"));
    CHECK(setup.forms.size() == 2);
    CHECK(setup.links[0].lane.forms == setup.links[1].lane.forms);
    CHECK(setup.links[0].lane.forms != setup.links[2].lane.forms);
}

TEST_CASE("gateways of one cluster are one account by its name") {
    const auto setup = setup_of(
        "source_addr = \"106900\"\naccount = \"city\"\n"
        "[[link]]\nhost = \"10.0.0.1\"\n[[link]]\nhost = \"10.0.0.2\"\n");
    CHECK(setup.links[1].account == 0);
    CHECK(setup.links[1].tag == "");
}

TEST_CASE("the secret is the file's first line, and no key of the settings") {
    const auto path = std::filesystem::temp_directory_path() / "tocsin-cmpp-secret";
    std::ofstream(path) << "hush \r\nmore\n";
    Complaints complaints;
    const auto toml = fmt::format("{}secret_file = \"{}\"\n", plain, path.string());
    const auto setup = read_setup(*Settings::parse(toml, "t.toml", complaints));
    std::filesystem::remove(path);
    REQUIRE(setup.has_value());
    CHECK(setup->links[0].secret == "hush");
    CHECK(complaints.list().empty());
}

TEST_CASE("ValId_Time: absolute by China's clock over midnight and new year, or relative") {
    const auto at = [](std::string_view how, std::string_view now, std::chrono::seconds left) {
        const Cmpp protocol(setup_of(std::string(plain) + std::string(how)));
        const auto text = protocol.validity(left, *parse_rfc3339(now));
        return std::string(text.data(), text.size());
    };
    CHECK(at("", "2026-07-21T18:30:05+08:00", 20min) == "260721185005032+");
    CHECK(at("", "2026-12-31T15:59:59Z", 1s) == "270101000000032+");
    CHECK(at("", "2028-02-28T23:50:00+08:00", 20min) == "280229001000032+");
    // Never in the past when it arrives, however little is left.
    CHECK(at("", "2026-07-21T18:30:05.400+08:00", 0s) == "260721183007032+");
    CHECK(at("valid_time = \"relative\"", "2026-07-21T18:30:05Z", 20min) == "000000002000000R");
}

}  // namespace
}  // namespace tocsin::cmpp
