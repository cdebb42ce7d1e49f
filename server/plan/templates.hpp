#pragma once
#include "server/plan/events.hpp"
#include "server/plan/language.hpp"
#include "server/plan/mustache.hpp"

#include <array>

/// All words, parsed and checked once, from the folder of templates (its README.md says how they are
/// written). Looked up from the event to its class to default; nothing is ever missing in the end.
namespace tocsin::plan {

enum class Kind { publish, update, cancel, correct };

/// What to do, by level. In one file a folder and language: words.<language>.toml.
struct Advice {
    std::string advice, brief;          // one sentence each, without its full stop
    std::vector<std::string> guidance;  // for pages
};
struct Words {
    std::string event;    // "暴雨"; a class says "灾害"
    std::string warning;  // "预警信号"
    std::array<Advice, 5> by_level;
};

class Templates {
public:
    /// All languages that have a language.<tag>.toml. The fault has one line for each thing that is
    /// wrong, with file and line.
    static Result<std::shared_ptr<const Templates>> load(const std::filesystem::path& folder);

    const Events& events() const { return events_; }
    /// As `tag`; else one of the same kind ("zh-TW" gets "zh-CN"); else nothing.
    const Language* language(std::string_view tag) const;
    std::vector<std::string> languages() const;
    /// Merged from event, class and default.
    Words words(const Event& event, const std::string& language) const;

    struct Found {
        const Mustache* mustache = nullptr;
        contract::Form form{};  // another than asked if there is none of that form at all
    };
    Found find(const Event& event,
               contract::Form form,
               Kind kind,
               const std::string& language) const;

private:
    struct Name {
        std::string folder, language;
        contract::Form form;
        Kind kind;
        auto operator<=>(const Name&) const = default;
    };
    struct Loader;

    Events events_;
    std::map<std::string, Language> languages_;
    std::map<Name, Mustache> mustaches_;
    std::map<std::pair<std::string, std::string>, Words> words_;  // by folder and language
};

/// "sms"; file names and plans use it.
const char* word(contract::Form form);
std::optional<contract::Form> form_of(std::string_view word);

}  // namespace tocsin::plan
