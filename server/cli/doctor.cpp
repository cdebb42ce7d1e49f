#include "server/base/settings.hpp"
#include "server/base/time.hpp"
#include "server/cli/answers.hpp"
#include "server/cli/screen.hpp"

#include <boost/json.hpp>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/statvfs.h>

#include <fstream>
#include <iostream>

namespace tocsin::cli {
namespace {

namespace json = boost::json;

struct Finding {
    std::string what;
    bool well;
    std::string detail;
};

Finding configuration(const std::filesystem::path& folder) {
    Complaints complaints;
    const auto settings = Settings::read(folder / "tocsin.toml", complaints);
    return {"configuration", settings.has_value(),
            settings ? "readable; tocsind --check looks deeper" : settings.error().what};
}

Finding certificate(const std::filesystem::path& folder) {
    const auto bytes = read_file(folder / "tls" / "server.crt");
    if (!bytes) return {"certificate", false, bytes.error().what};
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(
        BIO_new_mem_buf(bytes->data(), int(bytes->size())), BIO_free);
    const std::unique_ptr<X509, void (*)(X509*)> read(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    int days = 0, seconds = 0;
    if (!read || ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(read.get())) != 1)
        return {"certificate", false, "tls/server.crt is no certificate"};
    return {"certificate", days >= 30, fmt::format("{} days left", days)};
}

Finding disk(const std::filesystem::path& folder) {
    struct statvfs room {};
    if (::statvfs((folder / "data").c_str(), &room) != 0) return {"disk", false, "no data folder"};
    const auto free = std::uint64_t(room.f_bavail) * room.f_frsize / 1048576;
    return {"disk", free > 1024, fmt::format("{} MiB free", grouped(free))};
}

std::vector<Finding> server(const Context& context) {
    const auto client = client_for(context, "agency");
    if (!client) return {{"server", false, client.error().what}};
    const auto answer = client->ask({.path = "/v1/endpoints"});
    if (!answer) return {{"server", false, answer.error().what}};
    std::vector<Finding> out{{"server", answer->well(), fmt::format("answers {}", answer->status)}};
    if (const auto date = answer->headers.find("date"); date != answer->headers.end())
        out.push_back({"clock", true, "the server says " + date->second});
    if (!answer->well()) return out;
    const auto page = json::parse(answer->body);
    if (const auto* items = at(page, "items").if_array())
        for (const auto& item : *items)
            out.push_back({"endpoint " + text(item, "name"), text(item, "state") == "up",
                           text(item, "state")});
    return out;
}

}  // namespace

int doctor(const Context& context) {
    std::vector<Finding> found;
    if (const auto folder = home(context.where))
        found = {configuration(*folder), certificate(*folder), disk(*folder)};
    for (auto& one : server(context)) found.push_back(std::move(one));
    bool all = true;
    std::vector<std::vector<std::string>> rows;
    for (const auto& [what, well, detail] : found) {
        all = all && well;
        if (context.json) print(json::object{{"what", what}, {"well", well}, {"detail", detail}});
        rows.push_back({well ? "ok" : "BAD", what, plain(detail)});
    }
    if (!context.json && !(context.quiet && all))
        std::cout << table({{""}, {"WHAT"}, {"DETAIL", false, true}}, rows);
    return all ? done : refused;
}

}  // namespace tocsin::cli
