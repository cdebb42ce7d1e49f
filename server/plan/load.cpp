#include "server/plan/plan.hpp"
#include "server/plan/templates.hpp"

#include <fstream>
#include <sstream>

/// Reads and checks the folder of templates.
namespace tocsin::plan {
namespace {

using contract::Form;

/// What a template may name. Spelled out, so that a typing error is found at start and not in a red
/// alert.
const std::set<std::string, std::less<>> known = {
    "signature",  "city",         "sender",        "event",       "Event",       "colour",
    "COLOUR",     "level",        "degree",        "warning",     "act",         "areas",
    "areas_said", "sent",         "until",         "onset",       "sent_full",   "until_full",
    "onset_full", "advice",       "guidance",      "headline",    "description", "instruction",
    "original",   "before_event", "before_colour", "before_sent", "reason",      "web",
    "contact",    "red",          "orange",        "yellow",      "blue"};

using Wanted = std::vector<std::vector<std::string_view>>;  // one of each

/// Level, area, time and issuer survive in every form, and what to do in all that has room for it.
Wanted wanted_in(Form form, Kind kind) {
    const std::vector<std::string_view> event{"event", "Event", "headline"},
        colour{"colour", "COLOUR"};
    if (kind == Kind::correct) return {{"sender"}, event, {"before_sent"}};
    if (kind == Kind::cancel) return {{"sender"}, event, colour, {"areas"}, {"sent", "sent_full"}};
    Wanted wanted{{"sender"}, event, colour, {"areas"}, {"until", "until_full"}};
    if (form == Form::page) {
        wanted.insert(wanted.end(),
                      {{"description"}, {"instruction"}, {"guidance"}, {"sent_full"}});
    } else if (form != Form::headline && form != Form::crawl && form != Form::board) {
        wanted.push_back({"advice"});
    }
    return wanted;
}

std::optional<std::string> contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return in ? std::optional(std::move(out).str()) : std::nullopt;
}

void trim_end(std::string& text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
}

/// "sms.cancel.zh-CN.mustache" -> {"sms", "cancel", "zh-CN"}
std::vector<std::string> name_parts(const std::filesystem::path& file) {
    std::vector<std::string> parts(1);
    for (const char c : file.stem().string()) {
        if (c == '.')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

std::optional<Kind> kind_of(std::string_view name) {
    if (name == "publish") return Kind::publish;
    if (name == "update") return Kind::update;
    if (name == "cancel") return Kind::cancel;
    if (name == "correct") return Kind::correct;
    return std::nullopt;
}

Words read_words(const Settings& s) {
    Words words;
    words.event = s.text("event");
    words.warning = s.text("warning");
    for (const auto level : {Level::blue, Level::yellow, Level::orange, Level::red}) {
        const auto table = s.table(word(level));
        words.by_level[std::size_t(level)] = {table.text("advice"), table.text("brief"),
                                              table.texts("guidance")};
        table.finish();
    }
    s.finish();
    return words;
}

}  // namespace

struct Templates::Loader {
    std::filesystem::path root;
    Complaints complaints;
    std::shared_ptr<Templates> out = std::make_shared<Templates>();
    std::map<std::string, std::string> partials;  // "name.language"

    std::string at(const std::filesystem::path& file) const {
        return std::filesystem::relative(file, root).string();
    }
    void languages() {
        for (const auto& entry : std::filesystem::directory_iterator(root)) {
            const auto name = entry.path().filename().string();
            if (!name.starts_with("language.") || !name.ends_with(".toml")) continue;
            const auto tag = name.substr(9, name.size() - 14);
            const auto settings = Settings::read(entry.path(), complaints);
            if (settings.has_error())
                complaints.add(settings.error().what);
            else
                out->languages_.emplace(tag, Language::read(*settings, tag));
        }
        if (out->languages_.empty()) complaints.add("no language.<tag>.toml in " + root.string());
    }

    void read_partials() {
        if (!std::filesystem::is_directory(root / "partials")) return;
        for (const auto& entry : std::filesystem::directory_iterator(root / "partials"))
            if (auto text = contents(entry.path());
                text && entry.path().extension() == ".mustache") {
                trim_end(*text);
                check_names(entry.path(), *text);
                partials[entry.path().stem().string()] = std::move(*text);
            }
    }

    bool known_folder(const std::string& name) const {
        const auto& events = out->events_.all();
        return name == "default" || name == "natural" || name == "accident" || name == "health" ||
               name == "security" || std::ranges::count(events, name, &Event::key) > 0;
    }

    void folders() {
        for (const auto& entry : std::filesystem::directory_iterator(root)) {
            const auto name = entry.path().filename().string();
            if (!entry.is_directory() || name == "partials") continue;
            if (!known_folder(name))
                complaints.add(
                    fmt::format("{}: no event or class of this name in events.toml", name));
            for (const auto& file : std::filesystem::directory_iterator(entry.path()))
                read_file(name, file.path());
        }
    }

    void read_file(const std::string& folder, const std::filesystem::path& file) {
        const auto parts = name_parts(file);
        if (file.extension() == ".mustache") return read_template(folder, file, parts);
        if (file.extension() != ".toml" || parts[0] != "words" || parts.size() != 2)
            return complaints.add(at(file) + ": neither a template nor words");
        if (!out->languages_.contains(parts[1]))
            return complaints.add(
                fmt::format("{}: there is no language.{}.toml", at(file), parts[1]));
        const auto text = contents(file);  // each folder has words of this name: say which
        if (!text) return complaints.add(at(file) + ": cannot be read");
        const auto settings = Settings::parse(*text, at(file), complaints);
        if (settings.has_error()) return complaints.add(settings.error().what);
        out->words_[{folder, parts[1]}] = read_words(*settings);
    }

    void read_template(const std::string& folder,
                       const std::filesystem::path& file,
                       const std::vector<std::string>& parts) {
        const auto form = form_of(parts[0]);
        const auto kind = parts.size() == 3 ? kind_of(parts[1]) : Kind::publish;
        if (!form || *form == Form::cap || !kind || parts.size() < 2 || parts.size() > 3)
            return complaints.add(at(file) + ": wants <form>[.<kind>].<language>.mustache");
        const auto& language = parts.back();
        if (!out->languages_.contains(language))
            return complaints.add(
                fmt::format("{}: there is no language.{}.toml", at(file), language));
        auto text = contents(file);
        if (!text) return complaints.add(at(file) + ": cannot be read");
        trim_end(*text);
        if (!check_names(file, *text)) return;
        expand(file, *text, language);
        auto parsed = Mustache::parse(*text);
        if (parsed.has_error()) return complaints.add(at(file) + ":" + parsed.error().what);
        for (const auto& one_of : wanted_in(*form, *kind))
            if (std::ranges::none_of(
                    one_of, [&](auto name) { return parsed->names().contains(std::string(name)); }))
                complaints.add(fmt::format("{}:1: {{{{{}}}}} is missing", at(file), one_of[0]));
        out->mustaches_.emplace(Name{folder, language, *form, *kind}, std::move(*parsed));
    }

    bool check_names(const std::filesystem::path& file, const std::string& text) {
        const auto tags = tags_of(text);
        if (tags.has_error()) {
            complaints.add(at(file) + ":" + tags.error().what);
            return false;
        }
        for (const auto& tag : *tags)
            if (tag.kind != '!' && tag.kind != '>' && !known.contains(tag.name))
                complaints.add(fmt::format("{}:{}: {{{{{}}}}} is no known name", at(file), tag.line,
                                           tag.name));
        return true;
    }

    /// Partials are put in as text, so that a template is one piece when it is checked and rendered.
    void expand(const std::filesystem::path& file, std::string& text, const std::string& language) {
        for (int depth = 0; depth < 5; ++depth) {
            const auto open = text.find("{{>");
            if (open == text.npos) return;
            const auto close = text.find("}}", open);
            auto name = text.substr(open + 3, close - open - 3);
            std::erase(name, ' ');
            const auto found = partials.find(name + "." + language);
            if (found == partials.end())
                return complaints.add(
                    fmt::format("{}: no partials/{}.{}.mustache", at(file), name, language));
            text.replace(open, close + 2 - open, found->second);
            if (found->second.find("{{>") == text.npos) --depth;
        }
        complaints.add(at(file) + ": partials are nested too deep");
    }

    /// Whatever comes, there are words in every language.
    void complete() {
        for (const auto& [tag, language] : out->languages_) {
            for (const auto form : {Form::sms, Form::headline, Form::page})
                for (const auto kind : {Kind::publish, Kind::cancel, Kind::correct})
                    if (!out->mustaches_.contains(Name{"default", tag, form, kind}))
                        complaints.add(fmt::format(
                            "default: no {} for {} in {}", word(form),
                            std::array{"publish", "update", "cancel", "correct"}[std::size_t(kind)],
                            tag));
            const auto& words = out->words_[{"default", tag}];
            if (words.event.empty() || words.warning.empty())
                complaints.add(fmt::format("default/words.{}.toml: wants event and warning", tag));
            for (const auto level : {Level::blue, Level::yellow, Level::orange, Level::red}) {
                const auto& advice = words.by_level[std::size_t(level)];
                if (advice.advice.empty() || advice.brief.empty() || advice.guidance.empty())
                    complaints.add(
                        fmt::format("default/words.{}.toml: {} wants advice, brief and guidance",
                                    tag, word(level)));
            }
        }
    }

    std::string faults() const {
        std::string all;
        for (const auto& line : complaints.list()) all += (all.empty() ? "" : "\n") + line;
        return all;
    }
};

Result<std::shared_ptr<const Templates>> Templates::load(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return Fault{Cause::malformed, "no folder of templates at " + folder.string()};
    Loader loader{folder, {}, std::make_shared<Templates>(), {}};
    loader.languages();
    loader.out->events_.load(folder, loader.out->languages(), loader.complaints);
    loader.read_partials();
    loader.folders();
    loader.complete();
    if (!loader.complaints.list().empty()) return Fault{Cause::malformed, loader.faults()};
    return std::shared_ptr<const Templates>(std::move(loader.out));
}

}  // namespace tocsin::plan
