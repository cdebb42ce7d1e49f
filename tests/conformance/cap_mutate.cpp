#include "tests/conformance/cap_mutate.hpp"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>

namespace tocsin::reference {
namespace {

constexpr std::string_view names[] = {
    "alert",       "identifier",   "sender",     "sent",         "status",
    "msgType",     "source",       "scope",      "restriction",  "addresses",
    "code",        "note",         "references", "incidents",    "info",
    "language",    "category",     "event",      "responseType", "urgency",
    "severity",    "certainty",    "audience",   "eventCode",    "effective",
    "onset",       "expires",      "senderName", "headline",     "description",
    "instruction", "web",          "contact",    "parameter",    "resource",
    "area",        "resourceDesc", "mimeType",   "size",         "uri",
    "derefUri",    "digest",       "areaDesc",   "polygon",      "circle",
    "geocode",     "altitude",     "ceiling",    "valueName",    "value",
    "Event",       "EVENT",        "headLine",   "priority",     "x"};

constexpr std::string_view values[] = {"",
                                       " ",
                                       "Actual",
                                       " Actual ",
                                       "actual",
                                       "Test",
                                       "Draft",
                                       "Alert",
                                       "Update",
                                       "Warning",
                                       "Public",
                                       "Restricted",
                                       "Met",
                                       "CBRNE",
                                       "Other",
                                       "Weather",
                                       "Shelter",
                                       "None",
                                       "AllClear",
                                       "Immediate",
                                       "Past",
                                       "Unknown",
                                       "Extreme",
                                       "Minor",
                                       "Red",
                                       "Observed",
                                       "Likely",
                                       "Very Likely",
                                       "2026-07-21T14:05:00+08:00",
                                       " 2026-07-21T14:05:00+08:00\n",
                                       "2026-07-21T24:00:00+08:00",
                                       "2026-07-21T24:00:01+08:00",
                                       "2026-02-29T14:05:00+08:00",
                                       "2024-02-29T14:05:00+08:00",
                                       "2000-02-29T14:05:00+08:00",
                                       "2100-02-29T14:05:00+08:00",
                                       "2026-07-21T14:05:00Z",
                                       "2026-07-21T14:05:00",
                                       "2026-07-21T14:05:60+08:00",
                                       "2026-07-21T14:60:00+08:00",
                                       "2026-07-21T14:05:00+14:00",
                                       "2026-07-21T14:05:00+14:01",
                                       "2026-07-21T14:05:00-14:00",
                                       "2026-07-21T14:05:00+13:60",
                                       "2026-07-21T14:05:00,08:00",
                                       "2026-07-21T14:05:00.0+08:00",
                                       "-2026-07-21T14:05:00+08:00",
                                       "12026-07-21T14:05:00+08:00",
                                       "0000-07-21T14:05:00+08:00",
                                       "0001-01-01T00:00:00-00:00",
                                       "9999-12-31T23:59:59+00:00",
                                       "2026-00-10T00:00:00+00:00",
                                       "2026-13-10T00:00:00+00:00",
                                       "2026-04-31T00:00:00+00:00",
                                       "2026-7-21T14:05:00+08:00",
                                       "2026-07-21t14:05:00+08:00",
                                       "2026-07-21 14:05:00+08:00",
                                       "20260721T140500+0800",
                                       "zh-CN",
                                       "zh-Hant-TW",
                                       "en",
                                       "x-klingon",
                                       "english",
                                       "englishxyz",
                                       "en_US",
                                       "-en",
                                       "en-",
                                       "en--US",
                                       "12",
                                       "e",
                                       " en-US ",
                                       "zh-123456789",
                                       "1",
                                       "-1",
                                       "+1",
                                       "1.5",
                                       ".5",
                                       "5.",
                                       ".",
                                       "-",
                                       "1e3",
                                       "0x10",
                                       " 12 ",
                                       "1 2",
                                       "00012",
                                       "-0",
                                       "123456789012345678901234",
                                       "https://example.cn/",
                                       "http://[x",
                                       "http://a b",
                                       "mailto:a@b",
                                       "//x",
                                       "%zz",
                                       "a:b",
                                       "http://é",
                                       "http://a/{x}",
                                       "#",
                                       "##",
                                       "text & <more>",
                                       "\xE6\x9A\xB4\xE9\x9B\xA8",
                                       "39.9,116.2 5"};

template <std::size_t n> std::string_view any(const std::string_view (&of)[n], Random& random) {
    return of[pick(random, n)];
}

const xmlChar* text(std::string_view from, std::string& holder) {
    holder = std::string(from);
    return reinterpret_cast<const xmlChar*>(holder.c_str());
}

void collect(xmlNode* node, std::vector<xmlNode*>& out) {
    for (auto at = node->children; at; at = at->next)
        if (at->type == XML_ELEMENT_NODE) {
            out.push_back(at);
            collect(at, out);
        }
}

}  // namespace

std::size_t pick(Random& random, std::size_t below) { return below ? random() % below : 0; }

Mutator::Mutator(std::string_view bytes)
    : doc_(xmlReadMemory(bytes.data(),
                         static_cast<int>(bytes.size()),
                         nullptr,
                         nullptr,
                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
           xmlFreeDoc) {}

xmlNode* Mutator::any_element(Random& random) const {
    std::vector<xmlNode*> all;
    collect(xmlDocGetRootElement(doc_.get()), all);
    return all.empty() ? nullptr : all[pick(random, all.size())];
}

std::string Mutator::change_value(xmlNode* node, Random& random) {
    std::string value(any(values, random)), holder;
    xmlNodeSetContent(node, nullptr);
    xmlNodeAddContent(node, text(value, holder));
    return fmt::format("{} = '{}'", reinterpret_cast<const char*>(node->name), value);
}

std::string Mutator::mutate(Random& random) {
    auto node = any_element(random);
    if (!node) return "nothing left";
    std::string holder, other;
    const std::string name = reinterpret_cast<const char*>(node->name);
    switch (pick(random, 12)) {
        case 0:
            xmlUnlinkNode(node);
            xmlFreeNode(node);
            return "drop " + name;
        case 1: xmlAddNextSibling(node, xmlCopyNode(node, 1)); return "double " + name;
        case 2: {
            const auto to = any_element(random);
            for (auto up = to; up; up = up->parent)
                if (up == node) return change_value(node, random);
            xmlUnlinkNode(node);
            const bool before = pick(random, 2) == 0;
            before ? xmlAddPrevSibling(to, node) : xmlAddNextSibling(to, node);
            return fmt::format("move {} to {}", name, reinterpret_cast<const char*>(to->name));
        }
        case 3: {
            const auto sibling = node->next ? node->next : node->prev;
            if (!sibling) return change_value(node, random);
            const auto far = sibling->next ? sibling->next : sibling;
            if (far == node) return change_value(node, random);
            xmlUnlinkNode(node);
            xmlAddNextSibling(far, node);
            return "move on " + name;
        }
        case 4: {
            const auto to = any(names, random);
            xmlNodeSetName(node, text(to, holder));
            return fmt::format("rename {} to {}", name, to);
        }
        case 5:
            if (pick(random, 3) > 0) return change_value(node, random);
            xmlSetNs(node, xmlNewNs(node, text("urn:other", holder), text("o", other)));
            return "namespace of " + name;
        case 6:
            if (pick(random, 3) > 0) return change_value(node, random);
            xmlNewProp(node, text("id", holder), text("a", other));
            return "attribute on " + name;
        case 7:
            if (pick(random, 2) > 0) return change_value(node, random);
            xmlAddPrevSibling(node, xmlNewText(text("stray", holder)));
            return "text before " + name;
        case 8:
            if (pick(random, 3) > 0) return change_value(node, random);
            xmlNewChild(node, nullptr, text(any(names, random), holder), text("y", other));
            return "child in " + name;
        default: return change_value(node, random);
    }
}

std::string Mutator::bytes() const {
    xmlChar* out = nullptr;
    int length = 0;
    xmlDocDumpMemoryEnc(doc_.get(), &out, &length, "UTF-8");
    std::string bytes(reinterpret_cast<char*>(out), static_cast<std::size_t>(length));
    xmlFree(out);
    return bytes;
}

std::string spoil(std::string_view bytes, Random& random) {
    using namespace std::string_view_literals;
    constexpr std::string_view hated[] = {"\0"sv,
                                          "<"sv,
                                          ">"sv,
                                          "&"sv,
                                          "&#0;"sv,
                                          "&#x10FFFF;"sv,
                                          "&x;"sv,
                                          "]]>"sv,
                                          "<![CDATA["sv,
                                          "<!--"sv,
                                          "-->"sv,
                                          "<!DOCTYPE a [<!ENTITY x \"y\">]>"sv,
                                          "<?xml version=\"1.0\"?>"sv,
                                          "<?xml version=\"1.0\" encoding=\"UTF-16\"?>"sv,
                                          "\xFF\xFE"sv,
                                          "\xFE\xFF"sv,
                                          "\xEF\xBB\xBF"sv,
                                          "\xC0\xAF"sv,
                                          "\xED\xA0\x80"sv,
                                          "\xF4\x90\x80\x80"sv,
                                          "\xE2\x80\xAE"sv,
                                          "</info>"sv,
                                          "<info>"sv,
                                          "<area><areaDesc/>"sv,
                                          "</alert>"sv,
                                          "xmlns:a=\"b\""sv,
                                          "\""sv,
                                          "1e999"sv,
                                          "-"sv,
                                          "nan,nan"sv,
                                          " 90,180"sv,
                                          "99999999999999999999999999"sv,
                                          "\r"sv};
    std::string out(bytes);
    for (auto left = 1 + pick(random, 8); left > 0 && !out.empty(); --left) {
        const auto at = pick(random, out.size()), length = pick(random, 40);
        switch (pick(random, 6)) {
            case 0: out[at] = static_cast<char>(random()); break;
            case 1: out.erase(at, length); break;
            case 2: out.insert(at, out.substr(pick(random, out.size()), length)); break;
            case 3: out.insert(at, any(hated, random)); break;
            case 4: {
                std::string many;
                const auto what = any(hated, random);
                for (auto n = pick(random, 2000); n > 0; --n) many += what;
                out.insert(at, many);
                break;
            }
            default: out.resize(at); break;
        }
    }
    return out;
}

}  // namespace tocsin::reference
