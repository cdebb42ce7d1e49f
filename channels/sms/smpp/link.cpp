#include "channels/sms/shared/exchange.hpp"
#include "channels/sms/smpp/endpoint.hpp"

#include <random>

namespace tocsin::smpp {
namespace {

using namespace contract;
using sms::TlsContext;

// The static promise; the desk is told the endpoint's own number of pages when it opens.
constexpr Budget budgets_[] = {{Form::sms, Budget::Unit::ucs2, 70, 3}};

sms::Jitter random_jitter() {
    return [random = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(random);
    };
}

Result<sms::Place> place_of(const LinkSettings& link) {
    sms::Place out{link.host, link.port, {}};
    if (!link.tls) return out;
    auto made = TlsContext::client(link.tls_ca);
    if (!made) return std::move(made).error().during("opening tls_ca");
    out.tls = std::move(*made);
    return out;
}

}  // namespace

extern const Capabilities capabilities;
const Capabilities capabilities{budgets_, Said::delivered, false, true,
                                true,     false,           true,  Depth::terminal};

Result<std::unique_ptr<Channel>> open(const Settings& settings, Loop& loop, Desk& desk) {
    auto setup = read_setup(settings);
    if (!setup) return setup.error();
    std::vector<sms::Place> places;
    for (const auto& link : setup->links) {
        auto place = place_of(link);
        if (!place) return place.error();
        places.push_back(std::move(*place));
    }
    auto protocol = std::make_unique<SmppProtocol>(*setup);
    auto office = office_of(*setup, *protocol, random_jitter());
    return std::unique_ptr<Channel>(sms::make_exchange(
        std::move(office), std::move(places), std::move(protocol),
        {{Form::sms, Budget::Unit::ucs2, 70, setup->pages}}, loop, static_cast<BulkDesk&>(desk)));
}

}  // namespace tocsin::smpp
