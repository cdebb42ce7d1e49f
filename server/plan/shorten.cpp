#include "server/plan/shorten.hpp"

namespace tocsin::plan {
namespace {

constexpr std::size_t all = 10000;

void lose(std::string& lost, std::string_view what) {
    lost.append(lost.empty() ? "" : ", ").append(what);
}

}  // namespace

struct Shortener::Step {
    std::size_t areas;  // named at most; 0: only counted
    Naming naming;
    bool sender, advice, extras, event;  // true: the shorter one
};

/// The area is the first to be said in less: who gets the text is in it. What to do goes last.
constexpr Shortener::Step steps[] = {
    {all, Naming::whole, false, false, false, false},
    {all, Naming::known, true, false, false, false},
    {3, Naming::known, true, false, false, false},
    {3, Naming::known, true, true, true, false},
    {1, Naming::known, true, true, true, false},
    {0, Naming::known, true, true, true, false},
    {0, Naming::district, true, true, true, false},
    {0, Naming::district, true, true, true, true},
};

Shortener::Fewer Shortener::take(const Step& step) const {
    Fewer out{whole_, {}};
    auto& f = out.fields;
    const auto& names = shorter_.areas[std::size_t(step.naming)];
    f["areas"] = names.join(language_, step.areas);
    const auto& known =
        shorter_.areas[std::size_t(Naming::known)];  // as well known: nothing is lost
    if (uses("areas") && f["areas"] != whole_.find("areas")->second &&
        f["areas"] != known.join(language_, all))
        lose(out.lost, "areas");
    if (step.sender) f["sender"] = shorter_.sender;  // as well known by it: nothing is lost
    const auto replace = [&](const char* name, const std::string& by, const char* what) {
        if (uses(name) && f[name] != by) lose(out.lost, what);
        f[name] = by;
    };
    if (step.advice) replace("advice", shorter_.advice, "a part of the advice");
    if (step.event) replace("event", shorter_.event, "the event's own name");
    if (step.extras)
        for (const auto* extra : {"areas_said", "web", "contact", "original", "reason"})
            replace(extra, "", extra);
    return out;
}

std::optional<Shortener::Text> Shortener::into(const contract::Budget& budget) const {
    for (const auto& step : steps) {
        auto fewer = take(step);
        auto words = render(fewer.fields);
        if (fits(budget, words)) return Text{std::move(words), std::move(fewer.lost)};
        if (!uses("description") || fewer.fields["description"].empty()) continue;
        if (auto text = with_fewer_sentences(budget, std::move(fewer))) return text;
    }
    return std::nullopt;
}

std::optional<Shortener::Text> Shortener::with_fewer_sentences(const contract::Budget& budget,
                                                               Fewer fewer) const {
    const auto own = fewer.fields["description"];
    const auto ends = sentence_ends(own);
    const auto with = [&](std::size_t sentences) {
        fewer.fields["description"] = sentences == 0 ? "" : own.substr(0, ends[sentences - 1]);
        return render(fewer.fields);
    };
    if (!fits(budget, with(0))) return std::nullopt;
    std::size_t most = 0, too_many = ends.size();
    while (too_many - most > 1) {
        const auto middle = (most + too_many) / 2;
        (fits(budget, with(middle)) ? most : too_many) = middle;
    }
    lose(fewer.lost,
         fmt::format("{} of {} sentences of the description", ends.size() - most, ends.size()));
    return Text{with(most), std::move(fewer.lost)};
}

}  // namespace tocsin::plan
