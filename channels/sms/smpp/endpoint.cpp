#include "channels/sms/smpp/endpoint.hpp"

#include "channels/sms/smpp/speech.hpp"

#include <map>

namespace tocsin::smpp {

sms::OfficeSetup office_of(const Setup& setup,
                           const SmppProtocol& protocol,
                           const sms::Jitter& jitter,
                           std::uint32_t first_sequence) {
    sms::OfficeSetup out;
    out.ported = setup.ported;
    out.parts_most = setup.parts_most;
    out.validity_most = setup.validity_most;
    out.receipts_within = setup.receipts_within;
    struct Account {
        std::size_t index;
        std::shared_ptr<Learner> learner;
        Tag tag;
    };
    std::map<std::string, Account> accounts;
    std::vector<Tag> tags;
    for (std::size_t i = 0; i < setup.links.size(); ++i) {
        const auto link = std::make_shared<const LinkSettings>(setup.links[i]);
        const auto [at, is_new] = accounts.try_emplace(
            link->account, Account{accounts.size(), std::make_shared<Learner>(link->reading), {}});
        auto& account = at->second;
        if (is_new && account.index > 0) tags.push_back(account.tag = tag_of(link->account, tags));
        sms::LinkSetup made;
        made.lane = {link->name,        link->window,          link->rate,    link->filter,
                     protocol.forms(i), link->response_within, first_sequence};
        made.times = link->times;
        made.pair = link->pair;
        made.account = account.index;
        made.speech = std::make_unique<SmppSpeech>(link, account.learner, account.tag, jitter);
        made.receiving = std::make_unique<SmppSpeech>(link, account.learner, account.tag, jitter);
        out.links.push_back(std::move(made));
    }
    return out;
}

}  // namespace tocsin::smpp
