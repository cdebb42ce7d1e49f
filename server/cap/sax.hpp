#pragma once
#include <cstddef>
#include <span>
#include <string_view>

struct _xmlParserCtxt;

/// libxml2's SAX interface, set up once for everything that comes from outside: no DTD, no
/// entities, no network, no recovery, no HUGE. No type of libxml2 gets out of here.
namespace tocsin::cap {

struct SaxAttribute {
    std::string_view local, uri;
};

struct SaxStart {
    std::string_view local, uri;
    std::size_t namespaces;  // declared by this tag
    std::span<const SaxAttribute> attributes;
};

class SaxEvents {
public:
    virtual void start(const SaxStart& tag) = 0;
    virtual void end() = 0;
    /// Some of the text; CDATA and character references look the same.
    virtual void text(std::string_view text) = 0;
    virtual void doctype() = 0;
    /// An error, fatal or of namespaces; warnings are not told. Parsing goes on unless stopped.
    virtual void failed(int code, bool of_namespaces, long line, std::string_view words) = 0;

protected:
    ~SaxEvents() = default;
};

class Sax {
public:
    explicit Sax(SaxEvents& events) : events_(events) {}

    /// `text` is legal UTF-8, whatever its declaration says. True if it was well-formed to its end.
    bool parse(std::string_view text);
    /// From within an event: no further ones.
    void stop();
    long line() const;
    /// All of the text has been read.
    bool at_end() const;

private:
    SaxEvents& events_;
    _xmlParserCtxt* parser_ = nullptr;
};

}  // namespace tocsin::cap
