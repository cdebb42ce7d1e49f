#include "server/base/time.hpp"
#include "tests/channel/site.hpp"
#include "tests/channel/stage.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

namespace tocsin::conformance {
namespace {

namespace json = boost::json;
using contract::Said;

constexpr std::string_view feed_path = "/feeds/alerts.geojson";

/// The public listener is the peer: it shows what the channel serves, at the address that the channel
/// reads back.
class WebStage final : public Stage {
public:
    std::vector<Unplayed> unplayed() const override {
        return {{Row::repeats, "a page is a state: nothing arrives there twice"},
                {Row::expires, "nothing waits here; what was shown and is over leaves the page"}};
    }
    std::string settings() const override {
        // No peer takes an order here; what can refuse one is the disk that the site is kept on.
        const auto state = manner_ == Manner::refuses ? std::filesystem::path("/dev/null/state")
                                                      : folder_.path / "state";
        return fmt::format("verify = \"http://127.0.0.1:{}\"\nstate = \"{}\"\n", site_.port(),
                           state.string());
    }
    void play(Manner manner) override {
        manner_ = manner;
        site_.play(manner);
    }
    void leave() override { site_.leave(); }

    std::vector<Got> got() override { return got_; }
    std::vector<std::string> shown() override { return articles_in_force(documents_["/"]); }
    contract::Facts facts(contract::OrderId id) override {
        for (const auto& feature : features())
            if (auto facts = facts_in(feature.at("properties"));
                facts.identifier == fmt::format("id-{}-{}", id.ordinal, id.revision))
                return facts;
        return {};
    }
    Said most(Manner manner) const override {
        // On air is what the listener itself shows; only the look from outside fails.
        return manner == Manner::refuses ? Said::handed : Said::on_air;
    }
    std::string own_words(Manner manner) const override {
        if (manner == Manner::refuses) return "Not a directory";
        return manner == Manner::lies ? "differs" : "";
    }
    std::vector<std::string> wrong() override {
        auto out = wrong_;
        if (features_in_force() != shown().size())
            out.push_back("page and feed disagree on what is in force");
        return out;
    }
    void served(const std::string& path, const std::string&, const std::string& body) override {
        site_.put(path, body);
        documents_[path] = body;
        if (!body.empty()) got_.push_back({path, body, {}, now(), true});
    }

private:
    /// What people read: the articles of the page that are not marked as lifted.
    static std::vector<std::string> articles_in_force(const std::string& page) {
        std::vector<std::string> out;
        for (auto at = page.find("<article"); at != page.npos; at = page.find("<article", at + 1)) {
            const auto article = page.substr(at, page.find("</article>", at) - at);
            if (article.substr(0, article.find('>')).find("in-force") != article.npos)
                out.push_back(article);
        }
        return out;
    }
    json::array features() const {
        const auto at = documents_.find(std::string(feed_path));
        if (at == documents_.end() || at->second.empty()) return {};
        return json::parse(at->second).at("features").as_array();
    }
    std::size_t features_in_force() const {
        return std::size_t(std::ranges::count_if(features(), [](const json::value& feature) {
            return feature.at("properties").at("state") == "in_force";
        }));
    }
    static contract::Facts facts_in(const json::value& properties) {
        const auto text = [&](const char* key) {
            return json::value_to<std::string>(properties.at(key));
        };
        const auto sent = parse_rfc3339(text("sent"));
        return {text("event"),  text("severity"),   text("urgency"),          text("certainty"),
                text("sender"), text("identifier"), sent ? *sent : Instant{}, {}};
    }

    Folder folder_;
    Site site_;
    Manner manner_ = Manner::well;
    std::map<std::string, std::string> documents_;
    std::vector<Got> got_;
    std::vector<std::string> wrong_;
};

const Stands here{"web", [] { return std::unique_ptr<Stage>(new WebStage); }};

}  // namespace
}  // namespace tocsin::conformance
