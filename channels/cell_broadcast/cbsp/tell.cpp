#include "channels/cell_broadcast/cbsp/air.hpp"
#include "channels/cell_broadcast/cbsp/centre.hpp"
#include "server/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>

/// What controllers and listeners said of each cell, as evidence of the order.
namespace tocsin::cbsp {
namespace {

using contract::Evidence, contract::LinkState, contract::Said;

constexpr auto tell_every = std::chrono::milliseconds(200);
constexpr auto lost_after = std::chrono::seconds(5);
constexpr std::size_t named_most = 20;

constexpr Said saids[gots] = {Said::handed, Said::handed, Said::accepted, Said::on_air,
                              Said::verified};

Got best_of(const Tally& tally) {
    for (auto got = Got::heard; got > Got::nothing; got = Got(int(got) - 1))
        if (tally.reached[std::size_t(got)] > 0) return got;
    return Got::nothing;
}

std::string cause_code(const Tally& tally) {
    return tally.cause && *tally.cause != 0xFF ? fmt::format("0x{:02X}", *tally.cause) : "";
}

std::string cause_text(const Tally& tally) {
    return tally.cause ? *tally.cause == 0xFF ? "no answer" : cause_word(*tally.cause) : "";
}

void join(std::string& text, std::string_view more) {
    if (!text.empty() && !more.empty()) text += "; ";
    text += more;
}

/// What was heard, against the page as it was written.
bool same(const Notice& notice, const Caught& caught) {
    if (caught.dcs != notice.pages.dcs || caught.pages.size() != notice.pages.pages.size())
        return false;
    for (std::size_t i = 0; i < caught.pages.size(); ++i) {
        const auto& page = notice.pages.pages[i];
        const std::string_view own(page.octets.data(), page.length);
        if (!std::string_view(caught.pages[i]).starts_with(own)) return false;
    }
    return true;
}

}  // namespace

void Centre::count(std::uint32_t ordinal, std::size_t i) {
    const auto at = chains_.find(ordinal);
    if (at == chains_.end()) return;
    at->second.tallies.resize(sessions_.size());
    at->second.tallies[i] = sessions_[i]->holdings().tally(ordinal);
}

Centre::Sum Centre::sum(const Chain& chain) const {
    Sum out;
    auto& all = out.tally;
    for (std::size_t i = 0; i < chain.tallies.size(); ++i) {
        const auto& one = chain.tallies[i];
        const auto& session = sessions_[i];
        if (one.of + one.left == 0) continue;
        all.of += one.of;
        for (std::size_t i = 0; i < gots; ++i) all.reached[i] += one.reached[i];
        all.never += one.never;
        all.dark += one.dark;
        all.no_alarm += one.no_alarm;
        all.displaced += one.displaced;
        all.left += one.left;
        if (one.cause) all.cause = one.cause;
        if (session->up()) {
            all.open += one.open;
        } else if (one.open + one.left > 0) {
            out.unreachable += one.open;
            if (out.down.size() < named_most)
                out.down.push_back(session->name() + ": " + session->trouble());
        }
    }
    return out;
}

Evidence Centre::evidence(const Chain& chain, Said said, const Sum& sum, Instant now) const {
    Evidence out{chain.id, said, now, "cbsp", cause_code(sum.tally), cause_text(sum.tally),
                 "",       1,    1,   {}};
    if (chain.shares.size() == 1) out.source = sessions_[chain.shares[0].controller]->name();
    join(out.text, fmt::format("{}", fmt::join(sum.down, ", ")));
    if (sum.tally.dark > 0) join(out.text, fmt::format("{} cells are dark", sum.tally.dark));
    if (sum.tally.no_alarm > 0)
        join(out.text, fmt::format("no alarm in {} cells", sum.tally.no_alarm));
    if (!chain.broadcast) return out;
    for (const auto& language : chain.broadcast->left_out)
        join(out.text, "no identifier for " + language);
    for (const auto& notice : chain.broadcast->notices)
        join(out.ref, fmt::format("{}/0x{:04X}", notice.identifier, notice.serial));
    return out;
}

void Centre::fold(Instant now) {
    for (auto at = pending_.begin(); at != pending_.end();) {
        const auto chain = chains_.find(*at);
        const bool done = chain == chains_.end() || fold(chain->second, now);
        at = done ? pending_.erase(at) : std::next(at);
    }
}

/// True: there is nothing to come back for until something changes.
bool Centre::fold(Chain& chain, Instant now) {
    const auto all = sum(chain);
    if (chain.withdrawn) return fold_withdrawn(chain, all, now);
    return !chain.active || fold_active(chain, all, now);
}

bool Centre::fold_active(Chain& chain, const Sum& sum, Instant now) {
    const auto& tally = sum.tally;
    const auto best = best_of(tally);
    const auto reached = best == Got::nothing ? 0 : tally.reached[std::size_t(best)];
    const auto of = tally.of + std::uint32_t(chain.strangers.size());
    const bool answered = tally.open == 0;
    if (tally.displaced > 0 && !std::exchange(chain.displaced, true))
        desk_.report(evidence(chain, Said::displaced, sum, now));
    if (chain.displaced && tally.displaced == 0 &&
        tally.reached[std::size_t(Got::accepted)] == tally.of) {
        chain.displaced = false;
        chain.told_reached = 0;  // that it is back is told, too
    }
    if (answered && tally.reached[std::size_t(Got::accepted)] == 0 && !chain.told) {
        const bool for_good = sum.unreachable == 0 && tally.never == tally.of;
        const auto trouble = for_good ? Said::refused : Said::failed;
        if (chain.told_trouble != trouble) desk_.report(evidence(chain, trouble, sum, now));
        chain.told_trouble = trouble;
        return true;
    }
    const bool watched = watch_air(chain, sum, now);
    if (best == Got::nothing) return watched;
    // Heard in one cell of many is no proof for the others: they stay where they were counted.
    const auto grade = best == Got::heard && reached < of ? Got::on_air : best;
    const auto said = saids[std::size_t(grade)];
    const auto count = tally.reached[std::size_t(grade)];
    const auto why = count < of ? cause_text(tally) : std::string();
    const bool news = count != chain.told_reached || (!why.empty() && why != chain.told_why);
    if (chain.told && (said < *chain.told || (said == *chain.told && !news))) return watched;
    const bool wait = grade == Got::handed || !(answered || count == of);
    if (wait && now < chain.told_at + tell_every) return false;
    if (wait && chain.told_at == Instant{}) return chain.told_at = now, false;
    auto out = evidence(chain, said, sum, now);
    out.reached = count;
    out.of = std::max(of, 1U);
    if (count < of) {
        for (const auto cell : chain.strangers)
            if (out.missed.size() < named_most) out.missed.push_back(contract::cell_text(cell));
        for (const auto& share : chain.shares)
            sessions_[share.controller]->holdings().missed(chain.id.ordinal, grade, named_most,
                                                           out.missed);
    } else {
        out.code.clear();
    }
    chain.told = said;
    chain.told_reached = count;
    if (!why.empty()) chain.told_why = why;
    chain.told_at = now;
    dirty_ = true;
    desk_.report(std::move(out));
    return watched && !wait;
}

/// It was seen on air, and for some seconds no cell sends it any more: that is told once.
bool Centre::watch_air(Chain& chain, const Sum& sum, Instant now) {
    const bool on_air = sum.tally.reached[std::size_t(Got::on_air)] > 0;
    if (on_air) {
        chain.was_on_air = true;
        chain.off_air_since.reset();
        return true;
    }
    if (!chain.was_on_air || chain.displaced) return true;
    if (!chain.off_air_since) chain.off_air_since = now;
    if (now < *chain.off_air_since + lost_after) return false;
    chain.was_on_air = false;
    chain.off_air_since.reset();
    chain.told.reset();
    chain.told_reached = 0;
    desk_.report(evidence(chain, Said::lost, sum, now));
    return true;
}

bool Centre::fold_withdrawn(Chain& chain, const Sum& sum, Instant now) {
    if (chain.told_gone) return true;
    if (sum.tally.left == 0) {
        chain.told_gone = true;
        chain.told = Said::gone;
        dirty_ = true;
        auto out = evidence(chain, Said::gone, sum, now);
        out.code.clear();
        desk_.report(std::move(out));
        return true;
    }
    if (!sum.down.empty() && !chain.told_trouble) {
        chain.told_trouble = Said::failed;
        desk_.report(evidence(chain, Said::failed, sum, now));
    }
    return true;
}

/// Somebody heard it. Other words under our name are told loudly, once a cell.
void Centre::caught(const Caught& caught, Instant now) {
    if (!caught.cell) return;
    for (auto& [ordinal, chain] : chains_) {
        if (!chain.active || !chain.broadcast) continue;
        const auto notice = std::ranges::find_if(chain.broadcast->notices, [&](const Notice& n) {
            return n.identifier == caught.identifier && n.serial == caught.serial;
        });
        if (notice == chain.broadcast->notices.end()) continue;
        const bool well = same(*notice, caught);
        for (std::size_t i = 0; i < sessions_.size(); ++i)
            for (const auto cell : sessions_[i]->holdings().resolve(Naming::cgi, *caught.cell)) {
                const auto name = contract::cell_text(sessions_[i]->holdings().cells()[cell]);
                if (well) {
                    if (sessions_[i]->holdings().heard(cell, caught.identifier, caught.serial))
                        collect(i);
                } else if (chain.differed.insert(name).second) {
                    log::error("cbsp.air_differs", {{"cell", name}});
                    desk_.report({chain.id,
                                  Said::lost,
                                  now,
                                  "air",
                                  "differs",
                                  name + " broadcasts other words under its name",
                                  "",
                                  1,
                                  1,
                                  {name}});
                }
            }
    }
    fold(now);
}

/// Up while one controller is: the others' cells are shown by each order, and by probes.
void Centre::tell_link(Instant) {
    const bool any = std::ranges::any_of(sessions_, [](auto& session) { return session->up(); });
    const auto state = any ? LinkState::up : LinkState::down;
    if (link_ == state) return;
    link_ = state;
    desk_.link(state, std::nullopt);
}

void Centre::probe(Instant now) {
    probing_ = Probing{sessions_.size(), true, {}, {}};
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
        sessions_[i]->probe(now);
        collect(i);
    }
    answer_probe();
}

void Centre::answer_probe() {
    if (!probing_) return;
    for (auto& session : sessions_) {
        const auto answer = session->take_probed();
        if (!answer) continue;
        --probing_->waiting;
        probing_->took = std::max(probing_->took, answer->took);
        if (!answer->well && probing_->well) probing_->what.clear();
        if (answer->well != probing_->well && answer->well) continue;
        probing_->well = answer->well;
        if (probing_->what.size() < 500)
            join(probing_->what, session->name() + ": " + answer->what);
    }
    if (probing_->waiting > 0) return;
    const auto done = *std::exchange(probing_, std::nullopt);
    desk_.probed({done.well, done.took, done.what});
}

}  // namespace tocsin::cbsp
