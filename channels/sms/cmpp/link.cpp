#include "channels/sms/cmpp/protocol.hpp"
#include "channels/sms/cmpp/talk.hpp"
#include "channels/sms/shared/exchange.hpp"

/// The channel: settings into links, each with its Talk. Nothing here decides.
namespace tocsin::cmpp {
namespace {

using namespace contract;

Result<std::shared_ptr<sms::TlsContext>> tls_of(const Link& link) {
    if (!link.tls) return std::shared_ptr<sms::TlsContext>();
    auto made = sms::TlsContext::client(link.tls_ca);
    if (!made) return std::move(made).error().during("opening tls_ca");
    return made;
}

// The static promise; the desk is told the endpoint's own when it opens.
constexpr Budget budgets_[] = {{Form::sms, Budget::Unit::ucs2, 70, 3}};

}  // namespace

extern const Capabilities capabilities;
const Capabilities capabilities{.budgets = budgets_,
                                .highest = Said::delivered,
                                .updates_in_place = false,
                                .withdraws = true,
                                .bulk = true,
                                .one_at_a_time = false,
                                .expires_by_itself = true,
                                .drills = Depth::terminal};

Result<std::unique_ptr<Channel>> open(const Settings& settings, Loop& loop, Desk& desk) {
    auto read = read_setup(settings);
    if (!read) return read.error();
    auto protocol = std::make_unique<Cmpp>(std::move(*read));
    const auto& setup = protocol->setup();
    std::vector<sms::Place> places;
    for (const auto& link : setup.links) {
        auto tls = tls_of(link);
        if (!tls) return tls.error();
        places.push_back({link.host, link.port, std::move(*tls)});
    }
    auto office = office_of(setup);
    return std::unique_ptr<Channel>(
        sms::make_exchange(std::move(office), std::move(places), std::move(protocol),
                           {{Form::sms, Budget::Unit::ucs2, setup.per_page, setup.pages}}, loop,
                           static_cast<BulkDesk&>(desk)));
}

}  // namespace tocsin::cmpp
