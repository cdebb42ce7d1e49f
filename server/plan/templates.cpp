#include "server/plan/templates.hpp"

#include "server/plan/plan.hpp"

namespace tocsin::plan {
namespace {

using contract::Form;

constexpr std::pair<Form, const char*> forms[] = {
    {Form::sms, "sms"},
    {Form::cb, "cb"},
    {Form::speech, "speech"},
    {Form::crawl, "crawl"},
    {Form::full_screen, "full_screen"},
    {Form::board, "board"},
    {Form::page, "page"},
    {Form::headline, "headline"},
    {Form::cap, "cap"},
};

/// The form whose words do where a form has none of its own.
Form stand_in(Form form) {
    switch (form) {
        case Form::cb:
        case Form::speech:
        case Form::full_screen: return Form::sms;
        case Form::crawl:
        case Form::board: return Form::headline;
        default: return form;
    }
}

std::string primary(std::string_view tag) { return lower(tag.substr(0, tag.find('-'))); }

/// What of `more` is said takes the place of what `less` says.
void lay_over(Words& less, const Words& more) {
    const auto over = [](std::string& a, const std::string& b) {
        if (!b.empty()) a = b;
    };
    over(less.event, more.event);
    over(less.warning, more.warning);
    for (std::size_t i = 0; i < less.by_level.size(); ++i) {
        auto& a = less.by_level[i];
        const auto& b = more.by_level[i];
        over(a.advice, b.advice);
        over(a.brief, b.brief);
        if (!b.guidance.empty()) a.guidance = b.guidance;
    }
}

}  // namespace

const char* word(Form form) {
    for (const auto& [f, name] : forms)
        if (f == form) return name;
    return "";
}

std::optional<Form> form_of(std::string_view text) {
    for (const auto& [f, name] : forms)
        if (text == name) return f;
    return std::nullopt;
}

const Language* Templates::language(std::string_view tag) const {
    for (const auto& [name, language] : languages_)
        if (lower(name) == lower(tag)) return &language;
    for (const auto& [name, language] : languages_)
        if (primary(name) == primary(tag)) return &language;
    return nullptr;
}

std::vector<std::string> Templates::languages() const {
    std::vector<std::string> tags;
    for (const auto& [tag, language] : languages_) tags.push_back(tag);
    return tags;
}

Words Templates::words(const Event& event, const std::string& language) const {
    Words merged;
    for (const auto& folder : {std::string("default"), event.family, event.key})
        if (const auto found = words_.find({folder, language}); found != words_.end())
            lay_over(merged, found->second);
    return merged;
}

Templates::Found Templates::find(const Event& event,
                                 Form form,
                                 Kind kind,
                                 const std::string& language) const {
    for (const auto wanted : {form, stand_in(form)}) {
        for (const auto& folder : {event.key, event.family, std::string("default")}) {
            auto found = mustaches_.find({folder, language, wanted, kind});
            if (found == mustaches_.end() && kind == Kind::update)
                found = mustaches_.find({folder, language, wanted, Kind::publish});
            if (found != mustaches_.end()) return {&found->second, wanted};
        }
    }
    return {};
}

}  // namespace tocsin::plan
