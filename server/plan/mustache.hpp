#pragma once
#include "server/base/fault.hpp"

#include <map>
#include <memory>
#include <set>
#include <vector>

/// One template of words. Only variables, sections, inverted sections and comments; what is put in
/// is never read as a template, and nothing is escaped: that is the medium's business.
namespace tocsin::plan {

using Fields = std::map<std::string, std::string, std::less<>>;

/// A tag of a template, for checks.
struct Tag {
    char kind;  // 'v'ariable, '#', '^', '/', '>', '!', or '?' for what we do not use
    std::string name;
    int line;
};
/// Nothing is closed twice or left open; else a fault with the line.
Result<std::vector<Tag>> tags_of(std::string_view source);

class Mustache {
public:
    /// `source` has no partials any more.
    static Result<Mustache> parse(const std::string& source);
    /// A missing or empty field is false for sections.  Thread safe.
    std::string render(const Fields& fields) const;
    const std::set<std::string>& names() const { return names_; }

private:
    struct Parsed;
    std::shared_ptr<Parsed> parsed_;
    std::set<std::string> names_;
};

}  // namespace tocsin::plan
