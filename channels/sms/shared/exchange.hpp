#pragma once
#include "channels/sms/shared/office.hpp"
#include "channels/sms/shared/tls.hpp"
#include "server/contract/catalogue.hpp"

/// A bulk channel made of an Office and the sockets of its sessions: one read and one write a tick
/// and connection. A protocol's open() needs nothing more than this.
namespace tocsin::sms {

struct Place {
    std::string host;
    std::uint16_t port = 0;
    std::shared_ptr<TlsContext> tls;  // null: in the clear
};

/// `places`: by link.
std::unique_ptr<contract::BulkChannel> make_exchange(OfficeSetup setup,
                                                     std::vector<Place> places,
                                                     std::unique_ptr<Protocol> protocol,
                                                     std::vector<contract::Budget> budgets,
                                                     contract::Loop& loop,
                                                     contract::BulkDesk& desk);

}  // namespace tocsin::sms
