#include "server/plan/speaker.hpp"

#include "server/base/digest.hpp"
#include "server/plan/measure.hpp"
#include "server/plan/naming.hpp"
#include "server/plan/shorten.hpp"

namespace tocsin::plan {
namespace {

using contract::Budget;
using contract::Form;

bool same_kind(std::string_view a, std::string_view b) {
    return lower(a.substr(0, a.find('-'))) == lower(b.substr(0, b.find('-')));
}

/// Blocks of one language form a sequence (CAP rule C4): later ones add.
template <class Get>
std::string joined(const cap::Alert& alert,
                   std::string_view language,
                   Get get,
                   const char* between) {
    std::string all;
    std::vector<std::string> seen;
    for (const auto& info : alert.infos) {
        if (!same_kind(info.language, language)) continue;
        auto text = plain(get(info));
        if (text.empty() || std::ranges::count(seen, text) > 0) continue;
        all += (all.empty() ? "" : between) + text;
        seen.push_back(std::move(text));
    }
    return all;
}

/// What the sender calls its areas, unless they are just the names of regions.
std::string areas_said(const cap::Alert& alert,
                       const area::Atlas& atlas,
                       const std::vector<std::string>& regions,
                       const Language& language) {
    std::vector<std::string> said;
    bool more = false;
    for (const auto& info : alert.infos) {
        if (!same_kind(info.language, language.tag)) continue;
        for (const auto& one : info.areas) {
            auto text = plain(one.desc);
            if (text.empty() || std::ranges::count(said, text) > 0) continue;
            more = more || std::ranges::none_of(regions, [&](const auto& code) {
                       const auto* region = atlas.find(code);
                       return region && (region->name_zh == text || region->name_en == text);
                   });
            said.push_back(std::move(text));
        }
    }
    std::string all;
    for (const auto& text : said) all += (all.empty() ? "" : language.area_join) + text;
    return more ? all : "";
}

bool carried(std::string_view uri) {
    return uri.starts_with("https://") || uri.starts_with("http://");
}

/// "Hail" inside a sentence; "BDA" stays.
std::string lower_first(std::string text) {
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text.size() > 1 && upper(text[0]) && !upper(text[1])) text[0] = char(text[0] - 'A' + 'a');
    return text;
}

/// No blanks at the ends; where a section of a page was empty, one empty line is left of several.
std::string tidied(std::string words) {
    for (auto at = words.find("\n\n\n"); at != words.npos; at = words.find("\n\n\n", at))
        words.erase(at, 1);
    const auto from = words.find_first_not_of(" \n");
    if (from == words.npos) return {};
    return words.substr(from, words.find_last_not_of(" \n") - from + 1);
}

bool stopped(std::string_view words) {
    return std::ranges::any_of(std::array{"。", "！", "？", ".", "!", "?"},
                               [&](std::string_view stop) { return words.ends_with(stop); });
}

/// One segment is half the time and half the cost of two: it is tried first.
Budget in_one_segment(Budget budget) {
    if (budget.form != Form::sms || budget.pages <= 1) return budget;
    budget.pages = 1;
    if (budget.unit == Budget::Unit::ucs2) budget.per_page = 70;
    if (budget.unit == Budget::Unit::septets) budget.per_page = 160;
    return budget;
}

}  // namespace

const cap::Info* info_in(const cap::Alert& alert, std::string_view language) {
    for (const auto& info : alert.infos)
        if (lower(info.language) == lower(language)) return &info;
    for (const auto& info : alert.infos)
        if (same_kind(info.language, language)) return &info;
    return nullptr;
}

Speaker::Speaker(const City& city, const Templates& templates, Subject subject)
    : city_(city), templates_(templates), subject_(std::move(subject)) {}

Event Speaker::event_of(Kind kind) const {
    if (!takes_back(kind) || !subject_.before) return subject_.event;
    return {subject_.before->event_key, subject_.before->event_class};
}

Level Speaker::level_of(Kind kind) const {
    return takes_back(kind) && subject_.before ? subject_.before->level : subject_.level;
}

const std::vector<std::string>& Speaker::regions_of(Kind kind) const {
    return takes_back(kind) && subject_.before ? subject_.before->regions : subject_.regions;
}

std::string Speaker::act(Kind kind, const Language& l) const {
    switch (kind) {
        case Kind::publish: return l.acts.publish;
        case Kind::cancel: return l.acts.cancel;
        case Kind::correct: return l.acts.correct;
        case Kind::update: break;
    }
    const auto was = subject_.before ? subject_.before->level : subject_.level;
    return subject_.level > was   ? l.acts.raise
           : subject_.level < was ? l.acts.lower
                                  : l.acts.update;
}

std::string Speaker::event_name(const Language& l) const {
    if (const auto* info = info_in(*subject_.alert, l.tag)) {
        const auto said = plain(info->event);
        return l.lower_case_events ? lower_first(said) : said;
    }
    if (subject_.before)
        for (const auto& spoken : subject_.before->spoken)
            if (spoken.language == l.tag) return spoken.event;
    if (const auto name = templates_.events().name_of(subject_.code, l.tag)) return *name;
    return templates_.words(subject_.event, l.tag).event;
}

Issuer Speaker::issuer(const Language& l) const {
    const auto* info = info_in(*subject_.alert, l.tag);
    std::string said = info ? plain(info->sender_name) : "";
    if (said.empty() && !info)
        for (const auto& other : subject_.alert->infos)
            if (said.empty()) said = plain(other.sender_name);
    if (said.empty() && subject_.before)
        for (const auto& spoken : subject_.before->spoken)
            if (spoken.language == l.tag) said = spoken.sender;
    if (said.empty()) said = plain(subject_.alert->sender);
    return templates_.events().issuer(said, l.tag).value_or(Issuer{said, said});
}

Spoken Speaker::spoken(const Language& l) const {
    Spoken out{l.tag, event_name(l), issuer(l).name, {}};
    std::string own;
    for (const auto& info : subject_.alert->infos)
        if (same_kind(info.language, l.tag))
            for (const auto* part :
                 {&info.event, &info.headline, &info.description, &info.instruction})
                own.append(std::to_string(part->size())).append(":").append(*part);
    if (!own.empty()) out.digest = sha256_hex(own);
    return out;
}

void Speaker::say_what(Fields& out, Kind kind, const Language& l) const {
    const auto level = std::size_t(level_of(kind));
    const bool zh = l.names_in_han;
    out["signature"] = zh ? city_.signature_zh : city_.signature_en;
    out["city"] = zh ? city_.name_zh : city_.name_en;
    out["sender"] = issuer(l).name;
    out["event"] = event_name(l);
    if (takes_back(kind) && subject_.before)
        for (const auto& spoken : subject_.before->spoken)
            if (spoken.language == l.tag) out["event"] = spoken.event;
    out["colour"] = l.colour[level];
    out["COLOUR"] = l.colour_loud[level];
    out["level"] = l.level[level];
    out["degree"] = l.degree[level];
    out[word(Level(level))] = "true";
    out["act"] = act(kind, l);
    const auto words = templates_.words(event_of(kind), l.tag);
    out["warning"] = words.warning;
    out["advice"] = words.by_level[level].advice;
    out["guidance"] = l.list(words.by_level[level].guidance);
}

void Speaker::say_when(Fields& out, Kind kind, const Language& l) const {
    const auto offset = city_.utc_offset;
    const auto& s = subject_;
    const auto until = takes_back(kind) && s.before ? s.before->expires : s.until;
    out["sent"] = l.brief_time(s.sent, s.before ? s.before->sent : until, offset);
    out["sent_full"] = l.full_time(s.sent, offset);
    out["until"] = l.brief_time(until, s.sent, offset);
    out["until_full"] = l.full_time(until, offset);
    out["onset"] = l.brief_time(s.onset, s.sent, offset);
    out["onset_full"] = l.full_time(s.onset, offset);
    if (!s.before) return;
    const auto before = std::size_t(s.before->level);
    out["before_sent"] = l.brief_time(s.before->sent, s.sent, offset);
    out["before_colour"] = l.colour[before];
    for (const auto& spoken : s.before->spoken)
        if (spoken.language == l.tag) out["before_event"] = spoken.event;
}

void Speaker::say_own_words(Fields& out, Kind kind, const Language& l) const {
    const auto& alert = *subject_.alert;
    // What an update takes back where it no longer holds is not what its sender wrote about the rest.
    if (takes_back(kind) && alert.msg_type != cap::MsgType::cancel) return;
    out["reason"] = takes_back(kind) ? plain(alert.note) : "";
    out["headline"] = joined(
        alert, l.tag, [](const auto& i) { return i.headline; }, "\n");
    out["description"] = joined(
        alert, l.tag, [](const auto& i) { return i.description; }, "\n");
    out["instruction"] = joined(
        alert, l.tag, [](const auto& i) { return i.instruction; }, "\n");
    out["areas_said"] = areas_said(alert, *city_.atlas, regions_of(kind), l);
    if (const auto* info = info_in(alert, l.tag)) {
        out["web"] = carried(info->web) ? plain(info->web) : "";
        out["contact"] = plain(info->contact);
    } else if (!alert.infos.empty()) {
        const auto& other = alert.infos.front().language;
        out["original"] = joined(
            alert, other,
            [](const auto& i) {
                return i.instruction.empty() ? i.description : i.description + "\n" + i.instruction;
            },
            "\n");
    }
}

Fields Speaker::fields(Kind kind, const Language& l) const {
    Fields out;
    say_what(out, kind, l);
    say_when(out, kind, l);
    say_own_words(out, kind, l);
    out["areas"] = name_areas(*city_.atlas, regions_of(kind), l).join(l, 1000);
    out["Event"] = out["event"];
    if (!out["Event"].empty() && out["Event"][0] >= 'a' && out["Event"][0] <= 'z')
        out["Event"][0] = char(out["Event"][0] - 'a' + 'A');
    if (out["headline"].empty()) {
        const auto found = templates_.find(event_of(kind), Form::headline, kind, l.tag);
        if (found.mustache) out["headline"] = found.mustache->render(out);
    }
    return out;
}

std::string Speaker::headline(Kind kind, const Language& l) const {
    return marked(fields(kind, l)["headline"], Form::headline, l);
}

std::string Speaker::marked(std::string words, Form form, const Language& l) const {
    words = tidied(std::move(words));
    if (subject_.mode == Mode::live) return words;
    const auto mode = std::size_t(subject_.mode);
    const auto& before = l.before_by_mode[mode];
    const auto& after = l.after_by_mode[mode];
    if (form == Form::page) return plain(before) + "\n" + words + "\n" + plain(after);
    return before + words + (stopped(words) ? "" : l.stop) + after;
}

Said Speaker::say(Kind kind, const Language& l, const Budget& budget) const {
    const auto found = templates_.find(event_of(kind), budget.form, kind, l.tag);
    Said said{{}, l.tag, {}, false, found.form != budget.form};
    if (!found.mustache) return said;
    const auto words = templates_.words(event_of(kind), l.tag);
    const auto areas = [&](Naming naming) {
        return name_areas(*city_.atlas, regions_of(kind), l, naming);
    };
    Shorter shorter{{areas(Naming::whole), areas(Naming::known), areas(Naming::district)},
                    issuer(l).brief,
                    words.by_level[std::size_t(level_of(kind))].brief,
                    words.event};
    const Shortener shortener(*found.mustache, l, fields(kind, l), std::move(shorter),
                              [&](auto text) { return marked(std::move(text), budget.form, l); });
    auto text = shortener.into(in_one_segment(budget));
    if (!text) text = shortener.into(budget);
    if (!text) return said;
    said.words = std::move(text->words);
    said.shortened = std::move(text->lost);
    said.fits = true;
    return said;
}

}  // namespace tocsin::plan
