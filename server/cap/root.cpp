#include "server/cap/root.hpp"

#include "server/cap/lexical.hpp"

#include <fmt/format.h>
#include <libxml/xmlerror.h>

namespace tocsin::cap {
namespace {

struct Known {
    std::string_view uri, what;
};

// clang-format off
constexpr Known others[] = {
    {"urn:oasis:names:tc:emergency:cap:1.1", "This is CAP 1.1. Send CAP 1.2: the namespace, and a mimeType in every resource, differ."},
    {"urn:oasis:names:tc:emergency:cap:1.0", "This is CAP 1.0. Send CAP 1.2."},
    {"http://www.incident.com/cap/1.0", "This is CAP 1.0. Send CAP 1.2."},
    {"http://www.w3.org/2005/Atom", "This is an Atom feed or entry. Send the CAP alert itself, without the envelope."},
    {"urn:oasis:names:tc:emergency:EDXL:DE:1.0", "This is an EDXL-DE envelope. Send the CAP alert inside it, by itself."},
    {"urn:oasis:names:tc:emergency:EDXL:DE:2.0", "This is an EDXL-DE envelope. Send the CAP alert inside it, by itself."},
    {"http://schemas.xmlsoap.org/soap/envelope/", "This is a SOAP envelope. Send the CAP alert inside it, by itself."},
    {"http://www.w3.org/2003/05/soap-envelope", "This is a SOAP envelope. Send the CAP alert inside it, by itself."},
    {"http://com.icss.amp", "This is a message of the Chinese national profile. Send CAP 1.2, or use the national gateway."},
};

struct Said { int code; std::string_view what; };
constexpr Said errors[] = {
    {XML_ERR_DOCUMENT_EMPTY,     "There is no XML here: the message is empty or does not begin with '<'."},
    {XML_ERR_DOCUMENT_END,       "Something follows the end of the message. Send one alert, and nothing after it."},
    {XML_ERR_TAG_NOT_FINISHED,   "The message ends in the middle: it was cut off. Send it whole."},
    {XML_ERR_TAG_NAME_MISMATCH,  "An end tag does not match its start tag. Close elements in the order they were opened."},
    {XML_ERR_UNDECLARED_ENTITY,  "An entity is not defined. Only &amp; &lt; &gt; &quot; &apos; exist: write other characters themselves."},
    {XML_ERR_ENTITYREF_SEMICOL_MISSING, "A '&' stands alone. Write it as &amp;."},
    {XML_ERR_INVALID_CHAR,       "A control character is not allowed in XML. Remove it."},
    {XML_ERR_INVALID_CHARREF,    "A character reference names no character of XML. Remove it."},
    {XML_ERR_ATTRIBUTE_REDEFINED, "An attribute is given twice."},
    {XML_ERR_HYPHEN_IN_COMMENT,  "A comment holds '--'. Remove the comment."},
    {XML_ERR_LT_IN_ATTRIBUTE,    "An attribute value holds '<'. Write it as &lt;."},
    {XML_ERR_MISPLACED_CDATA_END, "The text holds ']]>'. Write it as ]]&gt;."},
    {XML_ERR_RESERVED_XML_NAME,  "An XML declaration stands anywhere but at the very beginning. Remove what precedes it."},
    {XML_NS_ERR_UNDEFINED_NAMESPACE, "A namespace prefix is not declared. Declare it on alert."},
};
// clang-format on

bool is_child(Tag parent, std::string_view local) { return place(parent, local) >= 0; }

/// The CAP name that differs only in case, or nothing.
std::string_view meant(Tag parent, std::string_view local) {
    for (const auto& child : element(parent).children)
        if (same_letters(name(child.tag), local)) return name(child.tag);
    return {};
}

std::string_view home(std::string_view local) {
    constexpr Tag parents[] = {Tag::alert, Tag::info, Tag::resource, Tag::area};
    for (const auto parent : parents)
        if (is_child(parent, local)) return name(parent);
    return local == "valueName" || local == "value" ? "eventCode, parameter or geocode" : "";
}

}  // namespace

std::string explain_root(std::string_view local, std::string_view uri) {
    for (const auto& other : others)
        if (uri == other.uri) return std::string(other.what);
    if (uri == cap_namespace)
        return fmt::format("The root is {}, not alert. Send one CAP alert by itself{}.",
                           quoted(local),
                           local == "alerts" ? "; a bundle of alerts is not CAP" : "");
    if (uri.empty() && local == "alert")
        return fmt::format("The alert is in no namespace. Write <alert xmlns=\"{}\">.",
                           cap_namespace);
    if (uri.empty() && local == "rss") return "This is an RSS feed. Send the CAP alert itself.";
    if (local == "alert")
        return fmt::format("The namespace is {}; CAP 1.2 is exactly {}.", quoted(uri),
                           cap_namespace);
    return fmt::format("The root is {}{}; a CAP 1.2 message begins with <alert xmlns=\"{}\">.",
                       quoted(local), uri.empty() ? "" : " in namespace " + quoted(uri),
                       cap_namespace);
}

std::string explain_unknown(Tag parent, std::string_view local, std::string_view uri) {
    const auto here = name(parent);
    if (uri == cap_namespace || uri.empty()) {
        if (const auto right = meant(parent, local); !right.empty())
            return fmt::format("Write {} for {}: names are compared letter by letter.", right,
                               quoted(local));
        if (const auto where = home(local); !where.empty())
            return fmt::format("The element {} belongs into {}, not into {}.", quoted(local), where,
                               here);
    }
    return fmt::format(
        "CAP 1.2 has no element {} in {}{}. Remove it; data of your own go into "
        "parameter.",
        quoted(local), here,
        uri == cap_namespace || uri.empty() ? "" : " (namespace " + quoted(uri) + ")");
}

std::string explain(int code, std::string_view words) {
    if (code == XML_ERR_NAME_REQUIRED && words.find("EntityRef") != words.npos)
        return "A '&' stands alone. Write it as &amp;.";
    for (const auto& [known, what] : errors)
        if (code == known) return std::string(what);
    return fmt::format("The message is not well-formed XML: {}.", quoted(trim(words)));
}

}  // namespace tocsin::cap
