#pragma once
#include "server/plan/plan.hpp"
#include "server/plan/templates.hpp"

/// Puts an alert into words: one text for a form, a language and a budget. Shortens by whole names,
/// whole sentences and prepared shorter advice, never inside the instruction (scar H3).
namespace tocsin::plan {

struct Subject {
    const cap::Alert* alert = nullptr;
    const Plan* before = nullptr;  // what is updated or taken back
    Mode mode = Mode::test;
    Event event;
    std::string code;  // CN:eventType
    Level level = Level::blue;
    Instant sent{}, onset{}, until{};
    std::vector<std::string> regions;
};

struct Said {
    std::string words, language;
    std::string shortened;  // what was left out, for people; empty if nothing
    bool fits = false;
    bool other_form = false;  // words of another form, as there is none of this
};

class Speaker {
public:
    Speaker(const City& city, const Templates& templates, Subject subject);

    Said say(Kind kind, const Language& language, const contract::Budget& budget) const;
    /// The sender's own headline, else that of the templates; a drill's is marked.
    std::string headline(Kind kind, const Language& language) const;
    /// What event and issuer are called in the language, and the digest of the sender's own words.
    Spoken spoken(const Language& language) const;

private:
    Fields fields(Kind kind, const Language& language) const;
    void say_what(Fields& out, Kind kind, const Language& language) const;
    void say_when(Fields& out, Kind kind, const Language& language) const;
    void say_own_words(Fields& out, Kind kind, const Language& language) const;
    std::string event_name(const Language& language) const;
    Issuer issuer(const Language& language) const;
    bool takes_back(Kind kind) const { return kind == Kind::cancel || kind == Kind::correct; }
    Event event_of(Kind kind) const;
    Level level_of(Kind kind) const;
    const std::vector<std::string>& regions_of(Kind kind) const;
    std::string act(Kind kind, const Language& language) const;
    std::string marked(std::string words, contract::Form form, const Language& language) const;

    const City& city_;
    const Templates& templates_;
    Subject subject_;
};

/// The first info block of the language, or of one of the same kind ("zh" for "zh-CN").
const cap::Info* info_in(const cap::Alert& alert, std::string_view language);

}  // namespace tocsin::plan
