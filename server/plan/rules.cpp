#include "server/plan/rules.hpp"

#include "server/plan/events.hpp"
#include "server/plan/level.hpp"

namespace tocsin::plan {
namespace {

using cap::Weight;

class Check {
public:
    Check(const cap::Alert& alert, std::vector<cap::Violation>& out) : alert_(alert), out_(out) {}

    void each() {
        for (std::size_t i = 0; i < alert_.infos.size(); ++i) {
            const auto path = fmt::format("alert/info[{}]", i + 1);
            level(alert_.infos[i], path);
            instruction(alert_.infos[i], path);
            status(alert_.infos[i], path);
        }
    }
    void stale(const Plan& plan, const Plan& before);

private:
    void warn(const char* rule, std::string element, std::string message) {
        out_.push_back({rule, Weight::warning, 0, std::move(element), std::move(message)});
    }
    void level(const cap::Info& info, const std::string& path);
    void instruction(const cap::Info& info, const std::string& path);
    void status(const cap::Info& info, const std::string& path);

    const cap::Alert& alert_;
    std::vector<cap::Violation>& out_;
};

void Check::level(const cap::Info& info, const std::string& path) {
    const auto said = said_level(info);
    if (!said)
        return warn("level-unknown", path + "/severity",
                    "no level is said (severity, CN:severity or the headline): carried as blue");
    const auto severity = level_of_severity(info.severity);
    const auto words = level_in_words(info.headline);
    if (severity && severity != said)
        warn("level-mismatch", path + "/severity",
             fmt::format("severity {} means {}, but the alert's level is {}", word(info.severity),
                         word(*severity), word(*said)));
    if (words && words != said)
        warn("level-mismatch", path + "/headline",
             fmt::format("the headline says {}, but the alert's level is {}", word(*words),
                         word(*said)));
    const auto first = said_level(alert_.infos.front());
    if (first && first != said)
        warn("level-mismatch", path,
             fmt::format("this block says {}, the first one {}: all areas are warned at the graver",
                         word(*said), word(*first)));
}

void Check::instruction(const cap::Info& info, const std::string& path) {
    const bool grave =
        info.severity == cap::Severity::extreme || info.severity == cap::Severity::severe;
    if (grave && info.instruction.empty() && alert_.msg_type != cap::MsgType::cancel)
        warn("instruction-missing", path,
             "a severe warning that does not say what to do: the templates' advice goes out "
             "instead");
}

bool says_drill(const cap::Info& info) {
    for (const auto* text : {&info.headline, &info.description, &info.event}) {
        const auto low = " " + lower(*text) + " ";
        for (const auto* mark :
             {"演练", "【测试】", "测试信息", " exercise ", " exercise:", " drill ",
              " drill:", " test ", " test:", " test.", "this is a test"})
            if (low.find(mark) != low.npos) return true;
    }
    return false;
}

void Check::status(const cap::Info& info, const std::string& path) {
    const bool actual = alert_.status == cap::Status::actual, drill = says_drill(info);
    if (actual && drill)
        warn("status-words", path, "status is Actual, but the words speak of a drill or a test");
    if (!actual && !drill)
        warn("status-words", path,
             fmt::format("status is {}, but the words do not say so", word(alert_.status)));
}

void Check::stale(const Plan& plan, const Plan& before) {
    std::vector<std::string> same, other;
    for (const auto& was : before.spoken) {
        const auto now = std::ranges::find(plan.spoken, was.language, &Spoken::language);
        if (was.digest.empty()) continue;
        const bool unchanged =
            now == plan.spoken.end() || now->digest.empty() || now->digest == was.digest;
        (unchanged ? same : other).push_back(was.language);
    }
    if (same.empty() || other.empty()) return;
    warn("language-stale", "alert",
         fmt::format("the update changes {} and leaves {} as it was, or without words",
                     other.front(), same.front()));
}

}  // namespace

void check_words(const cap::Alert& alert,
                 const Plan& plan,
                 const Plan* before,
                 std::vector<cap::Violation>& out) {
    Check check(alert, out);
    check.each();
    if (before && alert.msg_type == cap::MsgType::update) check.stale(plan, *before);
}

}  // namespace tocsin::plan
