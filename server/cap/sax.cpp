#include "server/cap/sax.hpp"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include <memory>
#include <new>
#include <vector>

namespace tocsin::cap {
namespace {

#if LIBXML_VERSION >= 21200
using ParserError = const xmlError*;
#else
using ParserError = xmlError*;
#endif

std::string_view view(const xmlChar* text) {
    return text ? reinterpret_cast<const char*>(text) : std::string_view{};
}

SaxEvents& events(void* user) { return *static_cast<SaxEvents*>(user); }

void on_doctype(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    events(user).doctype();
}

void on_start(void* user,
              const xmlChar* local,
              const xmlChar*,
              const xmlChar* uri,
              int namespaces,
              const xmlChar**,
              int count,
              int,
              const xmlChar** values) {
    std::vector<SaxAttribute> attributes(static_cast<std::size_t>(count));
    // Five pointers an attribute: name, prefix, namespace, begin and end of its value.
    for (std::size_t i = 0; i < attributes.size(); ++i)
        attributes[i] = {view(values[i * 5]), view(values[i * 5 + 2])};
    events(user).start({view(local), view(uri), static_cast<std::size_t>(namespaces), attributes});
}

void on_end(void* user, const xmlChar*, const xmlChar*, const xmlChar*) { events(user).end(); }

void on_text(void* user, const xmlChar* from, int length) {
    events(user).text({reinterpret_cast<const char*>(from), static_cast<std::size_t>(length)});
}

void on_error(void* user, ParserError error) {
    // A namespace name that is no URI harms nothing: whoever compares it names it better.
    if (error->level <= XML_ERR_WARNING || error->code == XML_WAR_NS_URI ||
        error->code == XML_WAR_NS_URI_RELATIVE)
        return;
    events(user).failed(error->code, error->domain == XML_FROM_NAMESPACE,
                        error->line > 0 ? error->line : 1, error->message ? error->message : "");
}

xmlSAXHandler handler() {
    xmlSAXHandler sax{};
    sax.initialized = XML_SAX2_MAGIC;
    sax.internalSubset = on_doctype;
    sax.startElementNs = on_start;
    sax.endElementNs = on_end;
    sax.characters = sax.ignorableWhitespace = sax.cdataBlock = on_text;
    sax.serror = on_error;
    return sax;
}

xmlParserInput* load_nothing(const char*, const char*, xmlParserCtxt*) { return nullptr; }

/// Once in the process: whatever else uses libxml2 here fetches nothing either.
void forbid_fetching() {
    static const bool done = [] {
        xmlInitParser();
        xmlSetExternalEntityLoader(load_nothing);
        return true;
    }();
    static_cast<void>(done);
}

}  // namespace

bool Sax::parse(std::string_view text) {
    forbid_fetching();
    if (text.empty()) text = " ";  // libxml2 makes no parser for nothing at all
    const std::unique_ptr<xmlParserCtxt, void (*)(xmlParserCtxt*)> parser(
        xmlCreateMemoryParserCtxt(text.data(), static_cast<int>(text.size())), xmlFreeParserCtxt);
    if (!parser) throw std::bad_alloc();
    parser_ = parser.get();
    *parser_->sax = handler();
    parser_->userData = &events_;
    xmlCtxtUseOptions(parser_, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_BIG_LINES);
    xmlParseDocument(parser_);
    const bool well_formed = parser_->wellFormed != 0;
    parser_ = nullptr;
    return well_formed;
}

void Sax::stop() {
    if (parser_) xmlStopParser(parser_);
}

long Sax::line() const { return parser_ && parser_->input ? parser_->input->line : 0; }

bool Sax::at_end() const {
    return parser_ && parser_->input && parser_->input->cur >= parser_->input->end;
}

}  // namespace tocsin::cap
