#include "server/plan/mustache.hpp"

#include <fmt/format.h>
#include <kainjow/mustache.hpp>

#include <algorithm>

namespace tocsin::plan {
namespace {

std::string trimmed(std::string_view s) {
    const auto from = s.find_first_not_of(" \t\n");
    return from == s.npos ? std::string()
                          : std::string(s.substr(from, s.find_last_not_of(" \t\n") - from + 1));
}

Tag tag_from(std::string_view inside, int line) {
    const auto text = trimmed(inside);
    if (text.empty()) return {'?', "an empty tag", line};
    if (std::string_view("#^/>!").find(text[0]) != std::string_view::npos)
        return {text[0], trimmed(std::string_view(text).substr(1)), line};
    if (std::string_view("={&").find(text[0]) != std::string_view::npos) return {'?', text, line};
    return {'v', text, line};
}

}  // namespace

Result<std::vector<Tag>> tags_of(std::string_view source) {
    std::vector<Tag> tags;
    std::vector<Tag> open;
    for (std::size_t at = 0; (at = source.find("{{", at)) != source.npos;) {
        const auto line = 1 + int(std::ranges::count(source.substr(0, at), '\n'));
        const auto end = source.find("}}", at);
        if (end == source.npos)
            return Fault{Cause::malformed, fmt::format("{}: {{{{ is never closed", line)};
        auto tag = tag_from(source.substr(at + 2, end - at - 2), line);
        at = end + 2;
        if (tag.kind == '?')
            return Fault{Cause::malformed, fmt::format("{}: {} is not used here", line, tag.name)};
        if (tag.kind == '#' || tag.kind == '^') open.push_back(tag);
        if (tag.kind == '/') {
            if (open.empty() || open.back().name != tag.name)
                return Fault{Cause::malformed,
                             fmt::format("{}: {} closes nothing", line, tag.name)};
            open.pop_back();
        }
        tags.push_back(std::move(tag));
    }
    if (!open.empty())
        return Fault{Cause::malformed,
                     fmt::format("{}: {} is never closed", open.back().line, open.back().name)};
    return tags;
}

struct Mustache::Parsed {
    /// render() is not const, but writes nothing as long as there are no partials and lambdas.
    mutable kainjow::mustache::mustache tree;
};

Result<Mustache> Mustache::parse(const std::string& source) {
    auto tags = tags_of(source);
    if (tags.has_error()) return std::move(tags).error();
    Mustache out;
    out.parsed_ = std::make_shared<Parsed>(Parsed{kainjow::mustache::mustache(source)});
    if (!out.parsed_->tree.is_valid())
        return Fault{Cause::malformed, out.parsed_->tree.error_message()};
    out.parsed_->tree.set_custom_escape([](const std::string& s) { return s; });
    for (auto& tag : *tags)
        if (tag.kind != '!') out.names_.insert(std::move(tag.name));
    return out;
}

std::string Mustache::render(const Fields& fields) const {
    kainjow::mustache::data data;
    for (const auto& name : names_) {
        const auto found = fields.find(name);
        if (found == fields.end() || found->second.empty())
            data.set(name, kainjow::mustache::data(false));
        else
            data.set(name, found->second);
    }
    return parsed_->tree.render(data);
}

}  // namespace tocsin::plan
