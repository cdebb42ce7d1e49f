#pragma once
#include "server/campaign/campaign.hpp"

/// Whom a chain of alerts has reached on one endpoint: they are to be told when it is taken back,
/// also those whom a later revision left out (promise 12).
namespace tocsin::campaign {

struct Reached {
    std::string audience;            // "<name>/<version>"; empty: nobody
    std::vector<GroupPages> groups;  // by index
    std::string mask;                // one bit a recipient, page after page of these groups
};
Reached reached_of(const Campaign& campaign);

/// Of several revisions, newest first. Those of another import of the audience cannot be joined: their
/// groups have other people; they are left out, and `left_out` counts them.
Reached join(std::span<const Reached> revisions, std::size_t& left_out);

}  // namespace tocsin::campaign
