#include "channels/web/feed.hpp"
#include "channels/web/worker.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/loop.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace tocsin::web {
namespace {

using namespace contract;

const char* msg_type(Action action) {
    switch (action) {
        case Action::publish: return "Alert";
        case Action::update: return "Update";
        case Action::withdraw: return "Cancel";
    }
    return "";
}

Entry entry_of(const Message& m) {
    Entry entry{m.id,    m.action == Action::withdraw ? State::lifted : State::in_force,
                m.level, msg_type(m.action),
                m.facts, m.expires,
                {},      {},
                {},      {}};
    for (const auto& text : m.texts) {
        if (text.form == Form::cap) {
            entry.cap = text.words;
            continue;
        }
        auto at = std::ranges::find(entry.words, text.language, &Entry::Words::language);
        if (at == entry.words.end()) at = entry.words.insert(at, {text.language, "", ""});
        (text.form == Form::headline ? at->headline : at->page) = text.words;
    }
    if (const auto* regions = std::get_if<Regions>(&m.footprint))
        entry.regions = regions->codes, entry.geometry = regions->geometry;
    return entry;
}

struct Own {
    Site site;
    std::string verify, ca;
    std::filesystem::path state;
};

/// The public site. `on_air` once its new state is fsynced and served, `verified` once the alert's
/// bytes came back from the public address; the state outlives a restart.
class Web final : public Channel, public std::enable_shared_from_this<Web> {
public:
    Web(Own own, Loop& loop, Desk& desk)
        : own_(std::move(own)), io_(loop.io), desk_(desk), expiry_(loop.io) {}

    void begin() {
        load();
        drop_expired();
        serve();
        desk_.link(LinkState::up, std::nullopt);
        for (const auto& [_, entry] : entries_)  // what an earlier life served and did not prove
            if (entry.state == State::in_force) verify(entry.id);
    }
    void carry(const Order<Live>& order) override { take(*order); }
    void carry(const Order<Drill>& order) override { take(*order); }
    void probe() override {
        const auto begun = std::chrono::steady_clock::now();
        look("/feeds/alerts.atom", [this, begun](Result<std::string> seen) {
            const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - begun);
            desk_.probed({seen.has_value(), took, seen ? "feed fetched" : seen.error().what});
        });
    }
    void stop() override {
        stopped_ = true;
        expiry_.cancel();
    }

private:
    void take(const Message& m) {
        const auto at = entries_.find(m.id.ordinal);
        if (at != entries_.end() && at->second.id.revision > m.id.revision)
            return report(m.id, Said::gone, "newer", "");
        entries_[m.id.ordinal] = entry_of(m);
        drop_expired();
        changed_.push_back({m.id, m.action == Action::withdraw});
        publish();
    }

    /// What came while a write was under way goes into the next one, all together.
    void publish() {
        if (saving_) return;
        saving_ = true;
        save([this, batch = std::exchange(changed_, {})](const Result<std::size_t>& saved) {
            saving_ = false;
            if (saved) serve();
            for (const auto& [id, withdrawn] : batch) {
                if (!saved) report(id, Said::failed, "state", saved.error().what);
                if (saved) report(id, withdrawn ? Said::gone : Said::on_air, "served", "");
                if (saved && !withdrawn) verify(id);
            }
            if (!changed_.empty()) publish();
        });
    }

    /// The whole site is written each time: what is in force fits a page.
    void save(std::function<void(Result<std::size_t>)> then) {
        saver_.run([self = weak_from_this(), file = own_.state, bytes = pack(entries_),
                    then = std::move(then), &io = io_] {
            auto saved = file.empty() ? Result<std::size_t>(0) : write_durably(file, bytes);
            boost::asio::post(io, [self, saved = std::move(saved), then] {
                if (const auto alive = self.lock(); alive && !alive->stopped_) then(saved);
            });
        });
    }

    void look(const std::string& path, std::function<void(Result<std::string>)> then) {
        if (own_.verify.empty())
            return then(Fault{Cause::refused, "no address to look at: set web.verify"});
        looker_.run([self = weak_from_this(), url = own_.verify + path, ca = own_.ca,
                     then = std::move(then), &closing = looker_.closing(), &io = io_] {
            boost::asio::post(io, [self, seen = fetch(url, ca, closing), then] {
                if (const auto alive = self.lock(); alive && !alive->stopped_) then(seen);
            });
        });
    }

    /// Again and again, ever more rarely, until it is proven or replaced: the public address may be
    /// down for a while, and after a restart it is not up yet.
    void verify(OrderId id, std::chrono::milliseconds pause = std::chrono::milliseconds(100)) {
        if (own_.verify.empty()) return;
        look("/feeds/alerts/" + name_of(id) + ".cap", [this, id, pause](Result<std::string> seen) {
            const auto at = entries_.find(id.ordinal);
            if (at == entries_.end() || at->second.id != id) return;  // replaced meanwhile
            if (!seen) {
                // At a start the public listener comes last: the first misses say nothing.
                if (pause > std::chrono::milliseconds(300))
                    desk_.probed({false, {}, seen.error().what});
                return verify_later(id, pause);
            }
            if (*seen == at->second.cap)
                return report(id, Said::verified, "read back", own_.verify);
            report(id, Said::lost, "differs", "the public address shows other bytes");
        });
    }

    void verify_later(OrderId id, std::chrono::milliseconds pause) {
        auto timer = std::make_shared<boost::asio::steady_timer>(io_, pause);
        timer->async_wait([self = weak_from_this(), id, pause, timer](boost::system::error_code) {
            const auto alive = self.lock();
            if (alive && !alive->stopped_)
                alive->verify(
                    id, std::min<std::chrono::milliseconds>(2 * pause, std::chrono::seconds(3)));
        });
    }

    void report(OrderId id, Said said, std::string code, std::string text) {
        desk_.report({id,
                      said,
                      now(),
                      "web",
                      std::move(code),
                      std::move(text),
                      "/feeds/alerts/" + name_of(id) + ".cap",
                      1,
                      1,
                      {}});
    }

    void serve() {
        for (auto& document : documents(own_.site, entries_, now()))
            desk_.serve(std::move(document.path), std::move(document.type),
                        std::move(document.body));
        for (const auto& [ordinal, id] : std::exchange(served_, {})) {
            const auto at = entries_.find(ordinal);
            if (at != entries_.end() && at->second.id == id)
                served_[ordinal] = id;
            else
                desk_.serve("/feeds/alerts/" + name_of(id) + ".cap", "", "");
        }
        for (const auto& [ordinal, entry] : entries_) {
            if (!served_.emplace(ordinal, entry.id).second) continue;
            auto document = cap_document(entry);
            desk_.serve(std::move(document.path), std::move(document.type),
                        std::move(document.body));
        }
    }

    void drop_expired() {
        const auto at = now();
        std::erase_if(entries_, [&](const auto& e) { return e.second.expires <= at; });
        Instant next = Instant::max();
        for (const auto& [_, entry] : entries_) next = std::min(next, entry.expires);
        expiry_.cancel();
        if (next == Instant::max()) return;
        expiry_.expires_after(next - at);
        expiry_.async_wait([self = weak_from_this()](boost::system::error_code error) {
            const auto alive = self.lock();
            if (error || !alive || alive->stopped_) return;
            alive->drop_expired();
            alive->serve();
            alive->publish();
        });
    }

    /// A state that cannot be read is not "no alerts" (promise 14): all that is in force comes again.
    void load() {
        if (own_.state.empty() || !std::filesystem::exists(own_.state)) return desk_.forgot();
        std::ifstream in(own_.state, std::ios::binary);
        std::ostringstream bytes;
        bytes << in.rdbuf();
        auto entries = unpack(bytes.str());
        if (!entries) return desk_.forgot();
        entries_ = std::move(*entries);
    }

    Own own_;
    boost::asio::io_context& io_;
    Desk& desk_;
    boost::asio::steady_timer expiry_;
    Entries entries_;
    std::map<std::uint32_t, OrderId> served_;  // alerts whose CAP is out, by chain
    struct Changed {
        OrderId id;
        bool withdrawn;
    };
    std::vector<Changed> changed_;  // not yet written
    bool saving_ = false, stopped_ = false;
    // A site that answers slowly, or not at all, must not hold up the next alert.
    Worker saver_, looker_;
};

/// Keeps the shared Web that its jobs look for.
class Held final : public Channel {
public:
    explicit Held(std::shared_ptr<Web> web) : web_(std::move(web)) {}
    void carry(const Order<Live>& order) override { web_->carry(order); }
    void carry(const Order<Drill>& order) override { web_->carry(order); }
    void probe() override { web_->probe(); }
    void stop() override { web_->stop(); }

private:
    std::shared_ptr<Web> web_;
};

constexpr Budget budgets_[] = {{Form::headline, Budget::Unit::characters, 200, 1},
                               {Form::page, Budget::Unit::characters, 20000, 1},
                               {Form::cap, Budget::Unit::bytes, 1U << 23, 1}};

}  // namespace

extern const Capabilities capabilities;
const Capabilities capabilities{budgets_, Said::verified, true, true,
                                false,    false,          true, Depth::terminal};

Result<std::unique_ptr<Channel>> open(const Settings& settings, Loop& loop, Desk& desk) {
    Own own{{settings.text("base", "https://127.0.0.1:8080"),
             settings.text("title", "预警信息 Public warnings")},
            settings.text("verify"),
            settings.file("ca").string(),
            settings.file("state")};
    settings.finish();
    auto web = std::make_shared<Web>(std::move(own), loop, desk);
    web->begin();
    return std::unique_ptr<Channel>(new Held(std::move(web)));
}

}  // namespace tocsin::web
