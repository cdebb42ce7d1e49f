#include "server/base/digest.hpp"
#include "server/cap/judge.hpp"
#include "server/cap/known.hpp"
#include "server/cap/report.hpp"
#include "server/cli/answers.hpp"

#include <iostream>

namespace tocsin::cli {
namespace {

/// What the earlier messages say about this one.
void compare(cap::Judged& judged, const std::vector<cap::Known>& before, std::string_view bytes) {
    auto found = cap::judge_known(*judged.alert, before, judged.lines, sha256_hex(bytes));
    const auto error = [](const auto& v) { return v.severity == cap::Weight::error; };
    if (std::ranges::any_of(found, error)) judged.alert.reset();
    std::ranges::move(found, std::back_inserter(judged.violations));
}

}  // namespace

int validate(const Context& context,
             const std::vector<std::string>& files,
             const std::string& known) {
    std::vector<cap::Known> before;
    if (!known.empty()) {
        const auto bytes = read_file(known);
        if (!bytes) return fail(context, bytes.error());
        auto judged = cap::judge(*bytes);
        if (!judged.alert)
            return fail(context,
                        Fault{Cause::malformed, known + " is no valid CAP message itself"});
        before.push_back({std::move(*judged.alert), sha256_hex(*bytes)});
    }
    bool all = true;
    for (const auto& file : files) {
        const auto bytes = read_input(file);
        if (!bytes) return fail(context, bytes.error());
        auto judged = cap::judge(*bytes);
        if (judged.alert && !before.empty()) compare(judged, before, *bytes);
        all = all && judged.valid();
        if (context.json)
            std::cout << cap::validate_json(file, judged) << "\n";
        else if (!context.quiet || !judged.valid())
            std::cout << cap::validate_text(file, judged);
    }
    return all ? done : refused;
}

}  // namespace tocsin::cli
