#include "server/app/audience_import.hpp"

#include "server/audience/importer.hpp"

namespace tocsin::app {
namespace {

using Outcome = api::AudienceImport::Outcome;

std::vector<ledger::Ledger::GroupNumbers> groups_of(audience::Imported& imported) {
    std::vector<ledger::Ledger::GroupNumbers> out;
    for (auto& group : imported.groups) {
        const auto count = std::uint32_t(group.numbers.size());
        out.push_back({{std::move(group.regions), std::move(group.network),
                        std::move(group.language), std::move(group.role), group.opted_out, count},
                       std::move(group.numbers)});
    }
    return out;
}

class Import final : public api::AudienceImport {
public:
    Import(std::string name, std::shared_ptr<const area::Atlas> atlas, ledger::Ledger& ledger)
        : name_(std::move(name)),
          atlas_(std::move(atlas)),
          ledger_(ledger),
          importer_(options(*atlas_)) {}

    std::string feed(std::string_view piece) override {
        const auto fed = importer_.feed(piece);
        return fed ? "" : fed.error().what;
    }

    void finish(ledger::Then<Outcome> then) override {
        auto imported = importer_.finish();
        if (!imported) return then(imported.error());
        auto outcome = std::make_shared<Outcome>();
        outcome->rejected = imported->counts.rejected;
        for (const auto& [line, flaw, number] : imported->rejected)
            outcome->rejected_lines.push_back(
                {line, number.empty() ? audience::sentence(flaw)
                                      : fmt::format("{}: {}", audience::sentence(flaw), number)});
        ledger_.put_audience(name_, groups_of(*imported),
                             [outcome, then = std::move(then)](Result<plan::Audience> stored) {
                                 if (!stored) return then(stored.error());
                                 outcome->audience = std::move(*stored);
                                 then(std::move(*outcome));
                             });
    }

private:
    static audience::Options options(const area::Atlas& atlas) {
        audience::Options options;
        options.region_exists = [&atlas](std::string_view code) {
            return atlas.find(code) != nullptr;
        };
        return options;
    }
    std::string name_;
    std::shared_ptr<const area::Atlas> atlas_;
    ledger::Ledger& ledger_;
    audience::Importer importer_;
};

}  // namespace

std::unique_ptr<api::AudienceImport> make_import(std::string name,
                                                 std::shared_ptr<const area::Atlas> atlas,
                                                 ledger::Ledger& ledger) {
    return std::make_unique<Import>(std::move(name), std::move(atlas), ledger);
}

}  // namespace tocsin::app
