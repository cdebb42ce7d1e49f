#include "channels/web/feed.hpp"

#include "channels/web/markup.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tocsin::web {
namespace {

namespace json = boost::json;

struct Look {
    const char *word_zh, *word_en, *bars, *css;
};

Look look(contract::Level level) {
    switch (level) {
        case contract::Level::red: return {"红色", "Red", "IIII", "red"};
        case contract::Level::orange: return {"橙色", "Orange", "III", "orange"};
        case contract::Level::yellow: return {"黄色", "Yellow", "II", "yellow"};
        case contract::Level::blue: return {"蓝色", "Blue", "I", "blue"};
    }
    return {"", "", "", ""};
}

std::string cap_path(const Entry& entry) { return "/feeds/alerts/" + name_of(entry.id) + ".cap"; }

/// A name for ever: the sender's own identity of the message, not ours (CAP 1.2, 3.2.1).
std::string tag(const Entry& entry) {
    return fmt::format("urn:tocsin:cap:{},{}", entry.facts.sender, entry.facts.identifier);
}

const Entry::Words& first_words(const Entry& entry) {
    static const Entry::Words none;
    return entry.words.empty() ? none : entry.words.front();
}

std::string atom_entry(const Site& site, const Entry& entry) {
    std::string out = "<entry>\n";
    out += fmt::format("<id>{}</id>\n<title>{}</title>\n", escaped(tag(entry)),
                       escaped(first_words(entry).headline));
    out += fmt::format("<updated>{}</updated>\n", rfc3339(entry.facts.sent));
    out += fmt::format("<author><name>{}</name></author>\n", escaped(entry.facts.sender));
    out += fmt::format("<link rel=\"alternate\" type=\"application/cap+xml\" href=\"{}{}\"/>\n",
                       escaped(site.base), cap_path(entry));
    out += fmt::format(
        "<category scheme=\"urn:oasis:names:tc:emergency:cap:1.2:msgType\" term=\"{}\"/>\n",
        entry.msg_type);
    out +=
        fmt::format("<category scheme=\"urn:tocsin:level\" term=\"{}\"/>\n", look(entry.level).css);
    out += fmt::format("<category scheme=\"urn:tocsin:state\" term=\"{}\"/>\n",
                       entry.state == State::lifted ? "lifted" : "in_force");
    // Atom allows one summary an entry (RFC 4287, 4.1.2): the first language's.
    const auto& words = first_words(entry);
    out += fmt::format("<summary xml:lang=\"{}\" type=\"text\">{}</summary>\n",
                       escaped(words.language), escaped(words.page));
    return out + "</entry>\n";
}

std::string atom(const Site& site, const Entries& entries, Instant as_of) {
    Instant updated{};
    std::string body;
    for (const auto& [_, entry] : entries) {
        updated = std::max(updated, entry.facts.sent);
        body += atom_entry(site, entry);
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" "
        "xml:lang=\"zh-CN\">\n"
        "<id>{0}/feeds/alerts.atom</id>\n<title>{1}</title>\n<updated>{2}</updated>\n"
        "<author><name>{1}</name></author>\n<link rel=\"self\" type=\"application/atom+xml\" "
        "href=\"{0}/feeds/alerts.atom\"/>\n{3}</feed>\n",
        escaped(site.base), escaped(site.title), rfc3339(entries.empty() ? as_of : updated), body);
}

json::object feature(const Site& site, const Entry& entry) {
    boost::system::error_code bad;
    auto geometry =
        entry.geometry.empty() ? json::value(nullptr) : json::parse(entry.geometry, bad);
    json::array headlines;
    for (const auto& words : entry.words)
        headlines.push_back(
            json::object{{"language", words.language}, {"headline", words.headline}});
    return {{"type", "Feature"},
            {"id", tag(entry)},
            {"geometry", bad ? json::value(nullptr) : std::move(geometry)},
            {"properties",
             {{"identifier", entry.facts.identifier},
              {"sender", entry.facts.sender},
              {"sent", rfc3339(entry.facts.sent)},
              {"expires", rfc3339(entry.expires)},
              {"msgType", entry.msg_type},
              {"state", entry.state == State::lifted ? "lifted" : "in_force"},
              {"level", look(entry.level).css},
              {"event", entry.facts.event},
              {"severity", entry.facts.severity},
              {"urgency", entry.facts.urgency},
              {"certainty", entry.facts.certainty},
              {"headlines", std::move(headlines)},
              {"regions", json::value_from(entry.regions)},
              {"cap", site.base + cap_path(entry)}}}};
}

std::string geojson(const Site& site, const Entries& entries) {
    json::array features;
    for (const auto& [_, entry] : entries) features.push_back(feature(site, entry));
    return json::serialize(
               json::object{{"type", "FeatureCollection"}, {"features", std::move(features)}}) +
           "\n";
}

std::string article(const Entry& entry) {
    const auto [zh, en, bars, css] = look(entry.level);
    const bool lifted = entry.state == State::lifted;
    std::string out = fmt::format(
        "<article class=\"{} {}\">\n<p class=\"level\"><span>{}</span> {} {}{}</p>\n", css,
        lifted ? "lifted" : "in-force", bars, zh, en, lifted ? " · 已解除 Lifted" : "");
    for (const auto& words : entry.words) {
        out += fmt::format("<section lang=\"{}\">\n<h2>{}</h2>\n", escaped(words.language),
                           escaped(words.headline));
        out += fmt::format("<p class=\"words\">{}</p>\n</section>\n", escaped(words.page));
    }
    out += fmt::format(
        "<p class=\"facts\">发布 Sent <time>{}</time> · 有效至 Until <time>{}</time> · <a "
        "href=\"{}\">CAP</a></p>\n</article>\n",
        rfc3339(entry.facts.sent), rfc3339(entry.expires), cap_path(entry));
    return out;
}

constexpr std::string_view style =
    "body{font:1rem/1.7 system-ui,'PingFang SC','Noto Sans CJK SC','Microsoft "
    "YaHei',sans-serif;max-width:46rem;margin:auto;padding:1rem}"
    "article{border:2px solid #222;padding:0 1rem;margin:1rem "
    "0}.words{white-space:pre-line;overflow-wrap:anywhere}"
    ".level{margin:0 -1rem;padding:.3rem 1rem;font-weight:700}.red "
    ".level{background:#a3081a;color:#fff}"
    ".orange .level{background:#e07c0a;color:#000}.yellow .level{background:#ffee22;color:#000}"
    ".blue .level{background:#2470c8;color:#fff}.lifted .level{background:#ddd;color:#000}";

/// Gravest first, then newest; what is lifted comes last and never reads as in force (scar A12).
std::vector<const Entry*> in_reading_order(const Entries& entries) {
    std::vector<const Entry*> out;
    for (const auto& [_, entry] : entries) out.push_back(&entry);
    std::ranges::sort(out, [](const Entry* a, const Entry* b) {
        return std::tuple(a->state == State::lifted, -int(a->level), b->facts.sent) <
               std::tuple(b->state == State::lifted, -int(b->level), a->facts.sent);
    });
    return out;
}

std::string page(const Site& site, const Entries& entries, Instant as_of) {
    const auto in_force = std::ranges::count_if(
        entries, [](const auto& e) { return e.second.state == State::in_force; });
    std::string articles;
    for (const auto* entry : in_reading_order(entries)) articles += article(*entry);
    const auto clock = rfc3339(as_of);
    return fmt::format(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
        "name=\"viewport\" content=\"width=device-width\">\n"
        "<title>{0}</title>\n<link rel=\"alternate\" type=\"application/atom+xml\" "
        "href=\"/feeds/alerts.atom\">\n<style>{1}</style>\n</head>\n"
        "<body>\n<h1>{0}</h1>\n<p class=\"summary\">现有 {2} 条预警生效，截至 {3}<br>{2} in force "
        "as of {3}</p>\n{4}"
        "<p><a href=\"/feeds/alerts.atom\">Atom</a> · <a "
        "href=\"/feeds/alerts.geojson\">GeoJSON</a></p>\n</body>\n</html>\n",
        escaped(site.title), style, in_force, clock, articles);
}

}  // namespace

std::string name_of(contract::OrderId id) { return fmt::format("{}-{}", id.ordinal, id.revision); }

std::vector<Document> documents(const Site& site, const Entries& entries, Instant as_of) {
    return {
        {"/", "text/html; charset=utf-8", page(site, entries, as_of)},
        {"/feeds/alerts.atom", "application/atom+xml; charset=utf-8", atom(site, entries, as_of)},
        {"/feeds/alerts.geojson", "application/geo+json", geojson(site, entries)}};
}

Document cap_document(const Entry& entry) {
    return {cap_path(entry), "application/cap+xml", entry.cap};
}

}  // namespace tocsin::web
